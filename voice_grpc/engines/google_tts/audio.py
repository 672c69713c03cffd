"""Sound as the service encodes it, back to samples: PCM of a stream, and the WAV file of a unary answer.

Nothing else is asked for: on this way µ-law would save bandwidth that nobody lacks and cost the voice its
upper half, and Opus would have to be decoded before it is encoded again.
"""

import struct

import numpy as np

from ...core.audio import Samples
from ...core.errors import EngineError

_WAVE_PCM = 1
"""RFC 2361: format tag."""
_SAMPLE_BYTES = 2


class PcmReader:
    """PCM16 in pieces that are cut anywhere; of a sample that is cut in two the first half waits."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Samples:
        data = self._rest + data
        whole = _whole(data)
        self._rest = data[len(whole) :]
        return _pcm(whole)


def wav_sound(data: bytes, rate_hz: int) -> tuple[Samples, int]:
    """The samples of a WAV file (PCM16 mono) and their rate in Hz; what is no WAV file is PCM16 at `rate_hz`.

    Raises `EngineError` for a file that cannot be read, or holds something else.
    """
    if data[:4] != b"RIFF":
        return _pcm(_whole(data)), rate_hz
    try:
        return _wav(data)
    except (ValueError, struct.error) as error:
        raise EngineError("tts", "Google Cloud TTS sent sound that cannot be read") from error


def _wav(data: bytes) -> tuple[Samples, int]:
    """A length that is not known yet is written as the largest there is: then the rest is the sound."""
    rate_hz, at = 0, 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        if kind == b"fmt ":
            tag, channels, rate_hz = struct.unpack_from("<HHI", body)
            if channels != 1 or tag != _WAVE_PCM:
                raise ValueError(f"format {tag} with {channels} channels")
        elif kind == b"data" and rate_hz:
            return _pcm(_whole(body)), rate_hz
        at += 8 + length + length % 2
    raise ValueError("no sound in the file")


def _whole(data: bytes) -> bytes:
    return data[: len(data) // _SAMPLE_BYTES * _SAMPLE_BYTES]


def _pcm(data: bytes) -> Samples:
    return np.frombuffer(data, "<i2").astype(np.int16)
