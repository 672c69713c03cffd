"""Whether a voice over the answer means to take the turn, or only says that somebody is there.

Three steps. At the first sound of a voice the answer is lowered (duck); after `HOLD_AFTER` of it the answer
waits (hold), so that nothing of it is lost; then comes the verdict, from how long the voice lasts and from
its words as they become known. Here is the verdict alone: facts in, `OverlapVerdict` out, or None while it is
open. When it is asked for, and what follows, is for `overlap.py` to say.

People who only listen say one to three words in half a second; whoever takes the turn goes on, or says other
words (Heldner and Edlund 2010: overlaps of both kinds begin alike, and differ in what follows).
"""

from dataclasses import dataclass
from enum import Enum

from ..languages import primary
from ..text.endings import is_backchannel, words_of

HOLD_AFTER = 0.13
"""Seconds of voice after which the answer waits: four windows, longer than a click or a consonant of the
answer's own echo."""
CERTAIN_AFTER = 0.8
"""Seconds of voice that are an interruption, whatever is said: a backchannel lasts 0.4 to 0.8 s."""
LISTENER_AFTER = 1.6
"""The same where all that is known of the words are backchannels ("yeah, yeah, I see")."""
WORDS_WITHIN = 1.0
"""Seconds after the end of a voice within which its words are waited for; on two quiet cores Whisper base has
them after 0.25 s, on busy ones after 0.8."""
SHORT = 0.5
"""Seconds of voice that, without any words to go by, were no interruption."""
SURE_WORDS = 2
"""Words of an interim transcript that are believed: one alone is often made up."""


class Interruption(Enum):
    """What stops an answer."""

    YIELD = "yield"
    """A voice that means to: the answer is lowered, waits, and goes on or stops."""
    ON_SPEECH = "on_speech"
    """Any voice, after `interrupt_after`."""
    MIN_WORDS = "min_words"
    """So many words, backchannels aside; till then the answer goes on, lowered."""
    DISABLED = "disabled"
    """No voice."""


class OverlapVerdict(Enum):
    INTERRUPTION = "interruption"
    BACKCHANNEL = "backchannel"
    NOISE = "noise"
    """It had no words."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What is known of a voice over the answer."""

    voiced: float
    """Seconds from its onset to its last voiced sample so far."""
    is_over: bool
    words: str | None = None
    """None: not known yet, or nobody could tell."""
    are_final: bool = False
    """`words` are all of it."""
    language: str = ""
    """BCP 47, of the words; empty: not known."""


_ORDERS = {
    "en": "stop, wait, no, hold on, hang on, quiet, be quiet, shut up, enough, cancel, never mind, "
    "excuse me, listen, pause, one moment, just a moment, what, sorry, pardon",
    "de": "stopp, stop, halt, warte, warten sie, moment, nein, ruhe, still, genug, schluss, abbrechen, was, "
    "wie bitte, entschuldigung, pause, hör auf",
    "es": "para, pare, alto, espera, espere, no, basta, silencio, cállate, cancela, qué, perdón, un momento",
    "fr": "stop, arrête, arrêtez, attends, attendez, non, assez, silence, tais-toi, annule, quoi, pardon, "
    "pause, un instant",
    "it": "ferma, fermati, basta, aspetta, aspetti, no, silenzio, zitto, annulla, cosa, scusa, scusi, "
    "un attimo",
    "pt": "para, pare, espera, espere, não, chega, silêncio, cala-te, cancela, o quê, desculpe, um momento",
}
"""Words with which somebody takes the turn at once, by language."""

_FIRST_WORDS = {
    code: tuple(tuple(words_of(order)) for order in listed.split(",")) for code, listed in _ORDERS.items()
}


def names(text: str, name: str) -> bool:
    """Whether `text` holds the `name` of the assistant; never where it has none."""
    words, called = words_of(text), words_of(name)
    return bool(called) and any(words[at : at + len(called)] == called for at in range(len(words)))


def is_order(text: str, language: str = "", name: str = "") -> bool:
    """Whether `text` begins with a word that takes the turn, or names the assistant, who is called `name`.
    Where the language is not known English counts; one without a list has none."""
    words = words_of(text)
    if names(text, name):
        return True
    orders = _FIRST_WORDS.get(primary(language) or "en", ())
    return any(tuple(words[: len(order)]) == order for order in orders)


def verdict(overlap: Overlap, *, name: str = "", min_words: int = 0) -> OverlapVerdict | None:
    """None: it is not known yet. `name`: the assistant's. `min_words`: of `Interruption.MIN_WORDS`; 0:
    none."""
    if overlap.words is not None:
        found = _by_words(overlap, overlap.words, name, min_words)
        if found is not None or overlap.are_final:
            return found
    if overlap.is_over or min_words:
        return None
    is_listener = overlap.words is not None and is_backchannel(overlap.words)
    longest = LISTENER_AFTER if is_listener else CERTAIN_AFTER
    return OverlapVerdict.INTERRUPTION if overlap.voiced >= longest else None


def without_words(overlap: Overlap) -> OverlapVerdict:
    """It is over, and its words did not come in time."""
    return OverlapVerdict.NOISE if overlap.voiced < SHORT else OverlapVerdict.INTERRUPTION


def _by_words(overlap: Overlap, text: str, name: str, min_words: int) -> OverlapVerdict | None:
    words = words_of(text)
    if not words:
        return OverlapVerdict.NOISE if overlap.are_final and overlap.is_over else None
    if is_order(text, overlap.language, name):
        return OverlapVerdict.INTERRUPTION
    if is_backchannel(text):
        return OverlapVerdict.BACKCHANNEL if overlap.are_final and overlap.is_over else None
    if min_words:
        is_enough = len(words) >= min_words
        if is_enough:
            return OverlapVerdict.INTERRUPTION
        return OverlapVerdict.BACKCHANNEL if overlap.are_final and overlap.is_over else None
    return OverlapVerdict.INTERRUPTION if overlap.are_final or len(words) >= SURE_WORDS else None
