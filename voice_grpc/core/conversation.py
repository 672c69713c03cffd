"""What was said so far, as the model will be told it: the user's words whole, the answers as heard."""

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    USER = "user"
    ASSISTANT = "assistant"


class Heard(Enum):
    """How it is known how much of an answer reached the user's ears."""

    WHOLE = "whole"
    REPORTED = "reported"
    """Cut at what the client reported as played."""
    ESTIMATED = "estimated"
    """Cut at what the server's pacing says."""


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    text: str
    turn: int
    heard: Heard = Heard.WHOLE
    """Anything but WHOLE: the user interrupted, and `text` is what was heard."""
