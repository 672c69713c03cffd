"""Short words: over an answer, at its edges, twice in a row and while it is made; and when nobody speaks.

The question ends at 1.28 and is answered from 1.78 on.
"""

from dataclasses import replace

import pytest

from voice_grpc.core import responses as o
from voice_grpc.core.audio import Samples
from voice_grpc.core.config import SessionConfig
from voice_grpc.core.events import CancelReason
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer

from ..harness import CONFIG, Client, Loudspeaker, Recording, converse, scripted
from ..microphone import microphone, pause, sound, user
from ..rules import check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
LENGTH = 0.06 * (35 + 50)
BEGINS = 1.78
YIELD = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
PLAIN = replace(CONFIG, turns=YIELD)
OBEYING = replace(PLAIN, has_playback_control=True)
ORDERS = ("Stop!", "Wait.", "No, no.", "Hold on.", "What?", "But what about Rome?")
WORDS_AFTER = 0.15
"""Seconds that a transcript takes."""


def talk(
    *parts: Samples,
    hears: tuple[str, ...],
    answers: tuple[str | ScriptedAnswer, ...] = (STORY, "As you like."),
    config: SessionConfig = OBEYING,
    client: Client | None = None,
) -> Recording:
    hearings = [Hearing(text, delay=WORDS_AFTER) for text in hears]
    found = converse(
        microphone(sound(*parts, pause(8.0))), scripted(hearings, answers), config, client=client
    )
    check_rules(found)
    assert found.error is None
    assert not found.left_over
    return found


def asked(found: Recording) -> list[str]:
    return [text for who, text in found.history if who == "user"]


@pytest.mark.parametrize("config", [PLAIN, OBEYING], ids=["plain", "obeying"])
@pytest.mark.parametrize("voice", [0.32, 0.48, 0.64])
@pytest.mark.parametrize("order", ORDERS)
def test_an_order_over_the_answer_ends_it_and_is_answered(
    order: str, voice: float, config: SessionConfig
) -> None:
    found = talk(user(1.28), pause(1.92), user(voice), hears=("tell me a story", order), config=config)
    assert found.only(o.Interrupted)[1].turn == 1
    assert asked(found) == ["tell me a story", order]
    assert found.words(2) == "As you like."
    assert found.finals() == [(1, "tell me a story"), (2, order)]


@pytest.mark.parametrize("word", ["yes", "no", "two", "Anna", "Yeah.", "Okay.", "Stop."])
@pytest.mark.parametrize("quiet", [2.4, 6.4])
def test_a_word_is_a_turn_when_nobody_speaks(word: str, quiet: float) -> None:
    """At once behind the answer, and long after it."""
    found = talk(user(1.28), pause(quiet), user(0.32), hears=("hello", word), answers=("Hi.", "I see."))
    assert not found.all(o.Interrupted)
    assert asked(found) == ["hello", word]
    assert found.words(2) == "I see."


@pytest.mark.parametrize("word", ["yes", "no", "two", "Anna"])
def test_a_word_is_a_whole_conversation(word: str) -> None:
    found = talk(user(0.32), hears=(word,), answers=("I see.",))
    assert found.history == [("user", word), ("assistant", "I see.")]


@pytest.mark.parametrize("between", [0.16, 0.32, 0.64, 1.12])
def test_two_interruptions_in_quick_succession(between: float) -> None:
    found = talk(
        user(1.28),
        pause(1.92),
        user(0.48),
        pause(between),
        user(0.48),
        hears=("tell me a story", "no wait", "tell me a joke"),
        answers=(STORY, "A joke it is. " * 4, "As you like."),
    )
    assert found.all(o.Interrupted)[0][1].turn == 1
    assert found.when(o.TurnPhase.COMPLETED, max(turn for _, turn, _ in found.phases()))
    said = " ".join(asked(found))
    assert "no wait" in said, "what was said is in the history, in one message or in two"
    ends = [phase for _, turn, phase in found.phases() if phase is o.TurnPhase.INTERRUPTED and turn == 1]
    assert len(ends) == 1


def begins_at(at: float) -> tuple[Samples, ...]:
    """A question, and a voice that begins at `at`."""
    return user(1.28), pause(at - 1.28)


@pytest.mark.parametrize("order", ["Stop!", "But what about Rome?"])
@pytest.mark.parametrize("at", [BEGINS + 0.02, BEGINS + 0.05, BEGINS + LENGTH - 0.05, BEGINS + LENGTH - 0.02])
def test_in_the_first_and_in_the_last_moment_of_an_answer(at: float, order: str) -> None:
    reported = Client((), loudspeaker=Loudspeaker())
    for client in (None, reported):
        config = replace(OBEYING, has_playback_reports=client is not None)
        found = talk(
            *begins_at(at), user(0.64), hears=("tell me a story", order), config=config, client=client
        )
        assert order in " ".join(asked(found))
        answers = [text for who, text in found.history if who == "assistant"]
        assert answers[-1] == "As you like."
        assert all(STORY.startswith(text) for text in answers[:-1])


@pytest.mark.parametrize("word", ["Yeah.", "Mm-hmm."])
@pytest.mark.parametrize("before", [0.2, 0.1, 0.05, 0.02])
def test_a_listeners_word_in_the_last_moment_of_an_answer_gets_no_answer(before: float, word: str) -> None:
    reported = Client((), loudspeaker=Loudspeaker())
    for client in (None, reported):
        config = replace(OBEYING, has_playback_reports=client is not None)
        found = talk(
            *begins_at(BEGINS + LENGTH - before),
            user(0.48),
            hears=("tell me a story", word),
            config=config,
            client=client,
        )
        assert found.history == [("user", "tell me a story"), ("assistant", STORY)]
        assert not found.all(o.Interrupted)


def test_a_listeners_word_under_the_end_of_a_question_answers_it() -> None:
    question = "Once upon a time there was a queen. She had a very long story to tell, shall I tell it?"
    found = talk(
        *begins_at(BEGINS + 0.06 * len(question) - 0.05),
        user(0.48),
        hears=("tell me a story", "Yeah."),
        answers=(question, "As you like."),
    )
    assert asked(found) == ["tell me a story", "Yeah."]
    assert found.words(2) == "As you like."


def test_one_while_it_thinks_adds_to_the_question() -> None:
    """No sound was heard of the answer: it is no interruption, and both are answered together."""
    thinking = ScriptedAnswer(STORY, first_token=2.0)
    found = talk(
        user(1.28), pause(1.12), user(0.64), hears=("tell me a story", "about Rome"), answers=(thinking,)
    )
    assert not found.all(o.Interrupted)
    assert asked(found) == ["tell me a story about Rome"]
    assert found.when(o.TurnPhase.DISCARDED, 1) < found.when(o.TurnPhase.SPEAKING, 2)


@pytest.mark.parametrize("heard", ["", "Yeah."])
def test_a_cough_while_it_thinks_costs_nothing(heard: str) -> None:
    thinking = ScriptedAnswer(STORY, first_token=2.0)
    found = talk(user(1.28), pause(1.12), user(0.32), hears=("tell me a story", heard), answers=(thinking,))
    assert asked(found)[-1].startswith("tell me a story")
    assert [text for who, text in found.history if who == "assistant"] == [STORY]


def murmur(seconds: float) -> Samples:
    """A crowd, 26 dB below the user, and voice for the detector still."""
    return (user(seconds) * 10 ** (-20 / 20)).astype("int16")


@pytest.mark.parametrize("gap", [1.92, 9.6])
def test_a_crowd_that_is_taken_for_words_is_nobody(gap: float) -> None:
    """Over the answer, and when nobody speaks."""
    near = replace(OBEYING, turns=replace(YIELD, near_field_only=True))
    found = talk(
        user(1.28),
        pause(gap),
        murmur(1.28),
        hears=("tell me a story", "Thank you very much."),
        answers=(STORY, "You are welcome."),
        config=near,
    )
    assert not found.all(o.Interrupted)
    assert found.history == [("user", "tell me a story"), ("assistant", STORY)]


def test_the_reason_of_each_cut_is_speech() -> None:
    found = talk(user(1.28), pause(1.92), user(0.64), hears=("tell me a story", "Stop!"))
    assert found.only(o.Interrupted)[1].reason is CancelReason.SPEECH
