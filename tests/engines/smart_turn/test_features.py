"""The spectrogram against its definition written out: a Fourier sum for a bin, a triangle for a mel."""

import numpy as np
import numpy.typing as npt
import pytest

from voice_grpc.core.audio import RATE_HZ, Samples, to_float
from voice_grpc.engines.smart_turn.features import FRAMES, MELS, WINDOW_SECONDS, log_mel

WINDOW = WINDOW_SECONDS * RATE_HZ

Doubles = npt.NDArray[np.float64]


def mel_of(hertz: float) -> float:
    """Slaney's scale."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


def hertz_of(mel: float) -> float:
    return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def triangles() -> Doubles:
    edges = [hertz_of(mel) for mel in np.linspace(0, mel_of(8000), MELS + 2)]
    rows = [
        np.interp(np.arange(201) * 40.0, [low, peak, high], [0.0, 2.0 / (high - low), 0.0])
        for low, peak, high in zip(edges, edges[1:], edges[2:], strict=False)
    ]
    return np.array(rows)


def defined(samples: Samples) -> Doubles:
    """What Whisper's recipe makes of the eight seconds that end with `samples`."""
    sound = np.zeros(WINDOW)
    kept = to_float(samples[-WINDOW:])
    sound[WINDOW - len(kept) :] = kept
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    mirrored = np.pad(sound, 200, mode="reflect")
    time, bins = np.arange(400), np.arange(201)[:, None]
    window = np.sin(np.pi * time / 400) ** 2
    angles = 2 * np.pi * bins * time / 400
    frames = np.array([mirrored[at : at + 400] for at in range(0, FRAMES * 160, 160)]) * window
    power = (frames @ np.cos(angles).T) ** 2 + (frames @ np.sin(angles).T) ** 2
    logs = np.log10(np.maximum(triangles() @ power.T, 1e-10))
    scaled: Doubles = (np.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0
    return scaled


def noise(count: int, offset: int = 0) -> Samples:
    rng = np.random.default_rng(count)
    return (rng.normal(offset, 3000.0, count)).astype(np.int16)


def chirp(seconds: float) -> Samples:
    """From 50 Hz to 7 kHz, louder and louder."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    swept = np.sin(2 * np.pi * (50 * time + (7000 - 50) / (2 * seconds) * time**2))
    return (20000 * time / seconds * swept).astype(np.int16)


@pytest.mark.parametrize(
    "samples",
    [
        *[noise(count) for count in (1, 159, 160, 201, 359, 360, RATE_HZ, WINDOW - 201, WINDOW - 199)],
        *[noise(count) for count in (WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW)],
        noise(RATE_HZ, offset=4000),
        chirp(3.0),
        np.tile(np.array([32767] * 40 + [-32768] * 40, np.int16), 900),
        np.full(RATE_HZ, 32767, np.int16),
    ],
    ids=lambda samples: f"{len(samples)}",
)
def test_it_is_what_the_recipe_says(samples: Samples) -> None:
    found = log_mel(samples)
    assert found.shape == (MELS, FRAMES)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, defined(samples), rtol=0.0, atol=2e-5)


@pytest.mark.parametrize("count", [0, 1, RATE_HZ, WINDOW, 2 * WINDOW])
def test_silence_is_the_floor(count: int) -> None:
    np.testing.assert_array_equal(
        log_mel(np.zeros(count, np.int16)), np.full((MELS, FRAMES), -1.5, np.float32)
    )


def test_only_the_last_eight_seconds_count() -> None:
    last = chirp(8.0)
    np.testing.assert_array_equal(log_mel(np.concatenate([noise(50_000), last])), log_mel(last))


def test_what_is_given_is_left_as_it_is() -> None:
    samples = noise(RATE_HZ)
    before = samples.copy()
    log_mel(samples)
    np.testing.assert_array_equal(samples, before)
    samples.flags.writeable = False
    log_mel(samples)


@pytest.mark.parametrize("seconds", [2.0, 8.0])
def test_it_is_what_faster_whisper_makes_of_the_same(seconds: float) -> None:
    extractor = pytest.importorskip("faster_whisper.feature_extractor").FeatureExtractor(
        chunk_length=WINDOW_SECONDS
    )
    samples = chirp(seconds)
    sound = np.pad(to_float(samples), (WINDOW - len(samples), 0))
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + np.float32(1e-7))
    np.testing.assert_allclose(log_mel(samples), extractor(sound, padding=0), rtol=0.0, atol=1e-4)
