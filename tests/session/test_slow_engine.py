"""Engines that take their time: the answer comes late, the turn ends in time, and nothing stands still.

Speech ends at 1.28, its transcript is asked for at 1.38 and the turn committed at 1.78; without a
sound of the answer by 1.78 + 8 - 1.5 = 8.28 there is an apology.
"""

from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer, Voicing

from .faults import BrokenTts
from .harness import changed, converse, scripted
from .microphone import Action, microphone, pause, script, sound, user
from .rules import at, check_rules

QUESTION = sound(user(1.28), pause(8.0))
ANSWER = "Hello. How can I help?"


@pytest.mark.parametrize(
    ("stt", "llm", "tts", "first_sound"),
    [
        (0.4, 0.0, 0.0, 1.78),
        (0.5, 0.0, 0.0, 1.88),
        (6.8, 0.0, 0.0, 8.18),
        (0.0, 6.4, 0.0, 8.18),
        (0.0, 0.0, 6.4, 8.18),
        (2.4, 2.0, 2.0, 7.78),
        # The moment itself belongs to the deadline's turn: one tick before is in time.
        (0.0, 6.499, 0.0, 8.279),
    ],
)
def test_late_is_not_failed(stt: float, llm: float, tts: float, first_sound: float) -> None:
    talk = converse(
        microphone(QUESTION),
        scripted([Hearing("hello there", stt)], [ScriptedAnswer(ANSWER, llm)], Voicing(tts)),
    )
    check_rules(talk)
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(first_sound)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(first_sound + 1.32)
    assert not talk.notices()


@pytest.mark.parametrize(
    ("stt", "llm", "tts", "stage"),
    [
        (7.0, 0.0, 0.0, "stt"),
        (0.0, 6.6, 0.0, "llm"),
        (0.0, 0.0, 6.6, "tts"),
        (2.4, 3.0, 3.0, "tts"),
        (5.0, 3.0, 0.0, "llm"),
    ],
)
def test_too_late_is_apologised_for_in_time(stt: float, llm: float, tts: float, stage: str) -> None:
    engines = scripted([Hearing("hello there", stt)], [ScriptedAnswer(ANSWER, llm)], Voicing(tts))
    talk = converse(microphone(QUESTION), engines)
    check_rules(talk)
    assert talk.notices() == [(stage, "TURN_DEADLINE")]
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(8.28)
    assert talk.when(o.TurnPhase.FAILED, 1) == at(9.28)
    assert talk.words(1) == "Sorry, please say that again."
    assert engines.llm.open == 0
    assert not talk.left_over


def test_the_deadline_is_a_setting() -> None:
    engines = scripted(answers=[ScriptedAnswer(ANSWER, first_token=5.0)])
    talk = converse(microphone(QUESTION), engines, changed(turn_deadline=4.0))
    check_rules(talk)
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(1.78 + 4.0 - 1.5)


def test_the_user_can_speak_while_it_thinks_for_long() -> None:
    # Speech again from 3.2 to 4.16, in which the first model is still at work.
    engines = scripted(["first", "second"], [ScriptedAnswer(ANSWER, first_token=5.0), ANSWER])
    talk = converse(microphone(sound(user(1.28), pause(1.92), user(0.96), pause(2.0))), engines)
    check_rules(talk)
    assert talk.when(o.TurnPhase.DISCARDED, 1) == at(3.28)
    assert talk.when(o.TurnPhase.SPEAKING, 2) == at(4.66)
    assert talk.history[0] == ("user", "first second")
    assert engines.llm.cancelled == 1


def test_a_stop_button_while_it_listens_to_slow_words() -> None:
    engines = scripted([Hearing("hello there", delay=4.0)])
    talk = converse(script(microphone(QUESTION), [(2.5, i.Interrupt(0))]), engines)
    check_rules(talk)
    assert not talk.audio(1)
    assert talk.finals() == [(1, "")]
    assert talk.when(o.TurnPhase.DISCARDED, 1) == at(2.5)


def test_words_come_one_by_one_and_the_first_clause_does_not_wait() -> None:
    engines = scripted(answers=[ScriptedAnswer("Of course, I can help you with all of that.", a_token=0.5)])
    talk = converse(microphone(QUESTION), engines)
    check_rules(talk)
    # "Of course," is a clause once the space after it has come, with the third word.
    assert talk.when(o.TurnPhase.SPEAKING, 1) == at(1.78 + 1.0)
    assert [m.delta for _, m in talk.all(o.ResponseText)][0] == "Of course,"


def test_a_long_answer_is_not_cut_by_any_deadline() -> None:
    story = " ".join(f"This is sentence number {number} of a very long answer." for number in range(60))
    talk = converse(microphone(QUESTION), scripted(answers=[story]), ends_at=300.0)
    check_rules(talk)
    assert talk.words(1) == story
    assert talk.when(o.TurnPhase.COMPLETED, 1) > 150


@pytest.mark.parametrize("stage", ["llm", "tts"])
def test_a_stop_in_the_very_moment_of_a_failure_is_a_stop(
    stage: str, caplog: pytest.LogCaptureFixture
) -> None:
    failing = ScriptedAnswer("Well.", first_token=1.0, error=EngineError("llm", "no"))
    engines = scripted(answers=[failing if stage == "llm" else ScriptedAnswer("Well. Yes.", 1.0), ANSWER])
    if stage == "tts":
        engines = replace(engines, tts=BrokenTts("raises"))
    stop: list[Action] = [(1.0, i.Interrupt(0)), (1.0, i.TextInput("again"))]
    talk = converse([(0.0, i.TextInput("hi")), *stop], engines, ends_at=20.0)
    check_rules(talk)
    assert talk.when(o.TurnPhase.THINKING, 2) == at(1.0)
    assert talk.when(o.TurnPhase.COMPLETED, 2) == at(1.0 + 1.32)
    assert not caplog.records
