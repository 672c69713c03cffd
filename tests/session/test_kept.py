"""What a session keeps is bounded, and each bound is told with its number: words, changes of the settings,
results of tools, and the conversation. Sound is in `test_kept_sound.py`."""

import json
from dataclasses import replace
from random import Random

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import MAX_CHARACTERS, MAX_UNANSWERED, Message, Role
from voice_grpc.core.tools import MAX_RESULTS, ToolDeclaration
from voice_grpc.core.turn.state import MAX_MESSAGE
from voice_grpc.engines.scripted import ScriptedAnswer
from voice_grpc.ports import CallRequest, SavedSession, SttOptions, Transcription
from voice_grpc.session.hearing.utterance import HeardWindow, Utterance
from voice_grpc.session.reader import MAX_UPDATES
from voice_grpc.session.telling.notices import MAX_TRANSCRIPT
from voice_grpc.store import MemoryStore

from .harness import CONFIG, ID, Client, Recording, Tools, changed, converse, scripted, virtual
from .microphone import Action, microphone, pause, script, sound, user
from .rules import check_rules

TEXT = "word " * 1_599 + "last"
"""7,999 characters: a typed text is 8,000 at most."""
START, END = i.UserActivity(i.ActivityKind.START), i.UserActivity(i.ActivityKind.END)


def longest_prompt(talk: Recording) -> int:
    return max(len(m.text) for prompt in talk.script.llm.prompts for m in prompt.messages)


# ---------------------------------------------------------------- words


def test_500_texts_of_8_000_characters_in_an_open_turn() -> None:
    texts: list[Action] = [(1.0, i.TextInput(TEXT, seq=n)) for n in range(1, 501)]
    talk = converse(script([(0.5, START)], texts, [(2.0, END)]), config=replace(CONFIG, is_manual=True))
    check_rules(talk)
    assert MAX_MESSAGE - len(TEXT) < longest_prompt(talk) <= MAX_MESSAGE
    assert talk.messages[0].text == f"{TEXT} {TEXT}"
    (notice,) = [m for m in talk.notices_of("TOO_MANY") if m.field == "text.text"]
    assert (notice.seq, notice.turn, notice.retryable) == (3, 1, True)
    assert f"at most {MAX_MESSAGE} characters" in notice.message


def test_200_texts_of_8_000_characters_before_an_answer_is_heard() -> None:
    texts: list[Action] = [(1.0 + n * 0.003, i.TextInput(TEXT, seq=n)) for n in range(1, 201)]
    talk = converse(texts, scripted(answers=[ScriptedAnswer("Hello.", first_token=2.0)]))
    check_rules(talk)
    asked = [len(m.text) for prompt in talk.script.llm.prompts for m in prompt.messages]
    assert asked == [len(TEXT), 2 * len(TEXT) + 1]
    assert [(m.seq, m.turn) for m in talk.notices_of("TOO_MANY")] == [(3, 2)]
    assert talk.words(2) == "Hello."


def test_what_is_spoken_beyond_is_told_and_left_out_of_the_message() -> None:
    ears = microphone(sound(user(1.28), pause(2.0)))
    texts: list[Action] = [(0.5, i.TextInput(TEXT)), (0.6, i.TextInput(TEXT[:-6]))]
    talk = converse(script(ears, texts), scripted(["hello there"]))
    check_rules(talk)
    assert talk.finals() == [(1, "hello there")]
    assert talk.messages[0].text == f"{TEXT} {TEXT[:-6]} hello"
    assert longest_prompt(talk) <= MAX_MESSAGE
    (notice,) = talk.notices_of("TURN_LIMIT")
    assert (notice.stage, notice.turn) == ("turn", 1)
    assert f"at most {MAX_MESSAGE} characters" in notice.message


def test_a_recogniser_that_goes_astray_is_cut_and_told_once() -> None:
    """Words without end in each pass, which nobody can say in five seconds."""
    ears = microphone(sound(user(5.12), pause(2.0)))
    talk = converse(ears, scripted([" ".join(f"w{n}" for n in range(200_000))]))
    check_rules(talk)
    assert talk.finals() == [(1, "")]
    (notice,) = talk.notices_of("TOO_MANY")
    assert (notice.stage, str(MAX_TRANSCRIPT) in notice.message) == ("stt", True)


@pytest.mark.parametrize("final", [True, False])
def test_what_is_kept_of_a_pass_is_bounded(final: bool) -> None:
    """Of a quarter of an hour, in which so many words can be said; an interim is kept until the next."""
    letters = Random(1)
    said = " ".join("".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(5_000))
    stt = scripted([said if final else f"{said} {said}"]).stt

    async def heard() -> tuple[Transcription | None, list[o.Notice]]:
        utterance = Utterance(stt, SttOptions(), 0)
        for _ in range(10):
            utterance.feed(HeardWindow(user(90.0), 0, None))
        text = await utterance.final() if final else await utterance.interim()
        return text, [*utterance.notices(), *utterance.notices()]

    text, told = virtual(heard())
    assert text is not None
    assert MAX_TRANSCRIPT - 10 < len(text.text) <= MAX_TRANSCRIPT
    assert said.startswith(text.text)
    assert len(told) == 1


# ---------------------------------------------------------------- changes of the settings


def test_more_changes_than_may_wait_are_refused_one_by_one() -> None:
    updates: list[Action] = [
        (1.0, i.ConfigUpdate(changed(hold=0.1 + n / 1_000), seq=n)) for n in range(1, 101)
    ]
    talk = converse([(0.5, i.Pause()), *updates, (2.0, i.Resume())], ends_at=5.0)
    applied = [m.seq for _, m in talk.all(o.ConfigApplied)]
    refused = talk.notices_of("TOO_MANY")
    # One is in the hand of whoever applies it.
    assert applied == list(range(1, MAX_UPDATES + 2))
    assert [m.seq for m in refused] == list(range(MAX_UPDATES + 2, 101))
    assert {m.field for m in refused} == {"config_update"}
    assert f"{MAX_UPDATES} wait" in refused[0].message


# ---------------------------------------------------------------- tools

WEATHER = ToolDeclaration("weather", "Tells the weather.", {"type": "object"})


def weather(result_length: int, calls: int) -> Recording:
    """So many calls in one step, and one more in the next."""
    result = json.dumps({"sky": "x" * (result_length - len('{"sky": ""}'))})
    ask = CallRequest("weather", {})
    answers = [
        ScriptedAnswer("", calls=(ask,) * calls),
        ScriptedAnswer("", calls=(ask,)),
        ScriptedAnswer("Fine."),
    ]
    return converse(
        [(1.0, i.TextInput("The weather?")), (5.0, i.TextInput("Again?"))],
        scripted(answers=[*answers, *answers]),
        replace(CONFIG, tools=(WEATHER,)),
        client=Client((), tools=Tools({"weather": (0.1, result)})),
    )


def test_results_of_a_turn_that_are_too_long_together() -> None:
    talk = weather(MAX_RESULTS // 2, 3)
    check_rules(talk)
    assert talk.words(1) == talk.words(2) == "Fine."
    results = [[use.result for m in talk.messages if m.turn == turn for use in m.uses] for turn in (1, 2)]
    for taken in results:
        left_out = [result for result in taken if len(result) < MAX_RESULTS // 2]
        assert (len(taken), len(left_out)) == (4, 2)
        assert any("too long" in json.loads(result)["error"] for result in left_out)
        assert sum(map(len, taken)) <= MAX_RESULTS + 300
    refused = talk.notices_of("TOO_MANY")
    assert [(m.turn, m.field, m.seq) for m in refused] == [
        (turn, "tool_result.result", 70) for turn in (1, 1, 2, 2)
    ]
    assert f"at most {MAX_RESULTS}" in refused[0].message


def test_results_that_fit_are_taken_to_the_last_character() -> None:
    talk = weather(MAX_RESULTS // 4, 3)
    assert not talk.notices_of("TOO_MANY")
    taken = [len(use.result) for m in talk.messages if m.turn == 1 for use in m.uses]
    assert taken == [MAX_RESULTS // 4] * 4


# ---------------------------------------------------------------- the conversation


def remembered(count: int) -> MemoryStore:
    messages = tuple(
        Message(Role.USER if n % 2 else Role.ASSISTANT, "x" * 5_000, (n + 1) // 2)
        for n in range(1, count + 1)
    )
    store = MemoryStore()
    store._sessions[ID] = SavedSession(  # noqa: SLF001 - what an earlier run left
        ID, "", 1.0, 1.0, count // 2, "default", "", messages
    )
    return store


def test_a_long_conversation_forgets_its_oldest_turns_and_says_so_once() -> None:
    store = remembered(80)
    actions: list[Action] = [(1.0 + 4.0 * n, i.TextInput(TEXT)) for n in range(12)]
    talk = converse(actions, store=store)
    check_rules(talk)
    assert sum(len(m.text) for m in talk.messages) <= MAX_CHARACTERS
    assert talk.messages[0].role is Role.USER
    assert talk.messages[0].turn > 1
    assert talk.messages[-2].text == TEXT
    (notice,) = talk.notices_of("TOO_MANY")
    assert (notice.stage, f"{MAX_CHARACTERS} characters" in notice.message) == ("session", True)


def test_turns_that_nobody_answered_are_told_to_the_model_up_to_a_bound() -> None:
    """Each interrupts the answer to the one before as it becomes audible, and nothing of it is heard."""
    texts: list[Action] = [(1.0 + 2.0 * n, i.TextInput(TEXT)) for n in range(8)]
    stops: list[Action] = [(1.5 + 2.0 * n, i.Interrupt(0)) for n in range(7)]
    talk = converse(script(texts, stops), scripted(answers=[ScriptedAnswer("Hello.", first_token=1.0)]))
    check_rules(talk)
    assert [m.text for m in talk.messages if m.role is Role.USER] == [TEXT] * 8
    assert longest_prompt(talk) == 4 * len(TEXT) + 3 <= MAX_UNANSWERED
    (notice,) = talk.notices_of("TOO_MANY")
    assert (notice.turn, f"{MAX_UNANSWERED} characters" in notice.message) == (0, True)


def test_one_that_fits_is_kept_whole() -> None:
    talk = converse([(1.0, i.TextInput("hi"))], store=remembered(78))
    assert len(talk.messages) == 80
    assert not talk.notices_of("TOO_MANY")
