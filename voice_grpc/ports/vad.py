"""The port of voice activity detection: how likely each window holds speech.

A file of its own: the ports are a stage a file.
"""

from typing import Protocol

from ..core.audio import Floats
from .engine import Engine


class VadStream(Protocol):
    async def probability(self, window: Floats) -> float:
        """That the next `WINDOW` samples at `RATE_HZ` hold speech: 0 to 1. Windows are consecutive."""
        ...


class Vad(Engine, Protocol):
    def open(self) -> VadStream:
        """A fresh stream state for one session."""
        ...
