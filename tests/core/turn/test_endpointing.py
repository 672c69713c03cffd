"""How much voice is speech: exact positions, clicks, gaps, and a microphone that closes."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from voice_grpc.core.audio import WINDOW
from voice_grpc.core.events import SpeechDismissed, SpeechEnded, SpeechFaded, SpeechHinted, SpeechStarted
from voice_grpc.core.turn.endpointing import Endpointer, EndpointSettings

SETTINGS = EndpointSettings()
VOICE, QUIET = 0.9, 0.1
STARTED = SpeechStarted(2 * WINDOW, 0.064, VOICE)


def run(
    probabilities: Iterable[float], settings: EndpointSettings = SETTINGS
) -> list[tuple[int, SpeechStarted | SpeechEnded]]:
    """What is heard, and at which window (from 0)."""
    endpointer = Endpointer(lambda: settings)
    heard = ((n, endpointer.feed(p, (n + 1) * WINDOW)) for n, p in enumerate(probabilities))
    return [(n, event) for n, event in heard if isinstance(event, SpeechStarted | SpeechEnded)]


def test_the_first_window_without_voice_is_told_each_time() -> None:
    endpointer = Endpointer(lambda: SETTINGS)
    probabilities = [VOICE] * 4 + [QUIET] + [VOICE] + [QUIET] * 5
    heard = [endpointer.feed(p, (n + 1) * WINDOW) for n, p in enumerate(probabilities)]
    faded = [(n, event.position) for n, event in enumerate(heard) if isinstance(event, SpeechFaded)]
    assert faded == [(4, 4 * WINDOW), (6, 6 * WINDOW)]


def test_speech_starts_at_its_onset_once_it_lasted() -> None:
    assert run([QUIET] * 2 + [VOICE] * 5) == [(3, STARTED)]


def test_speech_ends_after_its_last_voiced_sample_once_silence_lasted() -> None:
    ended = SpeechEnded(7 * WINDOW, 0.096, QUIET)
    assert run([QUIET] * 2 + [VOICE] * 5 + [QUIET] * 10) == [(3, STARTED), (9, ended)]


def test_a_click_is_shorter_than_speech() -> None:
    assert run([QUIET, VOICE, QUIET, VOICE, QUIET]) == []


@pytest.mark.parametrize(("min_speech", "windows"), [(0.03, 1), (0.032, 1), (0.033, 2), (0.2, 7), (1.0, 32)])
def test_how_much_speech_makes_a_start(min_speech: float, windows: int) -> None:
    settings = replace(SETTINGS, min_speech=min_speech)
    assert run([VOICE] * (windows - 1) + [QUIET], settings) == []
    started = SpeechStarted(0, windows * WINDOW / 16_000, VOICE)
    assert run([VOICE] * windows, settings) == [(windows - 1, started)]


@pytest.mark.parametrize(("soft_end", "windows"), [(0.03, 1), (0.096, 3), (0.097, 4), (0.5, 16)])
def test_how_much_silence_makes_an_end(soft_end: float, windows: int) -> None:
    settings = replace(SETTINGS, soft_end=soft_end)
    voice = [VOICE] * 4
    assert [n for n, _ in run([*voice, *[QUIET] * (windows - 1), *voice], settings)] == [1]
    ended = SpeechEnded(4 * WINDOW, windows * WINDOW / 16_000, QUIET)
    assert run([*voice, *[QUIET] * windows], settings)[1:] == [(3 + windows, ended)]


def test_a_gap_within_a_word_does_not_end_speech() -> None:
    speech = [VOICE] * 4 + [QUIET] * 2 + [VOICE] * 4 + [QUIET] * 3
    assert run(speech)[1:] == [(12, SpeechEnded(10 * WINDOW, 0.096, QUIET))]


def test_once_speaking_a_weak_voice_is_still_a_voice() -> None:
    weak = 0.36
    assert run([weak] * 10) == []
    assert [n for n, _ in run([VOICE] * 2 + [weak] * 10)] == [1]
    weaker = 0.34
    assert [n for n, _ in run([VOICE] * 2 + [weaker] * 10)] == [1, 4]


def test_the_threshold_itself_is_speech() -> None:
    assert [n for n, _ in run([0.5, 0.5])] == [1]
    assert run([0.49, 0.5, 0.49, 0.5]) == []


def test_speech_can_start_again_right_after_an_end() -> None:
    heard = run([VOICE] * 2 + [QUIET] * 3 + [VOICE] * 2)
    assert heard[2] == (6, SpeechStarted(5 * WINDOW, 0.064, VOICE))


def test_a_closed_microphone_ends_speech_where_it_was_voiced_last() -> None:
    endpointer = Endpointer(lambda: SETTINGS)
    for n, probability in enumerate([VOICE, VOICE, VOICE, QUIET]):
        endpointer.feed(probability, (n + 1) * WINDOW)
    assert endpointer.stop(4 * WINDOW + 160) == SpeechEnded(3 * WINDOW, (WINDOW + 160) / 16_000, 0.0)
    assert not endpointer.is_speech
    assert endpointer.stop(5 * WINDOW) is None


def test_a_closed_microphone_in_silence_ends_nothing_and_forgets_a_beginning() -> None:
    endpointer = Endpointer(lambda: SETTINGS)
    endpointer.feed(VOICE, WINDOW)
    assert endpointer.stop(WINDOW) is None
    assert endpointer.feed(VOICE, 2 * WINDOW) == SpeechHinted(WINDOW, 0.032)
    assert endpointer.feed(VOICE, 3 * WINDOW) == SpeechStarted(WINDOW, 0.064, VOICE)


def test_the_first_window_is_a_hint_and_a_click_takes_it_back() -> None:
    endpointer = Endpointer(lambda: SETTINGS)
    assert endpointer.feed(VOICE, WINDOW) == SpeechHinted(0, 0.032)
    assert endpointer.feed(QUIET, 2 * WINDOW) == SpeechDismissed()
    assert endpointer.feed(QUIET, 3 * WINDOW) is None


def test_sound_that_is_missing_is_neither_speech_nor_silence() -> None:
    endpointer = Endpointer(lambda: SETTINGS)
    endpointer.feed(VOICE, WINDOW)
    started = endpointer.feed(VOICE, 100 * WINDOW)
    assert started == SpeechStarted(98 * WINDOW, 0.064, VOICE)
    assert endpointer.feed(QUIET, 200 * WINDOW) == SpeechFaded(100 * WINDOW)
    assert endpointer.feed(QUIET, 201 * WINDOW) is None
    assert endpointer.feed(QUIET, 202 * WINDOW) == SpeechEnded(100 * WINDOW, 0.096, QUIET)


def test_a_voice_that_is_gone_fades_before_the_detector_lets_go_and_once() -> None:
    endpointer = Endpointer(lambda: SETTINGS)
    for n in (1, 2, 3):
        endpointer.feed(VOICE, n * WINDOW, 0.1)
    lagging = [endpointer.feed(VOICE, n * WINDOW, 0.001) for n in (4, 5, 6, 7)]
    assert lagging == [None, None, SpeechFaded(3 * WINDOW), None]
    assert [endpointer.feed(QUIET, n * WINDOW, 0.001) for n in (8, 9)] == [None, None]
    assert endpointer.feed(QUIET, 10 * WINDOW, 0.001) == SpeechEnded(3 * WINDOW, 0.224, QUIET)


def test_who_speaks_softly_for_long_fades_where_the_detector_says() -> None:
    endpointer = Endpointer(lambda: SETTINGS)
    for n in (1, 2, 3):
        endpointer.feed(VOICE, n * WINDOW, 0.1)
    faded = [endpointer.feed(VOICE, n * WINDOW, 0.001) for n in range(4, 20)]
    assert faded.count(None) == 15
    assert endpointer.feed(QUIET, 20 * WINDOW, 0.001) == SpeechFaded(14 * WINDOW)


def test_new_settings_count_from_the_next_window() -> None:
    settings = SETTINGS
    endpointer = Endpointer(lambda: settings)
    settings = replace(SETTINGS, threshold=0.95)
    assert endpointer.feed(VOICE, WINDOW) is None
    assert endpointer.feed(VOICE, 2 * WINDOW) is None


# ---------------------------------------------------------------- a detector goes on after the voice


def fed(levels: Iterable[tuple[float, float]]) -> list[SpeechStarted | SpeechEnded]:
    """Events of windows of (probability, level)."""
    endpointer = Endpointer(lambda: SETTINGS)
    heard = [endpointer.feed(p, (n + 1) * WINDOW, level) for n, (p, level) in enumerate(levels)]
    return [event for event in heard if isinstance(event, SpeechStarted | SpeechEnded)]


def test_speech_ends_with_its_last_loud_window_where_the_detector_lags() -> None:
    loud, lag, room = (VOICE, 0.1), (VOICE, 0.001), (QUIET, 0.001)
    _, ended = fed([*[loud] * 6, *[lag] * 2, *[room] * 3])
    assert ended == SpeechEnded(6 * WINDOW, 5 * WINDOW / 16_000, QUIET)


def test_a_soft_voice_is_no_lag() -> None:
    """Final syllables and hisses are within 25 dB; who is softer for long speaks softly."""
    loud, soft, room = (VOICE, 0.1), (VOICE, 0.01), (QUIET, 0.001)
    assert fed([*[loud] * 6, *[soft] * 2, *[room] * 3])[1].position == 8 * WINDOW
    murmur = (VOICE, 0.001)
    assert fed([*[loud] * 6, *[murmur] * 10, *[room] * 3])[1].position == 11 * WINDOW


def test_a_loud_beginning_is_forgotten() -> None:
    """Somebody who moves away from the microphone is heard there, too: half the level after 4.4 s."""
    near, far, room = (VOICE, 0.1), (VOICE, 0.002), (QUIET, 0.0001)
    assert fed([*[near] * 6, *[far] * 300, *[room] * 3])[1].position == 306 * WINDOW


def test_soft_sound_between_loud_words_ends_nothing() -> None:
    loud, soft, room = (VOICE, 0.1), (VOICE, 0.001), (QUIET, 0.001)
    started, ended = fed([*[loud] * 4, *[soft] * 4, *[loud] * 4, *[room] * 3])
    assert isinstance(started, SpeechStarted)
    assert ended == SpeechEnded(12 * WINDOW, 0.096, QUIET)
