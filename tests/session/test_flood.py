"""More than anybody can act on: refused one by one, by name, and the session is as well as before."""

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.session.reader import MAX_WAITING

from .harness import Recording, changed, converse, scripted
from .microphone import Action, microphone, pause, sound, user
from .rules import at, check_rules

ANSWER = "Hello. How can I help?"


def is_well_afterwards(talk: Recording) -> None:
    """The text at 100.0 is answered."""
    check_rules(talk)
    assert talk.error is None
    assert not talk.left_over
    assert talk.script.llm.open == 0
    when, turn, _ = talk.phases(o.TurnPhase.COMPLETED)[-1]
    assert when == at(100.0 + 1.32)
    assert talk.words(turn) == ANSWER


LATER: list[Action] = [(100.0, i.TextInput("are you well"))]


@pytest.mark.parametrize("interrupts", [True, False])
def test_200_texts_at_once(interrupts: bool) -> None:
    texts: list[Action] = [(1.0, i.TextInput(f"w{n}", interrupts=interrupts, seq=n)) for n in range(200)]
    talk = converse([*texts, *LATER], scripted(answers=[ANSWER]), ends_at=200.0)
    is_well_afterwards(talk)
    refused = {m.seq for _, m in talk.all(o.Notice)}
    assert {m.reason for _, m in talk.all(o.Notice)} <= {"TOO_MANY"}
    said = " ".join(text for role, text in talk.history if role == "user").split()
    # None of those that were accepted is lost, and each is in one message.
    assert said[:-3] == [f"w{n}" for n in range(200) if n not in refused]
    if not interrupts:
        assert len(said) - 3 <= MAX_WAITING + 1


def test_200_texts_in_a_held_conversation() -> None:
    texts: list[Action] = [(1.0, i.TextInput(f"w{n}", seq=n)) for n in range(200)]
    talk = converse([(0.5, i.Pause()), *texts, (2.0, i.Resume()), *LATER], ends_at=200.0)
    is_well_afterwards(talk)
    refused = {m.seq for _, m in talk.all(o.Notice)}
    said = " ".join(text for role, text in talk.history if role == "user").split()
    assert said[:-3] == [f"w{n}" for n in range(200) if n not in refused]
    assert len(refused) > 100


def test_200_says_wait_or_are_refused() -> None:
    says: list[Action] = [(1.0, i.Say(f"Number {n}.", seq=n)) for n in range(200)]
    talk = converse([*says, *LATER], ends_at=200.0)
    is_well_afterwards(talk)
    refused = {m.seq for _, m in talk.all(o.Notice)}
    spoken = [f"Number {n}." for n in range(200) if n not in refused]
    assert [text for role, text in talk.history if role == "assistant"][:-1] == spoken


def test_10_000_pings() -> None:
    pings: list[Action] = [(1.0, i.Ping(n)) for n in range(10_000)]
    talk = converse([(0.9, i.TextInput("hi")), *pings, *LATER], ends_at=200.0)
    is_well_afterwards(talk)
    assert [m.id for _, m in talk.all(o.Pong)] == list(range(10_000))
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(0.9 + 1.32)


@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize(
    "what",
    [
        i.Interrupt(0),
        i.UserActivity(i.ActivityKind.CANCEL),
        i.UserActivity(i.ActivityKind.END),
        i.AudioInputEnd(),
    ],
    ids=["interrupt", "cancel", "end", "audio_end"],
)
def test_3_000_of_a_kind(what: i.ConverseRequest, is_held: bool) -> None:
    held: list[Action] = [(0.95, i.Pause()), (3.0, i.Resume())] if is_held else []
    flood: list[Action] = [(1.0, what)] * 3_000
    talk = converse([(0.9, i.TextInput("hi")), *held, *flood, *LATER], ends_at=200.0)
    is_well_afterwards(talk)
    assert set(talk.notices()) <= {("protocol", "TOO_MANY")}


def test_1_000_starts_and_ends_in_turn() -> None:
    presses: list[Action] = []
    for n in range(1_000):
        presses += [
            (1.0 + n / 100, i.UserActivity(i.ActivityKind.START)),
            (1.005 + n / 100, i.UserActivity(i.ActivityKind.END)),
        ]
    talk = converse([*presses, *LATER], ends_at=200.0)
    is_well_afterwards(talk)
    assert set(talk.notices()) <= {("protocol", "TOO_MANY")}


def test_1_000_updates() -> None:
    updates: list[Action] = [
        (1.0, i.ConfigUpdate(changed(hold=0.1 + n / 1_000), seq=n)) for n in range(1_000)
    ]
    talk = converse([*updates, *LATER], ends_at=200.0)
    is_well_afterwards(talk)
    applied = [m.seq for _, m in talk.all(o.ConfigApplied)]
    refused = [m.seq for _, m in talk.all(o.Notice)]
    assert sorted(applied + refused) == list(range(1_000))


def test_1_000_reports() -> None:
    reports: list[Action] = [
        (1.0 + n / 1_000, i.PlaybackReport(1, i.PlaybackState.PROGRESS, 24 * n)) for n in range(1_000)
    ]
    talk = converse([(1.0, i.TextInput("hi")), *reports, *LATER], ends_at=200.0)
    is_well_afterwards(talk)
    assert talk.words(1) == ANSWER


def test_pause_and_resume_all_the_time() -> None:
    flips: list[Action] = []
    for n in range(500):
        flips += [(1.0 + n / 100, i.Pause()), (1.005 + n / 100, i.Resume())]
    talk = converse([(1.0, i.TextInput("hi")), *flips, *LATER], ends_at=200.0)
    check_rules(talk, lead=3.0)
    # 1.32 s at half the time.
    assert talk.words(1) == ANSWER
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(1.0 + 2.64)


def test_a_session_of_an_hour() -> None:
    """Two hundred questions: nothing piles up, and the numbers still rise."""
    once = sound(user(1.28), pause(4.0))
    actions = [action for n in range(200) for action in microphone(once, start=5.28 * n)]
    talk = converse(actions, scripted(["hi"], ["Hello."]), ends_at=2_000.0)
    check_rules(talk)
    assert len(talk.phases(o.TurnPhase.COMPLETED)) == 200
    assert not talk.left_over
