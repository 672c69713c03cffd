"""How the words of a turn end: what a listener can tell from them alone, and what a question asks for.

Lists of words that leave a sentence open (articles, prepositions, conjunctions, possessives, auxiliaries:
the closed classes of each grammar) and of sounds with which people keep their turn. Languages without a list
say nothing, rather than something wrong. Final punctuation is no evidence: a recogniser writes a full stop
behind half a sentence too.
"""

import re
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
    fillers: frozenset[str]
    """Of one word or more."""
    digits: frozenset[str]
    long_cues: tuple[str, ...]
    """In a question: what it asks for takes several pauses."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


_LISTS = {
    "en": _Lists(
        open=_set(
            "a an the my your his her its our their of to from with without into onto upon among "
            "towards toward until than as and or but nor because if when while whether although "
            "though unless which who whom whose i we they he she you'd i'd i'm i've we're they're "
            "he's she's it's that's there's what's who's i'll we'll you'll very really quite every no "
            "called named mr mrs ms dr saint let's"
        ),
        loose=_set(
            "in on at by for about over under between through during against since despite where is "
            "are was were am be been being has have had does did will would shall should can could "
            "may might must not don't can't won't also just some any each another what how"
        ),
        fillers=frozenset(
            _phrases(
                "um, uh, er, erm, hmm, hm, mm, uhm, like, you know, i mean, let me see, let me think, "
                "let's see, well, so, kind of, sort of, how do you say, what's it called, one moment"
            )
        ),
        digits=_set(
            "zero oh one two three four five six seven eight nine double triple dot at dash slash underscore"
        ),
        long_cues=_phrases(
            "number, address, e-mail, email, spell, code, card, account, tell me more, tell me about, "
            "describe, explain, what happened, how come, why, in your own words, how was"
        ),
    ),
    "de": _Lists(
        open=_set(
            "der die das den dem des ein eine einen einem einer eines mein meine meinen meinem meiner "
            "dein deine sein seine ihr ihre unser unsere im am aus bei mit nach von vom zu zum zur "
            "für durch gegen ohne um über unter vor hinter neben zwischen seit während wegen trotz "
            "als wie und oder aber denn weil dass ob wenn obwohl damit bevor nachdem sehr kein keine "
            "keinen jeder jede jedes dieser diese dieses"
        ),
        loose=_set(
            "in an auf ich wir er es man ist sind war waren bin bist hat habe haben hatte wird werden "
            "wurde kann können könnte muss müssen soll sollte will würde möchte darf ganz nicht noch "
            "auch nur"
        ),
        fillers=frozenset(
            _phrases("äh, ähm, öh, hm, mhm, also, na ja, naja, sozusagen, wie sagt man, mal sehen, moment")
        ),
        digits=_set(
            "null eins zwei zwo drei vier fünf sechs sieben acht neun punkt minus strich schrägstrich"
        ),
        long_cues=_phrases(
            "nummer, adresse, e-mail, email, buchstabier, code, konto, erzähl, beschreib, erklär, was "
            "ist passiert, warum, wieso"
        ),
    ),
    "es": _Lists(
        open=_set(
            "el la los las un una unos unas mi mis tu tus su sus nuestro nuestra de del a al con sin "
            "por para sobre entre hasta desde hacia según contra durante y e o u pero ni que porque "
            "si cuando aunque como donde cual cuyo muy cada ningún algún"
        ),
        loose=_set(
            "en yo es son era está están estoy soy fue he ha han había voy va puede puedo quiero debe "
            "más no también solo otra"
        ),
        fillers=frozenset(_phrases("eh, em, este, pues, bueno, o sea, a ver, mmm, cómo se dice, un momento")),
        digits=_set("cero uno dos tres cuatro cinco seis siete ocho nueve punto arroba guion"),
        long_cues=_phrases(
            "número, dirección, correo, deletre, código, cuenta, cuéntame, describe, explica, qué "
            "pasó, por qué"
        ),
    ),
    "fr": _Lists(
        open=_set(
            "le la les l un une des du de d au aux mon ma mes ton ta tes son sa ses notre nos votre "
            "vos leur leurs à en dans sur sous avec sans pour par entre vers chez depuis pendant "
            "contre et ou mais donc car que qui quand parce si comme dont je j il elle on n très ce "
            "cet cette ces chaque quelque quelques aucun aucune"
        ),
        loose=_set(
            "où nous est sont était suis ai a ont avait vais va peut peux veux doit plus pas ne aussi"
        ),
        fillers=frozenset(
            _phrases("euh, hum, ben, bah, alors, enfin, voyons, comment dire, tu sais, vous savez")
        ),
        digits=_set("zéro un deux trois quatre cinq six sept huit neuf point arobase tiret"),
        long_cues=_phrases(
            "numéro, adresse, courriel, e-mail, email, épel, code, compte, raconte, décri, expliqu, "
            "pourquoi, que s'est-il passé"
        ),
    ),
    "it": _Lists(
        open=_set(
            "il lo la i gli le l un uno una di del dello della dei degli delle a al allo alla ai agli "
            "alle da dal dalla in nel nella con su sul sulla per tra fra senza ed o ma perché se "
            "quando che chi cui come dove ogni qualche nessun"
        ),
        loose=_set(
            "e mio mia suo sua io è sono era ho ha hanno aveva vado va può posso voglio deve molto "
            "più non anche"
        ),
        fillers=frozenset(_phrases("eh, ehm, uhm, allora, beh, cioè, vediamo, come si dice, un attimo")),
        digits=_set("zero uno due tre quattro cinque sei sette otto nove punto chiocciola trattino"),
        long_cues=_phrases(
            "numero, indirizzo, e-mail, email, lettera per lettera, codice, conto, racconta, descri, "
            "spiega, perché, cosa è successo"
        ),
    ),
    "pt": _Lists(
        open=_set(
            "o a os as um uma uns umas de do da dos das em no na nos nas ao à aos às por pelo pela "
            "para com sem sobre entre até desde contra durante meu minha meus minhas teu tua seu sua "
            "nosso nossa e ou mas que porque se quando como cada algum alguma nenhum"
        ),
        loose=_set(
            "onde qual eu é são era está estou sou foi tenho tem vou vai pode posso quero deve muito "
            "mais não também só"
        ),
        fillers=frozenset(
            _phrases("hum, hã, então, bom, tipo, quer dizer, deixa ver, como se diz, um momento")
        ),
        digits=_set("zero um dois três quatro cinco seis meia sete oito nove ponto arroba traço"),
        long_cues=_phrases(
            "número, endereço, e-mail, email, soletr, código, conta, conte, descrev, expli, por que, "
            "o que aconteceu"
        ),
    ),
}

_WORDS = re.compile(r"[\w']+(?:[.@]\w+)*", re.UNICODE)
_SPELLED_WORDS = 3
"""Digits or letters in a row that make a spelled one: "the two of us" has one."""
_SPELLED_DIGITS = 11
"""Digits after which a telephone number is taken to be whole (E.164: at most 15; national ones 7 to 11)."""


def words_of(text: str) -> list[str]:
    """The words alone, in small letters: what two transcripts of the same sound have in common."""
    return [word.replace("’", "'").casefold() for word in _WORDS.findall(text.replace("’", "'"))]


def ending(text: str, language: str) -> TextEnding:
    """How `text` ends; `language` is a BCP 47 tag, empty where it is not known."""
    lists, words = _LISTS.get(primary(language)), words_of(text)
    if lists is None or not words:
        return TextEnding.UNKNOWN
    if _is_spelled(words, lists):
        return TextEnding.SPELLED
    if any(" ".join(words[-length:]) in lists.fillers for length in (1, 2, 3, 4) if length <= len(words)):
        return TextEnding.FILLER if text.rstrip()[-1:] != "?" else TextEnding.CLOSED
    if len(words) > 1 and words[-1] in lists.open:
        return TextEnding.OPEN
    return TextEnding.LOOSE if words[-1] in lists.loose else TextEnding.CLOSED


def _is_spelled(words: list[str], lists: _Lists) -> bool:
    """Whether the last words are signs one by one, and too few of them for a whole number."""
    run: list[str] = []
    for word in reversed(words):
        if not (word.isdigit() or word in lists.digits or (len(word) == 1 and word.isalpha())):
            break
        run.append(word)
    signs = sum(len(word) if word.isdigit() else 1 for word in run)
    is_several = len(run) >= _SPELLED_WORDS or (len(run) > 1 and all(word.isdigit() for word in run))
    return is_several and signs < _SPELLED_DIGITS


def expectation(said: str, language: str) -> Expectation:
    """What the assistant, who has just `said` this, is to expect; `language` as in `ending`."""
    question = re.split(r"(?<=[.!?])\s+", said.strip())[-1].casefold()
    lists = _LISTS.get(primary(language))
    if not question.endswith("?") or lists is None:
        return Expectation.NOTHING
    return Expectation.LONG if any(cue in question for cue in lists.long_cues) else Expectation.SHORT


_BACKCHANNELS = _set(
    "yeah yes yep yup ok okay right sure mhm hm mm aha uh-huh uhhuh wow oh great good nice cool "
    "really exactly true indeed absolutely alright ja genau ach so stimmt klar gut sí vale claro ya "
    "oui d'accord voilà ouais sì certo va bene sim certo tá bom pois é i see uh huh got it of course "
)


def is_backchannel(text: str) -> bool:
    """A word or two that only say that somebody listens."""
    words = words_of(text)
    return 0 < len(words) <= 3 and all(word in _BACKCHANNELS for word in words)
