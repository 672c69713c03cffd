"""An answer was cut, and it turns out that nobody wanted the turn: the rest of the answer is said, however
that turned out, and whether or not the model had written it.

The voice over the answer begins at 3.2 and lasts long enough to be taken for an interruption.
"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.config import SessionConfig
from voice_grpc.core.conversation import GO_ON, Role
from voice_grpc.core.errors import EngineError
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import HANG, Hearing

from ..harness import CONFIG, Recording, converse, scripted
from ..microphone import Action, microphone, pause, script, sound, user
from ..rules import check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
LONG = " ".join(f"This is the sentence with the number {n} of a long story." for n in range(1, 9))
"""The model is as far ahead of the voice as it may, and has not written all of it."""
QUESTION = sound(user(1.28), pause(1.92))
YIELD = replace(CONFIG, turns=TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True))
ON_SPEECH = replace(CONFIG, turns=TurnSettings(hold=0.5))
FAILS = Hearing("", error=EngineError("stt", "broken"))
HANGS = Hearing("lost", delay=HANG)


def cut(
    hearing: Hearing,
    answers: Iterable[str] = (STORY,),
    *more: Iterable[Action],
    config: SessionConfig = YIELD,
) -> Recording:
    ears = sound(QUESTION, user(1.28), pause(60.0))
    talk = converse(
        script(microphone(ears), *more), scripted(["tell me a story", hearing], answers), config, ends_at=70.0
    )
    check_rules(talk)
    assert talk.error is None
    assert not talk.left_over
    return talk


def told(talk: Recording) -> str:
    """By the assistant, all in all, as it is remembered."""
    return " ".join(message.text for message in talk.messages if message.role is Role.ASSISTANT)


@pytest.mark.parametrize("hearing", [Hearing(""), FAILS, HANGS], ids=["no words", "failed", "timed out"])
@pytest.mark.parametrize("config", [YIELD, ON_SPEECH], ids=["yield", "on speech"])
def test_whatever_becomes_of_the_words(hearing: Hearing, config: SessionConfig) -> None:
    talk = cut(hearing, config=config)
    assert talk.only(o.Interrupted)[1].turn == 1
    assert talk.words(1).startswith(talk.only(o.Interrupted)[1].heard_text)
    assert told(talk) == STORY
    assert talk.when(o.TurnPhase.COMPLETED, 2)
    assert "Sorry" not in talk.words(2)
    assert [text for who, text in talk.history if who == "user"] == ["tell me a story"]


@pytest.mark.parametrize("kind", [i.ActivityKind.CANCEL, i.ActivityKind.END])
@pytest.mark.parametrize("hearing", [Hearing(""), FAILS, HANGS], ids=["no words", "failed", "timed out"])
def test_a_button_that_was_pressed_for_nothing(hearing: Hearing, kind: i.ActivityKind) -> None:
    """And the voice under it that goes on is no words either."""
    presses: list[Action] = [
        (2.5, i.UserActivity(i.ActivityKind.START)),
        (2.9, i.UserActivity(kind)),
    ]
    ears = sound(QUESTION, pause(60.0))
    talk = converse(
        script(microphone(ears), presses),
        scripted(["tell me a story", hearing], [STORY]),
        YIELD,
        ends_at=70.0,
    )
    check_rules(talk)
    assert told(talk) == STORY


def test_a_stop_button_is_meant() -> None:
    talk = cut(Hearing(""), (STORY,), [(3.6, i.Interrupt(0))])
    assert told(talk) != STORY
    assert len(talk.phases(o.TurnPhase.SPEAKING)) == 1


def test_twice_in_a_row() -> None:
    ears = sound(QUESTION, user(1.28), pause(2.4), user(1.28), pause(60.0))
    talk = converse(microphone(ears), scripted(["tell me a story", "", ""], [STORY]), YIELD, ends_at=80.0)
    check_rules(talk)
    assert len(talk.all(o.Interrupted)) == 2
    assert told(talk) == STORY


def test_the_model_goes_on_with_what_it_had_not_written() -> None:
    talk = cut(Hearing(""), [LONG, "And that was the end."])
    assert told(talk).endswith("And that was the end.")
    said = told(talk).removesuffix("And that was the end.").strip()
    assert LONG.startswith(said)
    asked = talk.script.llm.prompts[-1].messages
    assert (asked[-2].role, asked[-2].text) == (Role.ASSISTANT, said)
    assert (asked[-1].role, asked[-1].text) == (Role.USER, GO_ON)
    assert [text for who, text in talk.history if who == "user"] == ["tell me a story"]


def test_a_model_with_nothing_more_to_say_ends_the_answer() -> None:
    talk = cut(Hearing(""), [LONG, ""])
    assert talk.when(o.TurnPhase.COMPLETED, 2)
    assert LONG.startswith(told(talk))


def test_words_are_answered_and_the_rest_is_not_said() -> None:
    talk = cut(Hearing("but what about Rome"), [STORY, "Rome is old."])
    assert talk.words(2) == "Rome is old."
    assert told(talk) != STORY
