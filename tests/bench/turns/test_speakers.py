"""Voices that say a sentence the same way every time, at their own pace and pitch; and its words found."""

import shutil

import numpy as np
import pytest

from voice_grpc.bench.turns.material import voiced_spans
from voice_grpc.bench.turns.speakers import ESPEAK, PIPER, Renderer, Speaker, WordAligner, speakers
from voice_grpc.core.audio import LOUDNESS, Samples, rms

pytest.importorskip("piper", reason="the embedded engines are not installed (the extra `local`)")
pytest.importorskip("faster_whisper", reason="the embedded engines are not installed (the extra `local`)")

TEXT = "Please turn the music down a little."


def spoken_seconds(samples: Samples) -> float:
    spans = voiced_spans(samples)
    return (spans[-1].end - spans[0].start) / 16_000


def mean_frequency(samples: Samples) -> float:
    """Centre of its spectrum in Hz."""
    power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    return float(np.sum(np.fft.rfftfreq(len(samples), 1 / 16_000) * power) / np.sum(power))


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.mark.parametrize("speaker", PIPER, ids=lambda speaker: speaker.name)
def test_piper_says_it_the_same_way_every_time_and_as_loud_as_anybody(
    renderer: Renderer, speaker: Speaker
) -> None:
    first = renderer.say(TEXT, speaker)
    assert np.array_equal(first, renderer.say(TEXT, speaker))
    assert 0.3 * LOUDNESS < rms(first) < 1.2 * LOUDNESS


def test_a_rate_changes_how_long_it_takes_and_a_pitch_does_not(renderer: Renderer) -> None:
    plain, fast, high = (
        renderer.say(TEXT, speaker)
        for speaker in (Speaker("plain"), Speaker("fast", rate=1.25), Speaker("high", pitch=1.25))
    )
    assert spoken_seconds(fast) < 0.95 * spoken_seconds(plain)
    assert spoken_seconds(high) == pytest.approx(spoken_seconds(plain), rel=0.2)
    assert mean_frequency(high) > 1.1 * mean_frequency(plain)


@pytest.mark.parametrize("speaker", ESPEAK, ids=lambda speaker: speaker.name)
def test_espeak_says_it_where_it_is_installed(renderer: Renderer, speaker: Speaker) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    assert speaker in speakers()
    assert 1.0 < spoken_seconds(renderer.say(TEXT, speaker)) < 4.0


def test_without_espeak_all_are_pipers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert speakers() == PIPER


def test_words_are_found_in_their_order_and_within_the_sound(renderer: Renderer) -> None:
    samples = renderer.say(TEXT, PIPER[0])
    words = WordAligner().words(samples)
    assert len(words) == 7
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert all(0 <= word.start <= word.end <= len(samples) for word in words)
