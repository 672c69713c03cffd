"""What a recogniser makes up is no turn: whatever the engine, in a conversation and in dictation."""

from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.engines.scripted import Hearing
from voice_grpc.ports import Word

from ..harness import CONFIG, converse, dictate, scripted
from ..microphone import microphone, pause, script, sound, user
from ..rules import check_rules

ONCE = sound(user(1.28), pause(1.28))

MADE_UP = [
    pytest.param(Hearing("(keyboard clicking)"), id="a sound"),
    pytest.param(Hearing("♪♪♪"), id="notes"),
    pytest.param(Hearing("..."), id="marks"),
    pytest.param(Hearing("In this list, " * 40), id="a loop"),
    pytest.param(Hearing(" ".join(f"word{n}" for n in range(30))), id="too much"),
    pytest.param(Hearing("Subtitles by the Amara.org community"), id="credits"),
    pytest.param(Hearing("Thank you very much.", sure=(-1.12, 0.41)), id="doubt"),
    pytest.param(Hearing("So you see that it is.", sure=(-1.2, 0.5)), id="murmur"),
]


@pytest.mark.parametrize("heard", MADE_UP)
def test_what_nobody_said_is_not_answered(heard: Hearing) -> None:
    talk = converse(microphone(ONCE), scripted([heard]))
    check_rules(talk)
    ends = talk.phases(o.TurnPhase.DISCARDED, o.TurnPhase.COMPLETED, o.TurnPhase.FAILED)
    assert [(turn, phase) for _, turn, phase in ends] == [(1, o.TurnPhase.DISCARDED)]
    assert talk.finals() == [(1, "")]
    assert not any(m.text for _, m in talk.all(o.Transcript))
    assert not talk.script.llm.prompts
    assert not talk.history


@pytest.mark.parametrize("heard", MADE_UP)
def test_nor_is_it_dictated(heard: Hearing) -> None:
    talk = dictate(script(microphone(ONCE), [(6.0, None)]), scripted([heard]))
    assert {m.text for _, m in talk.all(o.Transcript)} == {""}
    assert len([m for _, m in talk.all(o.Transcript) if m.is_final]) == 1


def test_a_thank_you_is_answered() -> None:
    thanks = Hearing("Thank you.", sure=(-0.73, 0.01))
    talk = converse(microphone(sound(user(0.64), pause(1.28))), scripted([thanks]))
    assert talk.finals() == [(1, "Thank you.")]
    assert talk.phases(o.TurnPhase.COMPLETED)


def test_the_words_beside_a_sound_are_answered() -> None:
    words = (Word("(laughs)", 0.1, 0.3), Word("Yes", 0.4, 0.6), Word("please.", 0.6, 1.0))
    config = replace(CONFIG, sends_words=True)
    talk = converse(microphone(ONCE), scripted([Hearing("(laughs) Yes please.", words=words)]), config)
    assert talk.finals() == [(1, "Yes please.")]
    (final,) = [m for _, m in talk.all(o.Transcript) if m.is_final]
    assert [word.text for word in final.words] == ["Yes", "please."]
    assert talk.history[0] == ("user", "Yes please.")


def test_an_echo_of_the_prompt_is_no_turn() -> None:
    config = replace(CONFIG, prompt="The following is a conversation about gardening.")
    echo = Hearing("A conversation about gardening.", sure=(-0.8, 0.3))
    assert converse(microphone(ONCE), scripted([echo]), config).finals() == [(1, "")]
    name = Hearing("gardening", sure=(-0.8, 0.3))
    assert converse(microphone(ONCE), scripted([name]), config).finals() == [(1, "gardening")]


def test_a_button_was_pressed_by_somebody() -> None:
    """There is no detector then, and what is not known counts for the words."""
    config = replace(CONFIG, is_manual=True)
    pressed = [(0.0, i.UserActivity(i.ActivityKind.START)), (2.5, i.UserActivity(i.ActivityKind.END))]
    talk = converse(script(microphone(ONCE), pressed), scripted(["Thank you."]), config)
    assert talk.finals() == [(1, "Thank you.")]
