"""What counts as right, from when delays are counted, and the noises that are the same every time."""

import numpy as np
import pytest

from voice_grpc.bench.turns.material import Span
from voice_grpc.bench.yielding.material import OverlapCase, OverlapKind, noises
from voice_grpc.bench.yielding.measure import KindFigures, report, summed_up
from voice_grpc.bench.yielding.player import OverlapNotes
from voice_grpc.core.audio import RATE_HZ


def played(kind: OverlapKind, **noted: float) -> KindFigures:
    case = OverlapCase("it", kind, np.zeros(RATE_HZ, np.int16), Span(0, RATE_HZ // 2))
    return summed_up(kind, [(case, OverlapNotes(0.5, **noted))])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", OverlapKind)
def test_what_is_meant_stops_it_and_the_rest_does_not(kind: OverlapKind) -> None:
    assert played(kind, duck=0.1, hold=0.2, cut=0.7).right == kind.is_meant
    assert played(kind, duck=0.1, hold=0.2, resume=0.7).right == (not kind.is_meant)


def test_a_call_that_failed_is_never_right() -> None:
    case = OverlapCase("it", OverlapKind.NOISE, np.zeros(RATE_HZ, np.int16), Span(0, RATE_HZ // 2))
    figures = summed_up(OverlapKind.NOISE, [(case, OverlapNotes(0.5, failure="gone"))])
    assert (figures.right, figures.wrong) == (0, ("it",))


def test_a_verdict_counts_from_the_end_of_the_voice() -> None:
    assert played(OverlapKind.ORDER, cut=0.3).verdict[0] == pytest.approx(-0.2)
    assert played(OverlapKind.LISTENING, resume=0.8, gap=0.6).verdict[0] == pytest.approx(0.3)
    assert played(OverlapKind.LISTENING, resume=0.8, gap=0.6).gap[0] == pytest.approx(0.6)
    assert np.isnan(played(OverlapKind.NOISE).verdict[0])


def test_the_table_names_what_was_wrong() -> None:
    text = report([played(OverlapKind.LISTENING, cut=0.7), played(OverlapKind.TAKING, cut=0.7)])
    assert "| listeners' words | 0 of 1 |" in text
    assert "| interruptions | 1 of 1 |" in text
    assert text.endswith("wrong: it")


def test_noises_are_audible_the_same_every_time_and_never_clipped() -> None:
    voices = [np.sin(np.arange(RATE_HZ) * 0.05 * (n + 1)).astype(np.float32) for n in range(3)]
    first, again = dict(noises(voices)), dict(noises(voices))
    assert list(first) == ["a cough", "a knock", "keys", "a door", "a hum", "wind", "murmur"]
    for name, sound in first.items():
        assert np.array_equal(sound, again[name])
        assert np.sqrt(np.mean(np.square(sound))) > 0.001, name
        assert np.percentile(np.abs(sound), 99) < 1.2, name
