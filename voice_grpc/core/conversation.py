"""What was said so far, as the model will be told it: the user's words whole, the answers as heard."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from .tools import ToolUse


class Role(Enum):
    USER = "user"
    ASSISTANT = "assistant"
    TOOLS = "tools"
    """One step of the model: the calls that it asked for at once, each with what came of it."""
    SERVER = "server"
    """What the server itself said in place of an answer: an apology. Kept as heard, and told to no model:
    one that reads an apology of its own makes the next one."""


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
    """What was called, in the order it was asked for, where the role is TOOLS; `text` is empty there."""
    is_prompted: bool = True
    """False: it is history, and no part of the prompt, as an answer that came too early."""


_ANSWERING = (Role.ASSISTANT, Role.SERVER)


class Conversation:
    """The messages of one session, oldest first."""

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._messages = list(messages)
        self._orphans: list[Message] = []
        """TOOLS of turns whose words were taken back: they follow those words into the next turn."""

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages)

    def asked(self, turn: int, text: str, continues: int = 0) -> tuple[Message, ...]:
        """What the model is told once the user has said `text`: the messages of its prompt.

        `continues`: the turn whose answer came too early; it is left out, unless it called a tool. Words
        between which nothing was answered are one message.
        """
        prompted: list[Message] = []
        for message in self._with(turn, text):
            if message.role is Role.SERVER or not message.is_prompted:
                continue
            if message.turn == continues and self._came_too_early(message):
                continue
            if prompted and prompted[-1].role is message.role is Role.USER:
                message = replace(message, text=f"{prompted.pop().text} {message.text}")
            prompted.append(message)
        return tuple(prompted)

    def user_said(self, turn: int, text: str) -> None:
        """Said again of the same turn, it replaces what was said before."""
        self._messages = self._with(turn, text)
        self._orphans.clear()

    def leave_out(self, turn: int) -> None:
        """The answer of `turn` came too early: it stays in the history, and leaves the prompt."""
        self._messages = [
            replace(message, is_prompted=False)
            if message.turn == turn and self._came_too_early(message)
            else message
            for message in self._messages
        ]

    def _came_too_early(self, message: Message) -> bool:
        """An answer that called a tool did something, and stays."""
        has_acted = any(m.turn == message.turn and m.role is Role.TOOLS for m in self._messages)
        return message.role is Role.ASSISTANT and not has_acted

    def _with(self, turn: int, text: str) -> list[Message]:
        """The messages as they will be once the user has said `text`."""
        others = [m for m in self._messages if m.turn != turn or m.role is not Role.USER]
        orphans = (replace(message, turn=turn) for message in self._orphans)
        return [*others, Message(Role.USER, text, turn), *orphans]

    def take_back(self, turn: int) -> None:
        """The user's words of `turn` go into a later message: nobody heard an answer to them.

        What tools did for them was done, and goes with them.
        """
        self._orphans += [m for m in self._messages if m.turn == turn and m.role is Role.TOOLS]
        gone = (Role.USER, Role.TOOLS)
        self._messages = [m for m in self._messages if m.turn != turn or m.role not in gone]

    def tools_used(self, turn: int, uses: tuple[ToolUse, ...]) -> None:
        """One step of the answer of `turn`; told again with the same ids, with what is known by now."""
        ids = [use.id for use in uses]
        for kept in (self._messages, self._orphans):
            for place, other in enumerate(kept):
                if ids and [use.id for use in other.uses] == ids:
                    kept[place] = replace(other, uses=uses)
                    return
        self._insert(Message(Role.TOOLS, "", turn, uses=uses))

    def assistant_said(self, turn: int, text: str, heard: Heard = Heard.WHOLE, *, apology: str = "") -> None:
        """The answer of `turn`, as far as it was heard; said again, it replaces what was said before.

        Nothing heard leaves no message: the model is not to believe that it answered. `apology`: what the
        server said after it.
        """
        told = [
            Message(role, said, turn, heard) for role, said in zip(_ANSWERING, (text, apology), strict=True)
        ]
        told = [message for message in told if message.text]
        for place, other in enumerate(self._messages):
            if other.turn == turn and other.role in _ANSWERING:
                later = [m for m in self._messages[place:] if m.turn != turn or m.role not in _ANSWERING]
                self._messages[place:] = [*told, *later]
                return
        for message in told:
            self._insert(message)

    def _insert(self, message: Message) -> None:
        """Behind those of its turn."""
        after = [i for i, m in enumerate(self._messages) if m.turn <= message.turn]
        self._messages.insert(after[-1] + 1 if after else 0, message)
