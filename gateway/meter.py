"""How much comes in on one socket: a little ahead of real time is a network's way, far ahead is a flood."""

from dataclasses import dataclass

MESSAGES_A_SECOND = 250
"""Frames of 20 ms are 50; a browser's own blocks of 128 samples at 48 kHz would be 375."""
BYTES_A_SECOND = 800_000
"""Stereo floats at 48 kHz, twice over."""
BURST_SECONDS = 4.0


@dataclass(slots=True)
class Meter:
    """Two token buckets. Time is an argument, monotonic seconds."""

    messages: float = MESSAGES_A_SECOND * BURST_SECONDS
    bytes: float = BYTES_A_SECOND * BURST_SECONDS
    _at: float | None = None

    def is_flooded(self, size: int, now: float) -> bool:
        """By one more message of `size` bytes."""
        passed = 0.0 if self._at is None else now - self._at
        self._at = now
        self.messages = min(self.messages + passed * MESSAGES_A_SECOND, MESSAGES_A_SECOND * BURST_SECONDS) - 1
        self.bytes = min(self.bytes + passed * BYTES_A_SECOND, BYTES_A_SECOND * BURST_SECONDS) - size
        return self.messages < 0 or self.bytes < 0
