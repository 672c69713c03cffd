"""The caller's bytes and ours: every coding there and back, resampling in any pieces, bad bytes refused."""

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from voice_grpc.codec.transcode import QUALITY, Decoder, Encoder, RateConverter, Resampler
from voice_grpc.core.audio import RATE_HZ, Samples, rms, to_float, to_pcm16
from voice_grpc.core.config import RATES_HZ, AudioFormat, Encoding
from voice_grpc.core.errors import Skipped

FRAME_SECONDS = 0.02

ERROR = {Encoding.PCM_S16LE: 1e-4, Encoding.PCM_F32LE: 1e-4, Encoding.MULAW: 0.006, Encoding.ALAW: 0.006}
"""Root mean square of a round trip, in units of full scale: G.711 keeps about 38 dB."""
PLAIN = list(ERROR)
CASES = list(itertools.product(ERROR, RATES_HZ, (1, 2)))


def encoded(format: AudioFormat, samples: Samples) -> bytes:
    return b"".join(piece.data for piece in Encoder(format).encode(samples, is_last=True))


def tone(rate_hz: int, hz: float = 440.0, length: float = 1.0, level: float = 0.5) -> Samples:
    times = np.arange(round(length * rate_hz)) / rate_hz
    return to_pcm16(level * np.sin(2 * np.pi * hz * times))


def noise(count: int) -> Samples:
    return (np.random.default_rng(7).standard_normal(count) * 6_000).astype(np.int16)


def pieces(samples: Samples, size: int) -> list[Samples]:
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def resampled(samples: Samples, from_hz: int, to_hz: int, size: int) -> Samples:
    resampler = Resampler(from_hz, to_hz)
    out = [resampler.feed(piece) for piece in pieces(samples, size)]
    return np.concatenate([*out, resampler.flush()])


def level_db(samples: Samples, level: float) -> float:
    """Of the middle of a tone of `level`, which is where no edge is heard."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return float(20 * np.log10(max(rms(middle), 1e-9) / (level / 2**0.5)))


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize(("encoding", "rate_hz", "channels"), CASES)
def test_each_format_there_and_back(encoding: Encoding, rate_hz: int, channels: int) -> None:
    """What our encoder makes of sound, our decoder takes for the same sound at the listening rate."""
    format = AudioFormat(encoding, rate_hz, channels)
    data = encoded(format, tone(rate_hz))
    assert len(data) == rate_hz * format.frame_bytes
    decoder = Decoder(format)
    heard = np.concatenate([decoder.decode(data).samples, decoder.pad(rate_hz)])[:RATE_HZ]
    expected = resampled(tone(rate_hz), rate_hz, RATE_HZ, rate_hz)
    difference = to_float(heard).astype(np.float64) - to_float(expected)
    middle = difference[RATE_HZ // 10 : -RATE_HZ // 10]
    assert np.sqrt(np.mean(middle**2)) < ERROR[encoding]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("encoding", [Encoding.PCM_S16LE, Encoding.PCM_F32LE])
def test_linear_formats_lose_nothing(encoding: Encoding, channels: int) -> None:
    every = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)
    format = AudioFormat(encoding, RATE_HZ, channels)
    assert np.array_equal(Decoder(format).decode(encoded(format, every)).samples, every)


def test_stereo_is_mixed_and_carries_the_same_on_both_sides() -> None:
    left, right = np.array([100, -300, 32_767], np.int16), np.array([300, -100, 32_767], np.int16)
    both = np.stack((left, right), axis=1).tobytes()
    assert Decoder(AudioFormat(channels=2)).decode(both).samples.tolist() == [200, -200, 32_767]
    stereo = np.frombuffer(encoded(AudioFormat(channels=2), left), "<i2")
    assert stereo.tolist() == [100, 100, -300, -300, 32_767, 32_767]


def test_bytes_are_little_endian() -> None:
    assert Decoder(AudioFormat()).decode(b"\x01\x02").samples.tolist() == [0x0201]
    assert encoded(AudioFormat(), np.array([0x0201], np.int16)) == b"\x01\x02"


@pytest.mark.parametrize("encoding", PLAIN)
def test_no_bytes_are_no_samples(encoding: Encoding) -> None:
    assert len(Decoder(AudioFormat(encoding, 48_000, 2)).decode(b"").samples) == 0
    assert encoded(AudioFormat(encoding), np.zeros(0, np.int16)) == b""


# ---------------------------------------------------------------- bad bytes


@pytest.mark.parametrize(
    ("format", "size", "multiple"),
    [
        (AudioFormat(), 321, 2),
        (AudioFormat(channels=2), 322, 4),
        (AudioFormat(Encoding.PCM_F32LE), 2, 4),
        (AudioFormat(Encoding.PCM_F32LE, channels=2), 12, 8),
        (AudioFormat(Encoding.MULAW, 8_000, 2), 3, 2),
    ],
)
def test_half_a_sample_is_refused_by_name(format: AudioFormat, size: int, multiple: int) -> None:
    with pytest.raises(
        Skipped, match=f"audio.data: got '{size} bytes', accepted: a multiple of {multiple} b"
    ):
        Decoder(format).decode(bytes(size))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_not_a_number_is_refused(value: float, channels: int) -> None:
    decoder = Decoder(AudioFormat(Encoding.PCM_F32LE, channels=channels))
    bad = np.array([0.1, 0.2, value, 0.3], "<f4").tobytes()
    with pytest.raises(Skipped, match=r"audio.data: got 'NaN or infinity', accepted: finite samples"):
        decoder.decode(bad)
    good = np.array([0.5, 0.5], "<f4").tobytes()
    assert set(decoder.decode(good).samples.tolist()) == {16_384}


@pytest.mark.parametrize("channels", [1, 2])
def test_the_loudest_floats_are_clipped(channels: int) -> None:
    loud = np.array([3.4e38, 3.4e38, -3.4e38, -3.4e38], "<f4").tobytes()
    heard = Decoder(AudioFormat(Encoding.PCM_F32LE, channels=channels)).decode(loud).samples
    assert set(heard.tolist()) == {32_767, -32_768}


# ---------------------------------------------------------------- resampling

RATIOS = [
    (48_000, 16_000),
    (24_000, 16_000),
    (8_000, 16_000),
    (22_050, 24_000),
    (22_050, 8_000),
    (22_050, 48_000),
]


@pytest.mark.parametrize(("from_hz", "to_hz"), RATIOS)
def test_however_it_is_cut_it_is_the_same_sound(from_hz: int, to_hz: int) -> None:
    samples = noise(from_hz // 2)
    whole = resampled(samples, from_hz, to_hz, len(samples))
    assert len(whole) == pytest.approx(len(samples) * to_hz / from_hz, abs=1)
    for size in (1, 7, 160, 441, 960):
        assert np.array_equal(resampled(samples, from_hz, to_hz, size), whole)


def test_equal_rates_pass_through() -> None:
    resampler = Resampler(RATE_HZ, RATE_HZ)
    samples = noise(777)
    assert resampler.feed(samples) is samples
    assert len(resampler.flush()) == 0


def test_lost_sound_is_silence_of_the_same_length() -> None:
    decoder = Decoder(AudioFormat(rate_hz=48_000))
    heard = np.concatenate([decoder.pad(24_000), decoder.pad(24_000)])
    assert not heard.any()
    assert len(heard) == RATE_HZ - round(0.0125 * RATE_HZ)


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "limit"),
    [(48_000, 16_000, 0.0126), (24_000, 16_000, 0.0101), (8_000, 16_000, 0.0301), (22_050, 24_000, 0.011)],
)
def test_how_long_sound_is_held_back(from_hz: int, to_hz: int, limit: float) -> None:
    """Of each 20 ms frame: the figures that stand beside QUALITY."""
    assert worst_hold(Resampler(from_hz, to_hz).feed, from_hz, to_hz) <= limit


def test_the_fixed_rate_filter_holds_back_more() -> None:
    """The reason for the choice: should a release of soxr change it, choose again."""
    stream = soxr.ResampleStream(8_000, RATE_HZ, 1, dtype="int16", quality=QUALITY)
    assert worst_hold(stream.resample_chunk, 8_000, RATE_HZ) > 0.1


def worst_hold(feed: Callable[[Samples], Samples], from_hz: int, to_hz: int) -> float:
    """Seconds of sound that went in and did not come out, at most, over 4 s in frames of 20 ms."""
    size, came_out, worst = round(from_hz * FRAME_SECONDS), 0, 0.0
    for n, frame in enumerate(pieces(noise(size * 200), size)):
        came_out += len(feed(frame))
        worst = max(worst, (n + 1) * FRAME_SECONDS - came_out / to_hz)
    return worst


@pytest.mark.parametrize("hz", [300, 1_000, 3_400, 6_000, 7_200])
def test_speech_passes_unchanged(hz: int) -> None:
    assert abs(level_db(resampled(tone(48_000, hz), 48_000, RATE_HZ, 960), 0.5)) < 0.05


@pytest.mark.parametrize("hz", [8_400, 9_200, 12_000, 20_000])
def test_what_would_fold_back_is_gone(hz: int) -> None:
    assert level_db(resampled(tone(48_000, hz), 48_000, RATE_HZ, 960), 0.5) < -80


@pytest.mark.parametrize("hz", [300, 1_000, 3_400])
def test_a_telephone_brings_no_mirror_image(hz: int) -> None:
    """Above 4 kHz there is nothing in telephone sound, so nothing may be made of it."""
    heard = resampled(tone(8_000, hz), 8_000, RATE_HZ, 160)[4_000:12_000]
    spectrum: npt.NDArray[np.float64] = np.abs(np.fft.rfft(to_float(heard) * np.hanning(len(heard))))
    mirror = spectrum[len(spectrum) * 9 // 16 :].max() / spectrum.max()
    assert 20 * np.log10(mirror) < -80


def test_a_rate_that_changes_on_the_way_in_loses_and_repeats_nothing() -> None:
    converter, parts = RateConverter(24_000), []
    for rate_hz in (16_000, 24_000, 24_000, 22_050):
        parts.append(converter.feed(np.full(rate_hz, 1_000, np.int16), rate_hz))
    parts.append(converter.flush())
    whole = np.concatenate(parts)
    assert abs(len(whole) - 4 * 24_000) <= 4
    assert abs(float(np.median(whole)) - 1_000) <= 1
    assert len(converter.flush()) == 0


def test_one_rate_in_and_out_passes_through() -> None:
    sound = np.arange(1_000, dtype=np.int16)
    converter = RateConverter(16_000)
    assert np.array_equal(converter.feed(sound, 16_000), sound)
    assert len(converter.flush()) == 0
