"""How the words of a turn end: what a listener can tell from them alone, and what a question asks for.

Lists of words that leave a sentence open (articles, prepositions, conjunctions, possessives, auxiliaries:
the closed classes of each grammar) and of sounds with which people keep their turn. Languages without a list
say nothing, rather than something wrong. A final full stop is no evidence: a recogniser writes one behind
half a sentence too. A question mark is some: it is written where the words ask ("where are you from?").
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from ..languages import primary


class TextEnding(Enum):
    UNKNOWN = "unknown"
    """No words yet, or of a language without a list."""
    CLOSED = "closed"
    """Nothing about the last words asks for more."""
    LOOSE = "loose"
    """The last word seldom ends a sentence: "on", "is"."""
    OPEN = "open"
    """The last word wants another one: "the", "of", "because"."""
    FILLER = "filler"
    """A sound that keeps the turn: "um", "let me see"."""
    SPELLED = "spelled"
    """Digits, letters or parts of an address, said one by one."""


class Expectation(Enum):
    """What the assistant's last words lead one to expect of the user."""

    NOTHING = "nothing"
    SHORT = "short"
    """A question that a word or two may answer."""
    LONG = "long"
    """One that asks for a story, or for something to be spelled."""


@dataclass(frozen=True, slots=True)
class _Lists:
    open: frozenset[str]
    """Words that no sentence ends with."""
    loose: frozenset[str]
    """Words that seldom end one: "turn it on", "yes, I am"."""
    whole: frozenset[str]
    """Phrases that end one, whatever their last word does elsewhere."""
    fillers: frozenset[str]
    """Of one word or more."""
    particles: frozenset[str]
    """Fillers where they stand alone or apart: "well" of "it was, well", not of "very well"."""
    digits: frozenset[str]
    joiners: frozenset[str]
    """Between the parts of an address, and nowhere else."""
    long_cues: re.Pattern[str]
    """In a question: what it asks for takes several pauses."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.casefold().split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.casefold().split(","))


def _cues(text: str) -> re.Pattern[str]:
    """Whole words; `*` stands for any ending."""
    found = (re.escape(part).replace(r"\*", r"\w*") for part in sorted(_phrases(text)))
    return re.compile(rf"\b(?:{'|'.join(found)})(?!\w)")


_LISTS = {
    "en": _Lists(
        open=_set(
            "a an the my your his its our their of to from with without into onto upon among towards toward "
            "until than as and or but nor because if whether although unless whose i we they he she you'd "
            "i'd i'm i've we're they're he's she's it's that's there's what's who's i'll we'll you'll he'll "
            "she'll they'll very every via per mr mrs ms dr let's"
        ),
        loose=_set(
            "in on at by for about over under between through during against since despite where is are was "
            "were am be been being has have had does did will would shall should can could may might must "
            "not don't can't won't also just some any each another what how her which who when while though "
            "quite really called named like"
        ),
        whole=_phrases(
            "yes i am, no i'm not, i'm not, yes it is, no it's not, no i don't, no i can't, no i won't, yes "
            "i have, of course not, why not, not really, for a while, come on, so what"
        ),
        fillers=_phrases(
            "um, uh, er, erm, hmm, hm, mm, uhm, let me see, let me think, let's see, kind of, sort of, how "
            "do you say, what's it called, one moment, hold on, give me a second, just a second"
        ),
        particles=_phrases("like, you know, i mean, well, so, anyway"),
        digits=_set(
            "zero oh one two three four five six seven eight nine double triple dot at dash slash underscore"
        ),
        joiners=_set("dot underscore slash"),
        long_cues=_cues(
            "number*, address*, e-mail, email, spell*, code, card, account, tell me more, tell me about, "
            "describe, explain, what happened, how come, why, in your own words, how was"
        ),
    ),
    "de": _Lists(
        open=_set(
            "der die den dem des eine einen einem einer eines mein meinen meinem meiner dein deinen deinem "
            "deiner unser unsere im am vom zum zur beim ins für von gegen ohne zwischen während wegen trotz "
            "als wie und oder aber denn weil dass ob wenn obwohl bevor nachdem sehr kein dr"
        ),
        loose=_set(
            "das ein in an auf aus bei mit nach zu um über unter vor hinter neben durch seit damit ich wir "
            "er es man ihr ihre sein seine meine deine keine keinen jede jeder jedes diese dieser dieses ist "
            "sind war waren bin bist hat habe haben hatte wird werden wurde kann können könnte muss müssen "
            "soll sollte will würde möchte darf ganz noch nur"
        ),
        whole=_phrases(
            "mach das, das ist es, das war es, immer noch, ab und zu, nur zu, das kann sein, stimmt das"
        ),
        fillers=_phrases(
            "äh, ähm, öh, hm, hmm, wie sagt man, mal sehen, moment, einen moment, lass mich überlegen, "
            "sozusagen"
        ),
        particles=_phrases("also, na ja, naja, tja, halt, so, weißt du, ich mein"),
        digits=_set(
            "null eins zwei zwo drei vier fünf sechs sieben acht neun punkt minus strich schrägstrich "
            "unterstrich bindestrich klammeraffe at"
        ),
        joiners=_set("unterstrich bindestrich schrägstrich klammeraffe at"),
        long_cues=_cues(
            "nummer*, telefonnummer*, kundennummer*, handynummer*, adresse*, e-mail*, email*, buchstabier*, "
            "code, konto*, erzähl*, beschreib*, erklär*, was ist passiert, warum, wieso, weshalb"
        ),
    ),
    "es": _Lists(
        open=_set(
            "el la los las un una unos unas mi mis tu tus su sus nuestro nuestra de del a al con sin por "
            "para sobre entre hasta desde hacia según contra durante y e o u pero ni que porque si cuando "
            "aunque donde cual cuyo muy cada ningún algún"
        ),
        loose=_set(
            "en yo es son era está están estoy soy fue he ha han había voy va puede puedo quiero debe como "
            "también más solo sólo otra"
        ),
        whole=_phrases("yo también, a mí también, nada más, ya está, no más, allá voy, ya voy"),
        fillers=_phrases(
            "eh, em, mmm, a ver, cómo se dice, un momento, o sea, déjame ver, déjame pensar, espera"
        ),
        particles=_phrases("este, pues, bueno, entonces, digamos, es que"),
        digits=_set("cero uno dos tres cuatro cinco seis siete ocho nueve punto arroba guion guión barra"),
        joiners=_set("arroba guion guión"),
        long_cues=_cues(
            "número*, dirección, correo, deletre*, código, cuenta, cuéntame, tarjeta, describ*, explic*, qué "
            "pasó, por qué"
        ),
    ),
    "fr": _Lists(
        open=_set(
            "le la les l un une des du de d au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur "
            "leurs à en dans sur sous avec sans pour par entre vers chez depuis pendant contre et ou mais "
            "car que qu qui quand parce comme dont je j il elle on n ne c ce cet cette ces chaque quelque "
            "quelques aucun aucune très"
        ),
        loose=_set(
            "où nous est sont était suis ai a ont avait vais va peut peux veux doit plus si donc aussi"
        ),
        whole=_phrases("ça va, on y va, moi aussi, j'y vais, c'est bon, mais si, dis donc, non plus"),
        fillers=_phrases(
            "euh, heu, hum, ben, bah, voyons, comment dire, un instant, une seconde, attends voir, comment "
            "on dit"
        ),
        particles=_phrases("alors, enfin, bon, tu sais, vous savez, disons, du coup, genre, donc"),
        digits=_set("zéro un deux trois quatre cinq six sept huit neuf point arobase tiret"),
        joiners=_set("arobase tiret"),
        long_cues=_cues(
            "numéro*, adresse*, courriel, e-mail, email, épel*, code, compte, carte, racont*, décri*, "
            "expliqu*, pourquoi, que s'est-il passé"
        ),
    ),
    "it": _Lists(
        open=_set(
            "il lo la i gli le l un una di del dello della dei degli delle dell a al allo alla ai agli alle "
            "all da dal dallo dalla dai dalle dall in nel nella nei nelle nell con sul sulla sull per tra "
            "fra senza e ed o ma se che cui ogni qualche nessun non d mi ti ci"
        ),
        loose=_set(
            "su mio mia suo sua io è sono era ho ha hanno aveva vado va può posso voglio deve uno più anche "
            "perché quando chi come dove"
        ),
        whole=_phrases("come va, non ne ho, di più, mai più, non so perché"),
        fillers=_phrases(
            "eh, ehm, uhm, mmm, vediamo, come si dice, un attimo, un momento, fammi pensare, fammi vedere"
        ),
        particles=_phrases("allora, beh, cioè, insomma, dunque, diciamo, sai"),
        digits=_set("zero uno due tre quattro cinque sei sette otto nove punto chiocciola trattino barra"),
        joiners=_set("chiocciola trattino"),
        long_cues=_cues(
            "numero, numeri, indirizzo, e-mail, email, lettera per lettera, codice, conto, carta, raccont*, "
            "descri*, spiega*, perché, cosa è successo"
        ),
    ),
    "pt": _Lists(
        open=_set(
            "o a os as um uma uns umas de do da dos das em no na nos nas ao à aos às por pelo pela para com "
            "sem sobre entre até desde contra durante e ou mas que porque se cada algum alguma nenhum"
        ),
        loose=_set(
            "onde qual eu é são era está estou sou foi tenho tem vou vai pode posso quero deve muito mais só "
            "meu minha meus minhas teu tua seu sua nosso nossa quando como"
        ),
        whole=_phrases("como vai, nada mais, aqui está, é só, gostei muito, já vou, muito bem, ponto com"),
        fillers=_phrases(
            "hum, hã, quer dizer, deixa ver, deixa eu ver, deixe-me ver, como se diz, um momento, só um "
            "momento, um instante"
        ),
        particles=_phrases("então, bom, tipo, pois, sabe"),
        digits=_set("zero um dois três quatro cinco seis meia sete oito nove ponto arroba traço hífen barra"),
        joiners=_set("arroba traço hífen"),
        long_cues=_cues(
            "número*, endereço, e-mail, email, soletr*, código, conta, cartão, conte-me, me conte, conte "
            "mais, descrev*, expli*, por que, por quê, o que aconteceu"
        ),
    ),
}

_ELIDING = {"fr", "it"}
"""Languages in which what stands behind an apostrophe is a word: "qu'il", "cos'è"."""

_NO_WORD = re.compile(r"[^\w\s'.@]")
_WORDS = re.compile(r"[^\s.@]+(?:[.@][^\s.@]+)*")
_EDGES = ",.;:!?…\"'()«»“”„¿¡-–—"
_APART = re.compile(r"[,;:…–—-]\s*$|\.\.\s*$")
_SPELLED_WORDS = 3
"""Digits or letters in a row that make a spelled one: "the two of us" has one."""
_SPELLED_DIGITS = 11
"""Digits after which a telephone number is taken to be whole (E.164: at most 15; national ones 7 to 11)."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_DOMAINS = _set("com org net edu gov io eu uk us de at ch es mx ar fr be it pt br")
"""With one of these an address that is said is taken to be whole."""

_PROVIDERS = _set("gmail googlemail yahoo hotmail outlook icloud gmx proton aol")
"""Of mail: behind "at", which is a preposition otherwise."""


def words_of(text: str) -> list[str]:
    """The words alone, in small letters: what two transcripts of the same sound have in common.

    Signs of currencies and of arithmetic are words: "5 €" and "5 $" are not the same.
    """
    plain = unicodedata.normalize("NFC", text).replace("’", "'").casefold()
    found = (word.strip("'") for word in _WORDS.findall(_NO_WORD.sub(_sign, plain)))
    return [word for word in found if word]


def _sign(found: re.Match[str]) -> str:
    """What becomes of a character that is no letter: marks belong to the one before (Indic vowels)."""
    sign = found.group()
    kind = unicodedata.category(sign)
    if kind.startswith("M"):
        return sign
    return f" {sign} " if kind in ("Sc", "Sm") or sign == "%" else " "


def ending(text: str, language: str) -> TextEnding:
    """How `text` ends; `language` is a BCP 47 tag, empty where it is not known."""
    code = primary(language)
    lists, words = _LISTS.get(code), words_of(text)
    if lists is None or not words:
        return TextEnding.UNKNOWN
    if _is_spelled(text, lists) or _is_half_address(text, words, lists):
        return TextEnding.SPELLED
    tails = {" ".join(words[-length:]) for length in (1, 2, 3, 4) if length <= len(words)}
    is_question = text.rstrip()[-1:] in ("?", "？")
    if tails & lists.fillers or _stands_apart(text, words, lists):
        return TextEnding.CLOSED if is_question else TextEnding.FILLER
    if tails & lists.whole:
        return TextEnding.CLOSED
    last = _last_word(text, words, lists, elides=code in _ELIDING)
    if len(words) > 1 and last in lists.open:
        return TextEnding.LOOSE if is_question else TextEnding.OPEN
    return TextEnding.LOOSE if last in lists.loose and not is_question else TextEnding.CLOSED


def _last_token(text: str) -> str:
    """As it is written, without what stands around it."""
    tokens = text.rstrip(f"{_EDGES} ").split()
    return tokens[-1].strip(_EDGES) if tokens else ""


def _last_word(text: str, words: list[str], lists: _Lists, *, elides: bool) -> str:
    """A word with a hyphen is one: the "in" of "check-in" wants nothing, nor the "il" of "est-il"."""
    whole = _last_token(text)
    if "-" in whole:
        return whole
    if elides and words[-1] not in lists.open:
        return words[-1].rpartition("'")[2]
    return words[-1]


def _stands_apart(text: str, words: list[str], lists: _Lists) -> bool:
    """The last words are a particle, and alone or set off from those before."""
    for length in (1, 2, 3):
        particle = " ".join(words[-length:])
        if length <= len(words) and particle in lists.particles:
            before = " ".join(text.split()[:-length])
            return not before or _APART.search(before) is not None
    return False


def _is_spelled(text: str, lists: _Lists) -> bool:
    """Whether the last words are signs one by one, and too few of them for a whole number.

    Times, amounts and dates are no signs: "10:30", "1,250", "May 5, 2024".
    """
    run: list[str] = []
    for token in reversed(text.casefold().split()):
        signs = [sign.strip(_EDGES) for sign in token.strip(_EDGES).split("-")]
        if not all(_is_sign(sign, lists) for sign in signs):
            break
        run += reversed(signs)
    if len(run) == 2 and _YEAR.fullmatch(run[0]):
        return False
    count = sum(len(sign) if sign.isdigit() else 1 for sign in run)
    is_several = len(run) >= _SPELLED_WORDS or (len(run) > 1 and all(sign.isdigit() for sign in run))
    return is_several and count < _SPELLED_DIGITS


def _is_sign(text: str, lists: _Lists) -> bool:
    return text.isdigit() or text in lists.digits or (len(text) == 1 and text.isalpha())


def _is_half_address(text: str, words: list[str], lists: _Lists) -> bool:
    """Whether an e-mail or web address was begun, said or written, and its domain is missing."""
    _, at, domain = _last_token(text).rpartition("@")
    if at:
        return "." not in domain
    if words[-1] in _PROVIDERS and words[-2:-1] == ["at"]:
        return True
    if len(words) > 1 and words[-1] in lists.joiners:
        return True
    return len(words) > 2 and words[-2] in lists.joiners and words[-1] not in _DOMAINS


def expectation(said: str, language: str) -> Expectation:
    """What the assistant, who has just `said` this, is to expect; `language` as in `ending`."""
    shown = re.sub(r"[^\w?？]+$", "", said)
    question = re.split(r"(?<=[.!?])\s+", shown)[-1].casefold().replace("’", "'")
    lists = _LISTS.get(primary(language))
    if not question.endswith(("?", "？")) or lists is None:
        return Expectation.NOTHING
    return Expectation.LONG if lists.long_cues.search(question) else Expectation.SHORT


_BACKCHANNELS = "|".join(
    sorted(
        _phrases(
            "yeah, yes, yep, yup, ok, okay, right, sure, mhm, hm, hmm, mm, aha, uh huh, uhhuh, huh, wow, oh, "
            "great, good, nice, cool, really, exactly, true, indeed, absolutely, alright, all right, i see, "
            "got it, of course, ja, genau, ach so, stimmt, klar, alles klar, gut, verstehe, sí, vale, claro, "
            "ya, entiendo, oui, d'accord, voilà, ouais, je vois, sì, certo, va bene, capisco, esatto, sim, "
            "tá bom, pois é, entendi, isso"
        ),
        key=len,
        reverse=True,
    )
)
_LISTENING = re.compile(rf"(?:{_BACKCHANNELS})(?: (?:{_BACKCHANNELS}))*")


def is_backchannel(text: str) -> bool:
    """A word or two that only say that somebody listens."""
    words = words_of(text)
    return 0 < len(words) <= 3 and _LISTENING.fullmatch(" ".join(words)) is not None
