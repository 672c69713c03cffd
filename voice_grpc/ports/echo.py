"""The port of echo cancellation: the assistant's own voice taken out of what the microphone hears.

A file of its own: the ports are a stage a file.
"""

from typing import Protocol

from ..core.audio import Samples
from .engine import Engine

BLOCK = 160
"""Samples of one step at `RATE_HZ` (10 ms): what WebRTC's processing takes."""


class EchoStream(Protocol):
    """What is known of one session's way from its loudspeaker to its microphone; it learns as it works."""

    @property
    def delay(self) -> int:
        """Samples by which what comes out is behind what goes in."""
        ...

    async def cleaned(self, near: Samples, far: Samples) -> Samples:
        """`near` without the echo of `far`, in as many samples: whole `BLOCK`s at `RATE_HZ`, which follow
        those before. `far` is what is played when `near` is heard, or up to half a second before."""
        ...


class EchoCanceller(Engine, Protocol):
    def open(self) -> EchoStream:
        """For one session. It needs no closing: nothing but its caller holds it."""
        ...
