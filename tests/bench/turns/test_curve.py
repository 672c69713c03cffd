"""What was heard of a case, judged: delays count from the end, and an early answer is never a fast one."""

from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.bench.servers import CpuSeconds
from voice_grpc.bench.turns.curve import (
    PauseFate,
    PlayedCase,
    VariantFigures,
    judged,
    summed_up,
    table,
    wasted,
)
from voice_grpc.bench.turns.material import LabelledPause, Span, TurnCase
from voice_grpc.bench.turns.player import ANSWER_WITHIN, TurnNotes
from voice_grpc.bench.turns.variants import VARIANTS
from voice_grpc.core.audio import RATE_HZ
from voice_grpc.pb import voice_pb2 as pb

HOLD, PATIENCE = VARIANTS[0], VARIANTS[5]

SOUND = np.zeros(3 * RATE_HZ, np.int16)
WHOLE = TurnCase("whole", SOUND, 2 * RATE_HZ)
CUT = TurnCase("cut", SOUND, 3 * RATE_HZ, (LabelledPause(Span(RATE_HZ, 2 * RATE_HZ), "1.0 s"),))


def heard(case: TurnCase, notes: TurnNotes) -> PlayedCase:
    return judged(case, HOLD, notes, CpuSeconds(0.5, 0.2), 4.0)


# ---------------------------------------------------------------- the end


def test_the_delay_is_from_the_end_to_the_first_sound_of_what_answers_it() -> None:
    found = heard(WHOLE, TurnNotes(committed={1: 2.5}, audible={1: 2.75}))
    assert found.delay == pytest.approx(0.75)
    assert (found.is_answered, found.is_cut_off, found.is_whole) == (True, False, True)


@pytest.mark.parametrize(
    "notes",
    [
        TurnNotes(),
        TurnNotes(committed={1: 2.5}),
        TurnNotes(committed={1: 1.5}, audible={1: 1.9}),
        TurnNotes(committed={1: 1.9}, audible={1: 2.1}),
        TurnNotes(committed={1: 2.5}, audible={1: 2.7}, failed={1}),
        TurnNotes(committed={1: 2.5}, audible={1: 2.0 + ANSWER_WITHIN + 1}),
    ],
    ids=["nothing", "unheard", "too early", "committed too early", "an apology", "too late"],
)
def test_what_is_not_answered_counts_as_the_timeout(notes: TurnNotes) -> None:
    found = heard(WHOLE, notes)
    assert found.delay == ANSWER_WITHIN
    assert not found.is_answered


def test_an_answer_before_the_end_is_a_cut_off_and_the_next_turn_answers_the_end() -> None:
    notes = TurnNotes(committed={1: 1.0, 2: 2.4}, audible={1: 1.2, 2: 2.5})
    found = heard(WHOLE, notes)
    assert found.is_cut_off
    assert found.delay == pytest.approx(0.5)


# ---------------------------------------------------------------- pauses


@pytest.mark.parametrize(
    ("notes", "fate", "is_cut_off"),
    [
        (TurnNotes(), PauseFate.WAITED, False),
        (TurnNotes(committed={1: 1.5}, audible={1: 1.7}), PauseFate.ANSWERED, False),
        (TurnNotes(committed={1: 1.5}, audible={1: 1.0}), PauseFate.ANSWERED, False),
        (TurnNotes(committed={1: 1.5}), PauseFate.COMMITTED, False),
        (TurnNotes(committed={1: 1.9}, audible={1: 2.0}), PauseFate.COMMITTED, True),
        (TurnNotes(committed={1: 3.4}, audible={1: 3.5}), PauseFate.WAITED, False),
        (TurnNotes(committed={1: 0.5}, audible={1: 0.9}), PauseFate.WAITED, True),
    ],
    ids=["waited", "answered", "at once", "begun", "over the rest", "after the end", "before the pause"],
)
def test_what_became_of_a_pause(notes: TurnNotes, fate: PauseFate, is_cut_off: bool) -> None:
    found = heard(CUT, notes)
    assert found.pauses == (("1.0 s", fate),)
    assert found.is_cut_off is is_cut_off
    assert not found.is_whole


def test_the_work_of_turns_that_do_not_answer_the_end_is_waste() -> None:
    metrics = {
        1: pb.TurnMetrics(output_tokens=7, tts_characters=20),
        2: pb.TurnMetrics(output_tokens=1),
        3: pb.TurnMetrics(output_tokens=30, tts_characters=99),
    }
    assert wasted(metrics, answer=3) == {"output_tokens": 8, "tts_characters": 20}
    assert wasted(metrics, answer=0) == {"output_tokens": 38, "tts_characters": 119}
    assert wasted({}, answer=0) == {"output_tokens": 0, "tts_characters": 0}


# ---------------------------------------------------------------- sums


def ended(delay: float) -> PlayedCase:
    return replace(heard(WHOLE, TurnNotes()), delay=delay)


def paused(group: str, fate: PauseFate, delay: float = 1.0) -> PlayedCase:
    return replace(heard(CUT, TurnNotes()), pauses=((group, fate),), delay=delay)


def test_the_percentiles_are_those_of_whole_sentences() -> None:
    delays = [0.5 + n / 100 for n in range(100)] + [ANSWER_WITHIN]
    figures = summed_up(HOLD, [*(ended(d) for d in delays), paused("1.0 s", PauseFate.WAITED, 0.1)])
    assert (figures.ends, figures.unanswered) == (101, 1)
    assert (figures.median, figures.p90, figures.p95) == pytest.approx((1.0, 1.4, 1.45))


def test_shares_are_of_pauses_and_each_length_has_its_own() -> None:
    answered, begun, waited = PauseFate.ANSWERED, PauseFate.COMMITTED, PauseFate.WAITED
    played = [
        paused("1.0 s", answered, 5.0),
        paused("1.0 s", waited, 0.8),
        paused("0.3 s", begun, 0.6),
        paused("0.3 s", waited, 0.7),
    ]
    figures = summed_up(HOLD, played)
    assert (figures.pauses, figures.answered, figures.committed) == (4, 0.25, 0.25)
    assert figures.groups == {"1.0 s": (1, 2), "0.3 s": (0, 2)}
    assert figures.after_pause == pytest.approx(0.7)
    assert figures.median is None


def test_costs_are_per_minute_of_session_and_of_everything_played() -> None:
    played = [
        replace(
            ended(1.0),
            cpu=CpuSeconds(1.0, 1.7),
            seconds=4.0,
            wasted={"output_tokens": 2, "tts_characters": 0},
        ),
        replace(
            ended(1.0),
            cpu=CpuSeconds(0.5, 0.1),
            seconds=5.0,
            wasted={"output_tokens": 1, "tts_characters": 9},
        ),
    ]
    figures = summed_up(HOLD, played, thrown_away=3)
    assert figures.cpu_per_minute == pytest.approx(10.0)
    assert figures.others == pytest.approx(0.2)
    assert figures.wasted == {"output_tokens": 3, "tts_characters": 9}
    assert figures.thrown_away == 3


def test_the_latest_frames_of_any_case_are_told() -> None:
    notes = TurnNotes(lateness=[0.0] * 98 + [0.001] * 2)
    figures = summed_up(HOLD, [ended(1.0), heard(WHOLE, notes)])
    assert figures.lateness == pytest.approx(0.001)


def cells(figures: VariantFigures) -> dict[str, str]:
    heads, _, row = (line.strip("| ").split(" | ") for line in table([figures]).splitlines())
    return dict(zip(heads, row, strict=True))


def test_the_table_has_a_row_a_variant() -> None:
    shown = cells(summed_up(HOLD, [ended(0.5), ended(0.7), paused("0.6 s", PauseFate.ANSWERED)], 1))
    assert (shown["variant"], shown["ends"], shown["delay median ms"]) == ("hold 0.2 s", "2", "600")
    assert (shown["pauses"], shown["answered in"], shown["in 0.6 s"]) == ("1", "100 %", "1/1")
    assert (shown["in 1.0 s"], shown["thrown away"]) == ("–", "1")
    assert shown["CPU s per session-minute"] == "7.5"


def test_a_variant_of_which_nothing_counts_has_a_row_as_well() -> None:
    shown = cells(summed_up(PATIENCE, [], thrown_away=12))
    assert (shown["variant"], shown["delay median ms"], shown["answered in"]) == ("patience", "–", "–")
