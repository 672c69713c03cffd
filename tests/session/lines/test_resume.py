"""A line that is lost costs nothing: the conversation waits, and goes on where the ear was."""

import asyncio
from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.config import AudioFormat, Encoding
from voice_grpc.core.conversation import Heard
from voice_grpc.core.errors import ClientGone, Draining, SlowClient, Superseded
from voice_grpc.core.requests import ComeBack
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer
from voice_grpc.ports import CallRequest
from voice_grpc.session.lines.parking import ENGINE_SECONDS
from voice_grpc.store import MemoryStore

from ..harness import CONFIG, converse, scripted, virtual
from ..microphone import microphone, pause, user
from ..microphone import sound as spoken
from .lost_lines import Caller, served
from .lost_lines import sound as heard_sound

STORY = "Once upon a time there was a queen. She had a very long story to tell. And she told it to the end."
LONG = " ".join([STORY] * 4)
ASKED = [(0.0, i.TextInput("a story", seq=1))]
BACK = ComeBack("token")


def phases(*callers: Caller) -> list[tuple[int, o.TurnPhase]]:
    events = [event for caller in callers for event in caller.all(o.TurnEvent)]
    return [(event.turn, event.phase) for event in events if event.turn]


def words(turn: int, *callers: Caller) -> str:
    texts = [text for caller in callers for text in caller.all(o.ResponseText)]
    return "".join(text.delta for text in texts if text.turn == turn)


def whole(text: str = STORY) -> bytes:
    return converse(ASKED, scripted(answers=[text])).sound(1)


# ---------------------------------------------------------------- the ear


@pytest.mark.parametrize("at", [0.05, 0.3, 1.0, 2.77, 4.0])
@pytest.mark.parametrize("away", [0.2, 3.0, 60.0])
def test_the_answer_goes_on_at_the_sample_that_the_client_names(at: float, away: float) -> None:
    async def talk() -> tuple[Caller, Caller, int]:
        async with served(scripted(answers=[STORY])) as server:
            before = await server.call(ASKED).lost_after(at)
            assert isinstance(before.error, asyncio.CancelledError)
            played = round(at * 24_000) - 777
            await asyncio.sleep(away)
            after = server.call([(30.0, None)], ComeBack("token", 1, played))
            return before, await after.over(), played

    before, after, played = virtual(talk())
    assert heard_sound(before, after, turn=1, played=played) == whole()
    chunks = [m for caller in (before, after) for m in caller.all(o.AudioOutput)]
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    first = after.all(o.AudioOutput)[0]
    assert first.offset == played
    assert [chunk.is_last for chunk in chunks].count(True) == 1
    assert phases(before, after) == [
        (1, o.TurnPhase.THINKING), (1, o.TurnPhase.SPEAKING), (1, o.TurnPhase.COMPLETED),
    ]  # fmt: skip
    assert words(1, before, after) == STORY


def test_the_end_comes_again_where_it_was_not_heard() -> None:
    """All of it had left: its last chunk and its last word were told, and the ear had a moment more of it."""

    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted(answers=[STORY])) as server:
            before = await server.call(ASKED).lost_after(5.6)
            assert before.all(o.AudioOutput)[-1].is_last
            last = before.numbered[-1][0]
            return before, await server.call([(9.0, None)], ComeBack("token", 1, 120_000, last)).over()

    before, after = virtual(talk())
    assert heard_sound(before, after, turn=1) == whole()
    assert after.all(o.AudioOutput)[-1].is_last
    texts = [text for caller in (before, after) for text in caller.all(o.ResponseText)]
    assert [text.is_final for text in texts].count(True) == 1
    assert (1, o.TurnPhase.COMPLETED) in phases(after)


def test_without_a_word_of_the_client_it_goes_on_at_what_the_server_knows() -> None:
    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted(answers=[STORY])) as server:
            before = await server.call(ASKED).lost_after(1.0)
            after = server.call([(30.0, None)], BACK)
            return before, await after.over()

    before, after = virtual(talk())
    assert heard_sound(before, after, turn=1) == whole()
    assert after.all(o.AudioOutput)[0].offset == pytest.approx(24_000, abs=10)


@pytest.mark.parametrize("come_back", [ComeBack("token", 0, 0), ComeBack("token", 7, 5)])
def test_a_client_that_got_nothing_of_it_gets_all_of_it(come_back: ComeBack) -> None:
    """It names no sound at all, or that of another turn; one that cannot be is not believed."""

    async def talk() -> Caller:
        async with served(scripted(answers=[STORY])) as server:
            await server.call(ASKED).lost_after(0.5)
            return await server.call([(30.0, None)], come_back).over()

    after = virtual(talk())
    first = after.all(o.AudioOutput)[0].offset
    assert first == 0 if come_back.turn == 0 else first == pytest.approx(12_000, abs=10)


def test_a_played_position_that_cannot_be_is_as_far_as_was_sent() -> None:
    async def talk() -> Caller:
        async with served(scripted(answers=[STORY])) as server:
            await server.call(ASKED).lost_after(0.5)
            return await server.call([(30.0, None)], ComeBack("token", 1, 2**60)).over()

    after = virtual(talk())
    assert 0.5 <= after.all(o.AudioOutput)[0].offset / 24_000 <= 0.75
    assert (1, o.TurnPhase.COMPLETED) in phases(after)


def test_silence_at_once_and_no_time_passes() -> None:
    """Nothing is made for nobody but what was begun: model and voice are not kept waiting for long."""

    async def talk() -> None:
        script = scripted(answers=[ScriptedAnswer(LONG, a_token=0.05)])
        async with served(script) as server:
            await server.call(ASKED).lost_after(1.0)
            await asyncio.sleep(ENGINE_SECONDS - 0.1)
            assert script.llm.open == 1
            assert script.tts.spoken != []
            await asyncio.sleep(30.0)
            assert script.llm.open == 0
            after = await server.call([(60.0, None)], BACK).over()
            assert words(1, after).endswith("to the end.")
            assert len(script.llm.prompts) == 1
            assert " ".join(script.tts.spoken).split() == (LONG).split()

    virtual(talk())


def test_an_answer_that_ended_unheard_is_said_to_its_end() -> None:
    """The line was dead before anybody knew: the client says what it played; the rest is the next turn's."""

    async def talk() -> tuple[Caller, list[tuple[str, str]]]:
        store = MemoryStore()
        async with served(scripted(answers=["One two three. Four five six."]), store) as server:
            await server.call(ASKED).lost_after(10.0)
            after = await server.call([(20.0, None)], ComeBack("token", 1, 12_000)).over()
        saved = await store.load("talk")
        assert saved is not None
        return after, [(m.role.value, m.text) for m in saved.messages]

    after, history = virtual(talk())
    heard = history[1][1]
    rest = history[2][1]
    assert f"{heard} {rest}" == "One two three. Four five six."
    assert (2, o.TurnPhase.COMPLETED) in phases(after)


@pytest.mark.parametrize("encoding", [Encoding.OPUS_PACKET, Encoding.MULAW])
def test_in_any_encoding_no_sample_is_missing(encoding: Encoding) -> None:
    config = replace(CONFIG, output=AudioFormat(encoding, 24_000 if encoding.is_opus else 8_000))

    async def talk() -> list[o.AudioOutput]:
        async with served(scripted(answers=[STORY]), config=config) as server:
            before = await server.call(ASKED).lost_after(1.0)
            played = before.all(o.AudioOutput)[3].offset
            after = await server.call([(30.0, None)], ComeBack("token", 1, played)).over()
            return [*before.all(o.AudioOutput)[:3], *after.all(o.AudioOutput)]

    ends = 0
    for chunk in virtual(talk()):
        assert chunk.offset == ends
        ends += chunk.duration
    assert chunk.is_last


def test_an_answer_in_text_alone_comes_once() -> None:
    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted(answers=[ScriptedAnswer(STORY, a_token=0.2)])) as server:
            before = await server.call([(0.0, i.TextInput("hi", text_only=True))]).lost_after(2.0)
            await asyncio.sleep(20.0)
            last = before.numbered[-1][0]
            return before, await server.call([(20.0, None)], ComeBack("token", last_received=last)).over()

    before, after = virtual(talk())
    assert words(1, before, after) == STORY
    assert words(1, before) != ""
    assert phases(after)[-1] == (1, o.TurnPhase.COMPLETED)


# ---------------------------------------------------------------- what was told, and what came


def test_what_did_not_come_is_told_again_with_its_number() -> None:
    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted(answers=[STORY])) as server:
            before = await server.call(ASKED).lost_after(1.0)
            return before, await server.call([(30.0, None)], ComeBack("token", 1, 24_000, 1)).over()

    before, after = virtual(talk())
    told = [each for each in before.numbered[1:] if not isinstance(each[1], o.AudioOutput | o.ResumeUpdate)]
    assert len(told) > 3
    (seq, started), *rest = after.numbered
    assert isinstance(started, o.SessionStarted)
    assert (started.is_resumed, started.last_turn, started.last_consumed) == (True, 1, 1)
    assert seq == max(seq for seq, _ in before.numbered) + 1
    assert rest[: len(told)] == told
    fresh = [seq for seq, _ in rest[len(told) :]]
    assert fresh == list(range(seq + 1, seq + 1 + len(fresh)))


def test_requests_that_come_again_are_known_and_new_ones_are_not() -> None:
    async def talk() -> Caller:
        script = scripted(answers=["One.", "Two.", "Three."])
        async with served(script) as server:
            await server.call(ASKED).lost_after(2.0)
            again = [(0.0, i.TextInput("a story", seq=1)), (0.5, i.TextInput("more", seq=2)), (9.0, None)]
            after = await server.call(again, BACK).over()
            assert [prompt.messages[-1].text for prompt in script.llm.prompts] == ["a story", "more"]
            return after

    assert (2, o.TurnPhase.COMPLETED) in phases(virtual(talk()))


def test_a_tool_that_is_waited_for_is_asked_for_again_until_it_answered() -> None:
    config = replace(CONFIG, tools=(ToolDeclaration("weather", "", {}),))
    steps = [ScriptedAnswer("", calls=(CallRequest("weather", {}),)), ScriptedAnswer("Sunny.")]

    async def talk() -> tuple[Caller, Caller, Caller]:
        async with served(scripted(answers=steps), config=config) as server:
            before = await server.call(ASKED).lost_after(0.5)
            last = ComeBack("token", last_received=1)
            await asyncio.sleep(90.0)  # longer than a tool may take: no time passes
            (call,) = before.all(o.ToolCall)
            middle = await server.call(
                [(0.2, i.ToolResult(call.call_id, '{"sky": "sunny"}'))], last
            ).lost_after(0.5)
            return before, middle, await server.call([(9.0, None)], last).over()

    before, middle, after = virtual(talk())
    assert middle.all(o.ToolCall) == before.all(o.ToolCall)
    assert after.all(o.ToolCall) == []
    assert words(1, after) == "Sunny."


# ---------------------------------------------------------------- in every state


def test_a_turn_that_is_thought_about_is_answered_once() -> None:
    async def talk() -> None:
        script = scripted(answers=[ScriptedAnswer("Here I am.", first_token=2.0)])
        async with served(script) as server:
            before = await server.call(ASKED).lost_after(1.0)
            assert phases(before) == [(1, o.TurnPhase.THINKING)]
            await asyncio.sleep(100.0)
            after = await server.call([(9.0, None)], BACK).over()
            assert phases(after) == [(1, o.TurnPhase.SPEAKING), (1, o.TurnPhase.COMPLETED)]
            assert words(1, after) == "Here I am."
            assert len(script.llm.prompts) == 1

    virtual(talk())


@pytest.mark.parametrize("away", [1.0, 60.0])
def test_a_turn_that_is_half_said_goes_on(away: float) -> None:
    """The sound comes in two pieces, on two lines; recognisers are asked anew after a while."""
    ears = microphone(spoken(user(2.4), pause(4.0)))
    cut = len([at for at, _ in ears if at <= 1.2])

    async def talk() -> None:
        script = scripted([Hearing("tell me a story"), Hearing("tell me a story")], ["Once."])
        async with served(script) as server:
            numbered = [(at, replace(item, seq=n)) for n, (at, item) in enumerate(ears, 1)]  # type: ignore[type-var]
            await server.call(numbered[:cut]).lost_after(1.3)
            await asyncio.sleep(away)
            later = [(at - 1.2, item) for at, item in numbered[cut - 5 :]]
            after = await server.call([*later, (12.0, None)], BACK).over()
            finals = [m for m in after.all(o.Transcript) if m.is_final]
            assert [(final.turn, final.text) for final in finals] == [(1, "tell me a story")]
            assert finals[0].start < 8_000
            assert (1, o.TurnPhase.COMPLETED) in phases(after)
            assert len(script.stt.opened) == (1 if away < ENGINE_SECONDS else 2)

    virtual(talk())


def test_the_button_stays_held() -> None:
    config = replace(CONFIG, is_manual=True)
    ears = microphone(spoken(user(1.0)))

    async def talk() -> None:
        async with served(scripted(["press and say"]), config=config) as server:
            start: list[tuple[float, i.ConverseRequest]] = [(0.0, i.UserActivity(i.ActivityKind.START))]
            await server.call([*start, *ears]).lost_after(1.5)
            await asyncio.sleep(30.0)
            end = i.UserActivity(i.ActivityKind.END)
            after = await server.call([(1.0, end), (9.0, None)], BACK).over()
            assert [m.text for m in after.all(o.Transcript) if m.is_final] == ["press and say"]
            assert (1, o.TurnPhase.COMPLETED) in phases(after)

    virtual(talk())


def test_what_the_caller_held_stays_held() -> None:
    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted(answers=[STORY])) as server:
            before = await server.call([*ASKED, (1.0, i.Pause())]).lost_after(2.0)
            actions = [(5.0, i.Resume()), (30.0, None)]
            return before, await server.call(actions, ComeBack("token", 1, 24_000)).over()

    before, after = virtual(talk())
    resumed_at = after.said[0][0]
    first = next(at for at, message in after.said if isinstance(message, o.AudioOutput))
    assert first == pytest.approx(resumed_at + 5.0, abs=0.01)
    assert heard_sound(before, after, turn=1, played=24_000) == whole()


@pytest.mark.parametrize("obeys", [False, True])
def test_an_answer_that_gives_way_to_a_voice_still_does(obeys: bool) -> None:
    """A listener: the answer waits when the line is lost, and goes on once it was one."""
    turns = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=False)
    config = replace(CONFIG, turns=turns, has_echo_cancellation=True, has_playback_control=obeys)
    ears = microphone(spoken(pause(1.92), user(0.48), pause(10.0)))
    cut = len([at for at, _ in ears if at <= 2.3])

    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted([Hearing("mhm", 0.1)], [STORY]), config=config) as server:
            before = await server.call([*ASKED, *ears[:cut]]).lost_after(2.31)
            played = max(m.offset for m in before.all(o.AudioOutput))
            later = [(at - 2.3, item) for at, item in ears[cut:]]
            return before, await server.call([*later, (30.0, None)], ComeBack("token", 1, played)).over()

    before, after = virtual(talk())
    assert (1, o.TurnPhase.COMPLETED) in phases(after)
    assert heard_sound(before, after, turn=1) == whole()
    for control in after.all(o.PlaybackControl):
        if control.action is o.PlaybackAction.RESUME:
            assert control.position == max(m.offset for m in before.all(o.AudioOutput))


# ---------------------------------------------------------------- more than one line


def test_a_line_that_still_lives_is_left_for_the_new_one() -> None:
    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted(answers=[STORY])) as server:
            old = server.call(ASKED)
            await asyncio.sleep(1.0)
            after = await server.call([(30.0, None)], ComeBack("token", 1, 20_000)).over()
            return await old.over(), after

    before, after = virtual(talk())
    assert isinstance(before.error, Superseded)
    assert heard_sound(before, after, turn=1, played=20_000) == whole()
    assert (1, o.TurnPhase.COMPLETED) in phases(after)


class SlowToLeave(Caller):
    """Its last write is given up a second after it was cut."""

    async def send(self, message: o.ConverseResponse, seq: int = 0) -> None:
        await Caller.send(self, message, seq)
        try:
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            await asyncio.sleep(1.0)
            raise


@pytest.mark.parametrize("is_gone", [True, False], ids=["it hangs up", "another one comes"])
def test_a_line_that_does_not_come_to_its_turn_stands_in_nobody_s_way(is_gone: bool) -> None:
    """It waits until the line before it has left."""

    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted(answers=[STORY])) as server:
            old = SlowToLeave([(0.0, ASKED[0][1])])
            leaving = server.tasks.create_task(server.carry(old))
            await asyncio.sleep(1.0)
            waiting = server.call([], ComeBack("token", 1, 20_000))
            await asyncio.sleep(0.2)
            if is_gone:
                await waiting.lost_after(0.0)
                assert not server.session.carriage.is_carried
            after = await server.call([(30.0, None)], ComeBack("token", 1, 20_000)).over()
            await asyncio.wait({leaving, waiting.task})
            assert waiting.client.said == []
            assert isinstance(waiting.client.error, asyncio.CancelledError if is_gone else Superseded)
            return old, after

    old, after = virtual(talk())
    assert isinstance(old.error, Superseded)
    assert old.said[-1][0] < after.said[0][0]
    assert heard_sound(old, after, turn=1, played=20_000) == whole()


def test_a_hundred_lines_one_after_the_other() -> None:
    async def talk() -> bytes:
        async with served(scripted(answers=[STORY])) as server:
            heard, played = b"", 0
            call = server.call(ASKED)
            for _ in range(100):
                caller = await call.lost_after(0.05)
                chunks = caller.all(o.AudioOutput)
                heard += b"".join(chunk.data for chunk in chunks)[: 2 * 1_200]
                played = len(heard) // 2
                call = server.call([(30.0, None)], ComeBack("token", 1, played))
            return heard + b"".join(chunk.data for chunk in (await call.over()).all(o.AudioOutput))

    assert virtual(talk()) == whole()


def test_a_client_that_does_not_read_is_given_up_and_the_conversation_is_not() -> None:
    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted(answers=[LONG])) as server:
            call = server.call(ASKED)
            call.client.stops_reading_at = 1.0
            before = await call.over()
            return before, await server.call([(60.0, None)], ComeBack("token", 1, 24_000)).over()

    before, after = virtual(talk())
    assert isinstance(before.error, SlowClient)
    assert heard_sound(before, after, turn=1, played=24_000) == whole(LONG)


def test_nobody_comes_back_and_what_was_heard_is_kept() -> None:
    async def talk() -> None:
        store = MemoryStore()
        async with served(scripted(answers=[STORY]), store) as server:
            await server.call(ASKED).lost_after(2.0)
            server.session.end_with(ClientGone("nobody came back"))
            await server.session.closed.wait()
        saved = await store.load("talk")
        assert saved is not None
        question, answer = saved.messages
        assert STORY.startswith(answer.text)
        assert 0 < len(answer.text) < len(STORY) / 2
        assert (question.text, answer.heard) == ("a story", Heard.ESTIMATED)

    virtual(talk())


def test_a_drain_parks_what_does_not_end_in_time() -> None:
    async def talk() -> tuple[Caller, Caller]:
        async with served(scripted(answers=[STORY])) as server:
            call = server.call(ASKED)
            await asyncio.sleep(0.5)
            server.session.end_with(Draining("the server goes away"), 2.0)
            before = await call.over()
            return before, await server.call([(30.0, None)], ComeBack("token", 1, 40_000)).over()

    before, after = virtual(talk())
    assert isinstance(before.error, Draining)
    assert isinstance(before.said[-1][1], o.ResumeUpdate)
    assert before.said[-1][1].last_consumed == 1
    assert heard_sound(before, after, turn=1, played=40_000)[: 2 * 60_000] == whole()[: 2 * 60_000]


def test_tokens_are_told_at_the_start_after_turns_and_while_requests_come() -> None:
    async def talk() -> list[float]:
        pings = [(20.0 + n, i.Ping(n)) for n in range(20)]
        async with served(scripted(answers=["Yes."])) as server:
            caller = await server.call([*ASKED, *pings, (100.0, None)]).over()
            assert len({m.token for m in caller.all(o.ResumeUpdate)}) == len(caller.all(o.ResumeUpdate))
            return [at for at, message in caller.said if isinstance(message, o.ResumeUpdate)]

    told = virtual(talk())
    assert told[0] == pytest.approx(0.0, abs=0.01)
    assert told[1] < 2.0
    assert [at for at in told if 19.0 < at < 40.0] == pytest.approx([20.0, 25.0, 30.0, 35.0], abs=0.01)
    assert max(b - a for a, b in zip(told, told[1:], strict=False)) <= 30.01
