"""Frames, units, and where sound begins."""

import numpy as np
import pytest

from voice_grpc.core.audio import (
    KNEE,
    LOUDNESS,
    PEAK,
    RATE_HZ,
    WINDOW,
    Frame,
    audible_from,
    levelled,
    limited,
    rms,
    sample_count,
    seconds,
    silence,
    to_float,
    to_pcm16,
)


def test_a_frame_ends_where_the_next_begins() -> None:
    assert Frame(np.zeros(320, np.int16), 1_000).end == 1_320


def test_samples_and_seconds_are_inverse() -> None:
    assert seconds(WINDOW) == 0.032
    assert sample_count(0.032) == WINDOW
    assert sample_count(0.02, 48_000) == 960
    assert all(sample_count(seconds(n, 22_050), 22_050) == n for n in range(0, 100_000, 997))


def test_seconds_are_rounded_to_the_nearest_sample() -> None:
    assert sample_count(0.6 / RATE_HZ) == 1
    assert sample_count(0.4 / RATE_HZ) == 0


def test_every_sample_survives_the_way_to_float_and_back() -> None:
    every = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)
    assert np.array_equal(to_pcm16(to_float(every)), every)


def test_what_lies_outside_is_clipped() -> None:
    clipped = to_pcm16(np.array([-2.0, -1.0, 1.0, 2.0], np.float32))
    assert clipped.tolist() == [-32_768, -32_768, 32_767, 32_767]


def test_silence_is_as_long_as_it_was_asked_for() -> None:
    assert len(silence(0.5)) == 8_000
    assert len(silence(0.5, 48_000)) == 24_000
    assert not silence(0.5).any()


def test_rms_is_in_units_of_full_scale() -> None:
    assert rms(np.zeros(0, np.int16)) == 0.0
    assert rms(np.full(100, 16_384, np.int16)) == 0.5
    square = np.tile(np.array([-32_768, 32_767], np.int16), 50)
    assert rms(square) == pytest.approx(1.0, abs=1e-4)


def test_sound_begins_at_its_first_loud_ten_milliseconds() -> None:
    loud = np.full(1_600, 3_277, np.int16)
    assert audible_from(np.concatenate((silence(0.1), loud)), RATE_HZ) == 1_600
    assert audible_from(loud, RATE_HZ) == 0


def test_sound_that_begins_within_ten_milliseconds_takes_them_whole() -> None:
    samples = np.concatenate((np.zeros(1_680, np.int16), np.full(1_600, 3_277, np.int16)))
    assert audible_from(samples, RATE_HZ) == 1_600


def test_nothing_audible_begins_nowhere() -> None:
    whisper = np.full(1_601, 300, np.int16)
    assert audible_from(whisper, RATE_HZ) == 1_601
    assert audible_from(np.zeros(0, np.int16), RATE_HZ) == 0


def test_sound_in_the_last_part_of_ten_milliseconds_is_found() -> None:
    samples = np.concatenate((np.zeros(160, np.int16), np.full(80, 3_277, np.int16)))
    assert audible_from(samples, RATE_HZ) == 160


@pytest.mark.parametrize("gain", [0.01, 0.2, 0.9])
def test_a_voice_is_as_loud_as_the_others_whatever_it_was(gain: float) -> None:
    """Silence around the words counts for nothing."""
    tone = np.sin(np.arange(RATE_HZ) * 0.2).astype(np.float32)
    sound = levelled(np.concatenate([np.zeros(RATE_HZ, np.float32), gain * tone]))
    assert np.sqrt(np.mean(sound[RATE_HZ:] ** 2)) == pytest.approx(LOUDNESS, rel=0.05)


def test_levelling_leaves_headroom_and_noise_as_faint_as_it_is() -> None:
    clicks = np.full(RATE_HZ, 0.06, np.float32)
    clicks[:: RATE_HZ // 10] = 1.0
    assert np.max(np.abs(levelled(clicks))) <= PEAK + 1e-6
    noise = np.full(RATE_HZ, 5e-4, np.float32)
    assert np.array_equal(levelled(noise), noise)
    assert not len(levelled(np.zeros(0, np.float32)))


def test_a_limit_leaves_what_is_below_it_and_keeps_the_order_of_the_rest() -> None:
    sound = np.linspace(-3.0, 3.0, 601, dtype=np.float32)
    bent = limited(sound)
    below = np.abs(sound) <= KNEE
    assert np.array_equal(bent[below], sound[below])
    assert np.max(np.abs(bent)) <= PEAK + 1e-6
    assert np.all(np.diff(bent) >= 0)
    assert np.all(np.diff(bent) <= np.diff(sound) + 1e-6)
    assert not len(limited(np.zeros(0, np.float32)))
