"""One answer as a model writes it: what of it is said, what is called, and whether it is over.

| where it is | text | a mark |
|---|---|---|
| SAID | said, unless it may be a call without marks | decides where the next text belongs |
| THOUGHT | nobody's | only what closes it, or ends the answer |
| HEADER, ROLE | decides whether what follows is said, thought or called | may end it |
| CALL | kept until the answer ends: what follows a call is made up | kept too |
| OVER | nobody's | nothing |

Nothing is said of a thought that never ends. With harmony only the channel `final` is said.
"""

import re
from collections.abc import Collection
from enum import Enum, auto

from .arguments import is_in_string
from .calls import WrittenCall, calls_in
from .headers import (
    LONGEST,
    Audience,
    Heading,
    bare_answer,
    bare_thought,
    heading,
    heading_without_end,
    role,
)
from .markers import Marker, MarkerKind, coming_marker, is_cut_off, next_marker
from .unmarked import HeldText, mended

_ANY, _HARMONY, _BARE_HARMONY = "any", "harmony", "harmony without marks"
"""Families of thoughts beside those of `markers`; `_ANY`: the mark that opened it was not seen."""


class MalformedCall(ValueError):
    """What was meant as a call cannot be read as one; `str` is what was written."""


class _Place(Enum):
    SAID = auto()
    THOUGHT = auto()
    HEADER = auto()
    ROLE = auto()
    CALL = auto()
    OVER = auto()


class ModelOutput:
    """`feed` what comes, `finish` at the end; both give what is to be said. Then `calls`."""

    def __init__(self, declared: Collection[str] = (), *, begins_inside: bool = False) -> None:
        """`declared`: names of the tools that may be called. `begins_inside`: the template opened a thought,
        and the answer only closes it."""
        self.has_thought = begins_inside
        self.was_not_opened = False
        """Thoughts ended that had not begun: what came before them was taken for the answer."""
        self._declared = frozenset(declared)
        self._place = _Place.THOUGHT if begins_inside else _Place.SAID
        self._family = _ANY if begins_inside else ""
        self._coming = ""
        """The beginning of what may become a mark."""
        self._spoken = HeldText(declared)
        self._kept = ""
        """A header that is not over, or the call."""
        self._call = ""
        """The call once the answer is over."""

    @property
    def is_over(self) -> bool:
        """A mark ended the answer: whatever follows is not part of it."""
        return self._place is _Place.OVER

    @property
    def is_calling(self) -> bool:
        """What comes now is a call, and nothing more is said."""
        return self._place is _Place.CALL or bool(self._call)

    def feed(self, text: str) -> str:
        self._coming += text
        said = ""
        while (found := next_marker(self._coming)) is not None:
            start, marker = found
            said += self._read(self._coming[:start])
            self._coming = self._coming[start + len(marker.text) :]
            said += self._meet(marker)
        cut = coming_marker(self._coming)
        text, self._coming = self._coming[:cut], self._coming[cut:]
        return said + self._read(text)

    def finish(self) -> str:
        rest, self._coming = self._coming, ""
        said = "" if is_cut_off(rest) else self._read(rest)
        return said + self._end()

    def calls(self) -> list[WrittenCall]:
        """After `finish`. Raises `MalformedCall`."""
        if not self._call.strip():
            return []
        found = calls_in(self._call, self._declared) or mended(self._call, self._declared)
        if not found:
            raise MalformedCall(self._call)
        return found

    # ------------------------------------------------------------ text

    def _read(self, text: str) -> str:
        """What is said of a text without marks."""
        match self._place:
            case _Place.SAID if text:
                return self._speak(text)
            case _Place.CALL | _Place.HEADER | _Place.ROLE:
                self._kept += text
            case _Place.THOUGHT if self._family == _BARE_HARMONY:
                self._kept += text
                if (answer := bare_answer(self._kept)) is not None:
                    self._place = _Place.SAID
                    return self._read(answer)
        if self._place is _Place.HEADER and len(self._kept) > LONGEST:
            return self._head(heading_without_end(self._kept))
        if self._place is _Place.ROLE:
            return self._take_turn(is_last=False)
        return ""

    def _speak(self, text: str) -> str:
        if not self._spoken.is_begun and (thought := bare_thought(self._spoken.held + text)) is not None:
            self._spoken.held += text
            if thought:
                self._spoken.held, self._kept = "", ""
                self._think(_BARE_HARMONY)
                return self._read(thought)
            return ""
        said = self._spoken.feed(text)
        if self._spoken.call:
            self._place, self._kept = _Place.CALL, self._spoken.call
        return said

    def _end(self) -> str:
        """The answer is over: what was held back is decided."""
        said = self._head(heading_without_end(self._kept)) if self._place is _Place.HEADER else ""
        if self._place is _Place.SAID:
            said += self._spoken.flush()
            self._call = self._spoken.call
        elif self._place is _Place.CALL:
            self._call = self._kept
        self._place = _Place.OVER
        return said

    # ------------------------------------------------------------ marks

    def _meet(self, marker: Marker) -> str:
        """What is said because of a mark: text that was held back and belongs to no call."""
        match self._place:
            case _Place.OVER:
                pass
            case _ if self._is_in_call(marker):
                return self._read(marker.text)
            case _ if marker.kind is MarkerKind.END_OF_ANSWER:
                return self._end()
            case _Place.THOUGHT if marker.kind is MarkerKind.HEADER and self._family == _HARMONY:
                self._place, self._kept = _Place.HEADER, marker.text
            case _Place.THOUGHT:
                is_end = marker.kind is MarkerKind.END_OF_THOUGHT and self._family in (marker.family, _ANY)
                self._place = _Place.SAID if is_end else _Place.THOUGHT
            case _Place.HEADER if marker.kind is MarkerKind.MESSAGE:
                return self._head(heading(self._kept))
            case _Place.HEADER:
                self._kept += marker.text
            case _Place.ROLE:
                return self._take_turn(is_last=True) + self._meet(marker)
            case _:
                return self._open(marker)
        return ""

    def _is_in_call(self, marker: Marker) -> bool:
        """It belongs to a call, as a mark of its notation or as dirt in it, which is read with it."""
        is_held = self._place is _Place.SAID and self._spoken.is_calling
        if not (is_held or self._place is _Place.CALL):
            return False
        is_end = marker.kind is MarkerKind.END_OF_ANSWER
        return not is_end or is_in_string(self._spoken.held if is_held else self._kept)

    def _open(self, marker: Marker) -> str:
        """A mark in what is said."""
        if marker.kind is MarkerKind.NOTHING:
            return ""
        is_fence = marker.kind is MarkerKind.CALL and re.fullmatch(r"\s*`{1,3}\w*\s*", self._spoken.held)
        said = "" if is_fence else self._spoken.give()
        match marker.kind:
            case MarkerKind.CALL:
                self._place, self._kept = _Place.CALL, marker.text
            case MarkerKind.THOUGHT:
                self._think(marker.family)
            case MarkerKind.END_OF_THOUGHT:
                self.was_not_opened = self.has_thought = True
            case MarkerKind.HEADER:
                self._place, self._kept = _Place.HEADER, marker.text
            case MarkerKind.TURN:
                self._place, self._kept = _Place.ROLE, ""
            case MarkerKind.OTHERS_TURN | MarkerKind.END_OF_MESSAGE if self._spoken.is_begun:
                self._place = _Place.OVER
            case _:
                pass
        return said

    def _think(self, family: str) -> None:
        self._place, self._family, self.has_thought = _Place.THOUGHT, family, True

    # ------------------------------------------------------------ headers

    def _head(self, found: Heading) -> str:
        """What follows a header of harmony."""
        self._kept = found.rest if found.audience is Audience.TOOL else ""
        match found.audience:
            case Audience.NOBODY:
                self._think(_HARMONY)
            case Audience.TOOL:
                self._place = _Place.CALL
            case Audience.USER:
                self._place = _Place.SAID
                return self._read(found.rest)
        return ""

    def _take_turn(self, *, is_last: bool) -> str:
        """A model that begins somebody else's turn is done with its own."""
        if (found := role(self._kept, is_last=is_last)) is None:
            return ""
        is_ours = found.is_ours or not self._spoken.is_begun
        self._place = _Place.SAID if is_ours else _Place.OVER
        return self._read(found.rest)
