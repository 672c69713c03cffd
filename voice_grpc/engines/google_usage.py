"""What this process asked of the service, beside the quotas of the whole project."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from .google_voices import GoogleVoice

CONCURRENT_STREAMS = 100
"""`ConcurrentStreamingSessionsPerProject`: cloud.google.com/text-to-speech/quotas."""
CHIRP3_REQUESTS_A_MINUTE = 200
"""`Chirp3RequestsPerMinutePerProject`: the same page."""


@dataclass(slots=True)
class Usage:
    """What was asked of the service by this process; the quotas are those of the whole project."""

    streams_open: int = 0
    streams: int = 0
    requests: int = 0
    """Unary ones."""
    characters: int = 0
    """Sent to be spoken: what is billed."""
    _chirp3: deque[float] = field(default_factory=deque)

    def count(self, voice: GoogleVoice) -> None:
        """A stream or a request with this voice begins now."""
        if voice.family == "Chirp3-HD":
            self._chirp3.append(_now())

    @property
    def chirp3_last_minute(self) -> int:
        while self._chirp3 and self._chirp3[0] < _now() - 60:
            self._chirp3.popleft()
        return len(self._chirp3)

    @property
    def said(self) -> str:
        return (
            f"this process has {self.streams_open} streams open (of {CONCURRENT_STREAMS} a project) and "
            f"made {self.chirp3_last_minute} Chirp 3 requests in the last minute "
            f"(of {CHIRP3_REQUESTS_A_MINUTE}); raise the quota in the Cloud console, or spread the load"
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
