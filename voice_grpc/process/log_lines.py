"""How a line of the log looks: as text for people, or as one JSON object for programs; and the session that
it is about, which every line that is written on behalf of one says.

JSON lines always have the keys `time` (RFC 3339, UTC), `level`, `logger`, `message`, `session_id` and
`trace_id`, the last two empty where a line is about no session; `exception`, a traceback, only where there is
one; and whatever else the line is made of (`FIELDS`) under names of its own.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"

FIELDS = "fields"
"""Key of `extra` under which a line has what it is made of: a mapping that JSON can write."""
TRACE = "trace_id"
"""Key of `extra` for a line of another trace than its session's."""


@dataclass(frozen=True, slots=True)
class LineContext:
    session_id: str = ""
    trace_id: str = ""


_current: ContextVar[LineContext] = ContextVar("line_context", default=LineContext())  # noqa: B039 - frozen


@contextmanager
def lines_of(session_id: str, trace_id: str) -> Iterator[None]:
    """What is logged in this block, and in tasks that are made in it, is of this session."""
    token = _current.set(LineContext(session_id, trace_id))
    try:
        yield
    finally:
        _current.reset(token)


class TextLines(logging.Formatter):
    """The whole record as it will be written, its traceback included, and without secrets."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__(TEXT)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        context = _context_of(record)
        of_session = f" session={context.session_id}" if context.session_id else ""
        of_trace = f" trace={context.trace_id}" if context.trace_id else ""
        return f"{super().formatMessage(record)}{of_session}{of_trace}"


class JsonLines(logging.Formatter):
    """Secrets are taken out of each text before it is written: hiding one never breaks the JSON."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        context = _context_of(record)
        written: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "session_id": context.session_id,
            "trace_id": context.trace_id,
        }
        if record.exc_info:
            written["exception"] = self.formatException(record.exc_info)
        fields = getattr(record, FIELDS, {})
        return json.dumps(self._without_secrets({**fields, **written}), ensure_ascii=False, default=str)

    def _without_secrets(self, value: object) -> object:
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, Mapping):
            return {key: self._without_secrets(each) for key, each in value.items()}
        return value


def _context_of(record: logging.LogRecord) -> LineContext:
    current = _current.get()
    own = getattr(record, TRACE, "")
    return LineContext(current.session_id, own) if own else current
