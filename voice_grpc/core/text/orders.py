"""Words with which somebody takes the turn at once, by language: "stop", "wait", "no", "what?".

They count before the sentence is whole, so each is one that nothing harmless begins with more often than it.
"""

from ..languages import listed_as
from .endings import words_of

ORDERS = {
    "en": "stop, wait, no, hold on, hang on, quiet, be quiet, shut up, enough, cancel, never mind, "
    "excuse me, listen, pause, one moment, just a moment, one second, just a second, hold it, "
    "what, sorry, pardon, nope",
    "ar": "توقف, توقفي, قف, انتظر, انتظري, استنى, لحظة, لا, كفى, كفاية, يكفي, بس, خلاص, اسكت, اسكتي, "
    "صمتا, ماذا, عفوا, معذرة, آسف, إلغاء, دقيقة, ثانية",
    "cs": "stop, stůj, zastav, počkej, počkejte, čekej, ne, dost, ticho, moment, moment prosím, zrušit, "
    "zruš, přestaň, přestaňte, pardon, promiň, promiňte, co, cože, okamžik, chvilku, chvíli, "
    "pauza, vydrž",
    "da": "stop, vent, nej, hold op, stille, vær stille, ti stille, nok, det er nok, undskyld, hvad "
    "siger du, hvabehar, et øjeblik, øjeblik, lige et øjeblik, annuller, pause, vent lige",
    "de": "stopp, stop, halt, warte, warten sie, moment, nein, ruhe, still, genug, schluss, abbrechen, "
    "was, wie bitte, entschuldigung, pause, hör auf, hören sie auf, nee, aufhören, einen moment, "
    "sekunde",
    "es": "para, pare, alto, espera, espere, espérate, no, basta, silencio, cállate, cancela, cancelar, "
    "qué dices, qué has dicho, perdón, perdona, disculpa, un momento, un segundo, detente, stop, "
    "pausa",
    "fi": "seis, stop, odota, odottakaa, hetki, hetkinen, ei, lopeta, lopettakaa, hiljaa, riittää, "
    "peruuta, mitä, anteeksi, pysähdy, tauko, ole hiljaa, sekunti",
    "fr": "stop, arrête, arrêtez, attends, attendez, non, assez, ça suffit, silence, tais-toi, "
    "taisez-vous, annule, annulez, quoi, comment, pardon, pause, un instant, un moment, une "
    "seconde, une minute",
    "hi": "रुको, रुकिए, रुकिये, रुक जाओ, रुक जाइए, ठहरो, ठहरिए, बस, बस करो, नहीं, बंद करो, बंद कीजिए, "
    "चुप, चुप रहो, एक मिनट, एक सेकंड, एक क्षण, क्या, माफ़ कीजिए, माफ कीजिए, सुनो, सुनिए, रद्द "
    "करो, स्टॉप",
    "it": "ferma, fermati, fermo, basta, aspetta, aspetti, aspettate, no, silenzio, zitto, zitta, "
    "annulla, cosa, che cosa, come scusa, scusa, scusi, un attimo, un momento, un secondo, stop, "
    "alt, pausa",
    "ja": "ストップ, 止めて, 止まって, とめて, とまって, やめて, 待って, まって, ちょっと待って, "
    "ちょっとまって, 待った, お待ち, いや, いいえ, 違う, 違います, ちがう, ちがいます, もういい, "
    "もう結構, 静かに, うるさい, 黙って, すみません, ちょっと, ごめん, 何, 何て, なに, なんて, "
    "何ですか, キャンセル, もう一度, 一時停止",
    "ko": "그만, 그만해, 그만해요, 그만하세요, 멈춰, 멈춰요, 멈추세요, 정지, 스톱, 스탑, 잠깐, 잠깐만, "
    "잠깐만요, 잠시만, 잠시만요, 기다려, 기다려요, 기다리세요, 아니, 아니요, 아니오, 아뇨, "
    "아니야, 조용, 조용히, 됐어, 됐어요, 뭐, 뭐라고, 뭐라고요, 뭐요, 저기요, 죄송한데, "
    "죄송하지만, 취소, 취소해, 일시정지",
    "nl": "stop, wacht, wacht even, nee, neen, hou op, houd op, stil, wees stil, hou je mond, genoeg, "
    "annuleer, annuleren, moment, een moment, momentje, ogenblik, een ogenblik, sorry, pardon, "
    "wat zeg je, pauze, ho, luister",
    "no": "stopp, stop, vent, nei, hold opp, slutt, stille, vær stille, ti stille, hold kjeft, nok, det "
    "holder, unnskyld, hva, hva sa du, et øyeblikk, øyeblikk, avbryt, pause, vent litt",
    "pl": "stop, stój, czekaj, poczekaj, zaczekaj, proszę czekać, nie, dość, dosyć, wystarczy, cicho, "
    "cisza, przestań, zatrzymaj się, anuluj, moment, momencik, chwila, chwileczkę, chwilę, "
    "przepraszam, co, słucham, pauza, zaraz",
    "pt": "para, pare, pára, espera, espere, espera aí, peraí, calma, não, chega, basta, silêncio, "
    "cala-te, cala a boca, cancela, cancelar, o quê, o que, como assim, desculpe, desculpa, "
    "perdão, um momento, um segundo, um instante, stop, pausa",
    "ru": "стоп, стой, стойте, подожди, подождите, погоди, погодите, постой, постойте, нет, хватит, "
    "достаточно, тихо, тише, молчи, замолчи, замолчите, помолчи, перестань, прекрати, прекратите, "
    "отмена, отмени, минуту, минутку, секунду, секундочку, одну минуту, что, чего, извини, "
    "извините, простите, прости, пауза",
    "sv": "stopp, stop, stanna, vänta, vänta lite, nej, sluta, tyst, var tyst, håll tyst, nog, det "
    "räcker, räcker, avbryt, förlåt, ursäkta, vad sa du, ett ögonblick, ögonblick, en sekund, "
    "paus, lägg av",
    "tr": "dur, durun, dursana, bekle, bekleyin, bir dakika, bir saniye, bi dakika, bi saniye, hayır, "
    "sus, susun, sessiz, sessiz ol, yeter, kes, iptal, iptal et, ne dedin, efendim, pardon, "
    "affedersin, affedersiniz, özür dilerim, stop, bırak",
    "uk": "стоп, стій, стійте, зачекай, зачекайте, почекай, почекайте, чекай, чекайте, ні, досить, "
    "годі, тихо, мовчи, замовкни, перестань, припини, припиніть, скасуй, скасувати, хвилинку, "
    "хвилину, секунду, секундочку, що, вибач, вибачте, пробач, перепрошую, пауза",
    "zh": "停, 停下, 停下来, 停下來, 停一下, 别说了, 別說了, 等等, 等一下, 等一等, 等会, 等會, 稍等, "
    "慢着, 不, 不要, 不是, 不对, 不對, 不用, 够了, 夠了, 安静, 安靜, 闭嘴, 閉嘴, 打住, 取消, "
    "什么, 什麼, 啥, 抱歉, 不好意思, 对不起, 對不起, 暂停, 暫停, 听我说, 聽我說, 先别, 先別",
}
"""By the language's ISO 639-1 code, between commas."""

UNSPACED = {"ja": 3, "zh": 2}
"""Languages written without spaces: an order is how the text begins, or all of it if it has fewer signs."""

_ALIKE = str.maketrans("أإآٱىةı", "اااايهi", "".join(map(chr, range(0x64B, 0x653))) + "\u0307\u0640")
"""Letters that one writer sets and another does not: the hamza of an alif, vowel marks, a dotless i in
capitals (which have no small letter of their own outside of Turkish)."""


def alike(words: str) -> str:
    """As whoever spells it plainly would write it."""
    return words.translate(_ALIKE)


def _spoken(text: str) -> tuple[str, ...]:
    return tuple(words_of(alike(" ".join(words_of(text)))))


_FIRST_WORDS = {
    code: frozenset(_spoken(order) for order in listed.split(",")) for code, listed in ORDERS.items()
}
_LONGEST = max(len(order) for orders in _FIRST_WORDS.values() for order in orders)
_ALL = frozenset().union(*_FIRST_WORDS.values())


def begins_with_order(text: str, language: str = "") -> bool:
    """Where the language is not known English counts; one without a list has none."""
    words, code = _spoken(text), listed_as(language) or "en"
    orders = _FIRST_WORDS.get(code, frozenset())
    if code in UNSPACED:
        return bool(words) and _begins_unspaced(words[0], orders, UNSPACED[code])
    return any(words[:length] in orders for length in range(1, _LONGEST + 1))


def _begins_unspaced(first: str, orders: frozenset[tuple[str, ...]], shortest: int) -> bool:
    return any(first.startswith(order) if len(order) >= shortest else first == order for (order,) in orders)


def is_listed(text: str) -> bool:
    """Whether it is an order in any language."""
    return _spoken(text) in _ALL
