"""Callers who come back, over real servers: to the same one, to another one, and with what is no token."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from voice_grpc.core.audio import silence
from voice_grpc.core.resume_token import issued
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import Store
from voice_grpc.ports.observer import Happening, SessionBegan, SessionOver
from voice_grpc.rpc import sound_pace
from voice_grpc.store import MemoryStore, SqliteStore

from ..serving import LONG, OK, ConverseCall, Served, answered, assert_told, scripted, serving

Code = grpc.StatusCode
State = pb.TurnEvent
SECRET = "of all servers of a test"
ANN, BOB = (("authorization", "Bearer ann"),), (("authorization", "Bearer bob"),)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[list[Store]]:
    """Of two servers that share a file."""
    opened: list[Store] = [await SqliteStore.open(tmp_path / "sessions.db") for _ in range(2)]
    yield opened
    for store in opened:
        await store.close()


def token(talk: ConverseCall) -> str:
    """The last that was told."""
    return [r.resume_update.resume_token for r in talk.said if r.WhichOneof("payload") == "resume_update"][-1]


async def speaking(talk: ConverseCall, chunks: int = 20) -> int:
    """Asked, and so many chunks of the answer came. Returns the sample just after them."""
    await talk.text("Tell me a lot.")
    await talk.until(lambda: len(talk.chunks(1)) >= chunks, "some sound")
    last = talk.chunks(1)[chunks - 1]
    return last.offset_samples + last.duration_samples


async def parked(served: Served, others: int = 0) -> None:
    """No stream is open but those of so many others."""
    while (await served.stub.GetServerInfo(pb.GetServerInfoRequest())).use.open_sessions > others:
        pass


# ---------------------------------------------------------------- on the same server


async def test_a_lost_stream_goes_on_where_it_was() -> None:
    async with serving(scripted(LONG)) as served:
        async with served.talk() as before:
            id = (await before.config()).session_id
            played = await speaking(before)
            last = before.said[-1].seq
        await parked(served)
        async with served.talk() as after:
            started = await after.config(
                resume_token=token(before),
                resume_turn=1,
                resume_played_samples=played,
                last_received_seq=last,
            )
            assert (started.session_id, started.resumed, started.last_turn) == (id, True, 1)
            await after.until(lambda: len(after.chunks(1)) > 20, "more sound")
            first = after.chunks(1)[0]
            assert first.offset_samples == played
            assert first.chunk_index > before.chunks(1)[19].chunk_index
            assert after.said[0].seq > last
            await after.send(pb.ConverseRequest(interrupt=pb.Interrupt()))
            assert await after.over(1) == State.STATE_INTERRUPTED
        assert len(served.script.llm.prompts) == 1


async def test_what_was_heard_before_does_not_hold_up_who_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside somebody else: faster than real time a stream may send 10 s of sound, and each has its own."""
    monkeypatch.setattr(sound_pace, "HEARD_SECONDS", math.inf)
    async with serving(caller_sound_rate=0.001) as served, served.talk() as other:
        await other.config()
        await other.audio(silence(0.1))
        async with served.talk() as before:
            await before.config()
            for _ in range(9):
                await before.audio(silence(1.0))
            pong = pb.Ping(id=1)
            await before.send(pb.ConverseRequest(ping=pong))
            await before.next("pong")
        await parked(served, 1)
        async with served.talk() as after:
            await after.config(resume_token=token(before))
            for _ in range(9):
                await after.audio(silence(1.0))
            await after.send(pb.ConverseRequest(ping=pong))
            await after.next("pong")


async def test_a_token_comes_first_and_after_each_turn() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        first = (await talk.next("resume_update")).resume_update
        assert first.resume_token
        assert first.expire_time.ToDatetime() is not None
        at = len(talk.said)
        await talk.send(pb.ConverseRequest(seq=7, text=pb.TextInput(text="Hello.")))
        await talk.over(1)
        after = (await talk.next("resume_update", at)).resume_update
        assert after.last_consumed_seq == 7
        assert after.resume_token != first.resume_token
        assert "resume" in (await served.stub.GetServerInfo(pb.GetServerInfoRequest())).features


async def test_what_was_ended_does_not_go_on() -> None:
    """Its memory does, and nothing that was sent is acted on again."""
    async with serving() as served:
        async with served.talk() as before:
            await before.config()
            await before.send(pb.ConverseRequest(seq=5, text=pb.TextInput(text="Hello.", text_only=True)))
            await before.over(1)
            await before.send(pb.ConverseRequest(seq=6, end_session=pb.EndSession()))
            assert await before.ended() == OK
        async with served.talk() as after:
            started = await after.config(resume_token=token(before), last_received_seq=3)
            assert (started.resumed, started.last_turn, started.last_consumed_seq) == (True, 1, 6)
            await after.send(pb.ConverseRequest(seq=5, text=pb.TextInput(text="Hello.")))
            await after.send(pb.ConverseRequest(seq=7, text=pb.TextInput(text="More.", text_only=True)))
            await after.over(2)
            assert served.script.llm.prompts[1].messages[-1].text == "More."


async def test_a_stream_that_still_lives_is_superseded() -> None:
    async with serving(scripted(LONG)) as served, served.talk() as old, served.talk() as new:
        await old.config()
        played = await speaking(old)
        started = await new.config(resume_token=token(old), resume_turn=1, resume_played_samples=played)
        assert started.resumed
        assert_told(await old.ended(), Code.ABORTED, "SUPERSEDED")
        await new.until(lambda: bool(new.chunks(1)), "more sound")
        assert new.chunks(1)[0].offset_samples == played
        assert len(served.script.llm.prompts) == 1


class Ends:
    """Why conversations ended on their lines; None where one began."""

    def __init__(self) -> None:
        self.told: list[str | None] = []

    def observe(self, happening: Happening) -> None:
        match happening:
            case SessionBegan():
                self.told.append(None)
            case SessionOver(_, why):
                self.told.append(why)


@pytest.mark.parametrize(("window", "why"), [(60.0, "parked"), (0.0, "cancelled")])
async def test_whoever_looks_on_is_told_of_a_line_that_was_lost(window: float, why: str) -> None:
    ends = Ends()
    async with serving(observer=ends, resume_window=window) as served:
        async with served.talk() as before:
            await before.config()
            await answered(before)
        await parked(served)
        async with served.talk() as after:
            await after.config(resume_token=token(before) if window else "")
            await after.send(pb.ConverseRequest(end_session=pb.EndSession()))
            assert await after.ended() == OK
    assert ends.told == [None, why, None, "client"]


async def test_who_waits_takes_no_place_and_too_many_give_way() -> None:
    """Who gave way goes on all the same, from the store."""
    async with serving(scripted(LONG), max_sessions=1, max_parked=2) as served:
        calls = []
        for _ in range(5):
            async with served.talk() as talk:
                await talk.config()
                await speaking(talk, 5)
                calls.append(talk)
            await parked(served)
        async with served.talk() as again:
            started = await again.config(
                resume_token=token(calls[0]), resume_turn=1, resume_played_samples=24
            )
            assert started.resumed
            assert (await again.next("interrupted")).interrupted.reason == pb.Interrupted.REASON_SERVER_LOST
            await again.until(lambda: bool(again.chunks(2)), "the rest")
            assert again.words(2).startswith("This is")


async def test_other_formats_go_on_from_the_store() -> None:
    async with serving(scripted(LONG)) as served:
        async with served.talk() as before:
            await before.config()
            played = await speaking(before)
        await parked(served)
        async with served.talk() as after:
            output = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=16_000)
            started = await after.config(
                resume_token=token(before), resume_turn=1, resume_played_samples=played, output_audio=output
            )
            assert started.resumed
            cut = (await after.next("interrupted")).interrupted
            await after.until(lambda: bool(after.words(2)), "the rest")
            assert LONG.removeprefix(cut.heard_text).lstrip().startswith(after.words(2).split()[0])


async def test_without_a_window_a_stream_is_the_conversation() -> None:
    async with serving(scripted(LONG), resume_window=0) as served:
        async with served.talk() as talk:
            await talk.config()
            await speaking(talk, 3)
            assert "resume_update" not in talk.arms
        await parked(served)


# ---------------------------------------------------------------- tokens that are none


@pytest.mark.parametrize("text", ["gone", "=", "A" * 400, "A" * 5_000, "ü", " ", "a.b.c"])
async def test_garbage_begins_a_new_conversation(text: str) -> None:
    async with serving() as served:
        async with served.talk() as mine:
            await mine.config(session_id="mine")
            await answered(mine)
        async with served.talk() as talk:
            started = await talk.config(
                resume_token=text, session_id="mine", resume_turn=2**63, resume_played_samples=2**63,
                last_received_seq=2**63,
            )  # fmt: skip
            assert not started.resumed
            assert started.session_id != "mine"
            assert (await talk.notice("BAD_MESSAGE")).field == "config.resume_token"
            assert talk.said[0].seq == 1
            assert await answered(talk) == 1


async def test_an_expired_one_and_one_of_nothing_begin_a_new_conversation() -> None:
    async with serving(secret=SECRET) as served:
        for expires_at, told in ((1.0, "expired"), (4e9, "nothing is kept")):
            async with served.talk() as talk:
                good = issued(SECRET.encode(), "never was", "", expires_at, bytes(12))
                started = await talk.config(resume_token=good, last_received_seq=9)
                assert not started.resumed
                assert started.session_id != "never was"
                await answered(talk)
                assert [told in notice.message for notice in talk.notices] == [True]


async def test_somebody_else_s_is_forbidden() -> None:
    async with serving(tokens="ann,bob") as served, served.talk(ANN) as hers, served.talk(BOB) as his:
        await hers.config()
        await hers.next("resume_update")
        await his.send(pb.ConverseRequest(config=pb.SessionConfig(resume_token=token(hers))))
        assert_told(await his.ended(), Code.PERMISSION_DENIED, "FORBIDDEN")
        assert await answered(hers) == 1


async def test_a_token_of_another_session_than_the_named_one_is_refused() -> None:
    async with serving() as served, served.talk() as one, served.talk() as other:
        await one.config()
        await one.next("resume_update")
        config = pb.SessionConfig(resume_token=token(one), session_id="another")
        await other.send(pb.ConverseRequest(config=config))
        how = await other.ended()
        assert_told(how, Code.INVALID_ARGUMENT, "BAD_FIELD")
        assert list(how.fields) == ["config.session_id"]


# ---------------------------------------------------------------- on another server


async def both(stack: AsyncExitStack, stores: list[Store]) -> tuple[Served, Served]:
    one, other = [
        await stack.enter_async_context(serving(scripted(LONG), store=each, secret=SECRET)) for each in stores
    ]
    return one, other


async def test_what_a_drain_does_not_wait_for_goes_on_elsewhere(stores: list[Store]) -> None:
    async with AsyncExitStack() as stack:
        one, other = await both(stack, stores)
        async with one.talk() as before, asyncio.TaskGroup() as tasks:
            await before.config()
            played = await speaking(before)
            tasks.create_task(one.server.drain(0.2), name="drain")
            assert_told(await before.ended(), Code.UNAVAILABLE, "DRAINING")
            assert before.arms[-1] == "resume_update"
        async with other.talk() as after:
            started = await after.config(
                resume_token=token(before), resume_turn=1, resume_played_samples=played,
                last_received_seq=before.said[-1].seq,
            )  # fmt: skip
            assert (started.resumed, started.last_turn) == (True, 1)
            assert after.said[0].seq == before.said[-1].seq + 1
            cut = (await after.next("interrupted")).interrupted
            assert (cut.turn, cut.reason) == (1, pb.Interrupted.REASON_SERVER_LOST)
            assert (cut.played_samples, cut.source) == (played, pb.Interrupted.SOURCE_CLIENT_REPORTED)
            await after.until(lambda: len(after.words(2)) > 20, "the rest")
            assert LONG.startswith(f"{cut.heard_text} {after.words(2)}")


async def test_one_token_on_two_servers_is_one_conversation(stores: list[Store]) -> None:
    async with AsyncExitStack() as stack:
        one, other = await both(stack, stores)
        async with one.talk() as before:
            await before.config()
            await speaking(before)
        good = token(before)
        async with one.talk() as here, other.talk() as there:
            await here.config(resume_token=good)
            started = await there.config(resume_token=good)
            assert started.resumed
            assert_told(await here.ended(), Code.ABORTED, "SUPERSEDED")
            await there.until(lambda: bool(there.chunks(2)), "the rest")
        async with one.talk() as back:
            started = await back.config(resume_token=good)
            assert (started.resumed, started.last_turn) == (True, 2)


async def test_another_secret_is_another_deployment() -> None:
    store = MemoryStore()
    async with serving(store=store, secret=SECRET) as one, one.talk() as before:
        await before.config()
        await answered(before)
        async with serving(store=store, secret="x" * 16) as other, other.talk() as after:
            assert not (await after.config(resume_token=token(before))).resumed
