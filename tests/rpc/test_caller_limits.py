"""At its limits a caller is told which one and when to come again, and nobody else notices."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from voice_grpc.pb import voice_pb2 as pb

from ..serving import Ended, Served, answered, assert_told, ended, serving

Code = grpc.StatusCode
Metadata = tuple[tuple[str, str], ...]
A: Metadata = (("authorization", "Bearer a"),)
B: Metadata = (("authorization", "Bearer b"),)
TOKENS: dict[str, Any] = {"tokens": "a,b"}


async def refused(served: Served, metadata: Metadata = ()) -> Ended:
    async with served.talk(metadata) as talk:
        await talk.send(pb.ConverseRequest(config=pb.SessionConfig()))
        return await talk.ended()


async def uses(served: Served, metadata: Metadata = ()) -> dict[str, tuple[int, int]]:
    info = await served.stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=metadata)
    return {use.name: (use.limit, use.used) for use in info.caller.limits}


async def opened_by(served: Served, stack: AsyncExitStack, callers: Iterable[Metadata]) -> None:
    for metadata in callers:
        await (await stack.enter_async_context(served.talk(metadata))).config()


# ---------------------------------------------------------------- streams


async def test_streams_at_once_are_bounded_for_each_and_come_back() -> None:
    async with serving(caller_streams=2, **TOKENS) as served, AsyncExitStack() as stack:
        async with AsyncExitStack() as first:
            await opened_by(served, first, [A])
            await opened_by(served, stack, [A])
            how = await refused(served, A)
            assert_told(how, Code.RESOURCE_EXHAUSTED, "CALLER_LIMIT")
            assert how.message == "streams at once: 2 for one caller, and all are used"
            assert how.retry_after is not None
            assert 5.0 <= how.retry_after <= 10.001
            await served.assert_serves(B)
        for _ in range(1_200):
            if (await uses(served, A))["streams at once"] == (2, 1):
                break
            await asyncio.sleep(0.05)
        await served.assert_serves(A)


@pytest.mark.parametrize("method", ["Transcribe", "Synthesize"])
async def test_what_is_no_conversation_counts_as_well(method: str) -> None:
    async with serving(caller_streams=1, **TOKENS) as served, served.talk(A) as talk:
        await talk.config()
        call = (
            served.stub.Transcribe(metadata=A)
            if method == "Transcribe"
            else served.stub.Synthesize(pb.SynthesizeRequest(text="Hello."), metadata=A)
        )
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await call.read()
        assert_told(ended(told.value), Code.RESOURCE_EXHAUSTED, "CALLER_LIMIT")


async def test_a_conversation_that_is_opened_again_takes_no_place_of_its_own() -> None:
    async with serving(caller_streams=1, **TOKENS) as served, served.talk(A) as old, served.talk(A) as new:
        await old.config(session_id="mine")
        await new.config(session_id="mine")
        assert_told(await old.ended(), Code.ABORTED, "SUPERSEDED")
        assert await answered(new) == 1


async def test_one_caller_leaves_some_places_to_others() -> None:
    async with serving(max_sessions=4, **TOKENS) as served, AsyncExitStack() as stack:
        await opened_by(served, stack, [A, A, A])
        assert_told(await refused(served, A), Code.RESOURCE_EXHAUSTED, "CALLER_LIMIT")
        await served.assert_serves(B)


async def test_calls_that_never_say_what_they_want_are_counted_from_their_first_moment() -> None:
    """So many of one connection wait for their config, and all others are told at once."""
    async with serving(caller_streams=2, max_sessions=4) as served, asyncio.TaskGroup() as tasks:
        calls = [served.stub.Converse() for _ in range(200)]
        waiting = {tasks.create_task(status_of(call), name="status") for call in calls}
        while len(waiting) > 4:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            assert {task.result() for task in done} == {TOO_MANY_CALLS}
        for call in calls:
            call.cancel()


TOO_MANY_CALLS = (Code.RESOURCE_EXHAUSTED, "calls at once: 4 for one caller, and all are used")


async def status_of(call: Any) -> tuple[grpc.StatusCode, str]:
    return await call.code(), await call.details()


async def test_new_ones_a_minute_are_bounded_and_the_time_is_told() -> None:
    async with serving(caller_new_per_minute=2, **TOKENS) as served:
        await served.assert_serves(A)
        await served.assert_serves(A)
        call = served.stub.Synthesize(pb.SynthesizeRequest(text="Hello."), metadata=A)
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await call.read()
        how = ended(told.value)
        assert_told(how, Code.RESOURCE_EXHAUSTED, "CALLER_LIMIT")
        assert how.retry_after is not None
        assert 30 < how.retry_after <= 61
        status = rpc_status.from_call(told.value)
        quota = error_details_pb2.QuotaFailure()
        assert any(detail.Unpack(quota) for detail in status.details)
        (violation,) = quota.violations
        assert violation.subject == (await caller_of(served, A))
        assert violation.description == "new streams a minute: 2"
        await served.assert_serves(B)


async def caller_of(served: Served, metadata: Metadata) -> str:
    info = await served.stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=metadata)
    return info.caller.caller


# ---------------------------------------------------------------- what engines do


@pytest.mark.parametrize(
    ("limit", "what"),
    [
        ("caller_characters_per_minute", "characters of voice a minute: 1"),
        ("caller_characters_per_day", "characters of voice a day: 1"),
        ("caller_tokens_per_minute", "tokens of the language model a minute: 1"),
        ("caller_tokens_per_day", "tokens of the language model a day: 1"),
    ],
)
async def test_a_conversation_is_told_by_a_notice_and_an_apology_and_lives(limit: str, what: str) -> None:
    given: dict[str, Any] = {limit: 1}
    async with serving(**given) as served, served.talk() as talk:
        await talk.config()
        assert talk.terminals(await answered(talk)) == [pb.TurnEvent.STATE_COMPLETED]
        spent = await answered(talk, "And now?")
        notice = await talk.notice("CALLER_LIMIT")
        assert notice.message.startswith(what)
        assert talk.terminals(spent) == [pb.TurnEvent.STATE_FAILED]
        assert talk.words(spent) == served.script.engines.apology.text
        assert talk.chunks(spent)
        again = await answered(talk, "Still there?")
        assert talk.words(again) == served.script.engines.apology.text
        assert len(served.script.llm.prompts) == 1


async def test_each_answer_counts() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        await answered(talk)
        once = (await uses(served))["characters of voice a minute"][1]
        assert once == len("Sure thing.")
        await answered(talk, "Once more.")
        assert (await uses(served))["characters of voice a day"] == (0, 2 * once)


async def test_a_synthesis_counts_what_it_speaks_and_is_refused_at_the_limit() -> None:
    async with serving(caller_characters_per_minute=10, **TOKENS) as served:
        async for _ in served.stub.Synthesize(pb.SynthesizeRequest(text="Good morning to you."), metadata=A):
            pass
        assert (await uses(served, A))["characters of voice a minute"] == (10, 20)
        call = served.stub.Synthesize(pb.SynthesizeRequest(text="And good night."), metadata=A)
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await call.read()
        assert_told(ended(told.value), Code.RESOURCE_EXHAUSTED, "CALLER_LIMIT")
        assert "characters of voice a minute: 10" in ended(told.value).message
        assert (await uses(served, B))["characters of voice a minute"] == (10, 0)


# ---------------------------------------------------------------- told


async def test_whoever_asks_is_told_how_full_the_server_is_and_its_own_limits() -> None:
    async with serving(caller_new_per_minute=7, max_sessions=4, **TOKENS) as served, served.talk(A) as talk:
        await talk.config()
        info = await served.stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=A)
        assert (info.limits.max_sessions, info.use.open_sessions, info.use.open_streams) == (4, 1, 1)
        assert info.caller.sound_rate == 1.25
        told = await uses(served, A)
        assert told["streams at once"] == (3, 1)
        assert told["new streams a minute"] == (7, 1)
        assert (await uses(served, B))["streams at once"] == (3, 0)
