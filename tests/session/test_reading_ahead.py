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
    read = judge.read[0]
    assert (read.instructions, read.messages[-1].role, read.messages[-1].text) == (
        "You are kind.",
        Role.USER,
        "",
    )


def test_each_answer_is_read_behind_its_question_once_it_was_heard() -> None:
    judge = ScriptedEndOfTurn(0.9)
    talked(judge)
    _, behind = judge.read
    assert [message.text for message in behind.messages] == ["Who are you?", "Robin.", ""]


def test_of_an_answer_that_was_cut_it_is_what_was_heard() -> None:
    judge, long = ScriptedEndOfTurn(0.9), "Let me tell you all about me. " * 8
    engines = replace(scripted(["Who are you?", "Stop it."], [long]), text_end=judge)
    talk = [user(1.28), pause(3.2), user(1.28), pause(1.92)]
    converse(script(microphone(sound(*talk))), engines, KIND, ends_at=10.0)
    (heard,) = {read.messages[1].text for read in judge.read if len(read.messages) == 3}
    assert heard
    assert long.startswith(heard)
    assert len(heard) < len(long)


def test_others_that_came_in_force_are_read_behind_what_was_said() -> None:
    judge = ScriptedEndOfTurn(0.9)
    same = replace(KIND, max_tokens=9)
    talked(judge, (5.0, i.ConfigUpdate(same, 7)), (6.0, i.ConfigUpdate(SHORT, 8)))
    assert [read.instructions for read in judge.read] == ["You are kind.", "You are kind.", "You are short."]
    assert [message.text for message in judge.read[-1].messages] == ["Who are you?", "Robin.", ""]


def test_a_judge_that_fails_at_it_harms_no_answer() -> None:
    talk = talked(ScriptedEndOfTurn(0.9, error=EngineError("turn", "no memory")))
    assert talk.error is None
    assert talk.all(o.AudioOutput)
