"""Telephone sound: ITU-T G.711 µ-law and A-law to PCM16 and back, by table.

A code is a sign, a segment of 3 bits and a step of 4; each segment's steps are twice as wide as
those of the one below it. Decoding gives the middle of the step. PCM16 is scaled as usual:
µ-law is 14 bit and A-law 13 bit, so their codes are read from the top bits of a sample.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..core.audio import Samples

_Codes: TypeAlias = npt.NDArray[np.uint8]

_MULAW_BIAS = 33
"""G.711 table 2: added to a 14-bit magnitude so that every segment begins at a power of two."""
_MULAW_TOP = 8_158
"""The largest 14-bit magnitude that has a code: G.711's last decision value is 8,159."""


def _bit_length(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return np.frexp(values.astype(np.float64))[1]


def _mulaw_values() -> Samples:
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    segment, step = codes >> 4 & 7, codes & 15
    magnitude = ((2 * step + _MULAW_BIAS) << segment) - _MULAW_BIAS
    return (np.where(codes & 0x80, -magnitude, magnitude) * 4).astype(np.int16)


def _mulaw_codes() -> _Codes:
    """Indexed by the sample's 16 bits."""
    value = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    biased = np.minimum(np.abs(value), _MULAW_TOP) + _MULAW_BIAS
    segment = _bit_length(biased) - 6
    code = np.where(value < 0, 0x80, 0) | segment << 4 | biased >> (segment + 1) & 15
    codes: _Codes = (~code & 0xFF).astype(np.uint8)
    return codes


def _alaw_values() -> Samples:
    codes = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = codes >> 4 & 7, codes & 15
    magnitude = np.where(segment, (2 * step + 33) << np.maximum(segment - 1, 0), 2 * step + 1)
    return (np.where(codes & 0x80, magnitude, -magnitude) * 8).astype(np.int16)


def _alaw_codes() -> _Codes:
    """Indexed by the sample's 16 bits. Negative values are ones' complements: -1 is the mirror of 0."""
    value = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 3
    magnitude = np.where(value < 0, ~value, value)
    segment = np.maximum(_bit_length(magnitude) - 5, 0)
    code = np.where(value < 0, 0, 0x80) | segment << 4 | magnitude >> np.maximum(segment, 1) & 15
    codes: _Codes = (code ^ 0x55).astype(np.uint8)
    return codes


_MULAW_VALUES, _MULAW_CODES = _mulaw_values(), _mulaw_codes()
_ALAW_VALUES, _ALAW_CODES = _alaw_values(), _alaw_codes()


def decode_mulaw(codes: bytes) -> Samples:
    return _MULAW_VALUES[np.frombuffer(codes, np.uint8)]


def encode_mulaw(samples: Samples) -> bytes:
    return _MULAW_CODES[samples.view(np.uint16)].tobytes()


def decode_alaw(codes: bytes) -> Samples:
    return _ALAW_VALUES[np.frombuffer(codes, np.uint8)]


def encode_alaw(samples: Samples) -> bytes:
    return _ALAW_CODES[samples.view(np.uint16)].tobytes()
