"""What to do: imperative, frozen, nothing but fields. `session/command_runner.py` carries
them out, in order; `session/dictation.py` those of a dictation."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from .events import CancelReason
from .turn.patience import Decision


class ReplyKind(Enum):
    ANSWER = "answer"
    """The model answers `text`."""
    VERBATIM = "verbatim"
    """`text` is spoken as it is."""
    CONTINUATION = "continuation"
    """`text` is spoken as it is, and then the model goes on with the answer that it is the end of."""
    APOLOGY = "apology"
    """The turn could not be answered."""


@dataclass(frozen=True, slots=True)
class AskTranscript:
    """Transcribe everything heard since the turn began; answered by `Transcribed`."""

    revision: int
    is_early: bool = False
    """On the first window without voice: speech may go on, and the sound is not cut here."""


@dataclass(frozen=True, slots=True)
class ScoreSound:
    """Ask whether the turn sounds finished; answered by `SoundScored`, also where there is nobody to ask."""

    revision: int


@dataclass(frozen=True, slots=True)
class ScoreWords:
    """Ask whether the words are finished; answered by `WordsScored`, also where there is nobody to ask."""

    turn: int
    text: str
    continues: int = 0
    """As in PrepareReply."""
    unbroken: str = ""
    """`text` as one sentence, where that is another text: a recogniser ends one at each pause. Else empty."""
    is_early: bool = False
    """The user still speaks: it is of use, and not waited for."""


@dataclass(frozen=True, slots=True)
class SplitUtterance:
    """What was heard so far is transcribed by itself, answered by `PartTranscribed`; the turn goes on."""


@dataclass(frozen=True, slots=True)
class KeepPart:
    """The beginning of a turn that goes on becomes a message now."""

    turn: int
    message: str
    """All of the turn so far; empty: nothing was said yet."""
    spoken: str
    """Final transcript of the part; empty: nothing was said in it."""


@dataclass(frozen=True, slots=True)
class TakeBackSpeech:
    """What was heard of the turn so far is not meant, and not the beginning of what is said next."""


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """Tell that `MAX_MESSAGE` characters of the user's words are kept of this turn, and no more. Once a
    turn."""

    turn: int
    seq: int | None = None
    """Of the request whose typed words are not taken; None: they were spoken."""


@dataclass(frozen=True, slots=True)
class GiveUpButton:
    """Tell that the turn is over without the button's END: `MAX_SPLITS` times it was split."""

    turn: int


@dataclass(frozen=True, slots=True)
class PrepareReply:
    """Work on it, inaudibly, without a tool call and without a trace in the history."""

    number: int
    turn: int
    kind: ReplyKind
    text: str
    text_only: bool = False
    interruptible: bool = True
    ssml: str = ""
    """The document whose words `text` are, where the kind is VERBATIM."""
    continues: int = 0
    """The turn whose answer came too early and was cut at once: it is no part of the prompt, and the words
    before it and after it are one message there. 0: none."""
    lost: int = 0
    """Of a CONTINUATION: the turn whose answer it goes on with."""
    said: str = ""
    """Of a CONTINUATION: all that was written of that answer, heard or not; empty: nothing was."""

    @property
    def is_written(self) -> bool:
        """By a model."""
        return self.kind in (ReplyKind.ANSWER, ReplyKind.CONTINUATION)


@dataclass(frozen=True, slots=True)
class CommitReply:
    """Let it be heard. The user's turn is over."""

    number: int
    turn: int
    message: str
    """What the user said, for the history; empty: nothing, or it is there already."""
    spoken: str | None
    """The final transcript of this turn; None: it came as text, or the final was sent already."""
    continues: int = 0
    """As in PrepareReply; to be kept so."""
    decision: Decision | None = None
    """Why the turn was taken to be over; None: the button or typed words said so."""


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Not a sample of it leaves from now on."""

    number: int
    reason: CancelReason
    returns_words: bool = False
    """What the user said goes into the next turn's message instead of this one's."""


@dataclass(frozen=True, slots=True)
class DiscardTurn:
    """The turn ends without an answer. What `KeepPart` said of it is not meant, unless it failed."""

    turn: int
    failed: bool = False
    """It should have had one, and even the apology failed."""
    is_far: bool = False
    """Who spoke was too far away to be the user."""


@dataclass(frozen=True, slots=True)
class Forget:
    """What is being heard is not a turn: a cough, or speech over an answer that goes on."""

    spoken: str = ""
    """Its words, which are told as nobody's turn; empty: none, or not known."""


@dataclass(frozen=True, slots=True)
class FinishUtterance:
    """Tell its final transcript, and let its sound go. Where nobody answers."""


@dataclass(frozen=True, slots=True)
class GiveUpTranscript:
    """It did not come within so many `seconds`, and is not waited for."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Duck:
    """Lower it: somebody may be about to speak."""

    number: int


@dataclass(frozen=True, slots=True)
class Unduck:
    number: int


@dataclass(frozen=True, slots=True)
class HoldReply:
    """It waits where it is, and nothing of it is lost."""

    number: int


@dataclass(frozen=True, slots=True)
class ResumeReply:
    """It goes on from where it was held, at full volume."""

    number: int


Command: TypeAlias = (
    AskTranscript
    | ScoreSound
    | ScoreWords
    | SplitUtterance
    | KeepPart
    | TakeBackSpeech
    | LeaveOut
    | GiveUpButton
    | PrepareReply
    | CommitReply
    | CancelReply
    | DiscardTurn
    | Forget
    | FinishUtterance
    | GiveUpTranscript
    | Duck
    | Unduck
    | HoldReply
    | ResumeReply
)
