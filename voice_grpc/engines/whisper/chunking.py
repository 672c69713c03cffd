"""Where speech that is too long for one window is cut, and what is not worth a window at all."""

import numpy as np

from ...core.audio import RATE_HZ, Floats

LONGEST_CHUNK_S = 28.0
"""What is longer is cut: the window less the silence that Whisper needs to end a text."""

LONGEST_TURN_S, LONGEST_PART_S = 18.0, 10.0
"""Of what somebody says who waits for an answer, and of a recording: so long is one piece of work. The base
model takes 0.8 s for 10 s of speech on one core, 1.0 s for 12 s, 1.6 s for 18 s and 3.6 s for 28 s. A text of
39 s and 122 words came out with 4 errors at 28 and at 18 s, and with 3 at 10 s."""

_CUT_AMONG = 0.35
"""Of the longest chunk, its end: in which the quietest place is looked for."""

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


def first_chunk(audio: Floats, longest_s: float = LONGEST_CHUNK_S) -> int:
    """How many samples of what is too long for one chunk go into the first: up to the quietest place of the
    last third of what would fit. `len(audio)` when all of it fits."""
    if len(audio) <= longest_s * RATE_HZ:
        return len(audio)
    start, end = round((1 - _CUT_AMONG) * longest_s * RATE_HZ), round(longest_s * RATE_HZ)
    return start + quiet_place(audio[start:end])
