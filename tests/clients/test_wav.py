"""Files in, files out."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from clients.audio import INPUT_HZ, OUTPUT_HZ, Samples, audible_span, raised, resample
from clients.recording import Recording, Track
from clients.wav import BadFile, check_writable, read_voice

from .fake_conversation import tone


def pitch(samples: Samples, rate_hz: int) -> float:
    """Of the strongest frequency."""
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate_hz / len(samples))


@pytest.mark.parametrize("rate_hz", [8000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("kind", [("wav", "PCM_16"), ("wav", "FLOAT"), ("wav", "ULAW"), ("flac", "PCM_24")])
def test_any_rate_any_channels_any_format(
    tmp_path: Path, rate_hz: int, channels: int, kind: tuple[str, str]
) -> None:
    path = tmp_path / f"voice.{kind[0]}"
    sound = np.repeat(tone(0.5, rate_hz, 440)[:, None], channels, axis=1)
    soundfile.write(path, sound, rate_hz, subtype=kind[1])
    voice = read_voice(path)
    assert voice.dtype == np.int16
    assert len(voice) == pytest.approx(0.5 * INPUT_HZ, abs=2)
    assert pitch(voice, INPUT_HZ) == pytest.approx(440, abs=4)


def test_numbers_that_are_none_become_silence(tmp_path: Path) -> None:
    path = tmp_path / "odd.wav"
    sound = np.array([0.5, np.nan, np.inf, -np.inf, 2.0] * 100, np.float32)
    soundfile.write(path, sound, INPUT_HZ, subtype="FLOAT")
    assert read_voice(path)[:5].tolist() == [16384, 0, 32767, -32768, 32767]


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    words, empty = tmp_path / "words.wav", tmp_path / "empty.wav"
    words.write_text("these are words")
    soundfile.write(empty, np.zeros(0, np.int16), INPUT_HZ)
    for path, why in (
        (tmp_path / "none.wav", "no such file"),
        (tmp_path, "not a file"),
        (words, "not a sound file"),
        (tmp_path / "words.raw", "no such file"),
        (empty, "holds no sound"),
    ):
        with pytest.raises(BadFile, match=why) as caught:
            read_voice(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_raw_sound_without_a_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "voice.raw"
    path.write_bytes(b"\0" * 1000)
    with pytest.raises(BadFile, match="not a sound file"):
        read_voice(path)


def test_where_a_recording_cannot_go_is_known_before(tmp_path: Path) -> None:
    check_writable(tmp_path / "both.wav")
    folder = tmp_path / "folder.wav"
    folder.mkdir()
    for path, why in (
        (tmp_path / "both.mp3", "WAV"),
        (tmp_path / "none" / "both.wav", "no such folder"),
        (folder, "is a folder"),
    ):
        with pytest.raises(BadFile, match=why):
            check_writable(path)


def test_blocks_lie_where_they_were_heard() -> None:
    track = Track(1000)
    block = np.ones(100, np.int16)
    track.write(block, 0.5)
    track.write(block, 0.61)
    track.write(block, 1.0)
    samples = track.samples()
    assert len(samples) == 1100
    assert np.flatnonzero(samples).tolist() == [*range(500, 700), *range(1000, 1100)]


def test_a_track_that_is_full_stays_as_it_is() -> None:
    track = Track(1000, longest=0.15)
    for n in range(3):
        track.write(np.ones(100, np.int16), n * 0.1)
    assert len(track.samples()) == 100


def test_both_channels_keep_true_time(tmp_path: Path) -> None:
    recording = Recording(0.0)
    recording.user.write(tone(0.5, INPUT_HZ, 300), 0.25)
    recording.answer.write(tone(0.5, OUTPUT_HZ), 1.0)
    recording.save(tmp_path / "both.wav")
    stereo, rate_hz = soundfile.read(tmp_path / "both.wav", dtype="int16")
    assert rate_hz == OUTPUT_HZ
    left, right = stereo[:, 0], stereo[:, 1]
    assert audible_span(left, rate_hz)[0] / rate_hz == pytest.approx(0.25, abs=0.011)
    assert audible_span(left, rate_hz)[1] / rate_hz == pytest.approx(0.75, abs=0.011)
    assert audible_span(right, rate_hz)[0] / rate_hz == pytest.approx(1.0, abs=0.011)


def test_a_raised_voice_is_higher_and_shorter() -> None:
    voice = raised(tone(1.0, OUTPUT_HZ, 200), OUTPUT_HZ, 1.12)
    assert len(voice) == pytest.approx(INPUT_HZ / 1.12, abs=2)
    assert pitch(voice, INPUT_HZ) == pytest.approx(224, abs=2)


def test_nothing_stays_nothing() -> None:
    nothing = np.zeros(0, np.int16)
    assert len(resample(nothing, 8000, 16_000)) == 0
    assert audible_span(nothing, 16_000) == (0, 0)
    assert audible_span(np.zeros(1000, np.int16), 16_000) == (0, 0)
