"""Who is told of what is played: the echo path, which takes it out of the microphone's sound, and the
recording.

A file of its own: an answer that plays tells both in one go, and knows of neither.
"""

from collections.abc import Callable

from ..core.playout.pacer import Chunk, Pacer
from .hearing.echo import EchoPath
from .recording_tap import RecordingTap


class PlayoutTaps:
    def __init__(self, echo: EchoPath, recording: RecordingTap) -> None:
        self._echo, self._recording = echo, recording

    def leave(self, pacer: Pacer, chunk: Chunk, text_of: Callable[[int], str]) -> None:
        """As of `EchoPath`."""
        self._echo.leave(pacer, chunk, text_of)
        self._recording.leave(pacer, chunk.samples)

    def cut(self, pacer: Pacer) -> None:
        """What the client has of this answer is thrown away."""
        self._echo.cut(pacer)
        self._recording.cut(pacer)

    def moved(self, pacer: Pacer) -> None:
        """What leaves next of this answer is not what follows what left last; the client has none of it."""
        self._echo.moved(pacer)
        self._recording.cut(pacer)

    def held(self, pacer: Pacer) -> None:
        self._recording.held(pacer)

    def resumed(self, pacer: Pacer) -> None:
        self._recording.resumed(pacer)

    def reported(self, pacer: Pacer) -> None:
        self._recording.reported(pacer)
