"""What is set of a turn: how patient, how eager, and what stops an answer."""

from dataclasses import dataclass
from enum import IntEnum

from .interruption import Interruption
from .patience import BOUNDS, Bounds, Profile


class Speculation(IntEnum):
    """How far an answer is prepared before the turn is known to be over; each holds those before it."""

    OFF = 0
    STT = 1
    """The transcript alone."""
    LLM = 2
    """The words of the answer."""
    TTS = 3
    """The sound of its first clause."""


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """All durations in seconds."""

    hold: float | None = None
    """Silence that ends the turn, from the last voiced sample; None: as the evidence says."""
    profile: Profile = Profile.CONVERSATION
    min_hold: float | None = None
    """None: the profile's, as for `max_hold`; what is set alone moves the other where they would cross."""
    max_hold: float | None = None
    speculation: Speculation = Speculation.STT
    speculation_tries: int = 3
    """Answers that may be prepared in one turn before it is over."""
    turn_limit: float = 60.0
    """Speech after which what was said so far becomes a message, and the turn goes on."""
    interruption: Interruption = Interruption.ON_SPEECH
    interrupt_after: float = 0.25
    """Speech that cancels an answer, from its onset; of `Interruption.ON_SPEECH`."""
    min_words: int = 2
    """Words that do; of `Interruption.MIN_WORDS`."""
    duck: bool = False
    """The answer is lowered at the first sound of a voice."""
    near_field_only: bool = False
    """A voice that is far quieter than the user's is nobody's turn, unless it names the assistant."""
    assistant_name: str = ""
    """Whoever says it means the assistant."""
    turn_deadline: float = 8.0
    """A committed turn ends in speech or in an apology by then."""
    apology_reserve: float = 1.5
    """Seconds of `turn_deadline` that are kept for the apology."""

    @property
    def bounds(self) -> Bounds:
        own, least, most = BOUNDS[self.profile], self.min_hold, self.max_hold
        if least is None:
            least = own.min_hold if most is None else min(own.min_hold, most)
        return Bounds(least, max(least, own.max_hold if most is None else most))
