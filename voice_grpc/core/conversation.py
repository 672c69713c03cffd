"""What was said so far, as the model will be told it: the user's words whole, the answers as heard."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from .tools import ToolUse


class Role(Enum):
    USER = "user"
    ASSISTANT = "assistant"
    TOOLS = "tools"
    """One step of the model: the calls that it asked for at once, each with what came of it."""


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
    uses: tuple[ToolUse, ...] = ()
    """Of TOOLS, in the order they were asked for; `text` is empty there."""


class Conversation:
    """The messages of one session, oldest first."""

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._messages = list(messages)

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages)

    def user_said(self, turn: int, text: str) -> None:
        self._messages.append(Message(Role.USER, text, turn))

    def take_back(self, turn: int) -> None:
        """The user's words of `turn` go into a later message: nobody heard an answer to them."""
        self._messages = [m for m in self._messages if m.turn != turn or m.role is not Role.USER]

    def assistant_said(self, turn: int, text: str, heard: Heard = Heard.WHOLE) -> None:
        """The answer of `turn`, as far as it was heard; said again, it replaces what was said before.

        Nothing heard leaves no message: the model is not to believe that it answered.
        """
        message = Message(Role.ASSISTANT, text, turn, heard)
        for place, other in enumerate(self._messages):
            if other.turn == turn and other.role is Role.ASSISTANT:
                self._messages[place : place + 1] = [message] if text else []
                return
        if text:
            after = [i for i, m in enumerate(self._messages) if m.turn <= turn]
            self._messages.insert(after[-1] + 1 if after else 0, message)
