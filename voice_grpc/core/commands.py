"""What to do: imperative, frozen, nothing but fields. `session/command_runner.py` does it."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from .events import Why


class ReplyKind(Enum):
    ANSWER = "answer"
    """The model answers `text`."""
    VERBATIM = "verbatim"
    """`text` is spoken as it is."""
    APOLOGY = "apology"
    """The turn could not be answered."""


@dataclass(frozen=True, slots=True)
class AskTranscript:
    """Transcribe everything heard since the turn began; answered by `Transcribed`."""

    revision: int


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
    """Of VERBATIM: the document whose words `text` are."""


@dataclass(frozen=True, slots=True)
class CommitReply:
    """Let it be heard. The user's turn is over."""

    number: int
    turn: int
    message: str
    """What the user said, for the history; empty: nothing, or it is there already."""
    spoken: str | None
    """The final transcript of this turn; None: it came as text, or the final was sent already."""


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Not a sample of it leaves from now on."""

    number: int
    why: Why
    returns_words: bool = False
    """What the user said goes into the next turn's message instead of this one's."""


@dataclass(frozen=True, slots=True)
class DiscardTurn:
    """The turn ends without an answer."""

    turn: int
    failed: bool = False
    """It should have had one, and even the apology failed."""


@dataclass(frozen=True, slots=True)
class Forget:
    """What is being heard is not a turn: a cough, or speech over an answer that goes on."""


@dataclass(frozen=True, slots=True)
class Duck:
    number: int


@dataclass(frozen=True, slots=True)
class Unduck:
    number: int


Command: TypeAlias = (
    AskTranscript | PrepareReply | CommitReply | CancelReply | DiscardTurn | Forget | Duck | Unduck
)
