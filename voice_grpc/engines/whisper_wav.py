"""Sound as a file, for servers that take nothing else."""

import struct

from ..core.audio import RATE_HZ, Samples

HEADER_BYTES = 44
"""RIFF, `fmt ` of 16 bytes, `data`: what every reader of WAV knows, some of them nothing more."""

_PCM, _CHANNELS, _WIDTH = 1, 1, 2


def wav(samples: Samples) -> bytes:
    """16 kHz mono s16le: what Whisper hears, so that no server has to resample."""
    data = samples.astype("<i2", copy=False).tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", HEADER_BYTES - 8 + len(data), b"WAVE"),
        *(
            b"fmt ",
            16,
            _PCM,
            _CHANNELS,
            RATE_HZ,
            RATE_HZ * _WIDTH * _CHANNELS,
            _WIDTH * _CHANNELS,
            8 * _WIDTH,
        ),
        *(b"data", len(data)),
    )
    return head + data
