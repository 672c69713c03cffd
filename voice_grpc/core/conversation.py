"""What was said so far, as the model will be told it: the user's words whole, the answers as heard.

It grows by turns, and is bounded: the oldest give way. What of it a model is told is bounded once more, by
whoever makes the prompt (`engines/prompt_history.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby, takewhile

from .tools import MAX_RESULTS, ToolUse

MAX_MESSAGES, MAX_CHARACTERS = 4_000, 400_000
"""Of a conversation, with what its tools were called with and returned: six hours of talk. It is kept in
memory as long as its stream is open, goes to the store after every turn, and is told by GetSession in one
message, of which gRPC's clients take 4 MiB unless told otherwise."""

KEPT_SHARE = 0.75
"""Of these bounds, that is left when one is reached. Were it a message less a turn, a store that writes what
has changed would write all of it anew at every turn."""

MAX_UNANSWERED = 32_000
"""Characters of a user message of a prompt. It holds all that was said since the last answer, of however many
turns, and the one that is answered is always whole."""

MAX_ORPHANS = 64
"""Steps of tools that words which are taken back take along: a turn has three."""


GO_ON = (
    "(The line broke here. Go on with your answer from exactly where it stops: begin with the next word, "
    "repeat nothing, and say nothing about this. If it was complete, say nothing.)"
)
"""What a model is told behind an answer that it had not finished."""


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
        self.has_forgotten = False
        """The oldest messages gave way."""
        self._forget_oldest()

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages)

    @property
    def length(self) -> int:
        """Characters, with those of its tools."""
        return sum(map(_length, self._messages))

    def asked(self, turn: int, text: str, continues: int = 0) -> tuple[Message, ...]:
        """What the model is told once the user has said `text`: the messages of its prompt.

        `continues`: the turn whose answer came too early; it is left out, unless it called a tool. Words
        between which nothing was answered are one message, of `MAX_UNANSWERED` characters at most: the oldest
        give way.
        """
        return _prompted(self._with(turn, text), continues)

    def going_on(self, turn: int, said: str) -> tuple[Message, ...]:
        """The messages of the prompt by which a model goes on with its answer of `turn`, of which it wrote
        what was `said`: all of it, heard or not. Without any it answers."""
        before = _prompted(self._messages)
        if not said:
            return before
        before = tuple(m for m in before if m.turn != turn or m.role is not Role.ASSISTANT)
        return (*before, Message(Role.ASSISTANT, said, turn), Message(Role.USER, GO_ON, turn))

    @property
    def is_cut_short(self) -> bool:
        """More was said since the last answer than a prompt has room for."""
        told = [m for m in self._messages if m.role is not Role.SERVER and m.is_prompted]
        words = list(takewhile(lambda message: message.role is Role.USER, reversed(told)))
        return sum(len(message.text) + 1 for message in words) > MAX_UNANSWERED + 1

    def user_said(self, turn: int, text: str) -> None:
        """Said again of the same turn, it replaces what was said before."""
        self._messages = self._with(turn, text)
        self._orphans.clear()
        self._forget_oldest()

    def leave_out(self, turn: int) -> None:
        """The answer of `turn` came too early: it stays in the history, and leaves the prompt."""
        self._messages = [
            replace(message, is_prompted=False)
            if message.turn == turn and _came_too_early(message, self._messages)
            else message
            for message in self._messages
        ]

    def _with(self, turn: int, text: str) -> list[Message]:
        """The messages as they will be once the user has said `text`."""
        others = [m for m in self._messages if m.turn != turn or m.role is not Role.USER]
        orphans = (replace(message, turn=turn) for message in self._orphans)
        return [*others, Message(Role.USER, text, turn), *orphans]

    def take_back(self, turn: int) -> None:
        """The user's words of `turn` go into a later message: nobody heard an answer to them.

        What tools did for them was done, and goes with them: as much as one turn may have of it, the newest.
        """
        orphans = [*self._orphans, *(m for m in self._messages if m.turn == turn and m.role is Role.TOOLS)]
        self._orphans = orphans[_newest(list(map(_length, orphans)), MAX_RESULTS, MAX_ORPHANS) :]
        gone = (Role.USER, Role.TOOLS)
        self._messages = [m for m in self._messages if m.turn != turn or m.role not in gone]

    def tools_used(self, turn: int, uses: tuple[ToolUse, ...]) -> None:
        """One step of the answer of `turn`; told again with the same ids, with what is known by now."""
        ids = [use.id for use in uses]
        for kept in (self._messages, self._orphans):
            for place, other in enumerate(kept):
                if ids and [use.id for use in other.uses] == ids:
                    kept[place] = replace(other, uses=uses)
                    self._forget_oldest()
                    return
        self._insert(Message(Role.TOOLS, "", turn, uses=uses))
        self._forget_oldest()

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
                break
        else:
            for message in told:
                self._insert(message)
        self._forget_oldest()

    def _insert(self, message: Message) -> None:
        """Behind those of its turn."""
        after = [i for i, m in enumerate(self._messages) if m.turn <= message.turn]
        self._messages.insert(after[-1] + 1 if after else 0, message)

    def _forget_oldest(self) -> None:
        """Whole turns, beyond the bounds; the last turn stays."""
        lengths = [_length(message) for message in self._messages]
        if len(lengths) <= MAX_MESSAGES and sum(lengths) <= MAX_CHARACTERS:
            return
        start = _newest(lengths, int(KEPT_SHARE * MAX_CHARACTERS), int(KEPT_SHARE * MAX_MESSAGES))
        turns = [message.turn for message in self._messages]
        last = turns.index(turns[-1])
        while start < last and turns[start] == turns[start - 1]:
            start += 1
        start = min(start, last)
        self.has_forgotten = self.has_forgotten or start > 0
        self._messages = self._messages[start:]


def _prompted(messages: Sequence[Message], continues: int = 0) -> tuple[Message, ...]:
    """What of them a model is told."""
    told = [
        message
        for message in messages
        if message.role is not Role.SERVER and message.is_prompted
        if message.turn != continues or not _came_too_early(message, messages)
    ]
    prompted: list[Message] = []
    for is_user, group in groupby(told, lambda message: message.role is Role.USER):
        grouped = list(group)
        prompted += [_as_one(grouped)] if is_user else grouped
    return tuple(prompted)


def _came_too_early(message: Message, messages: Iterable[Message]) -> bool:
    """An answer that called a tool did something, and stays."""
    has_acted = any(m.turn == message.turn and m.role is Role.TOOLS for m in messages)
    return message.role is Role.ASSISTANT and not has_acted


def _length(message: Message) -> int:
    length = len(message.text)
    for use in message.uses:
        length += len(use.arguments) + len(use.result) + len(use.signature)
    return length


def _newest(lengths: Sequence[int], characters: int, count: int) -> int:
    """Where the newest of what has `lengths` begin that have so many `characters`, and are so many, at
    most."""
    start = len(lengths)
    while start and len(lengths) - start < count and lengths[start - 1] <= characters:
        start -= 1
        characters -= lengths[start]
    return start


def _as_one(words: list[Message]) -> Message:
    """What the user said in turns that nobody answered; the last is always whole."""
    start = _newest([len(message.text) + 1 for message in words], MAX_UNANSWERED, len(words))
    return replace(words[-1], text=" ".join(message.text for message in words[min(start, len(words) - 1) :]))
