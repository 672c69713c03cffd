"""Whoever judges the user's words reads what they stand behind before the first of them, and again where that
changed."""

from dataclasses import replace

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import Role
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.scripted import ScriptedEndOfTurn

from .harness import CONFIG, Recording, converse, scripted
from .microphone import Action, microphone, pause, script, sound, user

KIND, SHORT = replace(CONFIG, instructions="You are kind."), replace(CONFIG, instructions="You are short.")
QUESTION = sound(user(1.28), pause(1.92))


def talked(judge: ScriptedEndOfTurn, *changes: Action) -> Recording:
    engines = replace(scripted(["Who are you?"], ["Robin."]), text_end=judge)
    return converse(script(microphone(QUESTION), list(changes)), engines, KIND, ends_at=10.0)


def test_the_instructions_are_read_as_the_conversation_begins() -> None:
    judge = ScriptedEndOfTurn(0.9)
    talked(judge)
    (read,) = judge.read
    assert (read.instructions, read.messages[-1].role, read.messages[-1].text) == (
        "You are kind.",
        Role.USER,
        "",
    )


def test_others_that_came_in_force_are_read_behind_what_was_said() -> None:
    judge = ScriptedEndOfTurn(0.9)
    same = replace(KIND, max_tokens=9)
    talked(judge, (5.0, i.ConfigUpdate(same, 7)), (6.0, i.ConfigUpdate(SHORT, 8)))
    assert [read.instructions for read in judge.read] == ["You are kind.", "You are short."]
    assert [message.text for message in judge.read[-1].messages] == ["Who are you?", "Robin.", ""]


def test_a_judge_that_fails_at_it_harms_no_answer() -> None:
    talk = talked(ScriptedEndOfTurn(0.9, error=EngineError("turn", "no memory")))
    assert talk.error is None
    assert talk.all(o.AudioOutput)
