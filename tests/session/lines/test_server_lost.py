"""A server is lost, and another one goes on: with the next word, and with nothing done twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.conversation import GO_ON, Heard, Message, Role
from voice_grpc.core.errors import Superseded
from voice_grpc.core.events import CancelReason
from voice_grpc.core.requests import ComeBack
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer
from voice_grpc.ports import CallRequest, SavedSession
from voice_grpc.store import MemoryStore

from ..harness import CONFIG, scripted, virtual
from ..microphone import Action, microphone, pause, sound, user
from .lost_lines import Caller, served
from .test_resume import phases, words

STORY = "Once upon a time there was a queen. She had a very long story to tell. And she told it to the end."
ASKED: list[Action] = [(0.0, i.TextInput("a story", seq=1))]


class KilledStore(MemoryStore):
    """As another server finds it after the first was killed: nothing is written since."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self.is_dead = False

    async def save(self, session: SavedSession, epoch: int) -> None:
        if not self.is_dead:
            await super().save(session, epoch)

    async def epoch(self, session_id: str) -> int:
        return 0 if self.is_dead else await super().epoch(session_id)


@asynccontextmanager
async def killed_after(
    seconds: float, script: Script, actions: Sequence[Action] = ASKED, store: KilledStore | None = None
) -> AsyncIterator[tuple[Caller, KilledStore]]:
    """The caller of a server that is gone, and what is left of it."""
    store = store or KilledStore()
    async with served(script, store) as server:
        caller = await server.call(actions).lost_after(seconds)
        store.is_dead = True
        await server.leave()
    store.is_dead = False
    yield caller, store


async def history(store: MemoryStore) -> tuple[Message, ...]:
    saved = await store.load("talk")
    assert saved is not None
    return saved.messages


@pytest.mark.parametrize("at", [1.0, 2.2, 3.5, 5.0])
def test_the_next_server_says_the_next_word(at: float) -> None:
    """The client names the sample; the model had written all of it."""

    async def talk() -> None:
        played = round(24_000 * at) - 1_000
        async with (
            killed_after(at, scripted(answers=[STORY])) as (before, store),
            served(
                scripted(answers=["not asked"]), store, come_back=ComeBack("token", 1, played, 9)
            ) as server,
        ):
            after = await server.call([(20.0, None)], ComeBack("token", 1, played, 9)).over()
            started = after.all(o.SessionStarted)[0]
            assert (started.is_resumed, started.last_turn, started.last_consumed) == (True, 1, 1)
            assert after.numbered[0][0] == 10
            (cut,) = after.all(o.Interrupted)
            assert (cut.turn, cut.reason, cut.played) == (1, CancelReason.SERVER_LOST, played)
            assert cut.is_reported
            assert phases(after) == [
                (1, o.TurnPhase.INTERRUPTED),
                (2, o.TurnPhase.THINKING),
                (2, o.TurnPhase.SPEAKING),
                (2, o.TurnPhase.COMPLETED),
            ]
            assert f"{cut.heard_text} {words(2, after)}" == STORY
        said = await history(store)
        assert [(m.role, m.turn, m.heard) for m in said] == [
            (Role.USER, 1, Heard.WHOLE),
            (Role.ASSISTANT, 1, Heard.REPORTED),
            (Role.ASSISTANT, 2, Heard.WHOLE),
        ]
        assert " ".join(m.text for m in said) == f"a story {STORY}"

    virtual(talk())


def test_a_turn_that_the_store_never_knew_is_over_and_its_request_is_answered_once() -> None:
    """Its number is not given again, and what claims more turns than a server loses is not believed."""

    async def talk(claimed: int, expected: int) -> None:
        store = KilledStore()
        come_back = ComeBack("token", claimed, 7_000, 9)
        async with served(scripted(answers=[STORY]), store) as server:
            caller = server.call([(1.0, i.TextInput("a story", seq=1))])
            await asyncio.sleep(0.5)
            store.is_dead = True
            await caller.lost_after(2.0)
            await server.leave()
        store.is_dead = False
        async with served(scripted(answers=[STORY]), store, come_back=come_back) as server:
            after = await server.call([*ASKED, (20.0, None)], come_back).over()
            started = after.all(o.SessionStarted)[0]
            assert (started.is_resumed, started.last_consumed) == (True, 0)
            cuts = [(cut.turn, cut.reason, cut.played, cut.heard_text) for cut in after.all(o.Interrupted)]
            assert cuts == ([(1, CancelReason.SERVER_LOST, 7_000, "")] if expected == 2 else [])
            assert phases(after) == [
                *([(1, o.TurnPhase.INTERRUPTED)] if expected == 2 else []),
                (expected, o.TurnPhase.THINKING),
                (expected, o.TurnPhase.SPEAKING),
                (expected, o.TurnPhase.COMPLETED),
            ]
            assert words(expected, after) == STORY
        said = await history(store)
        assert [(m.role, m.turn) for m in said] == [(Role.USER, expected), (Role.ASSISTANT, expected)]

    virtual(talk(1, 2))
    virtual(talk(2**63, 1))


def test_a_text_that_is_in_the_history_is_taken_care_of_whatever_else_waits() -> None:
    """The model answers so fast that its words wait to be decided about as the question is saved."""

    async def talk() -> None:
        class Remembering(KilledStore):
            saves: list[SavedSession] = []

            async def save(self, session: SavedSession, epoch: int) -> None:
                self.saves.append(session)
                await super().save(session, epoch)

        store = Remembering()
        async with served(scripted(answers=[STORY * 40]), store) as server:
            await server.call(ASKED).lost_after(0.5)
            await server.leave()
        asked = [saved for saved in store.saves if any(m.role is Role.USER for m in saved.messages)]
        assert asked
        assert [saved.unfinished and saved.unfinished.consumed.seq for saved in asked] == [1] * len(asked)

    virtual(talk())


def test_a_report_of_the_cut_turn_that_comes_late_is_no_mistake() -> None:
    async def talk() -> None:
        async with (
            killed_after(2.2, scripted(answers=[STORY])) as (_, store),
            served(scripted(answers=[STORY]), store, come_back=ComeBack("token", 1, 50_000)) as server,
        ):
            playing = i.PlaybackState.PROGRESS
            late = [i.PlaybackReport(turn, playing, 50_100, seq=90 + turn) for turn in (1, 7)]
            after = await server.call([*((0.5, each) for each in late), (1.0, None)]).over()
            assert [notice.seq for notice in after.all(o.Notice)] == [97]  # of a turn that nobody had

    virtual(talk())


def test_to_a_client_that_says_nothing_up_to_a_second_is_said_again() -> None:
    async def talk() -> None:
        async with (
            killed_after(3.9, scripted(answers=[STORY])) as (_, store),
            served(scripted(), store, come_back=ComeBack("token")) as server,
        ):
            after = await server.call([(20.0, None)]).over()
            (cut,) = after.all(o.Interrupted)
            assert 2.8 * 24_000 < cut.played <= 3.9 * 24_000
            assert not cut.is_reported
            assert f"{cut.heard_text} {words(2, after)}" == STORY

    virtual(talk())


def test_what_the_model_had_not_finished_is_finished_by_the_next_one() -> None:
    async def talk() -> None:
        slow = ScriptedAnswer(STORY, a_token=0.3)
        next_one = scripted(answers=["and so on to its end."])
        async with (
            killed_after(4.0, scripted(answers=[slow])) as (_, store),
            served(next_one, store, come_back=ComeBack("token", 1, 12_000)) as server,
        ):
            after = await server.call([(20.0, None)]).over()
            (cut,) = after.all(o.Interrupted)
            told = f"{cut.heard_text} {words(2, after)}"
            assert told.endswith(" and so on to its end.")
            written = told.removesuffix(" and so on to its end.")
            assert STORY.startswith(written)
            (prompt,) = next_one.llm.prompts
            assert [(m.role, m.text) for m in prompt.messages] == [
                (Role.USER, "a story"),
                (Role.ASSISTANT, written),
                (Role.USER, GO_ON),
            ]
        assert " ".join(m.text for m in (await history(store))[1:]) == told

    virtual(talk())


def test_a_turn_of_which_nothing_was_heard_is_answered_as_a_whole() -> None:
    async def talk() -> None:
        next_one = scripted(answers=["Here it is."])
        async with (
            killed_after(1.0, scripted(answers=[ScriptedAnswer("x", first_token=5.0)])) as (_, store),
            served(next_one, store, come_back=ComeBack("token")) as server,
        ):
            after = await server.call([(20.0, None)]).over()
            assert words(2, after) == "Here it is."
            assert [m.text for m in next_one.llm.prompts[0].messages] == ["a story"]
        assert [(m.turn, m.text) for m in await history(store)] == [(1, "a story"), (2, "Here it is.")]

    virtual(talk())


def test_what_was_heard_to_its_end_is_over() -> None:
    async def talk() -> None:
        async with (
            killed_after(20.0, scripted(answers=[STORY])) as (_, store),
            served(scripted(), store, come_back=ComeBack("token", 1)) as server,
        ):
            after = await server.call([(5.0, None)]).over()
            assert phases(after) == []
        assert [m.text for m in await history(store)] == ["a story", STORY]

    virtual(talk())


def test_a_text_is_never_acted_on_twice_and_one_that_waited_is_answered() -> None:
    actions = [*ASKED, (1.0, i.TextInput("and then", interrupts=False, seq=2))]

    async def talk() -> None:
        next_one = scripted(answers=["Then nothing."])
        async with (
            killed_after(3.0, scripted(answers=[STORY]), actions) as (_, store),
            served(next_one, store, come_back=ComeBack("token", 1, 24_000)) as server,
        ):
            again = [(0.0, item) for _, item in actions]
            after = await server.call([*again, (0.1, i.Ping(1, seq=3)), (20.0, None)]).over()
            assert words(3, after) == "Then nothing."
            assert (4, o.TurnPhase.THINKING) not in phases(after)
            assert len(next_one.llm.prompts) == 1

    virtual(talk())


def test_who_does_not_number_is_told_where_new_numbers_begin() -> None:
    """Of a half-said turn the sound is not taken care of, and what was typed over it was acted on."""

    async def talk() -> None:
        kept = KilledStore()
        async with killed_after(2.0, scripted(answers=[STORY]), store=kept) as (_, store):
            saved = await store.load("talk")
            assert saved is not None
            assert saved.unfinished is not None
            unfinished = replace(
                saved.unfinished, consumed=replace(saved.unfinished.consumed, seq=0, acted=7)
            )
            store._sessions["talk"] = replace(saved, unfinished=unfinished)  # noqa: SLF001 - as it may be found
            for is_numbered, known in ((True, 0), (False, 7)):
                back = ComeBack("token", is_numbered=is_numbered)
                async with served(scripted(answers=["not asked"]), store, come_back=back) as server:
                    after = await server.call([(0.5, None)], back).over()
                    assert after.all(o.SessionStarted)[0].last_consumed == known
                store._sessions["talk"] = replace(saved, unfinished=unfinished)  # noqa: SLF001

    virtual(talk())


def test_words_that_were_typed_into_a_half_said_turn_are_answered() -> None:
    ears = [
        (when, replace(item, seq=n))  # type: ignore[type-var]
        for n, (when, item) in enumerate(microphone(sound(user(3.0))), 1)
    ]
    typed: list[Action] = [(0.5, i.TextInput("in Rome", seq=1_000))]

    async def talk() -> None:
        next_one = scripted(answers=["Sunny."])
        async with (
            killed_after(1.0, scripted(), [*ears[:20], *typed, *ears[20:]]) as (_, store),
            served(next_one, store, come_back=ComeBack("token")) as server,
        ):
            after = await server.call([(0.0, typed[0][1]), (9.0, None)]).over()
            assert [prompt.messages[-1].text for prompt in next_one.llm.prompts] == ["in Rome"]
            assert [turn for turn, phase in phases(after) if phase is o.TurnPhase.COMPLETED] == [2]
        assert [m.text for m in await history(store)] == ["in Rome", "Sunny."]

    virtual(talk())


def test_what_is_written_is_kept_at_once() -> None:
    """Not a second later: the next server says it, and does not ask for it again."""

    async def talk() -> None:
        next_one = scripted(answers=["not asked"])
        async with (
            killed_after(0.2, scripted(answers=["One two three."])) as (_, store),
            served(next_one, store, come_back=ComeBack("token", 1, 0)) as server,
        ):
            after = await server.call([(9.0, None)]).over()
            assert words(2, after) == "One two three."
            assert next_one.llm.prompts == []

    virtual(talk())


@pytest.mark.parametrize("at", [0.9, 1.5, 2.3])
def test_a_turn_that_was_half_said_comes_again_with_its_sound(at: float) -> None:
    """What the server before took care of is before the turn, and what is sent again is all of it."""
    ears = [
        (when, replace(item, seq=n))  # type: ignore[type-var]
        for n, (when, item) in enumerate(microphone(sound(pause(0.8), user(1.92), pause(4.0))), 1)
    ]

    async def talk() -> None:
        store = KilledStore()
        async with killed_after(at, scripted(), [item for item in ears if item[0] <= at], store) as (
            before,
            _,
        ):
            safe = max((m.last_consumed for m in before.all(o.ResumeUpdate)), default=0)
        next_one = scripted([Hearing("tell me a story")], ["Once."])
        async with served(next_one, store, come_back=ComeBack("token")) as server:
            started = server.call([(when - at, item) for when, item in ears if item.seq > safe])  # type: ignore[union-attr]
            after = await started.lost_after(9.0)
            assert after.all(o.SessionStarted)[0].last_consumed < 40  # where the voice begins
            (final,) = [m for m in after.all(o.Transcript) if m.is_final]
            assert final.text == "tell me a story"
            assert words(final.turn, after) == "Once."

    virtual(talk())


def test_the_sound_of_a_turn_that_is_over_does_not_come_again() -> None:
    """However short the silence that ended it."""
    config = replace(CONFIG, turns=TurnSettings(hold=0.3))
    ears = microphone(sound(pause(0.32), user(0.96), pause(4.0)))

    async def talk() -> None:
        store = KilledStore()
        async with served(scripted(), store, config) as server:
            numbered = [(at, replace(item, seq=n)) for n, (at, item) in enumerate(ears, 1)]  # type: ignore[type-var]
            await server.call([item for item in numbered if item[0] <= 1.7]).lost_after(1.7)
            store.is_dead = True
            await server.leave()
        store.is_dead = False
        saved = await store.load("talk")
        assert saved is not None
        assert saved.unfinished is not None
        assert saved.unfinished.consumed.received >= 16_000 * 1.28

    virtual(talk())


def placed(actions: Sequence[Action], before: int) -> list[Action]:
    """Chunks of sound with their numbers and offsets, `before` so many others."""
    return [
        (at, replace(item, seq=n + 1, offset=320 * n))  # type: ignore[type-var]
        for n, (at, item) in enumerate(actions, before)
    ]


def test_silence_that_no_store_has_is_not_missed_by_a_client_that_dropped_it() -> None:
    """It need not come again, though nothing of it is written: on the next server fewer requests are known
    than the last token said, and who has those in between no more goes on behind them."""

    async def talk() -> None:
        quiet = placed(microphone(pause(12.0)), 0)
        store, come_back = KilledStore(), ComeBack("token", 0, 0, 9)
        async with served(scripted(), store) as server:
            line = server.call(quiet)
            await asyncio.sleep(12.0)
            store.is_dead = True
            before = await line.lost_after(0.0)
            await server.leave()
        store.is_dead = False
        promised = before.all(o.ResumeUpdate)[-1].last_consumed
        assert promised > 250
        async with served(scripted(), store, come_back=come_back) as server:
            spoken = placed(microphone(sound(user(1.28), pause(4.0)), 0.5), 600)
            after = await server.call([*spoken, (12.0, None)], come_back).over()
        assert after.all(o.SessionStarted)[0].last_consumed < promised
        assert not after.all(o.Notice)
        (final,) = [each for each in after.all(o.Transcript) if each.is_final]
        assert final.text == "hello there"
        assert abs(final.start - 16_000 * 12) < 16_000
        assert words(1, after).startswith("Hello.")

    virtual(talk())


@pytest.mark.parametrize("after", [0.0, 0.32])
def test_the_sound_of_a_turn_that_was_ended_in_mid_word_does_not_come_again(after: float) -> None:
    """Nor less than all that followed: what the next server is sent begins where the transcript ends."""
    ears = microphone(user(0.96 + after))
    end: Action = (0.96, i.UserActivity(i.ActivityKind.END, 49))
    numbered = [(at, replace(item, seq=n + (n > 48))) for n, (at, item) in enumerate(ears, 1)]  # type: ignore[type-var]

    async def talk() -> None:
        store = KilledStore()
        slow = scripted(answers=[ScriptedAnswer("Well.", first_token=9.0)])
        async with served(slow, store) as server:
            before = await server.call([*numbered[:48], end, *numbered[48:]]).lost_after(1.5)
            store.is_dead = True
            await server.leave()
        saved = await store.load("talk")
        (final,) = [m for m in before.all(o.Transcript) if m.is_final]
        assert final.end == round(0.96 * 16_000)
        assert saved is not None
        assert saved.unfinished is not None
        assert saved.unfinished.consumed.received == final.end

    virtual(talk())


def test_a_result_of_a_tool_that_comes_late_is_remembered() -> None:
    config = replace(CONFIG, tools=(ToolDeclaration("weather", "", {}),))
    steps = [ScriptedAnswer("", calls=(CallRequest("weather", {}),))]

    async def talk() -> None:
        store = KilledStore()
        async with served(scripted(answers=steps), store, config) as server:
            before = await server.call(ASKED).lost_after(1.0)
            store.is_dead = True
            await server.leave()
        store.is_dead = False
        (call,) = before.all(o.ToolCall)
        async with served(scripted(answers=["Well."]), store, config, ComeBack("token")) as server:
            result: list[Action] = [(0.5, i.ToolResult(call.call_id, '{"sky": "sunny"}', seq=2)), (9.0, None)]
            after = await server.call(result).over()
            assert after.all(o.Notice) == []
            assert words(2, after) == "Well."
        (tools,) = [m for m in await history(store) if m.role is Role.TOOLS]
        assert tools.uses[0].result == '{"sky": "sunny"}'

    virtual(talk())


def test_what_a_drain_left_goes_on_elsewhere_and_the_old_holder_is_silent() -> None:
    async def talk() -> None:
        store = KilledStore()
        async with served(scripted(answers=[STORY]), store) as old:
            call = old.call(ASKED)
            await asyncio.sleep(2.0)
            back = ComeBack("token", 1, 40_000)
            async with served(scripted(), store, come_back=back) as new:
                after = new.call([(20.0, None)], back)
                before = await call.over()
                assert isinstance(before.error, Superseded)
                assert before.said[-1][0] < 4.0
                (cut,) = (await after.over()).all(o.Interrupted)
                assert f"{cut.heard_text} {words(2, after.client)}" == STORY
        said = await history(store)
        assert " ".join(m.text for m in said) == f"a story {STORY}"

    virtual(talk())


def test_opened_by_its_id_nothing_goes_on_and_no_word_is_lost() -> None:
    actions = [*ASKED, (1.0, i.TextInput("and then", interrupts=False, seq=2))]

    async def talk() -> None:
        async with (
            killed_after(3.0, scripted(answers=[STORY]), actions) as (_, store),
            served(scripted(answers=["Yes."]), store) as server,
        ):
            after = await server.call([(1.0, i.TextInput("hello", seq=1)), (9.0, None)]).over()
            assert after.all(o.Interrupted) == []
        texts = [m.text for m in await history(store) if m.role is Role.USER]
        assert texts == ["a story", "and then", "hello"]

    virtual(talk())
