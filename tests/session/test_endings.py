"""Every way a session ends that is not a hang-up.

The question is spoken until 1.28, committed at 1.78 and answered until 1.78 + 1.32 = 3.10.
"""

from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import Heard, Role
from voice_grpc.core.errors import Draining, Superseded
from voice_grpc.core.events import CancelReason
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer
from voice_grpc.session.lines.lifetime import SessionLimits

from .harness import CONFIG, Client, converse, scripted
from .microphone import Action, microphone, pause, script, sound, user
from .rules import at, check_rules

QUESTION = microphone(sound(user(1.28), pause(6.0)))
ANSWER = "Hello. How can I help?"
STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
DRAIN = Draining("the server goes away")


def until(seconds: float) -> list[Action]:
    """The client sends no sound after that, as one does that closes its side."""
    return [action for action in QUESTION if action[0] <= seconds + 0.001]


# ---------------------------------------------------------------- half-close


@pytest.mark.parametrize(
    ("closes", "ends"),
    [
        (0.0, 0.0),
        # A click of a sound is no turn.
        (0.04, 0.04),
        # Cut off in mid-speech, in a pause and in the hold: it is a question, and is answered.
        (0.5, 0.5 + 1.32),
        (1.0, 1.0 + 1.32),
        (1.3, 1.3 + 1.32),
        (1.5, 1.5 + 1.32),
        # While it is answered.
        (1.78, 3.10),
        (2.5, 3.10),
        (3.10, 3.10),
        (5.0, 5.0),
    ],
)
def test_half_close_finishes_the_current_answer(closes: float, ends: float) -> None:
    talk = converse(until(closes), ends_at=closes)
    check_rules(talk)
    assert talk.error is None
    assert talk.said[-1] == (at(ends), o.SessionEnded(o.EndReason.HALF_CLOSE))
    assert talk.ended_at == at(ends)
    assert not talk.left_over
    if closes > 0.1:
        assert talk.history == [("user", "hello there"), ("assistant", ANSWER)]
    else:
        assert not talk.history


@pytest.mark.parametrize("closes", [0.5, 1.0, 1.5, 2.0, 2.5])
def test_half_close_waits_for_slow_engines(closes: float) -> None:
    engines = scripted([Hearing("hello there", 0.5)], [ScriptedAnswer(ANSWER, 0.6)])
    talk = converse(until(closes), engines, ends_at=closes)
    check_rules(talk)
    assert talk.history == [("user", "hello there"), ("assistant", ANSWER)]


def test_half_close_over_an_answer_that_is_spoken_over() -> None:
    # Speech from 2.08; closed at 2.2, before it is known to be an interruption: a cough.
    ears = microphone(sound(user(1.28), pause(0.8), user(0.12)))
    talk = converse(ears, ends_at=2.2)
    check_rules(talk)
    assert talk.words(1) == ANSWER
    assert not talk.all(o.Interrupted)


def test_half_close_with_texts_that_wait_answers_them() -> None:
    actions: list[Action] = [
        (0.0, i.TextInput("one")),
        (0.1, i.TextInput("two", interrupts=False)),
        (0.2, i.Say("three")),
    ]
    talk = converse(actions, scripted(answers=["One.", "Two."]), ends_at=0.3)
    check_rules(talk)
    assert [text for role, text in talk.history] == ["one", "One.", "two", "Two.", "three"]


def test_half_close_in_a_held_conversation_goes_on() -> None:
    talk = converse([(0.0, i.TextInput("hi")), (0.5, i.Pause())], ends_at=2.5)
    check_rules(talk, lead=3.0)
    assert talk.words(1) == ANSWER
    assert talk.ended_at == at(1.32 + 2.0)


def test_half_close_with_an_engine_that_hangs() -> None:
    engines = scripted(answers=[ScriptedAnswer("", hangs=True)])
    talk = converse(until(1.0), engines, ends_at=1.0)
    check_rules(talk)
    assert talk.ended_at == at(1.0 + 6.5 + 1.0)
    assert not talk.left_over


def test_half_close_with_an_interim_that_hangs() -> None:
    from .faults import UnwillingStt

    engines = scripted()
    stt = UnwillingStt("interim", hangs=True)
    talk = converse(until(1.0), engines, engines=replace(engines.engines, stt=stt), ends_at=1.0)
    check_rules(talk)
    assert talk.ended_at == at(1.0 + 1.32)


# ---------------------------------------------------------------- end_session


def test_end_session_finishes_what_is_said() -> None:
    talk = converse(script(QUESTION, [(2.0, i.EndSession())]), ends_at=None)
    check_rules(talk)
    assert talk.said[-1] == (at(3.10), o.SessionEnded(o.EndReason.CLIENT))
    assert talk.words(1) == ANSWER


def test_end_session_at_rest_ends_at_once() -> None:
    talk = converse([(2.0, i.EndSession())], ends_at=None)
    assert talk.said[-1] == (at(2.0), o.SessionEnded(o.EndReason.CLIENT))


def test_who_talks_on_after_end_session_is_not_listened_to() -> None:
    ears = microphone(sound(user(1.28), pause(0.8), user(20.0)))
    talk = converse(script(ears, [(1.9, i.EndSession()), (2.0, i.TextInput("and"))]), ends_at=None)
    check_rules(talk)
    assert talk.ended_at == at(3.10)
    assert talk.history == [("user", "hello there"), ("assistant", ANSWER)]


# ---------------------------------------------------------------- idle


def test_who_says_nothing_is_told_and_then_ended() -> None:
    talk = converse([(5.0, i.Ping(1))], limits=SessionLimits(idle=60.0, go_away=10.0), ends_at=None)
    assert talk.only(o.GoAway) == (at(65.0), o.GoAway(10.0, "idle"))
    assert talk.said[-1] == (at(75.0), o.SessionEnded(o.EndReason.IDLE))
    assert talk.error is None


def test_a_sign_of_life_after_the_warning_is_enough() -> None:
    limits = SessionLimits(idle=60.0, go_away=10.0)
    talk = converse([(65.0, i.Ping(1))], limits=limits, ends_at=None)
    assert [when for when, _ in talk.all(o.GoAway)] == [at(60.0), at(125.0)]
    assert talk.ended_at == at(135.0)


def test_an_idle_session_that_is_held_ends_too() -> None:
    talk = converse([(5.0, i.Pause())], limits=SessionLimits(idle=60.0), ends_at=None)
    assert talk.said[-1] == (at(75.0), o.SessionEnded(o.EndReason.IDLE))


def test_an_answer_that_is_cut_by_the_idle_limit_is_said_to_be() -> None:
    engines = scripted(answers=[" ".join([STORY] * 30)])
    limits = SessionLimits(idle=30.0, go_away=5.0)
    talk = converse([(0.0, i.TextInput("a story"))], engines, limits=limits, ends_at=None)
    check_rules(talk)
    when, cut = talk.only(o.Interrupted)
    assert (when, cut.reason) == (at(35.0), CancelReason.ENDED)
    assert talk.messages[1].text == cut.heard_text
    assert talk.said[-1] == (at(35.0), o.SessionEnded(o.EndReason.IDLE))
    assert not talk.left_over
    assert engines.llm.open == 0


def test_nobody_spoke_for_so_long() -> None:
    talk = converse(QUESTION, config=replace(CONFIG, idle_timeout=2.0), ends_at=20.0)
    check_rules(talk)
    idle = [when for when, m in talk.all(o.SpeechEvent) if m.speaking is o.SpeechKind.IDLE]
    # 2 s after the answer; said once.
    assert idle == [at(3.10 + 2.0)]


def test_nobody_ever_spoke() -> None:
    talk = converse([], config=replace(CONFIG, idle_timeout=2.0), ends_at=20.0)
    assert [when for when, _ in talk.all(o.SpeechEvent)] == [at(2.0)]


# ---------------------------------------------------------------- from outside


def test_the_maximum_age_is_told_and_ends_when_quiet() -> None:
    limits = SessionLimits(idle=None, max_age=2.0, go_away=10.0)
    talk = converse(QUESTION, limits=limits, ends_at=None)
    check_rules(talk)
    assert talk.only(o.GoAway) == (at(2.0), o.GoAway(10.0, "max_age"))
    assert isinstance(talk.error, Draining)
    assert "2 s" in str(talk.error)
    assert talk.ended_at == at(3.10)
    assert talk.words(1) == ANSWER
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(3.10)
    assert not talk.all(o.SessionEnded)


def test_a_drain_ends_at_once_when_quiet() -> None:
    talk = converse([], end_with=(5.0, DRAIN, 10.0), ends_at=None)
    assert talk.only(o.GoAway) == (at(5.0), o.GoAway(10.0, "drain"))
    assert talk.error is DRAIN
    assert talk.ended_at == at(5.0)


def test_a_drain_waits_for_the_answer_and_no_longer_than_it_said() -> None:
    engines = scripted(answers=[" ".join([STORY] * 30)])
    talk = converse([(0.0, i.TextInput("a story"))], engines, end_with=(2.0, DRAIN, 10.0), ends_at=None)
    check_rules(talk)
    assert talk.error is DRAIN
    assert talk.ended_at == at(12.0)
    assert not talk.all(o.Interrupted)  # it waits for who takes it over
    (answer,) = [m for m in talk.messages if m.role is Role.ASSISTANT]
    assert answer.heard is Heard.ESTIMATED
    assert not talk.left_over


def test_a_drain_lets_a_slow_client_have_the_last_words() -> None:
    talk = converse(
        [(0.0, i.TextInput("hi"))],
        client=Client((), send_seconds=0.03),
        end_with=(1.0, DRAIN, 10.0),
        ends_at=None,
    )
    assert talk.words(1) == ANSWER
    assert talk.phases()[-1][2] is o.TurnPhase.LISTENING
    assert talk.when(o.TurnPhase.COMPLETED, 1) > 1.3
    assert talk.error is DRAIN


def test_superseded_ends_at_once_and_keeps_what_was_heard() -> None:
    engines = scripted(answers=[STORY])
    superseded = Superseded("superseded")
    talk = converse([(0.0, i.TextInput("a story"))], engines, end_with=(2.2, superseded, 0.0), ends_at=None)
    assert talk.error is superseded
    assert talk.ended_at == at(2.2)
    assert talk.history == [("user", "a story"), ("assistant", "Once upon a time there was a queen. She")]
    assert not talk.left_over


@pytest.mark.parametrize("limits", [SessionLimits(idle=1.0), SessionLimits(idle=None, max_age=1.0)])
def test_superseded_does_not_wait_for_another_ending(limits: SessionLimits) -> None:
    engines = scripted(answers=[STORY])
    talk = converse(
        [(0.0, i.TextInput("a story"))],
        engines,
        limits=limits,
        end_with=(2.2, Superseded("superseded"), 0.0),
        ends_at=None,
    )
    assert len(talk.all(o.GoAway)) == 1
    assert isinstance(talk.error, Superseded)
    assert talk.ended_at == at(2.2)


def test_superseded_ends_a_held_session() -> None:
    talk = converse([(1.0, i.Pause())], end_with=(2.0, Superseded("superseded"), 0.0), ends_at=None)
    assert talk.ended_at == at(2.0)
