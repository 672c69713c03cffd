"""Ends and pauses are where the sound says, and a cut lasts exactly as long as it is told to."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voice_grpc.bench.turns.material import (
    AUDIBLE,
    LEAD_SECONDS,
    PAUSES,
    Span,
    boundary,
    cut,
    quietest,
    recordings,
    stream_of,
    voiced_spans,
    whole,
)
from voice_grpc.core.audio import RATE_HZ, Samples, rms, sample_count, silence
from voice_grpc.engines.scripted import tone

LEAD = sample_count(LEAD_SECONDS)


def hum(seconds: float) -> Samples:
    return tone(seconds, 200.0, RATE_HZ)


def faint(seconds: float) -> Samples:
    """Audible to a detector that listens closely, and unvoiced by `AUDIBLE`."""
    return (hum(seconds) * 0.02).astype(np.int16)


def joined(*sounds: Samples) -> Samples:
    return np.concatenate(sounds)


def at(*seconds: float) -> list[int]:
    return [sample_count(each) for each in seconds]


# ---------------------------------------------------------------- what is voiced


def test_silences_between_words_belong_to_them_and_pauses_do_not() -> None:
    sound = joined(silence(0.1), hum(0.3), silence(0.15), hum(0.2), silence(0.25), hum(0.1), silence(0.3))
    assert voiced_spans(sound) == [Span(*at(0.1, 0.75)), Span(*at(1.0, 1.1))]


@pytest.mark.parametrize("sound", [silence(0.0), silence(0.005), silence(1.0), faint(1.0)])
def test_nothing_is_voiced_in_silence(sound: Samples) -> None:
    assert voiced_spans(sound) == []


def test_a_whole_sentence_ends_with_its_last_voiced_sample_and_has_no_pause() -> None:
    case = whole("hello", joined(hum(0.4), silence(0.3), hum(0.2), faint(0.2)))
    assert (case.end, case.pauses) == (LEAD + sample_count(0.9), ())
    assert len(case.samples) == LEAD + sample_count(1.1)
    assert not case.samples[:LEAD].any()


def test_a_sentence_that_nobody_hears_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is audible in mumble"):
        whole("mumble", faint(1.0))


# ---------------------------------------------------------------- cuts


@pytest.mark.parametrize("pause", PAUSES)
@pytest.mark.parametrize(("tail", "head"), [(0.0, 0.0), (0.08, 0.05), (0.02, 0.0), (0.0, 0.1)])
def test_a_pause_lasts_from_the_last_voiced_sample_to_the_next_one(
    pause: float, tail: float, head: float
) -> None:
    sound = joined(hum(0.5), faint(tail), faint(head), hum(0.4))
    case = cut("hello", sound, sample_count(0.5 + tail), pause)
    assert voiced_spans(case.samples) == [
        Span(LEAD, case.pauses[0].span.start),
        Span(case.pauses[0].span.end, case.end),
    ]
    start, end = case.pauses[0].span
    assert (end - start) / RATE_HZ == pytest.approx(pause)
    assert case.pauses[0].group == f"{pause:.1f} s"


def test_a_cut_takes_nothing_of_the_sentence_away() -> None:
    sound = joined(hum(0.5), hum(0.4))
    case = cut("hello", sound, sample_count(0.5), 1.0)
    start, end = case.pauses[0].span
    assert len(case.samples) == LEAD + len(sound) + end - start
    assert np.array_equal(case.samples[end + 80 : case.end], sound[sample_count(0.5) + 80 :])


def test_a_cut_makes_no_click() -> None:
    case = cut("hello", hum(1.0), sample_count(0.50125), 1.0)
    start, end = case.pauses[0].span
    steps = np.abs(np.diff(case.samples[start - 400 : end + 400].astype(int)))
    assert steps.max() <= np.abs(np.diff(hum(0.1).astype(int))).max()


@pytest.mark.parametrize("place", [0.0, 0.1, 1.4])
def test_a_cut_beside_the_sentence_is_refused(place: float) -> None:
    sound = joined(silence(0.2), hum(1.0), silence(0.3))
    with pytest.raises(ValueError, match="one side of"):
        cut("hello", sound, sample_count(place), 1.0)


# ---------------------------------------------------------------- where to cut


def words(count: int) -> list[Span]:
    """0.1 s each, 0.02 s apart."""
    return [Span(*at(0.12 * n, 0.12 * n + 0.1)) for n in range(count)]


def spoken_words(count: int) -> Samples:
    return joined(*(joined(hum(0.1), silence(0.02)) for _ in range(count)))


@pytest.mark.parametrize("count", [2, 3, 4, 7, 20])
def test_it_is_cut_between_two_words_in_the_middle_half(count: int) -> None:
    sound, spans = spoken_words(count), words(count)
    places = {boundary(sound, spans, random.Random(seed)) for seed in range(60)}
    said = [sum(span.end <= place + 80 for span in spans) for place in places if place is not None]
    assert set(said) == {n for n in range(1, count) if 0.25 <= n / count <= 0.75}
    gaps = [rms(sound[place - 80 : place + 80]) for place in places if place is not None]
    assert max(gaps) < AUDIBLE


def test_chance_is_the_seed_alone() -> None:
    sound, spans = spoken_words(9), words(9)
    assert boundary(sound, spans, random.Random("a")) == boundary(sound, spans, random.Random("a"))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_words_are_not_cut(count: int) -> None:
    assert boundary(spoken_words(1), words(count), random.Random(1)) is None


@pytest.mark.parametrize("near", [0.45, 0.5, 0.58])
def test_the_quietest_place_near_by_is_found(near: float) -> None:
    sound = joined(hum(0.5), silence(0.03), hum(0.5))
    assert sample_count(0.5) <= quietest(sound, sample_count(near)) <= sample_count(0.53)


@pytest.mark.parametrize("near", [0, 1600])
def test_at_the_edges_too(near: int) -> None:
    assert 0 <= quietest(hum(0.1), near) <= 1600


# ---------------------------------------------------------------- what leaves


def test_a_stream_goes_on_behind_the_end_in_faint_noise_that_is_always_the_same() -> None:
    case = whole("hello", hum(0.4))
    stream = stream_of(case, 2.0)
    assert len(stream) == case.end + sample_count(2.0)
    assert voiced_spans(stream) == [Span(LEAD, case.end)]
    assert 0 < rms(stream[:LEAD]) < AUDIBLE / 10
    assert rms(stream[case.end :]) == pytest.approx(10 ** (-70 / 20), rel=0.05)
    assert np.array_equal(stream, stream_of(case, 2.0))


# ---------------------------------------------------------------- recordings


def kept(folder: Path, sound: Samples, rate_hz: int, voiced: list[list[float]]) -> Path:
    soundfile.write(folder / "speech.wav", sound, rate_hz)
    entry = {"file": "speech.wav", "text": "…", "voiced": voiced}
    (folder / "manifest.json").write_text(json.dumps({"speech": entry}))
    return folder


def test_a_recording_has_the_pauses_and_the_end_of_its_manifest(tmp_path: Path) -> None:
    sound = joined(hum(0.5), silence(0.7), hum(0.5), silence(0.3), hum(0.2), silence(0.4))
    (case,) = recordings(kept(tmp_path, sound, RATE_HZ, [[0.0, 0.5], [1.2, 1.7], [2.0, 2.2]]))
    assert case.name == "speech"
    assert case.end == LEAD + sample_count(2.2)
    assert [pause.span for pause in case.pauses] == [
        Span(LEAD + sample_count(0.5), LEAD + sample_count(1.2)),
        Span(LEAD + sample_count(1.7), LEAD + sample_count(2.0)),
    ]
    assert {pause.group for pause in case.pauses} == {"recorded"}
    assert np.array_equal(case.samples[LEAD:], sound)


def test_a_recording_at_another_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="8000 Hz"):
        list(recordings(kept(tmp_path, hum(0.5), 8000, [[0.0, 0.5]])))


def test_a_folder_without_a_manifest_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(recordings(tmp_path))
