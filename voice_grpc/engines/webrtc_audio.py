"""WebRTC's echo canceller (AEC3), in the wheel `pywebrtc-audio`: Chrome's, without a browser.

One thread serves all sessions, as in `silero.py`: what waits when it comes round is computed together and
answered in one hop back to the loop; the library lets go of the interpreter meanwhile. A block of 10 ms takes
some 0.1 ms, and only while something is played. It finds the delay between loudspeaker and microphone by
itself, up to half a second; at 0.7 s it no longer does (measured).
"""

import asyncio
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ..core.audio import RATE_HZ, Samples
from ..core.errors import EngineError, EngineMissing
from ..ports.echo import BLOCK
from ..process.installation import advice
from .worker_threads import WorkerThreads, hand_over, take_waiting

if TYPE_CHECKING:
    from pywebrtc_audio import AudioProcessor

DELAY = 128
"""Samples that AEC3 holds back: half a filter block and its framing (measured: 8 ms)."""

_STAGE = "session"
_CLOSE_S = 2.0

_Cleaned: TypeAlias = "asyncio.Future[Samples]"
_Job: TypeAlias = "tuple[AudioProcessor, Samples, Samples, _Cleaned]"


class WebRtcEchoStream:
    """What was learnt of one session's echo. Only the engine's thread advances it."""

    __slots__ = ("__weakref__", "_canceller", "_processor")

    delay = DELAY

    def __init__(self, canceller: "WebRtcEchoCanceller", processor: "AudioProcessor") -> None:
        self._canceller, self._processor = canceller, processor

    async def cleaned(self, near: Samples, far: Samples) -> Samples:
        """Raises `ValueError` for anything but whole blocks of the same length, `EngineError` when the
        engine is not open."""
        if len(near) != len(far) or len(near) % BLOCK:
            raise ValueError(f"whole blocks of {BLOCK} samples, got {len(near)} near and {len(far)} far")
        return await self._canceller.submit(self._processor, near, far)


class WebRtcEchoCanceller:
    """Implements `ports.EchoCanceller`."""

    is_embedded = True
    name = "WebRTC AEC3"
    location = "in process"

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: WorkerThreads | None = None
        self._processor: type[AudioProcessor] | None = None
        """None: it is closed, or was never warmed."""

    async def warm(self) -> None:
        """Raises `EngineMissing` when pywebrtc-audio is not installed."""
        if self._thread is None:
            self._processor = await asyncio.to_thread(_load)
            self._thread = WorkerThreads("echo", partial(_serve, self._jobs))
            self._thread.start(1)
        silence = np.zeros(BLOCK, np.int16)
        await self.open().cleaned(silence, silence)

    def open(self) -> WebRtcEchoStream:
        """Raises `EngineError` when it is not open."""
        if self._processor is None:
            raise self._closed()
        return WebRtcEchoStream(self, self._processor(sample_rate=RATE_HZ, echo_cancellation=True))

    def submit(self, processor: "AudioProcessor", near: Samples, far: Samples) -> _Cleaned:
        """Hand some blocks to the thread, to be answered in the order in which they were given."""
        if self._processor is None:
            raise self._closed()
        answer: _Cleaned = asyncio.get_running_loop().create_future()
        self._jobs.put((processor, near.copy(), far, answer))
        return answer

    async def close(self) -> None:
        """What was already given is still answered: it takes milliseconds."""
        self._processor = None
        if self._thread is not None:
            self._jobs.put(None)
            await self._thread.join(_CLOSE_S)

    def _closed(self) -> EngineError:
        return EngineError(_STAGE, f"{self.name} is closed or was never warmed", retryable=False)


def _load() -> "type[AudioProcessor]":
    try:
        from pywebrtc_audio import AudioProcessor
    except ImportError as error:
        raise EngineMissing(_STAGE, f"pywebrtc-audio is not installed: run {advice()}") from error
    return AudioProcessor


def _serve(jobs: "SimpleQueue[_Job | None]") -> None:
    """The thread: take all that waits, compute it, answer it in one call a loop."""
    goes_on = True
    while goes_on:
        batch, goes_on = take_waiting(jobs)
        hand_over([(answer, _compute(processor, near, far)) for processor, near, far, answer in batch])
        del batch  # while it waits it keeps no session's processor alive


def _compute(processor: "AudioProcessor", near: Samples, far: Samples) -> Samples | EngineError:
    blocks = range(0, len(near), BLOCK)
    try:
        cleaned = [processor.process(near[at : at + BLOCK], far[at : at + BLOCK]) for at in blocks]
    except Exception as error:  # noqa: BLE001 - one bad block must not end the thread of all sessions
        return EngineError(_STAGE, f"the echo canceller failed: {error}")
    return np.concatenate(cleaned) if cleaned else near
