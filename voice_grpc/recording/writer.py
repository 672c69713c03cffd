"""The two files of one recording, written as it goes: whatever kills the server, what was written is a file
that plays and lines that can be read.

Used by one thread at a time; every call may take as long as the disk does, and raises `OSError`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import BinaryIO

from ..core.audio import sample_count, seconds
from ..ports import CONVERSATION_ENDED, RecordedMessage, SoundPiece, SpokenAt
from .directory import RecordingDirectory
from .events import line, message_line
from .names import RecordingName, owner_digest
from .sound import HELD_BACK, RECORDED_HZ, TwoChannels

TRIES = 8
"""Names that may be taken: a conversation is opened anew at most that often in as many milliseconds."""


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """Of one recording; what comes first ends it."""

    seconds: float = 4 * 3600.0
    event_bytes: int = 16 * 2**20


class LimitReached(Exception):
    """The recording was ended in good order; the message says by what."""


class RecordingWriter:
    def __init__(
        self, name: RecordingName, owner: str, directory: RecordingDirectory, limits: RecordingLimits
    ) -> None:
        self.name, self.owner = name, owner
        self.is_complete = True
        """Nothing was left out."""
        self._directory, self._limits = directory, limits
        self._channels: TwoChannels | None = None
        self._sound: BinaryIO | None = None
        self._events: BinaryIO | None = None
        self._event_bytes = 0

    def begin(self) -> None:
        """Both files are there, and playable, from now on."""
        self._create()
        head = {
            "session_id": self.name.session_id,
            "owner": owner_digest(self.owner),
            "started_at": _written(self.name.started),
            "rate_hz": RECORDED_HZ,
            "channels": ["user", "assistant"],
        }
        assert self._events is not None
        assert self._sound is not None
        _write(self._events, line("recording_started", 0.0, head))
        self._channels = TwoChannels()
        _write(self._sound, self._channels.write(0))

    def _create(self) -> None:
        """Of two recordings of one millisecond the later has the next one in its name."""
        for more in range(TRIES):
            name = replace(self.name, started=self.name.started + timedelta(milliseconds=more))
            try:
                self._sound, self._events = self._directory.create(name)
            except FileExistsError:
                if more == TRIES - 1:
                    raise
            else:
                self.name = name
                return

    def hear(self, piece: SoundPiece) -> None:
        if self._channels is not None and not self._channels.user.put(piece):
            self.is_complete = False

    def say(self, piece: SoundPiece) -> None:
        if self._channels is not None and not self._channels.assistant.put(piece):
            self.is_complete = False

    def tell(self, at: float, message: RecordedMessage, spoken: SpokenAt | None) -> None:
        """Raises `LimitReached`."""
        if self._events is None:
            return
        written = message_line(at, message, spoken)
        self._event_bytes += len(written)
        if self._event_bytes > self._limits.event_bytes:
            text = f"a recording holds at most {self._limits.event_bytes} bytes of events"
            self.finish(at, text)
            raise LimitReached(text)
        _write(self._events, written)

    def settle(self, until: float) -> None:
        """Raises `LimitReached`."""
        if self._channels is None or self._sound is None:
            return
        if until > self._limits.seconds:
            text = f"a recording lasts at most {self._limits.seconds:g} s"
            self.finish(self._limits.seconds, text)
            raise LimitReached(text)
        _write(self._sound, self._channels.write(sample_count(until, RECORDED_HZ) - HELD_BACK))

    def finish(self, at: float, reason: str = CONVERSATION_ENDED) -> None:
        """The last page, and the line that says that it is."""
        channels, sound, events = self._channels, self._sound, self._events
        if channels is None or sound is None or events is None:
            return
        at = max(min(at, self._limits.seconds), seconds(channels.written, RECORDED_HZ))
        _write(sound, channels.finish(sample_count(at, RECORDED_HZ)))
        _write(events, line("recording_ended", at, {"is_complete": self.is_complete, "reason": reason}))
        self.leave()

    def leave(self) -> None:
        """As it is."""
        sound, events = self._sound, self._events
        self._channels = self._sound = self._events = None
        for file in (sound, events):
            if file is not None:
                file.close()


def _write(file: BinaryIO, data: bytes) -> None:
    """All of it: a file without a buffer may take less, as where a disk is almost full."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _written(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")
