"""Which sound is whose, where nobody says it."""

from collections.abc import Sequence

import numpy as np
import pytest

from voice_grpc.core.audio import Samples
from voice_grpc.engines.google_tts.alignment import USUAL_PACE, Alignment
from voice_grpc.ports import Clause

RATE_HZ = 24_000
PACE = 0.06
"""Seconds a letter, of the sound below."""


def noise(seconds: float) -> Samples:
    return np.full(round(seconds * RATE_HZ), 3_000, np.int16)


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def chunks(sound: Samples, seconds: float = 0.2) -> list[Samples]:
    size = round(seconds * RATE_HZ) + 7
    return [sound[at : at + size] for at in range(0, len(sound), size)]


def shares(alignment: Alignment, parts: Sequence[Samples]) -> dict[int, float]:
    """Seconds of each clause, at the end."""
    placed = [each for part in parts for each in alignment.place(part)] + alignment.finish()
    assert [index for index, _ in placed] == sorted(index for index, _ in placed)
    found: dict[int, float] = {}
    for index, sound in placed:
        assert len(sound)
        found[index] = found.get(index, 0) + len(sound) / RATE_HZ
    assert sum(found.values()) == pytest.approx(sum(map(len, parts)) / RATE_HZ), "none is lost"
    return found


def sent(*texts: str, pace: float = PACE) -> Alignment:
    alignment = Alignment(RATE_HZ, pace)
    for index, text in enumerate(texts):
        alignment.send(Clause(index * 2, text))
    return alignment


def test_one_clause_has_all_of_it_at_once() -> None:
    alignment = sent("hello there")
    assert [(index, len(sound)) for index, sound in alignment.place(noise(0.001))] == [(0, 24)]
    assert alignment.finish() == []


@pytest.mark.parametrize("pace", [PACE, PACE * 0.85, PACE * 1.15, USUAL_PACE])
def test_a_pause_near_the_expected_end_is_the_end(pace: float) -> None:
    alignment = sent("a" * 50, "b" * 30, "c" * 20, pace=pace)
    parts = [noise(3.0), quiet(0.3), noise(1.8), quiet(0.3), noise(1.2)]
    found = shares(alignment, chunks(np.concatenate(parts)))
    assert found[0] == pytest.approx(3.2, abs=0.2)
    assert found[2] == pytest.approx(2.1, abs=0.2)


def test_without_any_pause_a_clause_ends_rather_too_late_than_too_early() -> None:
    found = shares(sent("a" * 50, "b" * 50, "c" * 50), chunks(noise(9.0)))
    assert found[0] == pytest.approx(3.0 * 1.25, abs=0.05)
    assert found[0] + found[2] == pytest.approx(6.0 + 0.25 * 3.0, abs=0.1), "what is too late does not add up"


def test_a_pause_within_a_clause_is_not_its_end() -> None:
    text = f"{'a' * 42}, {'b' * 6}"
    parts = [noise(2.52), quiet(0.2), noise(0.36), quiet(0.2), noise(3.0)]
    found = shares(sent(text, "c" * 50), chunks(np.concatenate(parts)))
    assert found[0] == pytest.approx(3.2, abs=0.1)


def test_no_clause_has_sound_before_it_was_sent() -> None:
    alignment = sent("a" * 10)
    placed = alignment.place(noise(5.0))
    alignment.send(Clause(7, "b" * 10))
    placed += alignment.place(noise(0.1))
    assert {index for index, _ in placed[:1]} == {0}


def test_after_a_silence_the_next_sound_is_of_the_next_clause() -> None:
    alignment = sent("a" * 50)
    assert {index for index, _ in alignment.place(noise(2.0))} == {0}
    alignment.send(Clause(9, "b" * 50), is_settled=True)
    assert {index for index, _ in alignment.place(noise(0.5))} == {9}


def test_a_silence_before_most_of_a_clause_has_come_means_nothing() -> None:
    alignment = sent("a" * 50)
    alignment.place(noise(1.0))
    alignment.send(Clause(9, "b" * 50), is_settled=True)
    assert {index for index, _ in alignment.place(noise(0.5))} == {0}


def test_each_clause_that_was_sent_has_some_sound() -> None:
    found = shares(sent("a" * 50, "b" * 50, "c" * 50), chunks(noise(2.0)))
    assert set(found) == {0, 2, 4}


def test_little_is_kept_back() -> None:
    alignment = sent("a" * 50, "b" * 50)
    given = sum(len(sound) for _, sound in alignment.place(noise(0.2)))
    assert 0.13 < given / RATE_HZ < 0.2


def test_a_number_is_longer_than_it_looks() -> None:
    found = shares(sent("in 1987, 1234 of them", "b" * 21), chunks(noise(4.0)))
    assert found[0] > 1.5 * found[2]


def test_what_was_left_unsaid_is_known() -> None:
    alignment = sent("a" * 20, "b" * 20, "c" * 20)
    assert [clause.index for clause in alignment.unsounded] == [0, 2, 4]
    alignment.place(noise(0.5))
    assert [clause.index for clause in alignment.unsounded] == [2, 4]
    for part in chunks(noise(1.6)):
        alignment.place(part)
    assert [clause.index for clause in alignment.unsounded] == [4]


def test_the_pace_is_measured_where_there_is_enough() -> None:
    long, short = sent("a" * 100), sent("a" * 10)
    for alignment in (long, short):
        alignment.place(noise(5.0))
    assert long.measured_pace == pytest.approx(0.05)
    assert short.measured_pace is None
    assert sent("a" * 100).measured_pace is None
