"""An engine that raises, hangs or returns nothing, at every place: the turn ends in speech or in a Notice
and a spoken apology, and the next one goes well.

The first question ends at 1.28 and is committed at 1.78; the second is asked from 16.0 to 17.28. An
apology takes 1 s. A turn that has made no sound is apologised for at 1.78 + 8 - 1.5 = 8.28.
"""

from dataclasses import dataclass, replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import Role
from voice_grpc.core.errors import EngineError, EngineTimeout
from voice_grpc.engines.scripted import HANG, Hearing, Script, ScriptedAnswer

from .faults import BrokenTts, DeafVad, UnwillingStt
from .harness import CONFIG, Recording, converse, scripted
from .microphone import microphone, pause, sound, user
from .rules import at, check_rules

EARS = sound(user(1.28), pause(14.72), user(1.28), pause(4.0))
COMMIT = 1.78
DEADLINE = COMMIT + 8.0 - 1.5
APOLOGY = "Sorry, please say that again."
GREETING = "Hello there my friend."
"""The first clause of the answer: 1.32 s."""
ANSWER = f"{GREETING} What can I do for you?"
LLM_DOWN = EngineError("llm", "the model broke")


@dataclass(frozen=True, slots=True)
class Fault:
    """And what comes of it: which notice, when the apology begins to sound, what was said before it."""

    name: str
    talk: Script
    notice: tuple[str, str]
    apology_at: float
    said: str = ""


def hears(first: Hearing) -> Script:
    return scripted([first, "hello again"], [ANSWER])


def thinks(first: ScriptedAnswer) -> Script:
    return scripted(answers=[first, ANSWER])


def speaks(tts: BrokenTts) -> Script:
    return replace(scripted(answers=[ANSWER]), tts=tts)


FAULTS = [
    Fault("stt raises", hears(Hearing("", error=EngineError("stt", "no"))), ("stt", "ENGINE_ERROR"), COMMIT),
    Fault(
        "stt raises late",
        hears(Hearing("", delay=2.0, error=EngineTimeout("stt", "no"))),
        ("stt", "ENGINE_TIMEOUT"),
        # Asked at 1.38.
        3.38,
    ),
    Fault("stt hangs", hears(Hearing("", delay=HANG)), ("stt", "TURN_DEADLINE"), DEADLINE),
    Fault("llm raises", thinks(ScriptedAnswer("", error=LLM_DOWN)), ("llm", "ENGINE_ERROR"), COMMIT),
    Fault(
        "llm raises in the middle",
        thinks(ScriptedAnswer(f"{GREETING} What can", a_token=0.1, error=LLM_DOWN)),
        ("llm", "ENGINE_ERROR"),
        # The clause is known to be one with the fifth word, at 2.18; the apology follows it.
        COMMIT + 0.4 + 1.32,
        GREETING,
    ),
    Fault("llm hangs", thinks(ScriptedAnswer("", hangs=True)), ("llm", "TURN_DEADLINE"), DEADLINE),
    Fault(
        "llm hangs in the first clause",
        thinks(ScriptedAnswer("Hello", hangs=True)),
        ("llm", "TURN_DEADLINE"),
        DEADLINE,
    ),
    Fault(
        "llm hangs in the middle",
        thinks(ScriptedAnswer(f"{GREETING} What can", hangs=True)),
        ("llm", "ENGINE_TIMEOUT"),
        # Its last chunk left 0.2 s before it was to be heard; 5 s later that is enough.
        COMMIT + 1.32 - 0.2 + 5.0,
        GREETING,
    ),
    Fault("llm gives nothing", thinks(ScriptedAnswer("")), ("llm", "ENGINE_EMPTY"), COMMIT),
    Fault("llm gives spaces", thinks(ScriptedAnswer("  \n ")), ("llm", "ENGINE_EMPTY"), COMMIT),
    Fault("llm gives what cannot be spoken", thinks(ScriptedAnswer("😀 …")), ("llm", "ENGINE_EMPTY"), COMMIT),
    Fault("tts raises", speaks(BrokenTts("raises")), ("tts", "ENGINE_ERROR"), COMMIT),
    Fault(
        "tts raises in the second clause",
        speaks(BrokenTts("raises", 1)),
        ("tts", "ENGINE_ERROR"),
        COMMIT + 1.32,
        GREETING,
    ),
    Fault(
        "tts raises in the middle",
        speaks(BrokenTts("raises", in_middle=True)),
        ("tts", "ENGINE_ERROR"),
        COMMIT + 0.5,
        GREETING,
    ),
    Fault("tts hangs", speaks(BrokenTts("hangs")), ("tts", "TURN_DEADLINE"), DEADLINE),
    Fault(
        "tts hangs in the second clause",
        speaks(BrokenTts("hangs", 1)),
        ("tts", "ENGINE_TIMEOUT"),
        COMMIT + 1.32 - 0.2 + 5.0,
        GREETING,
    ),
    Fault(
        "tts hangs in the middle",
        speaks(BrokenTts("hangs", in_middle=True)),
        ("tts", "ENGINE_TIMEOUT"),
        COMMIT + 0.5 - 0.2 + 5.0,
        GREETING,
    ),
    Fault("tts gives nothing", speaks(BrokenTts("nothing")), ("tts", "ENGINE_EMPTY"), COMMIT),
]


def ends_well(talk: Recording, turn: int) -> None:
    assert talk.when(o.TurnPhase.COMPLETED, turn) > 0
    assert talk.words(turn) == ANSWER
    # Two clauses of 22 characters.
    assert len(talk.sound(turn)) == 2 * round(2 * 1.32 * 24_000)


def leaves_nothing(talk: Recording) -> None:
    assert talk.error is None
    assert talk.is_closed
    assert not talk.left_over
    assert talk.script.llm.open == 0
    if isinstance(talk.script.tts, BrokenTts):
        assert talk.script.tts.open == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_turn_ends_in_a_notice_and_a_spoken_apology(fault: Fault) -> None:
    talk = converse(microphone(EARS), fault.talk)
    check_rules(talk)
    assert talk.notices() == [fault.notice]
    assert talk.only(o.Notice)[1].message
    assert talk.words(1) == f"{fault.said} {APOLOGY}".strip()
    # What is being said when it fails is finished; then the apology, which ends the sound of the turn.
    assert talk.when(o.TurnPhase.FAILED, 1) == at(fault.apology_at + 1.0)
    first_sound = talk.audio(1)[0][0]
    assert first_sound - COMMIT <= 8.0
    if not fault.said:
        assert first_sound == at(fault.apology_at)
    ends_well(talk, 2)
    leaves_nothing(talk)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_caller_who_hangs_up_meanwhile_leaves_nothing(fault: Fault) -> None:
    fresh = next(f for f in FAULTS if f.name == fault.name)
    fresh.talk.stt.opened.clear()
    talk = converse(microphone(EARS), fresh.talk, cancel_at=2.5, ends_at=None)
    assert not talk.left_over
    assert talk.script.llm.open == 0


def test_the_user_can_speak_over_the_apology() -> None:
    engines = thinks(ScriptedAnswer("", error=LLM_DOWN))
    # The apology from 1.78 to 2.78; speech from 2.08.
    talk = converse(microphone(sound(user(1.28), pause(0.8), user(0.96), pause(4.0))), engines)
    check_rules(talk)
    assert talk.when(o.TurnPhase.INTERRUPTED, 1) == at(2.33)
    ends_well(talk, 2)


def test_a_text_answer_is_apologised_for_in_text() -> None:
    engines = thinks(ScriptedAnswer("", error=LLM_DOWN))
    talk = converse([(1.0, i.TextInput("hi", text_only=True))], engines, ends_at=30.0)
    check_rules(talk)
    assert talk.notices() == [("llm", "ENGINE_ERROR")]
    assert talk.words(1) == APOLOGY
    assert not talk.audio(1)
    assert talk.when(o.TurnPhase.FAILED, 1) == at(1.0)


@pytest.mark.parametrize("text", ["", f"{GREETING} What can"])
def test_a_text_answer_that_hangs(text: str) -> None:
    engines = thinks(ScriptedAnswer(text, hangs=True))
    talk = converse([(1.0, i.TextInput("hi", text_only=True))], engines, ends_at=30.0)
    check_rules(talk)
    assert talk.when(o.TurnPhase.FAILED, 1) == at(6.0 if text else 7.5)
    assert talk.words(1) == (f"{GREETING} {APOLOGY}" if text else APOLOGY)


def test_an_apology_is_kept_and_no_model_is_told_of_it() -> None:
    engines = thinks(ScriptedAnswer("", error=LLM_DOWN))
    talk = converse(microphone(EARS), engines)
    assert [m.text for m in engines.llm.prompts[1].messages] == ["hello there hello there"]
    assert talk.history[:2] == [("user", "hello there"), ("server", APOLOGY)]


def test_what_the_model_said_before_the_apology_is_its_own() -> None:
    engines = thinks(ScriptedAnswer(f"{GREETING} What can", a_token=0.1, error=LLM_DOWN))
    talk = converse(microphone(EARS), engines)
    assert [m.text for m in engines.llm.prompts[1].messages] == ["hello there", GREETING, "hello there"]
    assert talk.history[1:3] == [("assistant", GREETING), ("server", APOLOGY)]


def test_an_apology_that_the_user_cut_is_no_word_of_the_model() -> None:
    engines = thinks(ScriptedAnswer("", error=LLM_DOWN))
    # The apology from 1.78 to 2.78; speech from 2.08.
    talk = converse(microphone(sound(user(1.28), pause(0.8), user(0.96), pause(4.0))), engines)
    assert talk.history[0] == ("user", "hello there")
    assert talk.history[1][0] == "server"
    assert APOLOGY.startswith(talk.history[1][1])
    assert all(m.role is not Role.ASSISTANT for m in engines.llm.prompts[1].messages)


@pytest.mark.parametrize("place", ["open", "feed", "interim", "final", "close"])
def test_a_recogniser_that_fails_anywhere_costs_one_turn(place: str) -> None:
    stt = UnwillingStt(place)
    talk = converse(microphone(EARS), replace(scripted(answers=[ANSWER]), stt=stt))
    check_rules(talk)
    assert talk.notices() == ([] if place == "close" else [("stt", "ENGINE_ERROR")])
    if place in ("open", "feed"):
        assert talk.when(o.TurnPhase.FAILED, 1) == at(COMMIT + 1.0)
        assert talk.words(1) == APOLOGY
    else:
        ends_well(talk, 1)
    ends_well(talk, 2)
    leaves_nothing(talk)


@pytest.mark.parametrize("place", ["interim", "final", "close"])
def test_a_recogniser_that_hangs_anywhere_costs_one_turn(place: str) -> None:
    stt = UnwillingStt(place, hangs=True)
    talk = converse(microphone(EARS), replace(scripted(answers=[ANSWER]), stt=stt))
    check_rules(talk)
    if place == "final":
        assert talk.when(o.TurnPhase.SPEAKING, 1) == at(DEADLINE)
    else:
        ends_well(talk, 1)
    ends_well(talk, 2)
    leaves_nothing(talk)
    assert talk.ended_at < 63.0


def test_a_detector_that_fails_for_a_while_is_said_once() -> None:
    # Windows 1 to 60 are the first 1.92 s: the first question is not heard.
    talk = scripted(answers=[ANSWER])
    heard = converse(microphone(EARS), talk, engines=replace(talk.engines, vad=DeafVad(0, 60)))
    check_rules(heard)
    assert heard.notices() == [("vad", "ENGINE_ERROR")]
    assert heard.finals() == [(1, "hello there")]
    ends_well(heard, 1)
    leaves_nothing(heard)


def test_a_detector_that_never_works_is_said_once_and_the_rest_of_the_session_works() -> None:
    talk = scripted(answers=[ANSWER])
    heard = converse(
        [*microphone(EARS), (22.0, i.TextInput("hi"))], talk, engines=replace(talk.engines, vad=DeafVad())
    )
    check_rules(heard)
    assert heard.notices() == [("vad", "ENGINE_ERROR")]
    ends_well(heard, 1)


def test_a_detector_that_hangs_is_said_and_does_not_pile_up_sound() -> None:
    talk = scripted(answers=[ANSWER])
    heard = converse(
        [*microphone(EARS), (24.0, i.TextInput("hi"))],
        talk,
        engines=replace(talk.engines, vad=DeafVad(hangs=True)),
    )
    assert set(heard.notices()) == {("vad", "ENGINE_TIMEOUT"), ("session", "INPUT_DROPPED")}
    assert len(heard.notices()) <= 2
    ends_well(heard, 1)
    leaves_nothing(heard)


def test_manual_turns_need_no_detector() -> None:
    talk = scripted(answers=[ANSWER])
    config = replace(CONFIG, is_manual=True)
    presses = [(0.0, i.UserActivity(i.ActivityKind.START)), (1.4, i.UserActivity(i.ActivityKind.END))]
    heard = converse(
        [*presses, *microphone(EARS)], talk, config, engines=replace(talk.engines, vad=DeafVad())
    )
    check_rules(heard)
    assert not heard.notices()
    ends_well(heard, 1)
