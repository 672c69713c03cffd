"""A caller's limits hold over all servers of a shared store, by a real Valkey; without it each is alone."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.serving import Served, answered, assert_told, serving
from tests.valkey import Valkey, needs_valkey, valkey
from voice_grpc.net.valkey_address import read_valkey_address
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.rpc.shared_quotas import SharedQuotas
from voice_grpc.store import ValkeyStore

from .test_caller_limits import A, B, Metadata, refused, uses

pytestmark = needs_valkey
FULL = grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as server:
        yield server


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as entered:
        yield entered


async def two(stack: AsyncExitStack, shared: Valkey, **given: Any) -> tuple[Served, Served]:
    """Servers on one store. What they exchange by the clock is not running: a test says when it happens."""
    found = []
    for _ in range(2):
        store = await ValkeyStore.open(read_valkey_address(shared.url))
        stack.push_async_callback(store.close)
        found.append(await stack.enter_async_context(serving(store=store, tokens="a,b", **given)))
    return found[0], found[1]


def quotas(served: Served) -> SharedQuotas:
    assert served.server.quotas is not None
    return served.server.quotas


async def told(*servers: Served) -> None:
    """Each has told what it saw, by what happens when it ends."""
    for served in servers:
        async with quotas(served).running():
            continue


async def conversation(stack: AsyncExitStack, served: Served, metadata: Metadata = A) -> Any:
    talk = await stack.enter_async_context(served.talk(metadata))
    await talk.config()
    return talk


async def test_new_streams_a_minute(stack: AsyncExitStack, shared: Valkey) -> None:
    one, other = await two(stack, shared, caller_new_per_minute=3)
    for served in (one, other, one):
        await conversation(stack, served)
    for served in (other, one, other):
        how = await refused(served, A)
        assert_told(how, FULL, "CALLER_LIMIT")
        assert how.message.startswith("new streams a minute: 3 for one caller, and all are used; again in ")
        assert how.retry_after is not None
        assert 50 < how.retry_after <= 61
    await conversation(stack, other, B)
    assert (await uses(other, A))["new streams a minute"] == (3, 3)


async def test_streams_at_once_where_their_number_is_set(stack: AsyncExitStack, shared: Valkey) -> None:
    one, other = await two(stack, shared, caller_streams=2)
    async with AsyncExitStack() as first:
        await conversation(first, one)
        await told(one)
        await conversation(stack, other)
        await told(other)
        for served in (one, other):
            how = await refused(served, A)
            assert how.message == "streams at once: 2 for one caller, and all are used"
        await conversation(stack, one, B)
        await first.aclose()
    async with quotas(one).running(), quotas(other).running():
        assert await came(other, "streams at once", (2, 1))
    await conversation(stack, other)


async def test_a_conversation_that_moves_is_not_one_too_many(stack: AsyncExitStack, shared: Valkey) -> None:
    """Its old server still counts it, which may be gone."""
    one, other = await two(stack, shared, caller_streams=1, secret="of both of these servers")
    old = await conversation(stack, one)
    await answered(old)
    await told(one)
    assert (await refused(other, A)).message == "streams at once: 1 for one caller, and all are used"
    new = await stack.enter_async_context(other.talk(A))
    update = next(r.resume_update for r in old.said if r.HasField("resume_update"))
    assert (await new.config(resume_token=update.resume_token)).resumed
    assert (await refused(other, A)).message == "streams at once: 1 for one caller, and all are used"


async def came(served: Served, name: str, use: tuple[int, int]) -> bool:
    """Whether the servers tell it of A in the end, by their own exchanges."""
    for _ in range(400):
        if (await uses(served, A))[name] == use:
            return True
    return False


async def test_the_default_of_streams_is_each_servers_own(stack: AsyncExitStack, shared: Valkey) -> None:
    one, other = await two(stack, shared, max_sessions=1)
    for served in (one, other):
        await conversation(stack, served)
        await told(served)
    assert (await uses(other, A))["streams at once"] == (1, 1)


async def test_tokens_and_characters(stack: AsyncExitStack, shared: Valkey) -> None:
    given = {"caller_tokens_per_day": 1, "caller_characters_per_minute": 1_000}
    one, other = await two(stack, shared, **given)
    await answered(await conversation(stack, one))
    mine = await uses(one, A)
    assert mine["tokens of the language model a day"][1] > 0
    assert mine["characters of voice a minute"][1] > 0
    await told(one)
    talk = await conversation(stack, other)
    theirs = await uses(other, A)
    for name in ("tokens of the language model a day", "characters of voice a minute"):
        assert theirs[name] == mine[name]
    await talk.text("And now?")
    notice = await talk.notice("CALLER_LIMIT")
    assert "tokens of the language model a day: 1 for one caller" in notice.message


async def test_a_store_that_is_away_is_told_once_and_what_was_used_meanwhile_is_told_later(
    stack: AsyncExitStack, shared: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one, other = await two(stack, shared, caller_new_per_minute=9, turn_deadline=30)
    await conversation(stack, one)
    shared.pause()
    synthesized = one.stub.Synthesize(pb.SynthesizeRequest(text="Hello."), metadata=A)
    assert [each async for each in synthesized]
    assert quotas(one).is_alone
    synthesized = one.stub.Synthesize(pb.SynthesizeRequest(text="Hello again."), metadata=A)
    assert [each async for each in synthesized]
    assert (await uses(one, A))["new streams a minute"] == (9, 3)
    said = [each.getMessage() for each in caplog.records if "on this server alone" in each.getMessage()]
    assert len(said) == 1
    shared.resume()
    async with quotas(one).running():
        for _ in range(2_000):
            if not quotas(one).is_alone:
                break
            await uses(one, A)
    assert "together with the other servers again" in caplog.text
    await conversation(stack, other)
    assert (await uses(other, A))["new streams a minute"][1] >= 4
