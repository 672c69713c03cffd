"""What happened: past tense, frozen, nothing but fields. `turn/taker.py` decides what follows.

None inherits from another, so a rule for one can never catch a second by accident.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class CancelReason(Enum):
    """What made an answer stop, as the proto's `Interrupted.Reason` has it; DEADLINE is never told as one."""

    SPEECH = "speech"
    ACTIVITY = "activity"
    REQUEST = "request"
    TEXT = "text"
    DEADLINE = "deadline"
    ENDED = "ended"
    """The session ended in mid-answer."""
    SERVER_LOST = "server_lost"
    """Its server went away in mid-answer, and the rest is the next turn of another one."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    position: int
    """Position of the onset, in samples at `RATE_HZ` since the start of the stream."""
    speech: float
    """Seconds of it so far: how late this event is."""
    probability: float


@dataclass(frozen=True, slots=True)
class SpeechHinted:
    """The first window with voice: a start, or a click."""

    position: int
    """Position of the onset, in samples at `RATE_HZ` since the start of the stream."""
    speech: float
    """Seconds of it so far."""


@dataclass(frozen=True, slots=True)
class SpeechDismissed:
    """What was hinted at was too short to be speech."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    position: int
    """Just after the last voiced sample."""
    silence: float
    """Seconds of it so far: how late this event is."""
    probability: float


@dataclass(frozen=True, slots=True)
class LevelHeard:
    """How loud the stretch of speech is that goes on, or ends."""

    db: float
    """dBFS, as `VoiceLevel` has it."""


@dataclass(frozen=True, slots=True)
class SpeechFaded:
    """The first window without voice: an end, or a stop within a word."""

    position: int
    """Just after the last voiced sample."""


@dataclass(frozen=True, slots=True)
class Transcribed:
    revision: int
    """The one of the `AskTranscript` that it answers."""
    text: str
    failed: bool = False
    """The engine could not tell; `text` is empty then."""
    language: str = ""
    """ISO 639-1, empty when not known."""


@dataclass(frozen=True, slots=True)
class InterimHeard:
    """What the turn sounds like so far."""

    text: str
    end: int
    """Just after the last sample that it is made from."""
    language: str = ""
    """ISO 639-1, empty when not known."""


@dataclass(frozen=True, slots=True)
class EchoHeard:
    """What sounds like the user so far are the assistant's own words, come back."""


@dataclass(frozen=True, slots=True)
class WordsScored:
    text: str
    """The words of the `ScoreWords` that it answers."""
    probability: float | None
    """That they are finished, 0 to 1; None: nobody could say."""


@dataclass(frozen=True, slots=True)
class SoundScored:
    revision: int
    """The one of the `ScoreSound` that it answers."""
    probability: float | None
    """That the turn sounds finished, 0 to 1; None: nobody could say."""


@dataclass(frozen=True, slots=True)
class TurnLimitReached:
    """The user has spoken for longer than one message is to be."""


@dataclass(frozen=True, slots=True)
class PartTranscribed:
    """The words of a `SplitUtterance`: the beginning of a turn that goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class SpeculationRefused:
    """A vendor was at its limit because of an answer that nobody had asked for yet."""


@dataclass(frozen=True, slots=True)
class PatienceOver:
    """The deadline passed."""


@dataclass(frozen=True, slots=True)
class ReplyAudible:
    number: int


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """Played to the end, or given up by itself after saying so."""

    number: int
    text: str = ""
    """What was said."""


@dataclass(frozen=True, slots=True)
class AnswerCut:
    """Speech, or the button to talk, cut an answer."""

    turn: int
    """Its turn."""
    rest: str
    """What was written of it and not heard; empty: nothing."""
    is_whole: bool = True
    """Nothing was left to be written."""
    said: str = ""
    """All that was written of it, heard or not."""


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """A caller has come back that did not hear all of an answer which nobody cut."""

    turn: int
    """Its turn."""
    said: str
    """All that was written of it."""
    rest: str
    """What of that was not heard."""
    is_written: bool
    """The model had nothing more to say."""
    text_only: bool = False
    interruptible: bool = True
    ssml: str = ""


@dataclass(frozen=True, slots=True)
class ActivityStarted:
    """The user pressed the button to talk."""


@dataclass(frozen=True, slots=True)
class ActivityEnded:
    """The user let go of it, or closed the microphone: what was said is a whole turn."""


@dataclass(frozen=True, slots=True)
class ActivityCancelled:
    """What was said since the turn began is not meant."""


@dataclass(frozen=True, slots=True)
class TextReceived:
    text: str
    verbatim: bool = False
    """To be spoken as it is, rather than answered."""
    interrupts: bool = True
    text_only: bool = False
    interruptible: bool = True
    ssml: str = ""
    """The document whose words `text` are, of what is verbatim; empty: there is nothing but the text."""
    seq: int = 0
    """Number of the request that brought it; 0: none did."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A stop button."""


Event: TypeAlias = (
    SpeechStarted
    | SpeechHinted
    | LevelHeard
    | SpeechDismissed
    | AnswerCut
    | AnswerLost
    | SpeechFaded
    | SpeechEnded
    | Transcribed
    | InterimHeard
    | EchoHeard
    | WordsScored
    | SoundScored
    | TurnLimitReached
    | PartTranscribed
    | SpeculationRefused
    | PatienceOver
    | ReplyAudible
    | ReplyEnded
    | ActivityStarted
    | ActivityEnded
    | ActivityCancelled
    | TextReceived
    | StopRequested
)
