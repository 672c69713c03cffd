"""Opus in Ogg as it comes, back to samples.

libsndfile reads Ogg only from files. It gets one end of a pipe, in a thread of its own, and reads it in
blocks of `_BLOCK`; after each page the block is filled up, which Ogg allows between pages (RFC 3533
section 3: a reader looks for the next capture pattern). So a page sounds as soon as it is here.
"""

import asyncio
import fcntl
import os
import threading
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import soundfile

from ...core.audio import Samples
from ...core.errors import EngineError

_BLOCK = 4096
"""Bytes that libsndfile's Ogg reader waits for."""
_CAPTURE, _HEADER, _LACING = b"OggS", 27, 26
"""RFC 3533 section 6: how a page begins, its bytes before the lacing values, and where their number is."""
_PIPE = 1 << 18
"""Bytes that wait in the pipe: more than the largest page (65 KB) and what comes before it."""
_FLAGS, _BEGINS, _POSITION = 5, 0x02, slice(6, 14)
"""Of the same: where the flags are, that of a stream's first page, and how far a page's sound reaches."""
_GRANULE_HZ = 48_000
"""RFC 7845 section 4: a page says at this rate how much sound there is up to its end."""
_READ = 480
"""Samples taken from libsndfile at once: 20 ms at 24 kHz, an Opus frame."""
_DECODING_SECONDS = 0.25
"""For one answer's worth of pages; what takes longer comes with the next."""
_CLOSING_SECONDS = 0.5


class OpusDecoder:
    """One logical stream after the other, should several be chained (RFC 3533 section 4)."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._loop = asyncio.get_running_loop()
        self._parts: list[Samples] = []
        self._decoded = 0
        """Of the current stream."""
        self._pending = b""
        """Not yet a whole page."""
        self._head = b""
        """Of a stream that has no sound yet."""
        self._changed, self._ended = asyncio.Event(), asyncio.Event()
        self._error: Exception | None = None
        self._pipe: asyncio.WriteTransport | None = None

    async def feed(self, data: bytes) -> Samples:
        self._pending += data
        ends_at = 0
        while (size := _page_size(self._pending)) is not None:
            page, self._pending = self._pending[:size], self._pending[size:]
            if page[_FLAGS] & _BEGINS:
                await self._end_stream()
                self._head, ends_at, self._pipe = b"", 0, None
            ends_at = max(ends_at, int.from_bytes(page[_POSITION], "little", signed=True))
            block = page + bytes(-size % _BLOCK)
            if self._pipe is not None:
                self._pipe.write(block)
                continue
            self._head += block
            if ends_at > 0:
                self._pipe = await self._open()
                self._pipe.write(self._head)
        await self._until(ends_at)
        return self._taken()

    async def finish(self) -> Samples:
        if self._pending:
            raise EngineError("tts", "Google Cloud TTS sent half a page of Ogg")
        await self._end_stream()
        return self._taken()

    async def close(self) -> None:
        if self._pipe is not None:
            if not self._pipe.is_closing():
                self._pipe.abort()
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING_SECONDS):
                    await self._ended.wait()

    async def _open(self) -> asyncio.WriteTransport:
        """With sound at hand that is written at once: soundfile opens one file at a time in the process, and
        one that it had to wait for would stop whoever opens another."""
        reading, writing = os.pipe()
        with suppress(OSError, AttributeError):  # Linux has it
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
        pipe, _ = await self._loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(writing, "wb", 0))
        self._decoded, self._ended = 0, asyncio.Event()
        threading.Thread(target=self._read, args=(reading,), name="google-opus", daemon=True).start()
        return pipe

    async def _end_stream(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            await self._ended.wait()

    async def _until(self, ends_at: int) -> None:
        """Until the thread has decoded what is whole of the sound up to there, less what it reads at once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DECODING_SECONDS):
                while (
                    self._pipe is not None
                    and not self._ended.is_set()
                    and self._decoded < (ends_at * self.rate_hz // _GRANULE_HZ - 2 * _READ)
                ):
                    self._changed.clear()
                    await self._changed.wait()

    def _taken(self) -> Samples:
        if self._error is not None:
            raise EngineError("tts", "Google Cloud TTS sent Opus that cannot be read") from self._error
        parts, self._parts = self._parts, []
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    # ------------------------------------------------------------ in the thread, and what it tells the loop

    def _read(self, reading: int) -> None:
        error: Exception | None = None
        try:
            with soundfile.SoundFile(reading, closefd=True) as sound:
                while len(samples := sound.read(_READ, dtype="int16", always_2d=True)):
                    self._tell(self._append, samples[:, 0].copy(), sound.samplerate)
        except RuntimeError as failure:
            error = failure
        self._tell(self._end, error)

    def _tell(self, what: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is gone, and so is whoever wanted the sound
            self._loop.call_soon_threadsafe(what, *arguments)

    def _append(self, samples: Samples, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._parts.append(samples)
        self._decoded += len(samples)
        self._changed.set()

    def _end(self, error: Exception | None) -> None:
        self._error = error
        self._ended.set()
        self._changed.set()


def _page_size(data: bytes) -> int | None:
    """None while the page at the head of `data` is not whole."""
    if len(data) < _HEADER:
        return None
    if data[:4] != _CAPTURE:
        raise EngineError("tts", "Google Cloud TTS sent sound that is no Ogg")
    lacing = data[_HEADER : _HEADER + data[_LACING]]
    size = _HEADER + data[_LACING] + sum(lacing)
    return size if len(lacing) == data[_LACING] and len(data) >= size else None
