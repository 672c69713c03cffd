"""What the loudspeaker plays is taken out of the microphone, however the two devices call back."""

import numpy as np
import pytest

from clients.audio import INPUT_FRAME, INPUT_HZ, OUTPUT_FRAME, OUTPUT_HZ, Samples, resample
from clients.echo import MOST_WAITING, DeviceEcho
from clients.options import parse

pytest.importorskip("pywebrtc_audio", reason="pywebrtc-audio has no wheel here")

SECONDS = 4


def syllables(seconds: float) -> Samples:
    """Noise that comes and goes four times a second, as speech does, at `OUTPUT_HZ`."""
    count = round(seconds * OUTPUT_HZ)
    swell = np.abs(np.sin(np.arange(count) / OUTPUT_HZ * np.pi * 4)) ** 2
    samples: Samples = (np.random.default_rng(3).normal(0, 3_000, count) * swell).astype(np.int16)
    return samples


def heard_of(played: Samples, delay: float, gain: float = 0.3) -> Samples:
    """By the microphone, `delay` seconds after the loudspeaker's callback."""
    late = np.zeros(round(delay * INPUT_HZ), np.int16)
    return np.concatenate((late, (resample(played, OUTPUT_HZ, INPUT_HZ) * gain).astype(np.int16)))


def through(played: Samples, heard: Samples, burst: int = 1) -> Samples:
    """Frame by frame: the loudspeaker is called first, the microphone `burst` frames at a time."""
    echo, out = DeviceEcho(), []
    for n in range(SECONDS * 50):
        echo.play(played[n * OUTPUT_FRAME : (n + 1) * OUTPUT_FRAME])
        if n % burst == burst - 1:
            for frame in range(n - burst + 1, n + 1):
                out.append(echo.cleaned(heard[frame * INPUT_FRAME : (frame + 1) * INPUT_FRAME]))
    return np.concatenate(out)


def decibels(before: Samples, after: Samples) -> float:
    """Less in the second half than there was."""
    half = len(after) // 2
    powers = [np.mean(np.square(sound[half : len(after)].astype(float))) for sound in (before, after)]
    return float(10 * np.log10(powers[0] / max(powers[1], 1e-9)))


@pytest.mark.parametrize("burst", [1, 2, 3])
@pytest.mark.parametrize("delay", [0.08, 0.16, 0.3])
def test_the_answer_does_not_come_back(delay: float, burst: int) -> None:
    """Of a voice more goes (tests/engines/test_webrtc_audio.py)."""
    played = syllables(SECONDS)
    heard = heard_of(played, delay)
    assert decibels(heard, through(played, heard, burst)) > 12


def test_a_person_does() -> None:
    voice = resample(syllables(SECONDS), OUTPUT_HZ, INPUT_HZ)
    nothing = np.zeros(SECONDS * OUTPUT_HZ, np.int16)
    assert abs(decibels(voice, through(nothing, voice))) < 1


def test_a_microphone_that_is_not_read_lets_nothing_pile_up() -> None:
    echo = DeviceEcho()
    for _ in range(200):
        echo.play(np.ones(OUTPUT_FRAME, np.int16))
        assert echo.waiting <= MOST_WAITING


def test_the_server_is_told_that_it_is_done_here() -> None:
    assert parse([], {}).config().capabilities.echo_cancellation
    assert parse(["--text", "hello"], {}).config().capabilities.echo_cancellation
