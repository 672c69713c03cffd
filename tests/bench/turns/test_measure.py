"""All cases with all variants: what is prepared, in which order it is said, and what is thrown away."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voice_grpc.bench.servers import CpuSeconds
from voice_grpc.bench.turns import measure
from voice_grpc.bench.turns.curve import summed_up
from voice_grpc.bench.turns.material import PAUSES, Span, TurnCase, cut, voiced_spans, whole
from voice_grpc.bench.turns.measure import Interleaved, TurnsPlan, in_real_time, prepared, report, spread
from voice_grpc.bench.turns.player import TurnNotes, play
from voice_grpc.bench.turns.sentences import SENTENCES
from voice_grpc.bench.turns.server import start_all
from voice_grpc.bench.turns.speakers import Speaker
from voice_grpc.bench.turns.variants import VARIANTS, chosen_variants
from voice_grpc.core.audio import RATE_HZ, Samples, sample_count, silence
from voice_grpc.engines.scripted import Script, tone

from ...serving import PERSONAS, settings

HUM = tone(0.3, 200.0, RATE_HZ)
HOLDS = chosen_variants(["hold 0.2", "hold 1.0"])

# ---------------------------------------------------------------- what is said


class WordsAsHums:
    """In place of the voices: a hum of 0.1 s for each word, and their times known."""

    def say(self, text: str, speaker: Speaker) -> Samples:
        word = np.concatenate((tone(0.1, 200.0, RATE_HZ), silence(0.02)))
        return np.concatenate([word] * len(text.split()))

    def words(self, samples: Samples) -> Sequence[Span]:
        step = sample_count(0.12)
        return [Span(at, at + sample_count(0.1)) for at in range(0, len(samples), step)]


@pytest.fixture
def _hums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "Renderer", WordsAsHums)
    monkeypatch.setattr(measure, "WordAligner", WordsAsHums)


def test_there_are_sentences_enough_and_each_is_finished() -> None:
    assert len(set(SENTENCES)) >= 40
    assert all(text.endswith((".", "?")) for text in SENTENCES)
    assert {len(text.split()) > 5 for text in SENTENCES if text.endswith("?")} == {True, False}


@pytest.mark.usefixtures("_hums")
def test_five_cases_are_five_whole_sentences_and_one_of_each_pause() -> None:
    cases = prepared(TurnsPlan(VARIANTS, 5))
    groups = sorted(case.pauses[0].group for case in cases if case.pauses)
    assert groups == [f"{pause:.1f} s" for pause in PAUSES]
    assert sum(not case.pauses for case in cases) == 5


@pytest.mark.usefixtures("_hums")
def test_all_cases_are_every_sentence_and_those_that_are_long_enough_cut() -> None:
    cases = prepared(TurnsPlan(VARIANTS, None))
    assert sum(not case.pauses for case in cases) == len(SENTENCES)
    assert sum(len(case.pauses) == 1 for case in cases) == sum(len(t.split()) >= 6 for t in SENTENCES)
    assert len({case.name for case in cases}) == len(cases)


@pytest.mark.usefixtures("_hums")
def test_the_same_plan_says_the_same() -> None:
    first, again = (prepared(TurnsPlan(VARIANTS, 7)) for _ in range(2))
    assert [(a.name, a.end, a.pauses) for a in first] == [(b.name, b.end, b.pauses) for b in again]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(first, again, strict=True))


@pytest.mark.usefixtures("_hums")
def test_recordings_are_said_where_they_are_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def recordings(folder: Path) -> Iterator[TurnCase]:
        yield whole(folder.name, HUM)

    monkeypatch.setattr(measure, "recordings", recordings)
    assert prepared(TurnsPlan(VARIANTS, 1, recordings=tmp_path))[-1].name == tmp_path.name
    assert tmp_path.name not in {case.name for case in prepared(TurnsPlan(VARIANTS, 1))}


@pytest.mark.parametrize(("wanted", "places"), [(1, [0]), (3, [0, 3, 6]), (10, list(range(10))), (99, None)])
def test_some_are_spread_over_all(wanted: int, places: list[int] | None) -> None:
    texts = [str(n) for n in range(10)]
    assert spread(texts, wanted) == (texts if places is None else [texts[place] for place in places])
    assert spread(texts, None) == texts


# ---------------------------------------------------------------- the run


@asynccontextmanager
async def ports() -> AsyncIterator[list[int]]:
    async with AsyncExitStack() as closing:
        yield await start_all(Script().engines, settings(), PERSONAS, closing)


async def test_each_case_is_said_to_each_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "MAX_LATENESS", float("inf"))
    cases = [whole("hello", HUM), cut("hello, … there", np.concatenate((HUM, HUM)), len(HUM), 0.8)]
    ticks = count()
    async with ports() as open_ports:
        short, long = await Interleaved(HOLDS, open_ports, lambda: CpuSeconds(0.5 * next(ticks), 1.0)).play(
            cases
        )
    assert (short.answered, long.answered) == (1.0, 0.0)
    assert (short.ends, long.ends, short.pauses, long.pauses) == (1, 1, 1, 1)
    assert short.median is not None
    assert long.median is not None
    assert 0.15 < short.median < long.median
    assert long.median > 0.95
    assert [each.cpu for each in (*short.played, *long.played)] == [CpuSeconds(0.5, 0.0)] * 4
    assert short.wasted["tts_characters"] > 0
    assert long.wasted["tts_characters"] == 0


async def test_talkers_say_their_cases_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "MAX_LATENESS", float("inf"))
    speaking, most = 0, [0]

    async def counted(*case: Any) -> TurnNotes:
        nonlocal speaking
        speaking += 1
        most.append(speaking)
        try:
            return await play(*case)
        finally:
            speaking -= 1

    monkeypatch.setattr(measure, "play", counted)
    cases = [whole(f"hello {n}", HUM) for n in range(3)]
    async with ports() as open_ports:
        (figures,) = await Interleaved(HOLDS[:1], open_ports, lambda: CpuSeconds(0.0, 0.0)).play(cases, 2)
    assert (figures.ends, max(most)) == (3, 2)


async def test_a_case_of_a_late_generator_is_tried_again_and_then_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measure, "MAX_LATENESS", -1.0)
    monkeypatch.setattr(measure, "ATTEMPTS", 2)
    async with ports() as open_ports:
        figures = await Interleaved(HOLDS[:1], open_ports, lambda: CpuSeconds(0.0, 0.0)).play(
            [whole("hello", HUM)]
        )
    assert [(each.thrown_away, each.ends, each.played) for each in figures] == [(2, 0, [])]
    assert "2 sessions were thrown away" in report(figures)


@pytest.mark.parametrize(("cores", "is_told"), [(0.0, False), (0.09, False), (0.2, True)])
def test_a_run_beside_busy_processes_is_not_to_be_quoted(cores: float, is_told: bool) -> None:
    figures = replace(summed_up(VARIANTS[0], []), others=cores)
    assert ("not to be quoted" in report([figures])) is is_told
    assert "thrown away:" not in report([figures])


def test_the_generator_has_its_priority_for_the_run_alone() -> None:
    before = os.sched_getscheduler(0)
    with in_real_time():
        within = os.sched_getscheduler(0)
    assert within in (before, os.SCHED_FIFO)
    assert os.sched_getscheduler(0) == before


def test_without_the_right_to_a_priority_it_goes_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(pid: int, policy: int, parameter: object) -> None:
        if policy == os.SCHED_FIFO:
            raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refused)
    with in_real_time():
        assert os.sched_getscheduler(0) != os.SCHED_FIFO
    assert "no real-time priority" in capsys.readouterr().err


async def test_every_server_of_the_variants_answers() -> None:
    async with ports() as open_ports:
        assert len(set(open_ports)) == 4


def test_hums_are_heard_as_one_sentence() -> None:
    assert len(voiced_spans(WordsAsHums().say("one two three", Speaker("hum")))) == 1
