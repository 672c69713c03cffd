"""Nothing is lost: the conversation is in the store after every turn, and a later session goes on with it."""

import asyncio
from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import Heard, Message, Role
from voice_grpc.core.errors import StoreError, Superseded
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer
from voice_grpc.ports import SavedSession
from voice_grpc.session.clock import loop_now
from voice_grpc.session.memory import LAST_SAVE_SECONDS, LOOK_SECONDS
from voice_grpc.store import MemoryStore

from .harness import CONFIG, converse, scripted
from .microphone import Action, microphone, pause, sound, user
from .rules import at, check_rules

ANSWER = "Hello. How can I help?"


class WatchedStore(MemoryStore):
    """Remembers when it was given what; is slow, and fails until `well_at`, as told."""

    def __init__(self, *, well_at: float = 0.0, seconds: float = 0.0) -> None:
        super().__init__()
        self.well_at, self.seconds = well_at, seconds
        self.saves: list[tuple[float, SavedSession]] = []
        self.tries = 0

    async def save(self, session: SavedSession, epoch: int) -> None:
        self.tries += 1
        await asyncio.sleep(self.seconds)
        if loop_now() < self.well_at:
            raise StoreError("the disk is full")
        await super().save(session, epoch)
        self.saves.append((loop_now(), session))


class SharedStore(WatchedStore):
    """Others could take what is in it: one does at `taken_at`, and from then on has its own epoch there."""

    is_shared = True

    def __init__(self, taken_at: float, *, well_at: float = 0.0) -> None:
        super().__init__(well_at=well_at)
        self.taken_at = taken_at
        self.looks: list[float] = []

    async def epoch(self, session_id: str) -> int:
        self.looks.append(loop_now())
        if loop_now() < self.well_at:
            raise StoreError("nobody answers")
        await self._be_taken(session_id)
        return await super().epoch(session_id)

    async def save(self, session: SavedSession, epoch: int) -> None:
        await self._be_taken(session.id)
        await super().save(session, epoch)

    async def _be_taken(self, session_id: str) -> None:
        if loop_now() >= self.taken_at:
            await self.take(session_id, "")
            self.taken_at = float("inf")


def test_it_is_saved_when_the_question_is_and_when_the_answer_is() -> None:
    store = WatchedStore()
    converse([(1.0, i.TextInput("hi")), (5.0, i.TextInput("again"))], store=store, ends_at=10.0)
    assert [(when, len(saved.messages), saved.last_turn) for when, saved in store.saves] == [
        (at(1.0), 1, 1),
        (at(2.0), 2, 1),  # what was heard of the answer so far
        (at(2.32), 2, 1),
        (at(5.0), 3, 2),
        (at(6.0), 4, 2),
        (at(6.32), 4, 2),
        # The last one, whatever happened.
        (at(10.0), 4, 2),
    ]


def test_a_store_that_fails_is_said_and_the_conversation_goes_on() -> None:
    store = WatchedStore(well_at=1e6)
    talk = converse([(1.0, i.TextInput("hi")), (5.0, i.TextInput("again"))], store=store, ends_at=10.0)
    check_rules(talk)
    assert talk.notices() == [("session", "STORE_ERROR")]  # once, however often it is tried
    assert store.tries <= 16
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


@pytest.mark.parametrize(("seconds", "well_at"), [(3.0, 0.0), (0.0, 1e6), (3.0, 1e6)])
def test_no_sample_is_later_for_a_store_that_is_slow_or_dead(seconds: float, well_at: float) -> None:
    def sound(store: MemoryStore) -> list[tuple[float, int]]:
        talk = converse([(1.0, i.TextInput("hi")), (5.0, i.TextInput("again"))], store=store, ends_at=10.0)
        return [(when, chunk.offset) for when, chunk in talk.all(o.AudioOutput)]

    store = SharedStore(float("inf"), well_at=well_at)
    store.seconds = seconds
    assert len(sound(MemoryStore())) > 50
    assert sound(store) == sound(MemoryStore())


def test_what_changes_while_it_is_saved_is_saved_in_one() -> None:
    """Saves of 3 s; six changes meanwhile cost two of them more, and nobody waits for either."""
    store = WatchedStore(seconds=3.0)
    asked: list[Action] = [(1.0 + n, i.TextInput("hi", text_only=True)) for n in range(6)]
    talk = converse(asked, store=store, ends_at=10.5)
    check_rules(talk)
    for turn in range(1, 7):
        assert talk.when(o.TurnPhase.COMPLETED, turn) == at(float(turn))
    assert [(when, len(saved.messages)) for when, saved in store.saves] == [
        (at(4.0), 1),
        (at(7.0), 6),
        (at(10.0), 12),
    ]


def test_what_was_missed_is_written_when_the_store_is_back() -> None:
    store = WatchedStore(well_at=7.3)
    talk = converse([(1.0, i.TextInput("hi"))], store=store, ends_at=60.0)
    assert talk.notices() == [("session", "STORE_ERROR")]
    first, last = store.saves
    assert 7.3 <= first[0] <= 7.3 + LOOK_SECONDS
    assert len(first[1].messages) == 2
    assert last[0] == at(60.0)


def test_a_store_that_fails_a_second_time_is_said_a_second_time() -> None:
    class FlakyStore(WatchedStore):
        async def save(self, session: SavedSession, epoch: int) -> None:
            is_away = 0.5 < loop_now() < 1.5 or 4.5 < loop_now() < 5.5
            self.well_at = 1e9 if is_away else 0.0
            await super().save(session, epoch)

    store = FlakyStore()
    actions: list[Action] = [(n, i.TextInput("hi", text_only=True)) for n in (1.0, 1.2, 5.0, 5.2)]
    talk = converse(actions, store=store, ends_at=10.0)
    assert talk.notices() == [("session", "STORE_ERROR")] * 2
    assert len(talk.messages) == 8


# ---------------------------------------------------------------- who holds it


def test_a_holder_that_was_taken_over_falls_silent_within_two_seconds_and_writes_nothing_more() -> None:
    long = ScriptedAnswer("This is a rather long answer that goes on, and on, and on. " * 8)
    store = SharedStore(taken_at=3.2)
    talk = converse([(1.0, i.TextInput("hi"))], scripted(answers=[long]), store=store, ends_at=None)
    assert isinstance(talk.error, Superseded)
    assert str(talk.error) == "superseded"
    assert 3.2 <= talk.ended_at <= 5.2
    assert talk.sound(1)
    assert max(when for when, _ in talk.said) <= talk.ended_at
    assert max(when for when, _ in store.saves) < 3.2
    assert store.tries == len(store.saves) + 1, "the one that was refused"
    assert not talk.left_over
    assert talk.is_closed


def test_a_save_finds_it_out_as_well() -> None:
    """Saved at 3.5, between two looks."""

    class TakenStore(SharedStore):
        async def save(self, session: SavedSession, epoch: int) -> None:
            if loop_now() >= 3.5:
                await self.take(session.id, "")
            await super().save(session, epoch)

    store = TakenStore(taken_at=1e9)
    actions: list[Action] = [(1.0, i.TextInput("hi")), (3.5, i.TextInput("again"))]
    talk = converse(actions, store=store, ends_at=None)
    assert isinstance(talk.error, Superseded)
    assert talk.ended_at == at(3.5)
    assert talk.messages[-1].turn == 1


def test_a_store_of_one_process_is_not_asked_who_holds_it() -> None:
    store = SharedStore(taken_at=1e9)
    store.is_shared = False
    converse([(1.0, i.TextInput("hi"))], store=store, ends_at=10.0)
    assert store.looks == []


def test_it_is_asked_every_second_and_a_save_is_as_good_as_a_look() -> None:
    store = SharedStore(taken_at=1e9)
    converse([(0.5, i.TextInput("hi"))], store=store, ends_at=5.0)
    assert [when for when, _ in store.saves] == [at(0.5), at(1.5), at(1.82), at(5.0)]
    assert store.looks == [at(2.82), at(3.82), at(4.82)]


def test_while_the_store_is_dead_the_holder_goes_on() -> None:
    store = SharedStore(taken_at=1e9, well_at=8.0)
    actions: list[Action] = [(1.0, i.TextInput("hi")), (5.0, i.TextInput("again"))]
    talk = converse(actions, store=store, ends_at=20.0)
    check_rules(talk)
    assert talk.error is None
    assert talk.words(2) == ANSWER
    assert talk.notices() == [("session", "STORE_ERROR")]
    assert len(talk.messages) == 4


def test_what_the_store_lost_it_gets_again() -> None:
    """All of it, a second later, and the conversation goes on."""

    class ForgetfulStore(SharedStore):
        async def epoch(self, session_id: str) -> int:
            if 5.0 <= loop_now() < 6.0:
                self._leases.clear()
                self._sessions.clear()
            return await super().epoch(session_id)

    store = ForgetfulStore(taken_at=1e9)
    talk = converse([(1.0, i.TextInput("hi"))], store=store, ends_at=10.5)
    assert talk.error is None
    assert [(when, len(saved.messages)) for when, saved in store.saves] == [
        (at(1.0), 1),
        (at(2.0), 2),
        (at(2.32), 2),
        (at(5.32), 2),
        (at(10.5), 2),
    ]


# ---------------------------------------------------------------- its end


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
    assert talk.history == [("user", "hi"), ("assistant", "Hello. How can")]
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


def test_what_was_heard_of_an_answer_is_kept_while_it_is_said() -> None:
    """Every second: whoever kills the server loses a second of it, and not the turn."""
    store = WatchedStore()
    story = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
    talk = converse(
        microphone(sound(user(1.28), pause(7.0))), scripted(["tell me a story"], [story]), store=store
    )
    check_rules(talk)
    kept = [
        (when, saved.messages[-1]) for when, saved in store.saves if saved.messages[-1].role is Role.ASSISTANT
    ]
    growing = [message.text for _, message in kept]
    assert len(growing) >= 5
    assert growing == sorted(growing, key=len)
    assert all(story.startswith(text) for text in growing)
    times = [when for when, _ in kept]
    assert all(
        after - before <= LOOK_SECONDS + 0.01 for before, after in zip(times[:-2], times[1:], strict=False)
    )
    assert {message.heard for _, message in kept[:-2]} == {Heard.ESTIMATED}
    assert kept[-1][1] == Message(Role.ASSISTANT, story, 1, Heard.WHOLE)
    assert [message.text for message in talk.messages] == ["tell me a story", story], "and once only"


def test_an_answer_that_is_held_is_not_written_again_and_again() -> None:
    store = WatchedStore()
    acts: list[Action] = [(3.0, i.Pause()), (33.0, i.Resume())]
    talk = converse(
        [*microphone(sound(user(1.28), pause(1.0))), *acts],
        scripted(["hi"], [ANSWER * 4]),
        store=store,
        ends_at=60.0,
    )
    assert not talk.left_over
    assert not [when for when, _ in store.saves if 5.0 < when < 33.0]
