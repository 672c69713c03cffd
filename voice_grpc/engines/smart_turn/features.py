"""The sound of a turn → the log-mel spectrogram that Smart Turn v3 was trained on. numpy alone.

The recipe is Whisper's (Radford et al. 2022, section 2.2) with a window of eight seconds: the waveform at
zero mean and unit variance, Hann windows of 25 ms every 10 ms, 80 mels on Slaney's scale, the logarithm of
power within 80 dB of its maximum. The end of the sound is the end of the window; before its beginning there
is silence, and silence has one spectrum: it is computed once, whatever its length.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ...core.audio import RATE_HZ, Samples, to_float

Spectrogram: TypeAlias = npt.NDArray[np.float32]
"""Log-mel power, shape (`MELS`, `FRAMES`), roughly in [-1, 2]."""

_Doubles: TypeAlias = npt.NDArray[np.float64]

WINDOW_SECONDS = 8
MELS = 80
FRAMES = 800

_FFT = 400
_HOP = 160
_LENGTH = WINDOW_SECONDS * RATE_HZ
_VARIANCE_FLOOR = 1e-7
"""Added to the variance, so that silence stays silence."""
_POWER_FLOOR = 1e-10
_BLOCK = 32
"""Frames computed together. From 64 on OpenBLAS uses threads, which spin: ten times the CPU time."""
_RANGE = 8.0
"""Decades of power below the maximum that are told apart: 80 dB."""

_MEL_HZ = 200 / 3
"""Slaney's scale: Hz of one mel up to `_LINEAR_MELS` mels (1 kHz), a constant ratio for each above."""
_LINEAR_MELS = 15
_MELS_AN_E = 27 / np.log(6.4)
"""Mels by which the frequency grows e-fold, above 1 kHz."""


def log_mel(samples: Samples) -> Spectrogram:
    """Of the last eight seconds of `samples` (int16 at `RATE_HZ`), or of all of them behind silence."""
    sound = to_float(samples[-_LENGTH:])
    mean = float(sound.sum(dtype=np.float64)) / _LENGTH
    power = float(np.square(sound, dtype=np.float64).sum()) / _LENGTH
    scale = 1.0 / np.sqrt(max(power - mean * mean, 0.0) + _VARIANCE_FLOOR)
    silence = -mean * scale
    pad = _LENGTH - len(sound)
    first = max(0, (pad - _FFT // 2) // _HOP)  # the frames before it meet no sound
    start = first * _HOP - _FFT // 2
    window = np.full(_LENGTH + _FFT // 2 - start, silence, np.float64)
    at = pad - start
    window[at : at + len(sound)] = (sound - mean) * scale
    _reflect(window, start)
    logs = np.log10(np.maximum(_mel_power(window), _POWER_FLOOR))
    spectrogram = np.empty((MELS, FRAMES), np.float32)
    spectrogram[:, first:] = logs[:, : FRAMES - first]
    spectrogram[:, :first] = logs[:, :1]
    np.maximum(spectrogram, spectrogram.max() - _RANGE, out=spectrogram)
    spectrogram += 4.0
    spectrogram /= 4.0
    return spectrogram


def _reflect(window: _Doubles, start: int) -> None:
    """Whisper's frames stand in the middle of what they are of: beyond an edge the sound is mirrored.

    `start`: the position of the first sample of `window` in the eight seconds, negative at the front edge.
    """
    half = _FFT // 2
    window[-half:] = window[-half - 2 : -2 * half - 2 : -1]
    if start < 0:
        window[:half] = window[2 * half : half : -1]


def _mel_power(window: _Doubles) -> _Doubles:
    """Shape (`MELS`, frames). Of every frame of `_FFT` samples, `_HOP` apart."""
    frames = np.lib.stride_tricks.sliding_window_view(window, _FFT)[::_HOP]
    mels = np.empty((MELS, len(frames)))
    for at in range(0, len(frames), _BLOCK):
        spectra = np.fft.rfft(frames[at : at + _BLOCK] * _HANN, axis=-1)
        power = np.square(spectra.real) + np.square(spectra.imag)
        mels[:, at : at + _BLOCK] = _FILTERS @ power.T
    return mels


def _filters() -> _Doubles:
    """Shape (`MELS`, 201): triangles of equal width in mels from 0 Hz to 8 kHz, each of the same area."""
    edges = _hertz(np.linspace(0.0, _mels(RATE_HZ / 2), MELS + 2))
    bins = np.linspace(0.0, RATE_HZ / 2, _FFT // 2 + 1)
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (peak - low), (high - bins) / (high - peak)
    triangles: _Doubles = np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (high - low)
    return triangles


def _mels(hertz: float) -> float:
    """Of a frequency above 1 kHz."""
    return float(_LINEAR_MELS + np.log(hertz / (_LINEAR_MELS * _MEL_HZ)) * _MELS_AN_E)


def _hertz(mels: _Doubles) -> _Doubles:
    growing = _LINEAR_MELS * _MEL_HZ * np.exp((mels - _LINEAR_MELS) / _MELS_AN_E)
    return np.where(mels < _LINEAR_MELS, mels * _MEL_HZ, growing)


_HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)
_FILTERS = _filters()
