"""A server that is late with those it has takes nobody more, tells so, and goes on with them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from voice_grpc.core.admission import LOOP_LIMIT, AdmissionControl
from voice_grpc.core.responses import TurnMetrics, TurnPhase
from voice_grpc.core.timeline import Timeline
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports.observer import AnswerFacts, TurnEnded
from voice_grpc.rpc.load_watch import LoadWatch
from voice_grpc.rpc.sessions import SessionRegistry
from voice_grpc.session.telling.outbox import NOBODYS

from ..serving import Served, answered, assert_told, serving
from .test_resume import parked, token

Code = grpc.StatusCode


def registry_of(served: Served) -> SessionRegistry:
    assert (ready := served.server._service.ready) is not None  # noqa: SLF001 - its load cannot be made to order
    return ready.registry


@asynccontextmanager
async def late(max_parked: int = 0) -> AsyncIterator[Served]:
    """A server whose event loop is said to be late all the time."""
    async with serving(admission="load", max_parked=max_parked) as served:
        registry = registry_of(served)
        registry.load.stop()
        now = asyncio.get_running_loop().time()
        for _ in range(256):
            registry.admission.loop.note(4 * LOOP_LIMIT, now)
        yield served


async def use(served: Served) -> pb.ServerUse:
    return (await served.stub.GetServerInfo(pb.GetServerInfoRequest())).use


async def test_nobody_more_is_taken_beside_those_that_are_open() -> None:
    async with late() as served, served.talk() as first:
        assert (await use(served)).takes_more, "nobody is there yet"
        await first.config(session_id="one")
        assert not (await use(served)).takes_more
        async with served.talk() as other:
            await other.send(pb.ConverseRequest(config=pb.SessionConfig()))
            how = await other.ended()
        assert_told(how, Code.RESOURCE_EXHAUSTED, "SERVER_FULL")
        assert how.message.startswith(
            "no more sessions beside the 1 that are open: the event loop is late: 0.20"
        )
        assert how.comes_again_by_chance
        await first.text("Is all well?", text_only=True)
        assert await first.over(1) == pb.TurnEvent.STATE_COMPLETED


async def test_a_conversation_that_comes_back_takes_no_place_of_its_own() -> None:
    async with late() as served, served.talk() as first:
        await first.config(session_id="one")
        async with served.talk() as again:
            await again.config(session_id="one")


@pytest.mark.parametrize("is_held", [True, False], ids=["from here", "from the store"])
async def test_who_comes_back_after_a_lost_line_is_not_refused_for_being_late(is_held: bool) -> None:
    """It was let in before; a new conversation with a token of nothing was not."""
    async with late(max_parked=0 if is_held else 1) as served:
        async with served.talk() as before:
            await before.config(session_id="one")
            await answered(before)
        await parked(served)
        if not is_held:
            async with served.talk() as next_to_wait:
                await next_to_wait.config()
                await answered(next_to_wait)
            await parked(served)
        async with served.talk() as other:
            await other.config()
            async with served.talk() as new:
                await new.send(pb.ConverseRequest(config=pb.SessionConfig(resume_token="none of theirs")))
                assert_told(await new.ended(), Code.RESOURCE_EXHAUSTED, "SERVER_FULL")
            async with served.talk() as after:
                started = await after.config(resume_token=token(before))
                assert (started.resumed, started.session_id) == (True, "one")
                assert await answered(after) == 2


async def test_a_token_of_what_was_deleted_opens_no_late_server() -> None:
    async with late() as served:
        async with served.talk() as before:
            await before.config(session_id="one")
            await answered(before)
        await parked(served)
        await served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="one"))
        async with served.talk() as other, served.talk() as after:
            await other.config()
            await after.send(pb.ConverseRequest(config=pb.SessionConfig(resume_token=token(before))))
            assert_told(await after.ended(), Code.RESOURCE_EXHAUSTED, "SERVER_FULL")


async def test_a_full_server_has_no_place_for_who_comes_back() -> None:
    async with serving(max_sessions=1) as served:
        async with served.talk() as before:
            await before.config()
            await answered(before)
        await parked(served)
        async with served.talk() as other, served.talk() as after:
            await other.config()
            await after.send(pb.ConverseRequest(config=pb.SessionConfig(resume_token=token(before))))
            how = await after.ended()
            assert_told(how, Code.RESOURCE_EXHAUSTED, "SERVER_FULL")
            assert how.message.startswith("all 1 sessions are taken")


async def test_transcribe_and_synthesize_wait_for_better_times_too() -> None:
    async with late() as served, served.talk() as first:
        await first.config()
        call = served.stub.Synthesize(pb.SynthesizeRequest(text="Hello."))
        assert await call.code() is Code.RESOURCE_EXHAUSTED


async def test_the_server_says_how_late_it_is() -> None:
    async with late() as served:
        (delay,) = (await use(served)).delays
        assert delay.name == "event loop"
        assert delay.now.ToTimedelta().total_seconds() == 4 * LOOP_LIMIT
        assert delay.limit.ToTimedelta().total_seconds() == LOOP_LIMIT


async def test_what_spoken_turns_take_is_known_to_admission() -> None:
    async with serving(admission="load") as served, served.talk() as talk:
        await talk.config()
        for turn in range(1, 6):
            await talk.speak()
            assert await talk.over(turn) == pb.TurnEvent.STATE_COMPLETED
        names = [delay.name for delay in (await use(served)).delays]
    assert {"transcripts", "answers"} <= set(names)


async def test_the_event_loop_is_looked_at_from_start_to_stop() -> None:
    control = AdmissionControl()
    watch = LoadWatch(control)
    watch.start()
    now = asyncio.get_running_loop().time
    async with asyncio.timeout(60):
        while control.loop.now(now()) is None:  # noqa: ASYNC110 - what is awaited is time itself
            await asyncio.sleep(0.01)
    watch.stop()
    pending = [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]  # noqa: SLF001
    assert not [handle for handle in pending if "LoadWatch" in repr(handle)]


def test_a_typed_turn_tells_nothing_of_delays() -> None:
    control = AdmissionControl()
    for n in range(20):
        metrics = TurnMetrics(n, {"llm_first_token": 0.2}, {})
        facts = AnswerFacts(metrics, (), None, None)
        ended = TurnEnded(NOBODYS, n, TurnPhase.COMPLETED, "", Timeline(), float(n), float(n), facts)
        LoadWatch(control).observe(ended)
    assert control.delays(20.0) == []
