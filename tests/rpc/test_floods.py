"""Floods of small messages on one stream, over the wire: each is answered or refused by name, or the stream
is ended for what its client does not read; and who asks beside it is answered in each case."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from voice_grpc.pb import voice_pb2 as pb

from ..serving import LOCAL, OK, WITHIN, ConverseCall, Served, assert_told, ended, serving, stub_of
from .test_errors import drained, has_ended

COUNT = 4_000
State = pb.TurnEvent


def ping(number: int) -> pb.ConverseRequest:
    return pb.ConverseRequest(seq=number, ping=pb.Ping(id=number))


def update(number: int) -> pb.ConverseRequest:
    config = pb.SessionConfig(instructions=f"Be {number}.")
    return pb.ConverseRequest(
        seq=number,
        config_update=pb.ConfigUpdate(config=config, update_mask=FieldMask(paths=["instructions"])),
    )


@asynccontextmanager
async def canary(served: Served) -> AsyncIterator[None]:
    """Somebody who asks again and again while the block runs, and is answered each time."""
    async with served.talk() as talk, asyncio.TaskGroup() as tasks:
        await talk.config()
        asking = tasks.create_task(_ask(talk), name="ask")
        yield
        asking.cancel()
    assert len(talk.terminals(1)) == 1


async def _ask(talk: ConverseCall) -> None:
    turn = 0
    while True:
        turn += 1
        await talk.text("Is all well?", text_only=True)
        assert await talk.over(turn) == State.STATE_COMPLETED


async def test_pings_that_are_read_are_answered_each() -> None:
    async with serving() as served, canary(served), served.talk() as talk:
        await talk.config()
        for number in range(2, COUNT + 2):
            await talk.send(ping(number))
        await talk.until(lambda: talk.arms.count("pong") == COUNT, "all pongs")
        await talk.half_close()
        assert await talk.ended() == OK


@pytest.mark.parametrize("is_held", [False, True])
async def test_updates_are_applied_or_refused_one_by_one(is_held: bool) -> None:
    async with serving() as served, canary(served), served.talk() as talk:
        await talk.config()
        if is_held:
            await talk.send(pb.ConverseRequest(pause=pb.Pause()))
        for number in range(10, COUNT + 10):
            await talk.send(update(number))
        if is_held:
            await talk.send(pb.ConverseRequest(resume=pb.Resume()))

        def told() -> list[int]:
            applied = [response.config_applied.request_seq for response in talk.said]
            refused = [notice.request_seq for notice in talk.notices if notice.reason == "TOO_MANY"]
            return sorted(seq for seq in (*applied, *refused) if seq)

        await talk.until(lambda: len(told()) >= COUNT, "what became of each")
        assert told() == list(range(10, COUNT + 10))
        await talk.half_close()
        assert await talk.ended() == OK


async def test_updates_whose_answers_nobody_reads_end_their_stream_alone() -> None:
    """As pings do (`test_errors.py`): more than fit into the window and the queue of answers."""
    options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16_384), *LOCAL)
    async with serving() as served, canary(served), grpc.aio.insecure_channel(served.target, options) as own:
        deaf = stub_of(own).Converse()
        await deaf.write(pb.ConverseRequest(config=pb.SessionConfig(session_id="deaf")))
        for number in range(10, 1_010):
            await deaf.write(update(number))
        async with asyncio.timeout(WITHIN):
            await has_ended(served, "deaf")
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await drained(deaf)
        assert_told(ended(error.value), grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_CLIENT")
        await served.assert_serves()
