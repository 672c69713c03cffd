"""Where speech that is too long for one window is cut, and what is not worth a window at all."""

import numpy as np

from ...core.audio import RATE_HZ, Floats

LONGEST_PIECE_S = 28.0
"""What is longer is cut: the window less the silence that Whisper needs to end a text."""

_EARLIEST_CUT_S = 18.0
_CUT_HOP = RATE_HZ // 10

SHORTEST_S = 0.1
"""No word is shorter; Whisper invents one."""

_HOP = RATE_HZ * 3 // 100

_SILENT_RMS = 0.0015
"""-56 dBFS in the loudest 30 ms: below any microphone's speech, above its noise with nobody there."""


def is_silent(audio: Floats) -> bool:
    if len(audio) < SHORTEST_S * RATE_HZ:
        return True
    return bool(_power(audio).max() < _SILENT_RMS**2)


def _power(audio: Floats) -> Floats:
    """Of each 30 ms."""
    power: Floats = np.mean(np.square(audio[: len(audio) // _HOP * _HOP]).reshape(-1, _HOP), axis=1)
    return power


def first_piece(audio: Floats) -> int:
    """Where to cut what is too long for one window: the middle of the quietest tenth of a second of
    the last ten that would fit. `len(audio)` when all of it fits."""
    if len(audio) <= LONGEST_PIECE_S * RATE_HZ:
        return len(audio)
    start, end = round(_EARLIEST_CUT_S * RATE_HZ), round(LONGEST_PIECE_S * RATE_HZ)
    power = np.mean(np.square(audio[start:end]).reshape(-1, _CUT_HOP), axis=1)
    return start + int(np.argmin(power)) * _CUT_HOP + _CUT_HOP // 2
