"""Where speech that is too long for one window is cut, and what is not worth a window at all."""

import numpy as np

from ...core.audio import RATE_HZ, Floats

LONGEST_CHUNK_S = 28.0
"""What is longer is cut: the window less the silence that Whisper needs to end a text."""

_EARLIEST_CUT_S = 18.0

CUT_HOP = RATE_HZ // 10
"""Samples of the quiet place at which speech is cut, 100 ms: a pause between two words."""

SHORTEST_S = 0.1
"""No word is shorter; Whisper invents one."""

_SILENCE_HOP = RATE_HZ * 3 // 100

_SILENT_RMS = 0.0015
"""-56 dBFS in the loudest 30 ms: below any microphone's speech, above its noise with nobody there."""


def power(audio: Floats, hop: int) -> Floats:
    """Mean square of each `hop` samples, shape (len(audio) // hop,); a rest is left out."""
    found: Floats = np.mean(np.square(audio[: len(audio) // hop * hop]).reshape(-1, hop), axis=1)
    return found


def is_silent(audio: Floats) -> bool:
    """Whether nobody can have said a word in it."""
    if len(audio) < SHORTEST_S * RATE_HZ:
        return True
    return bool(power(audio, _SILENCE_HOP).max() < _SILENT_RMS**2)


def quiet_place(audio: Floats) -> int:
    """The sample in the middle of the quietest tenth of a second, of which there is one at least."""
    return int(np.argmin(power(audio, CUT_HOP))) * CUT_HOP + CUT_HOP // 2


def first_chunk(audio: Floats) -> int:
    """How many samples of what is too long for one window go into the first: up to the quietest place of
    the last ten seconds that would fit. `len(audio)` when all of it fits."""
    if len(audio) <= LONGEST_CHUNK_S * RATE_HZ:
        return len(audio)
    start, end = round(_EARLIEST_CUT_S * RATE_HZ), round(LONGEST_CHUNK_S * RATE_HZ)
    return start + quiet_place(audio[start:end])
