"""What is in the files of a recording, as any player would read it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from voice_grpc.core.audio import Samples, to_pcm16
from voice_grpc.recording.sound import RECORDED_HZ

Both = npt.NDArray[np.int16]


def played(file: Path) -> Both:
    """Left and right, by libsndfile: shape (n, 2), at 48 kHz."""
    samples, rate_hz = soundfile.read(file, dtype="int16", always_2d=True)
    assert rate_hz == RECORDED_HZ
    assert samples.shape[1] == 2
    return np.asarray(samples)


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def events(file: Path) -> list[dict[str, Any]]:
    """Each line; all of them are whole."""
    text = file.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def spans(samples: Samples, gap: float = 0.1) -> list[tuple[float, float]]:
    """From when to when one channel sounds, in seconds, by 5 ms; silence shorter than `gap` is part of it."""
    hop = RECORDED_HZ // 200
    whole = samples[: len(samples) // hop * hop].astype(np.float64).reshape(-1, hop)
    loud = np.flatnonzero(np.sqrt(np.mean(whole**2, axis=1)) > 500) * hop / RECORDED_HZ
    if not len(loud):
        return []
    breaks = np.flatnonzero(np.diff(loud) > gap)
    starts, ends = [loud[0], *loud[breaks + 1]], [*loud[breaks], loud[-1]]
    return [(float(a), float(b) + hop / RECORDED_HZ) for a, b in zip(starts, ends, strict=True)]


def tone(seconds: float, hz: float, rate_hz: int) -> Samples:
    return to_pcm16(0.25 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz))


def pitch(samples: Samples) -> float:
    """Hz of the loudest tone."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RECORDED_HZ / len(samples)
