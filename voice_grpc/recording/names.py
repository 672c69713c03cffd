"""What a recording is called: `<day>/<session id>.<start>`, with `.opus` for its sound and `.jsonl` for its
events; day and start are in UTC.

A session id is the caller's choice: whatever is not a letter, a digit or one of `_ - ~ : .` is
percent-encoded, and so is a dot at its beginning, so that no id leads out of its folder or hides a file.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

SOUND, EVENTS = ".opus", ".jsonl"

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_START = "%Y%m%dT%H%M%S"
_NAME = re.compile(r"(?P<id>.+)\.(?P<start>\d{8}T\d{6})(?P<ms>\d{3})Z(\.opus|\.jsonl)", re.DOTALL)


def quoted(session_id: str) -> str:
    """As it stands in a name."""
    name = quote(session_id, safe=":")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def owner_digest(owner: str) -> str:
    """Tells owners apart, and names none; empty for nobody."""
    return hashlib.sha256(f"voice-grpc recording of {owner}".encode()).hexdigest()[:32] if owner else ""


@dataclass(frozen=True, slots=True)
class RecordingName:
    session_id: str
    started: datetime
    """In UTC, to the millisecond."""

    @property
    def day(self) -> str:
        return f"{self.started:%Y-%m-%d}"

    @property
    def stem(self) -> str:
        """Of both files."""
        milliseconds = self.started.microsecond // 1000
        return f"{quoted(self.session_id)}.{self.started.strftime(_START)}{milliseconds:03}Z"

    @property
    def sound(self) -> Path:
        """Where its sound lies, seen from where all recordings do."""
        return Path(self.day, self.stem + SOUND)

    @property
    def events(self) -> Path:
        return Path(self.day, self.stem + EVENTS)

    @classmethod
    def read(cls, file: str) -> "RecordingName | None":
        """Of the name of a file, without its folder; None: it is no recording's."""
        found = _NAME.fullmatch(file)
        if found is None:
            return None
        try:
            started = datetime.strptime(found["start"], _START)
        except ValueError:
            return None
        started = started.replace(tzinfo=UTC, microsecond=int(found["ms"]) * 1000)
        return cls(unquote(found["id"]), started)
