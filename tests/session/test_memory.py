"""Nothing is lost: the conversation is in the store after every turn, and a later session goes on with it."""

import asyncio
from dataclasses import replace

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import Heard, Message, Role
from voice_grpc.core.errors import ServerError
from voice_grpc.engines.scripted import Hearing
from voice_grpc.ports import SavedSession
from voice_grpc.session.memory import LAST_SAVE_SECONDS
from voice_grpc.store import MemoryStore

from .harness import CONFIG, converse, scripted
from .microphone import Action, microphone, pause, sound, user
from .rules import at, check_rules

ANSWER = "Hello. How can I help?"


class WatchedStore(MemoryStore):
    """Remembers when it was given what; fails, or is slow, as told."""

    def __init__(self, *, fails: bool = False, seconds: float = 0.0) -> None:
        super().__init__()
        self.fails, self.seconds = fails, seconds
        self.saves: list[tuple[float, SavedSession]] = []

    async def save(self, session: SavedSession) -> None:
        await asyncio.sleep(self.seconds)
        if self.fails:
            raise ServerError("the disk is full")
        self.saves.append((asyncio.get_running_loop().time(), session))
        await super().save(session)


def test_it_is_saved_when_the_question_is_and_when_the_answer_is() -> None:
    store = WatchedStore()
    converse([(1.0, i.TextInput("hi")), (5.0, i.TextInput("again"))], store=store, ends_at=10.0)
    assert [(when, len(saved.messages), saved.last_turn) for when, saved in store.saves] == [
        (at(1.0), 1, 1),
        (at(2.32), 2, 1),
        (at(5.0), 3, 2),
        (at(6.32), 4, 2),
        # The last one, whatever happened.
        (at(10.0), 4, 2),
    ]


def test_a_store_that_fails_is_said_and_the_conversation_goes_on() -> None:
    store = WatchedStore(fails=True)
    talk = converse([(1.0, i.TextInput("hi")), (5.0, i.TextInput("again"))], store=store, ends_at=10.0)
    check_rules(talk)
    assert talk.notices() == [("session", "STORE_ERROR")] * 4
    assert "disk is full" in talk.all(o.Notice)[0][1].message
    assert talk.words(2) == ANSWER
    assert [len(prompt.messages) for prompt in talk.script.llm.prompts[:2]] == [1, 3]
    assert talk.error is None


def test_a_store_that_is_slow_holds_up_nobody() -> None:
    store = WatchedStore(seconds=1.0)
    talk = converse([(1.0, i.TextInput("hi")), (5.0, i.TextInput("again"))], store=store, ends_at=10.0)
    check_rules(talk)
    assert talk.when(o.TurnPhase.COMPLETED, 1) == at(2.32)
    assert talk.when(o.TurnPhase.COMPLETED, 2) == at(6.32)
    assert talk.ended_at == at(11.0)


def test_a_store_that_hangs_does_not_hold_up_the_end() -> None:
    store = WatchedStore(seconds=1e6)
    talk = converse([(1.0, i.TextInput("hi"))], store=store, ends_at=10.0)
    assert talk.error is None
    assert talk.ended_at == at(10.0 + LAST_SAVE_SECONDS)
    assert not talk.left_over


def test_the_last_save_is_made_when_the_call_is_cancelled() -> None:
    store = WatchedStore(seconds=0.5)
    talk = converse([(1.0, i.TextInput("hi"))], store=store, cancel_at=2.0, ends_at=None)
    assert isinstance(talk.error, asyncio.CancelledError)
    assert talk.ended_at == at(2.5)
    # The answer began at 1.0: 1 s of the 1.32 s of its one clause.
    assert talk.history == [("user", "hi"), ("assistant", "Hello. How can I")]
    assert talk.messages[1].heard is Heard.ESTIMATED


def test_a_session_goes_on_where_it_was_left() -> None:
    store = MemoryStore()
    config = replace(CONFIG, greeting="Good day.")
    first = converse([(1.0, i.TextInput("my name is Ada"))], config=config, store=store, ends_at=10.0)
    assert first.only(o.SessionStarted)[1].is_resumed is False
    engines = scripted(answers=["You are Ada."])
    talk = converse([(1.0, i.TextInput("who am I"))], engines, config, store=store, ends_at=10.0)
    started = talk.only(o.SessionStarted)[1]
    assert (started.is_resumed, started.last_turn) == (True, 2)
    # No second greeting; turn numbers go on.
    assert [turn for _, turn, _ in talk.phases(o.TurnPhase.THINKING)] == [3]
    assert [m.text for m in engines.llm.prompts[0].messages] == [
        "Good day.",
        "my name is Ada",
        ANSWER,
        "who am I",
    ]
    assert talk.saved is not None
    assert talk.saved.last_turn == 3
    assert first.saved is not None
    assert talk.saved.created_at == first.saved.created_at


def test_turn_numbers_rise_also_after_a_turn_that_was_cut_off() -> None:
    store = MemoryStore()
    ears = microphone(sound(user(1.28), pause(4.0)))
    first = converse(ears, store=store, cancel_at=1.0, ends_at=None)
    assert first.phases(o.TurnPhase.USER_SPEAKING)
    talk = converse(ears, store=store)
    assert talk.only(o.SessionStarted)[1].last_turn == 1
    assert [turn for _, turn, _ in talk.phases(o.TurnPhase.THINKING)] == [2]


def test_words_that_were_known_when_the_call_ended_are_kept() -> None:
    # Asked for at 1.38, committed at 1.78; gone at 1.6.
    ears = microphone(sound(user(1.28), pause(4.0)))
    talk = converse(ears, cancel_at=1.6, ends_at=None)
    assert talk.messages == (Message(Role.USER, "hello there", 1),)


def test_the_language_that_was_heard_is_kept() -> None:
    store = MemoryStore()
    ears = microphone(sound(user(1.28), pause(4.0)))
    first = converse(ears, scripted([Hearing("hola", language="es")]), store=store)
    assert first.saved is not None
    assert first.saved.language == "es"
    assert first.script.llm.prompts[0].language == "es"
    assert first.script.tts.choices[0].language == "es"
    second = converse([(1.0, i.TextInput("y tú"))], store=store)
    assert second.script.llm.prompts[0].language == "es"


def test_a_failed_turn_is_saved_too() -> None:
    talk = converse([(1.0, i.TextInput("hi"))], scripted(answers=[""]), ends_at=10.0)
    assert talk.history == [("user", "hi"), ("server", "Sorry, please say that again.")]


def test_two_sessions_share_engines_and_nothing_else() -> None:
    engines = scripted(["one"], ["Hello."])
    store = MemoryStore()
    actions: list[Action] = [(1.0, i.TextInput("hi"))]
    converse(actions, engines, replace(CONFIG, session_id="a"), store=store, ends_at=5.0)
    talk = converse(actions, engines, replace(CONFIG, session_id="b"), store=store, ends_at=5.0)
    assert len(talk.script.llm.prompts[1].messages) == 1
