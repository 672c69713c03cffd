"""Server-sent events out of bytes, cut wherever the network cuts them.

As the HTML standard says it (html.spec.whatwg.org, "Interpreting an event stream"), but for one thing: an
event that the end of the stream cuts off before its empty line is given too, for servers that leave it out.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_CHARACTERS = 1 << 20
"""Length of one event at most. An answer of one piece, with a tool's arguments, is far smaller, and so are
ten minutes of speech as verbose JSON (40 KB)."""

DONE = "[DONE]"
"""Data of the event with which OpenAI, and who is made like it, says that there are no more."""

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    name: str
    """Empty where the server gives none."""
    data: str

    @property
    def is_done(self) -> bool:
        return self.data.strip() == DONE


class EventReader:
    """`feed` what comes, `flush` at the end. Comments give nothing: a server that only says that it is still
    there says no event."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._ends_in_cr = False
        """A line feed that comes next belongs to the line that is done already."""
        self._name = ""
        self._data: list[str] = []
        self._held = 0

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Raises `ValueError` for an event of more than `MOST_CHARACTERS`."""
        yield from self._read(self._decoder.decode(chunk))

    def flush(self) -> Iterator[ServerSentEvent]:
        yield from self._read(self._decoder.decode(b"", final=True) + "\n\n")

    def _read(self, text: str) -> Iterator[ServerSentEvent]:
        if not text:
            return
        if self._ends_in_cr:
            text = text.removeprefix("\n")
        self._ends_in_cr = text.endswith("\r")
        *lines, self._rest = _LINE_END.split(self._rest + text)
        for line in lines:
            if line:
                self._take(line)
            elif (event := self._event()) is not None:
                yield event
        if self._held + len(self._rest) > MOST_CHARACTERS:
            raise ValueError("an event without an end")

    def _take(self, line: str) -> None:
        """A line that begins with a colon is a comment: a field without a name."""
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._held += len(value) + 1
        elif field == "event":
            self._name = value

    def _event(self) -> ServerSentEvent | None:
        event = ServerSentEvent(self._name, "\n".join(self._data)) if self._data else None
        self._name, self._data, self._held = "", [], 0
        return event


def events_of(body: bytes) -> list[ServerSentEvent]:
    """All events of a whole body. Raises `ValueError` as `feed` does."""
    reader = EventReader()
    return [*reader.feed(body), *reader.flush()]
