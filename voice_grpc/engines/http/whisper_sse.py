"""Server-sent events, of which a transcript comes in three shapes.

What they say is for `whisper_remote/http_responses.py`.

OpenAI, speaches   {"type": "transcript.text.delta", "delta": …} … {"type": "transcript.text.done", "text": …}
vLLM               {"choices": [{"delta": {"content": …}}]} … [DONE]
WhisperLive REST, older speaches   {"text": …} for each segment, and [DONE] or nothing
"""

import codecs
import re
from dataclasses import dataclass, field

DONE = "[DONE]"
_LAST = re.compile(r'"type"\s*:\s*"transcript\.text\.done"')
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    data: str
    name: str = ""

    @property
    def is_last(self) -> bool:
        return self.data.strip() == DONE or bool(_LAST.search(self.data))


@dataclass(slots=True)
class EventReader:
    """Bytes as they come, cut anywhere, to events (WHATWG HTML §9.2.6). Comments are none: a server that
    only says that it is still there gives nothing."""

    _text: str = ""
    _data: list[str] = field(default_factory=list)
    _name: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8-sig")("replace")
    )

    def feed(self, chunk: bytes) -> list[Event]:
        """What is whole by now."""
        self._text += self._decoder.decode(chunk)
        whole, waits = self._text, ""
        if whole.endswith("\r"):  # may be half of an end of line
            whole, waits = whole[:-1], "\r"
        *lines, rest = _LINE_END.split(whole)
        self._text = rest + waits
        return [event for line in lines if (event := self._take(line)) is not None]

    def flush(self) -> list[Event]:
        """At the end of the stream: servers forget the last empty line."""
        text, self._text = self._text, ""
        events = [self._take(line) for line in (*_LINE_END.split(text), "")]
        return [event for event in events if event is not None]

    def _take(self, line: str) -> Event | None:
        if line:
            field_name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field_name == "data":
                self._data.append(value)
            elif field_name == "event":
                self._name = value
            return None
        data, name = self._data, self._name
        self._data, self._name = [], ""
        return Event("\n".join(data), name) if data else None


def events_of(body: bytes) -> list[Event]:
    reader = EventReader()
    return [*reader.feed(body), *reader.flush()]
