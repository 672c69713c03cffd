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

from ..text.backchannels import is_backchannel
from ..text.endings import word_count, words_of
from ..text.orders import begins_with_order

HOLD_AFTER = 0.13
"""Seconds of voice after which the answer waits: four windows, longer than a click or a consonant of the
answer's own echo."""
CERTAIN_AFTER = 0.8
"""Seconds of voice that are an interruption, whatever is said: a backchannel lasts 0.4 to 0.8 s."""
LISTENER_AFTER = 1.6
"""The same where all that is known of the words are backchannels ("yeah, yeah, I see")."""
VERDICT_WITHIN = 0.25
"""Seconds after the last voiced sample for which the answer waits for the words. Then it goes on, and stops
where they say so after all: nobody who only listened waits for a recogniser. With the lag of a detector
(`endpointing.LAG`) it is 0.3 s after the voice in the median."""
WORDS_WITHIN = 2.0
"""Seconds after the end of a voice within which its words stop an answer; on two quiet cores Whisper base has
them after 0.25 s, on busy ones after 0.8. What is known later, or never, was about something else by then."""
COVERING = 0.2
"""Seconds before the end of a voice up to which an interim transcript tells what was said: hardly a word fits
into what is left, as a syllable lasts 0.2 s (Greenberg 1999, of telephone conversations in English). It lets
an answer go on before the transcript of all is there, which still may stop it."""
SOFT_DB, MURMUR_SECONDS = 6.0, 0.5
"""What a listener's voice is below the user's own at least (half the amplitude), and how many seconds it
lasts at most, for any one word of it to be taken for "mhm"."""
_RAISED = tuple("?!？！؟")
"""What is written behind a voice that asks or exclaims."""
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
    softer: float | None = None
    """dB by which it is below the user's own level so far; None: one of them is not known."""


def names(text: str, name: str) -> bool:
    """Whether `text` holds the `name` of the assistant; never where it has none."""
    words, called = words_of(text), words_of(name)
    return bool(called) and any(words[at : at + len(called)] == called for at in range(len(words)))


def is_order(text: str, language: str = "", name: str = "") -> bool:
    """Whether `text` begins with a word that takes the turn, or names the assistant, who is called `name`.
    Where the language is not known English counts; one without a list has none."""
    return names(text, name) or begins_with_order(text, language)


def is_listening(overlap: Overlap) -> bool:
    """By the words that are known of it, nobody wants the turn: a backchannel, or none."""
    words = overlap.words
    return words is not None and (not words_of(words) or is_backchannel(words, overlap.language))


def is_murmured(overlap: Overlap, text: str) -> bool:
    """One word, short and soft, that asks and exclaims nothing: whatever was made of it, nobody raised their
    voice over the answer. Who takes the turn speaks up (French and Local 1983)."""
    is_soft = overlap.softer is not None and overlap.softer >= SOFT_DB
    words, is_plain = words_of(text), text.rstrip()[-1:] not in _RAISED
    is_short = overlap.voiced <= MURMUR_SECONDS and len(words) == word_count(text) == 1
    return is_soft and is_short and is_plain and words[0].isalpha()


def verdict(overlap: Overlap, *, name: str = "", min_words: int = 0) -> OverlapVerdict | None:
    """None: it is not known yet. `name`: the assistant's. `min_words`: of `Interruption.MIN_WORDS`; 0:
    none."""
    if overlap.words is not None:
        found = _by_words(overlap, overlap.words, name, min_words)
        if found is not None or overlap.are_final:
            return found
    if overlap.is_over or min_words:
        return None
    is_listener = overlap.words is not None and is_backchannel(overlap.words, overlap.language)
    longest = LISTENER_AFTER if is_listener else CERTAIN_AFTER
    return OverlapVerdict.INTERRUPTION if overlap.voiced >= longest else None


def _by_words(overlap: Overlap, text: str, name: str, min_words: int) -> OverlapVerdict | None:
    count, is_all = word_count(text), overlap.are_final and overlap.is_over
    if not count:
        return OverlapVerdict.NOISE if is_all else None
    if is_order(text, overlap.language, name):
        return OverlapVerdict.INTERRUPTION
    is_too_little = min_words and count < min_words
    if is_backchannel(text, overlap.language) or is_too_little or (is_all and is_murmured(overlap, text)):
        return OverlapVerdict.BACKCHANNEL if is_all else None
    is_believed = overlap.are_final or min_words or count >= SURE_WORDS
    return OverlapVerdict.INTERRUPTION if is_believed else None
