"""Sound as the service encodes it, back to samples: PCM and µ-law as they are, and whole files."""

import io
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import numpy as np
import soundfile

from ...codec.g711 import decode_mulaw
from ...core.audio import Samples
from ...core.errors import EngineError
from .google_opus import OpusDecoder

_WAVE_PCM, _WAVE_MULAW = 1, 7
"""RFC 2361: format tags."""


class SoundDecoder(Protocol):
    @property
    def rate_hz(self) -> int:
        """Of what `feed` gave."""
        ...

    async def feed(self, data: bytes) -> Samples:
        """What can be told of the sound now; what cannot comes with a later call."""
        ...

    async def finish(self) -> Samples:
        """The rest."""
        ...


@asynccontextmanager
async def decoder(encoding: str, rate_hz: int) -> AsyncIterator[SoundDecoder]:
    """Of one stream, in `PCM` or `MULAW` at `rate_hz`, or in `OGG_OPUS`, which says its rate itself."""
    if encoding != "OGG_OPUS":
        yield _Plain(decode_mulaw, 1, rate_hz) if encoding == "MULAW" else _Plain(_pcm, 2, rate_hz)
        return
    opus = OpusDecoder(rate_hz)
    try:
        yield opus
    finally:
        await opus.close()


def file_sound(data: bytes, rate_hz: int) -> tuple[Samples, int]:
    """Of a unary answer: a WAV file (PCM16 or µ-law), an Ogg file, or bare PCM16 at `rate_hz`.

    Raises `EngineError` for what is none of them.
    """
    try:
        if data[:4] == b"RIFF":
            return _wav(data)
        if data[:4] == b"OggS":
            samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="int16", always_2d=True)
            return np.ascontiguousarray(samples[:, 0]), int(rate_hz)
    except (ValueError, struct.error, RuntimeError) as error:
        raise EngineError("tts", "Google Cloud TTS sent sound that cannot be read") from error
    return _pcm(data[: len(data) // 2 * 2]), rate_hz


def _wav(data: bytes) -> tuple[Samples, int]:
    """A length that is not known yet is written as the largest there is: then the rest is the sound."""
    tag = rate_hz = 0
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        if kind == b"fmt ":
            tag, channels, rate_hz = struct.unpack_from("<HHI", body)
            if channels != 1 or tag not in (_WAVE_PCM, _WAVE_MULAW):
                raise ValueError(f"format {tag} with {channels} channels")
        elif kind == b"data" and rate_hz:
            return (decode_mulaw(body) if tag == _WAVE_MULAW else _pcm(body[: len(body) // 2 * 2])), rate_hz
        at += 8 + length + length % 2
    raise ValueError("no sound in the file")


def _pcm(data: bytes) -> Samples:
    return np.frombuffer(data, "<i2").astype(np.int16)


class _Plain:
    """Samples of a fixed size; one that is cut in two waits for its second half."""

    def __init__(self, decode: Callable[[bytes], Samples], width: int, rate_hz: int) -> None:
        self._decode, self._width, self.rate_hz = decode, width, rate_hz
        self._rest = b""

    async def feed(self, data: bytes) -> Samples:
        data = self._rest + data
        whole = len(data) // self._width * self._width
        self._rest = data[whole:]
        return self._decode(data[:whole])

    async def finish(self) -> Samples:
        return self._decode(b"")
