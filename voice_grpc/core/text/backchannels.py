"""What somebody says who only listens: "yeah", "I see", "mhm"; by language, as Whisper writes it.

A word stands here that listeners say more often than anybody answers with it. People change languages and a
recogniser guesses the language of half a second badly, so the words of every language count in each, but for
those that are an order in one (`orders.py`) or something else than a listener's word (`_AT_HOME`). Murmurs
are told by their letters, whatever was written.
"""

import re
from collections.abc import Sequence, Set
from functools import cache

from ..languages import listed_as
from .endings import words_of
from .orders import alike, is_listed

MOST_UNITS = 3
"""Of such words in a row that are a listener's: "yeah, yeah, I see"."""
MOST_UNSPACED = 4
"""The same where they are written without spaces: "うんうんうんうん"."""
LONGEST = 60
"""Characters beyond which nothing is looked at."""

BACKCHANNELS = {
    "en": "yeah, yea, yah, yes, yep, yup, ok, o.k, okay, okey, okey dokey, kay, right, sure, sure "
    "thing, wow, whoa, great, good, very good, nice, cool, fine, really, oh really, exactly, "
    "true, very true, so true, indeed, absolutely, definitely, totally, certainly, precisely, "
    "alright, all right, i see, i know, i understand, understood, i got it, got it, i got you, "
    "got you, got ya, gotcha, i hear you, of course, interesting, perfect, lovely, wonderful, "
    "amazing, awesome, brilliant, excellent, fantastic, sounds good, makes sense, that makes "
    "sense, fair enough, that's right, that's true, that's good, that's nice, that's great, "
    "you're right, go on, go ahead, carry on, keep going, oh my, oh no, oh wow",
    "ar": "نعم, أجل, أيوه, أيوا, آه, أها, أوكي, أوكيه, تمام, طيب, حسنا, صحيح, صح, بالضبط, بالتأكيد, "
    "أكيد, طبعا, فهمت, مفهوم, جيد, جميل, ممتاز, رائع, ماشي, حقا, والله, هم, همم, إيه, ما شاء "
    "الله, يا سلام, كويس, حلو",
    "cs": "ano, jo, jojo, no, no jo, no jasně, jasně, jasný, dobře, dobrá, fajn, přesně, přesně tak, "
    "rozumím, chápu, vím, aha, jistě, určitě, samozřejmě, opravdu, vážně, fakt, skvělé, super, "
    "výborně, pravda, to jo, hmm, oukej, tak jo, no dobře, no ano",
    "da": "ja, jo, jada, jaja, jamen ja, okay, okej, nå, nåh, nå ja, nå okay, nemlig, præcis, lige "
    "præcis, godt, fint, klart, selvfølgelig, det er klart, jeg forstår, forstået, javel, "
    "rigtigt, det er rigtigt, virkelig, sandt, super, fedt, aha, det gør det, netop, ja ja",
    "de": "ja, jaja, jo, jep, jap, genau, ganz genau, ach, ach so, achso, ach ja, aha, stimmt, das "
    "stimmt, klar, na klar, alles klar, gut, sehr gut, verstehe, ich verstehe, verstanden, okay, "
    "in ordnung, richtig, natürlich, sicher, wirklich, echt, schön, super, toll, prima, "
    "interessant, eben, ja klar, ja genau, gern, weiter, na gut, ich weiß, weiß ich",
    "es": "sí, si, vale, claro, claro que sí, ya, ya veo, ya sé, entiendo, entendido, comprendo, de "
    "acuerdo, está bien, muy bien, bien, bueno, exacto, exactamente, cierto, es cierto, es "
    "verdad, verdad, correcto, por supuesto, perfecto, genial, ajá, ah, ah sí, qué bien, qué "
    "bueno, interesante, okay, okey, en serio, así es, eso es, eso, sigue, continúa, dale, guay, "
    "desde luego, ya lo sé, lo sé",
    "fi": "joo, juu, jaa, jaha, jaaha, joojoo, kyllä, niin, niinpä, niin on, niin joo, aivan, aivan "
    "niin, selvä, okei, aha, ahaa, hyvä, hienoa, totta, totta kai, tietysti, ymmärrän, ihanko "
    "totta, vai niin, vai, mm, just, just niin, juuri niin, nimenomaan, mahtavaa, kiva, tosiaan, "
    "no niin",
    "fr": "oui, ouais, ouaip, mouais, ok, d'accord, voilà, bien, très bien, bien sûr, je vois, je "
    "comprends, compris, j'ai compris, exact, exactement, tout à fait, absolument, en effet, "
    "effectivement, c'est vrai, vrai, c'est ça, ça marche, entendu, ah bon, ah oui, ah d'accord, "
    "ah ok, ah, super, génial, parfait, bon, vraiment, ça va, intéressant, certes, évidemment, je "
    "sais, continue, continuez, tiens",
    "hi": "हाँ, हां, हा, हाँ जी, हां जी, जी, जी हाँ, जी हां, ठीक, ठीक है, अच्छा, अच्छा जी, सही, सही है, "
    "सही बात है, बिल्कुल, बिलकुल, समझ गया, समझ गई, समझा, समझी, हम्म, हम, हूँ, हूं, ओके, ओह, वाह, "
    "सच, सच में, ज़रूर, जरूर, बढ़िया, बहुत अच्छा, हाँ हाँ, हाँ ठीक है, अरे वाह, बहुत बढ़िया",
    "it": "sì, si, sì sì, certo, certamente, va bene, bene, molto bene, capisco, ho capito, capito, "
    "esatto, esattamente, giusto, vero, è vero, davvero, già, eh già, ah, ah sì, ah ok, ah ecco, "
    "ecco, ok, okay, d'accordo, perfetto, ottimo, bello, interessante, appunto, infatti, "
    "ovviamente, sicuro, come no, chiaro, lo so, va beh, vabbè, continua, ok va bene",
    "ja": "はい, ええ, うん, うーん, ん, んー, ふん, ふーん, ふうん, へえ, へー, へぇ, ほう, ほー, "
    "ほぉ, あー, ああ, あぁ, あっ, あ, おー, おお, えー, えっ, え, なるほど, なるほどね, "
    "なるほどですね, そう, そうそう, そうだね, そうだよね, そうですね, そうですか, そうですよね, "
    "そうなんだ, そうなんですね, そうなんですか, そうなの, そうか, そっか, そうっすね, 確かに, "
    "たしかに, ほんと, 本当, ほんとに, 本当に, 本当ですか, ほんとですか, マジ, マジで, まじで, "
    "すごい, すごいね, すごいですね, 凄い, いいね, いいですね, 了解, 了解です, わかりました, "
    "分かりました, わかった, 分かった, わかる, 分かる, オッケー, オーケー, もちろん, さすが, "
    "面白い, おもしろい, ですね, だね, だよね, ですよね, 続けて, ok",
    "ko": "네, 예, 넵, 넹, 응, 음, 흠, 으음, 으응, 어, 아, 오, 와, 우와, 그래, 그래요, 그렇군요, "
    "그렇군, 그렇구나, 그렇네요, 그렇지, 그렇죠, 그쵸, 그치, 그러게, 그러게요, 맞아, 맞아요, "
    "맞네, 맞습니다, 알겠어, 알겠어요, 알겠습니다, 알았어, 알았어요, 진짜, 진짜요, 정말, 정말요, "
    "아하, 오케이, 오키, 좋아, 좋아요, 좋네요, 물론, 물론이죠, 물론이지, 당연하지, 당연하죠, "
    "그럼요, 대박, 이해했어요, 계속해, 계속해요, 계속하세요, ok",
    "nl": "ja, jaja, jawel, jep, jup, jo, oké, oke, okee, okay, goed, heel goed, prima, precies, klopt, "
    "dat klopt, inderdaad, natuurlijk, tuurlijk, zeker, uiteraard, snap ik, ik snap het, ik "
    "begrijp het, begrepen, begrijp ik, juist, hè, ah, aha, oh ja, o ja, echt, echt waar, mooi, "
    "leuk, fijn, top, super, duidelijk, helder, is goed, dat is waar, ga door, logisch, "
    "interessant, ik weet het",
    "no": "ja, jo, jada, jaja, jepp, okei, ok, greit, den er grei, bra, fint, flott, nettopp, akkurat, "
    "riktig, det stemmer, stemmer, skjønner, jeg skjønner, forstår, jeg forstår, forstått, klart, "
    "selvfølgelig, selvsagt, sant, ikke sant, virkelig, javel, å ja, åja, å, aha, supert, kult, "
    "det er klart, nemlig",
    "pl": "tak, tak tak, no, no tak, no jasne, jasne, pewnie, dobrze, dobra, okej, ok, aha, acha, yhm, "
    "mhm, ehe, rozumiem, zrozumiałem, zrozumiałam, dokładnie, właśnie, no właśnie, oczywiście, "
    "racja, masz rację, prawda, naprawdę, serio, super, świetnie, fajnie, spoko, w porządku, "
    "wiem, zgadza się, ach tak, a tak, owszem",
    "pt": "sim, sim sim, é, é isso, é verdade, tá, tá bom, tá bem, tá certo, está bem, está bom, pois, "
    "pois é, pois sim, claro, claro que sim, certo, entendi, entendo, percebo, percebi, "
    "compreendo, isso, isso mesmo, exato, exatamente, ok, beleza, legal, bom, muito bem, "
    "perfeito, com certeza, verdade, sério, ah, ah sim, aham, uhum, hã hã, ótimo, fixe, bacana, "
    "ah é, sei, eu sei, de acordo",
    "ru": "да, да да, ага, угу, мгм, м, мм, хм, ммм, ну да, так, понятно, понял, поняла, понимаю, ясно, "
    "хорошо, ладно, окей, ок, конечно, точно, верно, правильно, правда, это правда, "
    "действительно, именно, здорово, классно, круто, отлично, супер, интересно, ничего себе, вот "
    "как, вот оно что, разумеется, согласен, согласна, ого, ух ты, а, о, а понятно, продолжай, "
    "продолжайте, ну понятно, всё понятно, все понятно",
    "sv": "ja, jaa, jo, jodå, jaha, jaså, japp, ja just det, just det, just så, precis, exakt, okej, "
    "ok, bra, mycket bra, fint, självklart, naturligtvis, såklart, absolut, visst, javisst, "
    "förstår, jag förstår, jag fattar, fattar, uppfattat, stämmer, det stämmer, sant, det är "
    "sant, verkligen, aha, åh, nähä, jovisst, kul, toppen, håller med, jag vet, är det sant",
    "tr": "evet, hı hı, hıhı, hı, ıhı, hım, hmm, he, hee, tamam, tamamdır, peki, tabii, tabi, tabii ki, "
    "elbette, anladım, anlıyorum, doğru, aynen, aynen öyle, kesinlikle, haklısın, haklısınız, "
    "güzel, çok güzel, iyi, çok iyi, harika, süper, öyle mi, öyle, gerçekten, gerçekten mi, olur, "
    "oldu, ya öyle mi, hadi ya, vay, vay be, ha, haa, biliyorum, devam et, okey",
    "uk": "так, так так, ага, угу, мгм, м, мм, хм, ну так, авжеж, зрозуміло, зрозумів, зрозуміла, "
    "розумію, ясно, добре, гаразд, окей, ок, звичайно, звісно, точно, вірно, правильно, правда, "
    "справді, саме так, дійсно, чудово, класно, круто, супер, цікаво, нічого собі, он як, ого, а, "
    "о, еге, еге ж, продовжуй, продовжуйте",
    "zh": "嗯, 嗯哼, 哦, 噢, 喔, 哇, 啊, 唔, 呃, 哎, 欸, 对, 對, 对啊, 對啊, 对呀, 對呀, 对的, 對的, "
    "对吧, 是, 是的, 是啊, 是呀, 是吗, 是嗎, 是吧, 好, 好的, 好吧, 好啊, 好呀, 行, 可以, 没错, "
    "沒錯, 明白, 明白了, 我明白, 我明白了, 知道了, 我知道, 我知道了, 懂了, 我懂, 我懂了, 了解, "
    "瞭解, 当然, 當然, 真的, 真的吗, 真的嗎, 这样啊, 這樣啊, 这样, 這樣, 原来如此, 原來如此, "
    "原来是这样, 原來是這樣, 不错, 不錯, 有道理, 有意思, 厉害, 厲害, 太好了, 收到, 确实, 確實, "
    "继续, 繼續, 就是, 也是, ok",
}
"""By the language's ISO 639-1 code: the words, between commas."""

_AT_HOME = {"cs": "no, no jo", "no": "bra, å", "pl": "no", "sv": "bra", "tr": "he, hı, hı hı, hıhı, hım, ıhı"}
"""Words that mean something else in another language, so that they count in their own alone."""

_MEANT = {"en": "legal, sim, toll", "fr": "fixe", "it": "sei, prima, fine", "pl": "ja", "pt": "um"}
"""Words that listeners of another language say, or that look like a murmur, and that mean something in this
one: a number, who, or what somebody chooses."""

_INVITATIONS = (
    "go on, go ahead, carry on, keep going, weiter, sigue, continúa, continue, continuez, continua, ga door, "
    "продолжай, продолжайте, продовжуй, продовжуйте, devam et, "
    "続けて, 계속해, 계속해요, 계속하세요, 继续, 繼續"
)
"""Listeners' words that ask for more once the answer is over."""

_MISHEARD = "i c, icy, eye see, aye see, i sea, ic, k, write, rite, shore, ya, yeh, jeah, a ha, ah hah, o k"
"""What Whisper makes of listeners' words of English that are said in half a second ("I see", "right").
Nobody stops an answer with one of these."""

_MURMUR = re.compile(
    "m+|n|h+m+|m+h+m*|u+h+|u+m+|u+h+m+|h+u+h+|a+h+|a+h+a+|h+a+h*|o+h+|o|e+h+|h+e+h+|n+h+|nn+|hmph|mph"
)
"""One sound of a closed or an open mouth, without a consonant that would make it a word."""
_REFUSALS = {"uh uh", "nuh uh", "n uh", "n"}
"""Murmurs that say no, and a letter alone."""

_UNSPACED = ("ja", "ko", "zh")
"""Languages whose listeners' words are written one behind the other."""


def is_backchannel(text: str, language: str = "") -> bool:
    """A word or two that only say that somebody listens. `language`: BCP 47; empty: it is not known."""
    if len(text) > LONGEST:
        return False
    spoken = alike(" ".join(words_of(text)))
    code = listed_as(language)
    listed = _listed_in(code if code in BACKCHANNELS else "")
    forms = {
        spoken,
        *(re.sub(r"(\w)\1{2,}", kept, spoken) for kept in (r"\1", r"\1\1")),
        spoken.replace("ー", ""),
    }
    return spoken not in _REFUSALS | _set(_MEANT.get(code, "")) and any(
        _is_made_of(form.split(), listed, " ", MOST_UNITS)
        or _is_made_of(form.replace(" ", ""), _unspaced(), "", MOST_UNSPACED)
        for form in forms
    )


def is_invitation(text: str) -> bool:
    """Of listeners' words: those that ask for more once the answer is over ("go on")."""
    return alike(" ".join(words_of(text))) in _set(_INVITATIONS)


def _is_made_of(parts: Sequence[str], units: Set[str], between: str, most: int) -> bool:
    """`parts`, words or signs, are one to `most` units or murmurs."""
    for length in range(1, min(len(parts), _LONGEST_UNIT) + 1):
        unit, rest = between.join(parts[:length]), parts[length:]
        is_unit = unit in units or (between and _MURMUR.fullmatch(unit) is not None)
        if is_unit and (not rest or (most > 1 and _is_made_of(rest, units, between, most - 1))):
            return True
    return False


_LONGEST_UNIT = 12
"""Words of one in a language with spaces, signs in one without."""


def _set(words: str) -> set[str]:
    return {alike(" ".join(words_of(each))) for each in words.split(",")}


@cache
def _unspaced() -> frozenset[str]:
    return frozenset(word.replace(" ", "") for code in _UNSPACED for word in _set(BACKCHANNELS[code]))


@cache
def _listed_in(code: str) -> frozenset[str]:
    """What counts in that language; empty: in one that is not known."""
    at_home = {word for words in _AT_HOME.values() for word in _set(words)}
    told = {word for words in BACKCHANNELS.values() for word in _set(words)}
    everywhere = {word for word in told if word not in at_home and not is_listed(word)}
    return frozenset(everywhere | _set(_MISHEARD) | (_set(BACKCHANNELS[code]) if code else set()))
