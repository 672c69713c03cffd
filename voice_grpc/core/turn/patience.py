"""How long a silence must last before the turn is the user's no more: evidence in, seconds out.

Evidence that the user has finished is added up as log odds (naive Bayes): what the words say by themselves,
the probability that a language model gives their end, and that of an acoustic model. The odds make the
hold: short where all agree that the turn is over, long where the words are open. Somebody who has paused
longer within their turns is given that time again.

The weights were chosen on some 350 sentences, whole and broken off, of two kinds of synthetic voices and of
one person. `python -m voice_grpc.bench.turns.evidence` prints what they make of the bench's, which were among
them; `python -m voice_grpc.bench turns` measures by the clock what each kind of evidence is worth.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from ..text.endings import Expectation, TextEnding


class Profile(Enum):
    """How patient to be, by what the conversation is for."""

    QUICK = "quick"
    """Orders: answered soon, at the price of a cut now and then."""
    CONVERSATION = "conversation"
    DICTATION = "dictation"
    """Long thoughts: every pause is waited out."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a silence that ends a turn, in seconds."""

    min_hold: float
    max_hold: float


BOUNDS = {
    Profile.QUICK: Bounds(0.15, 1.2),
    Profile.CONVERSATION: Bounds(0.25, 2.4),
    Profile.DICTATION: Bounds(0.8, 3.0),
}
"""What each profile has unless the caller says otherwise."""

SHORTEST, LONGEST = 0.1, 5.0
"""Seconds that a hold, a min_hold and a max_hold may be at all."""


def _known(probability: float | None) -> float | None:
    return probability if probability is not None and 0 <= probability <= 1 else None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known in one silence about whether the user has finished.

    A number that is no probability (NaN, 1.1) says nothing, and is None from here on.
    """

    ending: TextEnding = TextEnding.UNKNOWN
    expects: Expectation = Expectation.NOTHING
    word_count: int = 0
    text_end: float | None = None
    """Probability of the language model that the words end here; None: nobody asked, or it failed."""
    acoustic_end: float | None = None
    """Probability of the acoustic model; None likewise."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text_end", _known(self.text_end))
        object.__setattr__(self, "acoustic_end", _known(self.acoustic_end))


_ENDINGS = {
    TextEnding.UNKNOWN: 0.0,
    TextEnding.WHOLE: 2.5,
    TextEnding.CLOSED: 0.6,
    TextEnding.LOOSE: -1.0,
    TextEnding.OPEN: -3.0,
    TextEnding.FILLER: -3.0,
    TextEnding.SPELLED: -2.0,
}
"""Log odds that the turn is over, by how its words end."""

_TEXT_EVEN, _TEXT_WEIGHT, _TEXT_MOST = 0.2, 1.0, 3.0
"""Where the language model says neither: whole sentences get 0.15 to 0.99, most broken ones 0 to 0.05, and
those that could end where they are broken off up to 0.5."""
_ACOUSTIC_EVEN, _ACOUSTIC_WEIGHT, _ACOUSTIC_MOST = 0.7, 0.4, 1.5
"""Likewise of the sound: nine in ten of a person's whole sentences get 0.8 or more; many broken ones of
synthetic voices do too."""

_LENGTH_EVEN, _LENGTH_WEIGHT, _LONG = 6, 0.15, 10
"""Words of a sentence that may as well be broken off as whole, log odds for each more or less, and the number
from which more words say nothing more."""

_FEW_WORDS = 3
"""Words that may be the whole answer to a short question."""
_EXPECTED = 1.0
"""Log odds for a short answer that was asked for, and against one where a long one was."""

_STEEPNESS = 1.2
"""Of the way from `max_hold` down to `min_hold` as the turn becomes likely to be over."""

_PAUSE_MARGIN = 1.15
"""So much longer than the user's own pauses a silence must be to mean something else."""
_CERTAIN = 0.9
"""Probability from which the user's own pauses do not count: the words are whole."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a turn was taken to be over when it was."""

    evidence: Evidence
    finished: float
    """The probability that the evidence made, 0 to 1."""
    hold: float
    """Seconds of silence that were to end the turn."""


def finished(evidence: Evidence) -> float:
    """The probability that the turn is over, 0 to 1."""
    odds = _ENDINGS[evidence.ending]
    if evidence.ending is not TextEnding.WHOLE:  # short, and what a language model is wrong about
        odds += _pull(evidence.text_end, _TEXT_EVEN, _TEXT_WEIGHT, _TEXT_MOST)
    odds += _pull(evidence.acoustic_end, _ACOUSTIC_EVEN, _ACOUSTIC_WEIGHT, _ACOUSTIC_MOST)
    if evidence.word_count and evidence.ending in (TextEnding.CLOSED, TextEnding.UNKNOWN):
        odds += _LENGTH_WEIGHT * (min(evidence.word_count, _LONG) - _LENGTH_EVEN)
    if 0 < evidence.word_count <= _FEW_WORDS and evidence.ending in (TextEnding.CLOSED, TextEnding.SPELLED):
        odds += {Expectation.SHORT: _EXPECTED, Expectation.LONG: -_EXPECTED}.get(evidence.expects, 0.0)
    return 1 / (1 + math.exp(-odds))


def hold(evidence: Evidence, bounds: Bounds, pauses: Sequence[float] = ()) -> float:
    """Seconds of silence that end the turn. `pauses`: of this user so far, within turns, in seconds."""
    over = finished(evidence)
    held = bounds.min_hold + (bounds.max_hold - bounds.min_hold) * math.pow(1 - over, _STEEPNESS)
    if pauses and over < _CERTAIN:
        usual = sorted(pauses)[len(pauses) // 2]
        held = max(held, min(_PAUSE_MARGIN * usual, bounds.max_hold))
    return held


def _pull(probability: float | None, even: float, weight: float, most: float) -> float:
    """What a probability adds to the log odds; at `even` nothing, and never more than `most` either way."""
    if probability is None:
        return 0.0
    return max(-most, min(most, weight * (_logit(probability) - _logit(even))))


def _logit(probability: float) -> float:
    kept = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(kept / (1 - kept))
