"""Slavic languages."""

from .lists import WordLists, cues, phrases, words

SLAVIC = {
    "cs": WordLists(
        open=words(
            "v ve z ze k ke do od na po o u při bez pro pod nad před mezi přes a i ale nebo anebo že aby "
            "protože když pokud jestli ačkoli který která které kterou velmi každý každá můj moje mého mojí "
            "tvůj tvoje náš naše"
        ),
        loose=words(
            "s za je jsou jsem jsi byl byla bylo být mám má mít můžu může chci chce musím musí budu bude ne "
            "také taky jen jenom jak kde kdo co jeho její ten ta to nějaký nějaká jmenuji se"
        ),
        whole=phrases(
            "já taky, ještě ne, zatím ne, co to je, to je ono, proč ne, pojď sem, já ne, to je ono, jak se "
            "máš, to ne, jak to, jak se má, děkuji velmi"
        ),
        fillers=phrases(
            "ehm, eee, hm, hmm, e, eh, jak se to řekne, nech mě přemýšlet, moment, okamžik, počkej, jak "
            "bych to řekl, ukaž"
        ),
        particles=phrases("no, takže, tedy, prostě, víš, jako, teda"),
        digits=words(
            "nula jedna jeden dva dvě tři čtyři pět šest sedm osm devět tečka zavináč pomlčka podtržítko"
        ),
        joiners=words("zavináč pomlčka podtržítko"),
        long_cues=cues(
            "číslo, čísla, adres*, e-mail*, email*, mail*, hláskuj*, vyhláskuj*, písmenk*, kód, účet, účtu, "
            "kart*, řekni mi víc, vyprávěj*, popiš*, vysvětl*, proč, co se stalo"
        ),
    ),
    "pl": WordLists(
        open=words(
            "w we z ze do od na po o u przy przez bez dla pod nad przed między oraz i a ale lub albo czy że "
            "żeby bo ponieważ gdy kiedy jeśli jeżeli chociaż który która które których bardzo każdy każda "
            "mój moja moje mojego mojej mojemu twój twoja nasz nasza"
        ),
        loose=words(
            "za jest są był była było być mam ma mieć mogę może chcę chce muszę trzeba będę będzie nie też "
            "także tylko jak gdzie kto co jego jej ich ten ta to jakiś jakaś więc nazywam się"
        ),
        whole=phrases(
            "ja też, jeszcze nie, na razie, co to jest, to jest to, chodź tu, dlaczego nie, ja nie, wcale "
            "nie, nie ma, jak to, jak się masz, nie wiem co, dziękuję bardzo, dzięki bardzo, proszę bardzo, "
            "nie bardzo"
        ),
        fillers=phrases(
            "yyy, eee, y, hm, hmm, ee, e, no wiesz, jak to się mówi, niech pomyślę, zaraz, chwileczkę, "
            "moment, jak to powiedzieć, niech no zobaczę"
        ),
        particles=phrases("no, więc, znaczy, wiesz, to znaczy, tak jakby, no więc"),
        digits=words(
            "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć kropka małpa myślnik podkreślnik"
        ),
        joiners=words("małpa myślnik podkreślnik"),
        long_cues=cues(
            "numer*, adres*, e-mail*, email*, mail*, przeliter*, literuj*, kod, konto, konta, karta, karty, "
            "opowie*, opisz, opisać, wyjaśni*, dlaczego, czemu, co się stało"
        ),
    ),
    "ru": WordLists(
        open=words(
            "в во с со к ко до от на по о об у при через без для под над перед между из за и а но или что "
            "чтобы потому если когда хотя который которая которое которые очень каждый каждая мой моя моё "
            "мою моего моей твой наш наша"
        ),
        loose=words(
            "это был была было быть есть могу может хочу хочет надо нужно буду будет не тоже также только "
            "как где кто его её ее их этот эта какой какая зовут ещё еще"
        ),
        whole=phrases(
            "я тоже, ещё нет, еще нет, пока не надо, что это, почему бы и нет, как это, не надо, так и "
            "есть, ну и что, вот и всё, что ещё, что еще, да и нет, не нужно, всё что нужно, а что, не "
            "очень"
        ),
        fillers=phrases(
            "э, эм, ээ, эээ, мм, ммм, хм, гм, как это сказать, как бы это сказать, дай подумать, дайте "
            "подумать, секунду, минутку, сейчас, так сказать"
        ),
        particles=phrases("ну, вот, значит, типа, короче, понимаешь, знаешь, в общем, так"),
        digits=words(
            "ноль один два три четыре пять шесть семь восемь девять точка собака тире дефис подчёркивание "
            "подчеркивание"
        ),
        joiners=words("собака тире дефис подчёркивание подчеркивание"),
        long_cues=cues(
            "номер*, адрес*, e-mail*, email*, имейл*, почт*, по буквам, код, счёт, счет, карт*, расскаж*, "
            "опиш*, объясн*, почему, зачем, что случилось, что произошло"
        ),
    ),
    "uk": WordLists(
        open=words(
            "в у з із зі до від на по о об при через без для під над перед між за і й та а але або чи що "
            "щоб бо тому якщо коли хоча який яка яке які дуже кожен кожна мій моя моє мою мого моєї твій "
            "наш наша"
        ),
        loose=words(
            "це був була було бути є можу може хочу хоче треба потрібно буду буде не теж також тільки як де "
            "хто його її їх цей ця якийсь звати ще"
        ),
        whole=phrases(
            "я теж, ще ні, поки що, що це, чому б і ні, як це, не треба, так і є, ну і що, от і все, що ще, "
            "не потрібно, а що, я й, не дуже"
        ),
        fillers=phrases(
            "е, ем, еее, мм, ммм, хм, гм, як це сказати, як би це сказати, дай подумати, дайте подумати, "
            "секунду, хвилинку, зараз, так би мовити"
        ),
        particles=phrases("ну, от, значить, типу, коротше, розумієш, знаєш, загалом"),
        digits=words(
            "нуль один два три чотири п'ять шість сім вісім дев'ять крапка равлик тире дефіс підкреслення"
        ),
        joiners=words("равлик тире дефіс підкреслення"),
        long_cues=cues(
            "номер*, адрес*, e-mail*, email*, імейл*, пошт*, по літерах, код, рахун*, карт*, розкаж*, "
            "розповід*, опиш*, поясн*, чому, навіщо, що сталося, що трапилося"
        ),
    ),
}
