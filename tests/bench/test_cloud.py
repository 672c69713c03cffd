"""The arithmetic of the cloud benchmark: whose draws belong to which turn, and what is left over as ours."""

import json
import math
from typing import Any

import pytest

from voice_grpc.bench.cloud import BETWEEN_SECONDS, CYCLE_SECONDS, CloudResult, Profiles, report
from voice_grpc.bench.cloud_oracle import (
    ANSWER,
    Draws,
    MeasuredTurn,
    chunks_to_first_clause,
    drawn,
    oracle,
    turns,
)
from voice_grpc.bench.load import UNANSWERED_SECONDS, UserNotes
from voice_grpc.pb import voice_pb2 as pb


def line(what: Any, first: float, said: str = "", end: str = "done") -> str:
    return json.dumps({"what": what, "first": first, "parts": 1, "end": end, "at": 0.0, "said": said})


def heard(text: str, first: float) -> str:
    return line({"model": "whisper-1"}, first, text)


def asked(text: str, first: float, *before: str) -> str:
    contents = [{"role": "user", "parts": [{"text": part}]} for part in (*before, text)]
    return line({"model": "gemini", "body": {"contents": contents}}, first)


def spoken(first: float, *texts: str, end: str = "done") -> str:
    return line({"method": "streaming", "texts": list(texts)}, first, end=end)


def told(**milliseconds: int) -> pb.TurnMetrics:
    metrics = pb.TurnMetrics()
    for name, value in milliseconds.items():
        getattr(metrics, name).FromMilliseconds(value)
    return metrics


# ---------------------------------------------------------------- who belongs together


def test_draws_are_paired_by_the_question_whatever_their_order() -> None:
    found = drawn(
        [heard("room 1", 0.1), heard("room 12", 0.2)],
        [asked("room 12", 0.4, "room 1"), asked("room 1", 0.3)],
        [spoken(0.6, "room 12, ", "it is so."), spoken(0.5, "room 1, ")],
    )
    assert found == {"room 1": Draws(0.1, 0.3, 0.5), "room 12": Draws(0.2, 0.4, 0.6)}


def test_what_is_no_question_or_did_not_reach_all_three_is_left_out() -> None:
    found = drawn(
        [heard("room 1", 0.1), heard("room 2", 0.1), heard("", 0.1)],
        [asked("room 1", 0.3), asked("Hello.", 0.3), asked("room 2", 0.3)],
        [spoken(0.5, "room 1, "), spoken(0.5, "Hello there."), line({"method": "unary"}, 0.5)],
    )
    assert found.keys() == {"room 1"}


def test_of_a_question_that_was_asked_again_the_last_time_counts_unless_it_was_refused() -> None:
    found = drawn(
        [heard("room 1", 0.1)],
        [asked("room 1", 0.3)],
        [spoken(0.5, "room 1"), spoken(0.7, "room 1"), spoken(0.9, "room 1", end="refused")],
    )
    assert found["room 1"].tts == 0.7


# ---------------------------------------------------------------- the oracle


def test_the_first_clause_is_whole_one_word_after_its_comma() -> None:
    assert chunks_to_first_clause("room 1, it is so.") == 2
    assert chunks_to_first_clause("Yes.") == 0
    assert chunks_to_first_clause(ANSWER.replace("{asked}", "room 100")) == 2


@pytest.mark.parametrize(
    ("llm", "whole"), [(0.6, 0.096 + 0.05 + 0.6 + 0.016 + 0.02), (0.0, 0.25)], ids=["longer", "within it"]
)
def test_the_critical_path_is_the_stages_or_the_shortest_silence(llm: float, whole: float) -> None:
    found = oracle(Draws(0.05, llm, 0.02), 0.016)
    assert found.stt == pytest.approx(0.096 + 0.05)
    assert found.end_of_turn == pytest.approx(0.25)
    assert found.voice_to_voice == pytest.approx(whole)


# ---------------------------------------------------------------- turns


DRAWS = {"room 1": Draws(0.05, 0.6, 0.2), "room 2": Draws(0.05, 0.5, 0.3)}


def user(*ends: float) -> UserNotes:
    return UserNotes(speech_ends=list(ends), questions={1: "room 1", 2: "room 2"})


def test_the_overhead_of_a_turn_is_what_it_took_beyond_its_own_draws() -> None:
    listener = user(10.0, 20.0, 30.0)
    listener.answers = {1: 10.956, 2: 20.95}
    listener.metrics = {1: told(llm_first_token=604, tts_first_audio=203)}
    first, second = turns(listener, DRAWS, CYCLE_SECONDS, 0.0)
    assert first.overhead == pytest.approx(0.010)
    assert second.overhead == pytest.approx(0.004)
    assert (first.measured.llm, first.measured.tts) == (0.604, 0.203)
    assert math.isnan(first.measured.stt)
    assert math.isnan(second.measured.llm)


@pytest.mark.parametrize("answers", [{}, {1: 9.0}, {1: 10.0 + CYCLE_SECONDS}, {3: 11.0}])
def test_a_turn_without_an_answer_of_its_own_counts_as_the_timeout(answers: dict[int, float]) -> None:
    listener = user(10.0, 20.0)
    listener.answers = answers
    (turn,) = turns(listener, DRAWS, CYCLE_SECONDS, 0.0)
    assert turn.oracle is None
    assert turn.overhead == turn.measured.voice_to_voice == UNANSWERED_SECONDS


def test_the_report_tells_lost_turns_and_a_late_generator() -> None:
    listener = user(10.0, 20.0, 30.0)
    listener.answers = {1: 11.31}
    listener.metrics = {1: told(end_of_turn_delay=501, stt_final_delay=150, llm_first_token=604)}
    found: list[MeasuredTurn] = list(turns(listener, DRAWS, CYCLE_SECONDS, 0.0))
    on_time, late = (report(CloudResult(Profiles(), 1, found, lateness)) for lateness in (0.001, 0.003))
    assert "2 turns, 1 unanswered" in on_time
    assert "| LLM first token | 604 | 604 | 600 | 600 | 4.0 | 4.0 | 4.0 |" in on_time
    assert "not to be quoted" in late
    assert "not to be quoted" not in on_time


def test_a_run_in_which_nobody_was_answered_is_told_as_well() -> None:
    found = list(turns(user(10.0, 20.0), {}, CYCLE_SECONDS, 2 * BETWEEN_SECONDS))
    told_of = report(CloudResult(Profiles(), 1, found, 0.0))
    assert "| **voice-to-voice**, at the user | 8000 | 8000 | – | – | 8000.0 | 8000.0 | 8000.0 |" in told_of
