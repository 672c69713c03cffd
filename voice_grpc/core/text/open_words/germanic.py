"""Germanic languages."""

from .lists import WordLists, cues, phrases, words

GERMANIC = {
    "en": WordLists(
        open=words(
            "a an the my your his its our their of to from with without into onto upon among towards toward "
            "until than as and or but nor because if whether although unless whose i we they he she you'd "
            "i'd i'm i've we're they're he's she's it's that's there's what's who's i'll we'll you'll he'll "
            "she'll they'll very every via per mr mrs ms dr let's"
        ),
        loose=words(
            "in on at by for about over under between through during against since despite where is are was "
            "were am be been being has have had does did will would shall should can could may might must "
            "not don't can't won't also just some any each another what how her which who when while though "
            "quite really called named like"
        ),
        whole=phrases(
            "yes i am, no i'm not, i'm not, yes it is, no it's not, no i don't, no i can't, no i won't, yes "
            "i have, of course not, why not, not really, for a while, come on, so what"
        ),
        fillers=phrases(
            "um, uh, er, erm, hmm, hm, mm, uhm, let me see, let me think, let's see, kind of, sort of, how "
            "do you say, what's it called, one moment, hold on, give me a second, just a second"
        ),
        particles=phrases("like, you know, i mean, well, so, anyway"),
        digits=words(
            "zero oh one two three four five six seven eight nine double triple dot at dash slash underscore"
        ),
        joiners=words("dot underscore slash"),
        long_cues=cues(
            "number*, address*, e-mail, email, spell*, code, card, account, tell me more, tell me about, "
            "describe, explain, what happened, how come, why, in your own words, how was"
        ),
    ),
    "de": WordLists(
        open=words(
            "der die den dem des eine einen einem einer eines mein meinen meinem meiner dein deinen deinem "
            "deiner unser unsere im am vom zum zur beim ins für von gegen ohne zwischen während wegen trotz "
            "als wie und oder aber denn weil dass ob wenn obwohl bevor nachdem sehr kein dr"
        ),
        loose=words(
            "das ein in an auf aus bei mit nach zu um über unter vor hinter neben durch seit damit ich wir "
            "er es man ihr ihre sein seine meine deine keine keinen jede jeder jedes diese dieser dieses ist "
            "sind war waren bin bist hat habe haben hatte wird werden wurde kann können könnte muss müssen "
            "soll sollte will würde möchte darf ganz noch nur"
        ),
        whole=phrases(
            "mach das, das ist es, das war es, immer noch, ab und zu, nur zu, das kann sein, stimmt das, "
            "danke sehr, bitte sehr"
        ),
        fillers=phrases(
            "äh, ähm, öh, hm, hmm, wie sagt man, mal sehen, moment, einen moment, lass mich überlegen, "
            "sozusagen"
        ),
        particles=phrases("also, na ja, naja, tja, halt, so, weißt du, ich mein"),
        digits=words(
            "null eins zwei zwo drei vier fünf sechs sieben acht neun punkt minus strich schrägstrich "
            "unterstrich bindestrich klammeraffe at"
        ),
        joiners=words("unterstrich bindestrich schrägstrich klammeraffe at"),
        long_cues=cues(
            "nummer*, telefonnummer*, kundennummer*, handynummer*, adresse*, e-mail*, email*, buchstabier*, "
            "code, konto*, erzähl*, beschreib*, erklär*, was ist passiert, warum, wieso, weshalb"
        ),
    ),
    "nl": WordLists(
        open=words(
            "de een mijn jouw zijn haar ons onze hun van voor met zonder tussen tegen tijdens naast vanwege "
            "ondanks en of maar want omdat dat als terwijl hoewel voordat nadat totdat zodat dan ik we wij "
            "ze zij je elke iedere geen deze heel erg dr"
        ),
        loose=words(
            "in op aan bij uit om over onder na naar door tot sinds te er het die dit is was ben bent waren "
            "heb hebt heeft hebben had kan kun kunnen moet moeten wil wilt zal zou zouden word wordt worden "
            "mag niet ook nog alleen heet waar wat hoe wie"
        ),
        whole=phrases(
            "half een, om een, "
            "dat is het, doe maar, zo is het, waarom niet, nog niet, ik ook, dat weet ik niet, liever niet, "
            "doe dat, kom op, ik kom eraan, dat kan"
        ),
        fillers=phrases(
            "eh, ehm, uh, uhm, um, hm, hmm, hoe zeg je dat, even denken, even kijken, laat me denken, "
            "momentje, een momentje, zeg maar"
        ),
        particles=phrases("dus, nou, tja, nou ja, weet je, zo, eigenlijk, ik bedoel"),
        digits=words(
            "nul een één twee drie vier vijf zes zeven acht negen punt apenstaartje streepje koppelteken "
            "underscore liggend"
        ),
        joiners=words("apenstaartje koppelteken underscore"),
        long_cues=cues(
            "nummer*, telefoonnummer*, adres*, e-mail*, email*, spel*, code, rekening*, kaart*, vertel*, "
            "beschrijf*, leg uit, uitleggen, waarom, hoezo, wat is er gebeurd"
        ),
    ),
    "sv": WordLists(
        open=words(
            "en ett min mitt mina din ditt dina sin sitt vår vårt hans hennes deras av från till med utan "
            "för mellan mot under trots och eller men eftersom att om än när fast innan jag vi de han hon "
            "varje någon inget mycket"
        ),
        loose=words(
            "i på vid åt över efter genom hos den det är var har hade kan kunde ska skulle vill måste bör "
            "får inte också bara som där vad hur vem heter ganska"
        ),
        whole=phrases(
            "klockan ett, "
            "det är det, jag också, inte än, varför inte, kom igen, så är det, vad är det, jag vet inte, "
            "det gör jag, vad var det, tack för det, vad kul det var, så mycket"
        ),
        fillers=phrases(
            "snabel a, "
            "eh, öh, öhm, ehm, hm, hmm, um, vad heter det, låt mig se, låt mig tänka, ett ögonblick, vänta "
            "lite, så att säga, ska vi se"
        ),
        particles=phrases("alltså, liksom, typ, ja alltså, du vet, så, nå, jo"),
        digits=words("noll ett en två tre fyra fem sex sju åtta nio punkt bindestreck understreck"),
        joiners=words("bindestreck understreck"),
        long_cues=cues(
            "nummer*, telefonnummer*, adress*, e-post*, mejl*, stava*, bokstavera*, kod, konto*, kort*, "
            "berätta*, beskriv*, förklara*, varför, vad hände"
        ),
    ),
    "da": WordLists(
        open=words(
            "en et min mit mine din dit dine sin sit vores hans hendes deres af fra til uden for mellem mod "
            "under trods og eller men fordi at hvis end når selvom inden jeg vi de han hun hver nogle ingen "
            "meget"
        ),
        loose=words(
            "i på ved over efter gennem hos med om den det er var har havde kan kunne skal skulle vil ville "
            "må bør ikke også kun som der hvad hvor hvordan hvem hedder ret"
        ),
        whole=phrases(
            "klokken et, "
            "det er det, også mig, ikke endnu, hvorfor ikke, kom nu, sådan er det, jeg ved det ikke, det "
            "gør jeg, tak for det, det kan jeg godt, hvad er det, så meget"
        ),
        fillers=phrases(
            "snabel a, "
            "øh, øhm, eh, hm, hmm, um, hvad hedder det, lad mig se, lad mig tænke, et øjeblik, så at sige, "
            "lige et øjeblik, lad os se"
        ),
        particles=phrases("altså, ligesom, du ved, så, nå, jo, jamen"),
        digits=words("nul en et to tre fire fem seks syv otte ni punktum bindestreg underscore"),
        joiners=words("bindestreg underscore"),
        long_cues=cues(
            "nummer*, telefonnummer*, adresse*, e-mail*, email*, stav*, kode, konto*, kort*, fortæl*, "
            "beskriv*, forklar*, hvorfor, hvad skete"
        ),
    ),
    "no": WordLists(
        open=words(
            "en et ei min mitt mine din ditt dine sin sitt vår vårt hans hennes deres av fra til uten for "
            "mellom mot under og eller men fordi at hvis enn når selv før jeg vi de han hun hver noen ingen "
            "veldig"
        ),
        loose=words(
            "i på ved over etter gjennom hos med om den det er var har hadde kan kunne skal skulle vil "
            "ville må bør ikke også bare som der hva hvor hvordan hvem heter ganske"
        ),
        whole=phrases(
            "det er det, jeg også, ikke ennå, hvorfor ikke, kom igjen, sånn er det, jeg vet ikke, det gjør "
            "jeg, takk for det, det kan jeg, hva er det"
        ),
        fillers=phrases(
            "øh, øhm, eh, ehm, hm, hmm, um, hva heter det, la meg se, la meg tenke, et øyeblikk, så å si, "
            "skal vi se, vent litt"
        ),
        particles=phrases("altså, liksom, på en måte, vet du, så, nå, jo, tja"),
        digits=words(
            "null en ett to tre fire fem seks sju syv åtte ni punktum krøllalfa bindestrek understrek"
        ),
        joiners=words("krøllalfa bindestrek understrek"),
        long_cues=cues(
            "nummer*, telefonnummer*, adresse*, e-post*, epost*, stav*, bokstaver*, kode, konto*, kort*, "
            "fortell*, beskriv*, forklar*, hvorfor, hva skjedde"
        ),
    ),
}
