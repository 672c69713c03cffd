"""What stands in a Valkey: keys and values as they are documented, and for how long."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from tests.valkey import Valkey, needs_valkey, valkey
from voice_grpc.core.conversation import Heard, Message, Role
from voice_grpc.core.errors import StoreError
from voice_grpc.net.valkey_address import read_valkey_address
from voice_grpc.store import Retention, ValkeyStore
from voice_grpc.store.valkey.client import ValkeyClient

from ..conversations import put, session, taken
from ..test_stores import using

pytestmark = needs_valkey

DAY = 86_400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
async def client(server: Valkey) -> AsyncIterator[ValkeyClient]:
    """Of an empty one."""
    connected = await ValkeyClient.connect(read_valkey_address(server.url))
    await connected.command("FLUSHALL")
    yield connected
    await connected.close()


# ---------------------------------------------------------------- what stands there


async def test_keys_and_values_are_as_they_are_documented(client: ValkeyClient) -> None:
    messages = (
        Message(Role.USER, "Grüß dich", 1),
        Message(Role.ASSISTANT, "Hello.", 1, Heard.REPORTED, is_prompted=False),
    )
    saved = replace(session(1, "s1", "ann", 1_800_000_000.25), messages=messages)
    await ValkeyStore(client).save(saved, 12)
    assert sorted(await client.command("KEYS", "*")) == [
        "voice:all",
        "voice:owner:ann",
        "voice:{s1}",
        "voice:{s1}:messages",
    ]
    assert dict_of(await client.command("HGETALL", "voice:{s1}")) == {
        "format": "1",
        "owner": "ann",
        "epoch": "12",
        "created_at": "1.0",
        "updated_at": "1800000000.25",
        "last_turn": "1",
        "persona": "default",
        "language": "en-GB",
        "unfinished": "",
    }
    listed = await client.command("LRANGE", "voice:{s1}:messages", 0, -1)
    assert all(text.isascii() for text in listed)
    assert [json.loads(text) for text in listed] == [
        {"role": "user", "text": "Grüß dich", "turn": 1},
        {"role": "assistant", "text": "Hello.", "turn": 1, "heard": "reported", "is_prompted": False},
    ]
    assert await client.command("ZSCORE", "voice:owner:ann", "s1") == -1_800_000_000.25


def dict_of(found: object) -> dict[str, str]:
    """However the library gives a hash."""
    if isinstance(found, dict):
        return found
    assert isinstance(found, list)
    return dict(zip(found[::2], found[1::2], strict=True))


async def test_what_a_reader_does_not_know_it_ignores(client: ValkeyClient) -> None:
    store = ValkeyStore(client)
    await put(store, using("{}"))
    await client.command("HSET", "voice:{s}", "mood", "good")
    for place in range(3):
        told = json.loads((await client.command("LRANGE", "voice:{s}:messages", place, place))[0])
        told["mood"] = "good"
        for use in told.get("uses", ()):
            use["mood"] = "good"
        await client.command("LSET", "voice:{s}:messages", place, json.dumps(told))
    assert await store.load("s") == using("{}")


async def test_what_a_later_version_saved_is_left_as_it_is(client: ValkeyClient) -> None:
    store = ValkeyStore(client)
    await put(store, session(1))
    await client.command("HSET", "voice:{s}", "format", "2")
    before = await client.command("HGETALL", "voice:{s}")
    for asked in (store.load("s"), store.take("s", "")):
        with pytest.raises(StoreError, match="'s' was saved by a later version"):
            await asked
    assert await client.command("HGETALL", "voice:{s}") == before


async def test_it_expires_so_many_days_after_it_was_saved_last(client: ValkeyClient) -> None:
    keys = ("voice:{s}", "voice:{s}:messages", "voice:owner:")
    now = 100.0 * DAY
    await put(ValkeyStore(client, Retention(3, lambda: now)), session(1, updated_at=now))
    for key in keys:
        assert 3 * DAY - 60 < await client.command("TTL", key) <= 3 * DAY
    await put(ValkeyStore(client), session(1, updated_at=now))  # now that it is kept for ever
    assert [await client.command("TTL", key) for key in keys] == [-1] * 3
    await put(
        ValkeyStore(client, Retention(3, lambda: now + 4 * DAY)), session(1, "t", updated_at=now + 4 * DAY)
    )
    assert await client.command("ZRANGE", "voice:owner:", 0, -1) == ["t"]


async def test_a_lease_that_was_never_used_expires_after_a_day(client: ValkeyClient) -> None:
    store = ValkeyStore(client)
    epoch = await taken(store)
    await taken(store, "deleted")
    await store.save(session(1, "deleted"), await store.epoch("deleted"))
    await store.delete("deleted")
    for key in ("voice:{s}", "voice:{deleted}"):
        assert DAY - 60 < await client.command("TTL", key) <= DAY
    await store.save(session(1), epoch)
    assert await client.command("TTL", "voice:{s}") == -1


async def test_what_has_expired_leaves_the_list_too(client: ValkeyClient) -> None:
    store = ValkeyStore(client)
    for number in range(7):
        await put(store, session(1, f"s{number}", "ann", 9.0 - number))
    for number in (0, 1, 2, 4):
        await client.command("DEL", f"voice:{{s{number}}}", f"voice:{{s{number}}}:messages")
    assert [saved.id for saved in await store.sessions("ann", 2, None)] == ["s3", "s5"]
    assert await client.command("ZRANGE", "voice:owner:ann", 0, -1) == ["s3", "s5", "s6"]


async def test_a_turn_more_sends_only_its_own_messages(client: ValkeyClient) -> None:
    store = ValkeyStore(client)
    epoch = await taken(store)

    async def sent(turns: int) -> int:
        before = await pushed(client)
        await store.save(session(turns, updated_at=float(turns)), epoch)
        assert await store.load("s") == session(turns, updated_at=float(turns))
        return await pushed(client) - before

    assert await sent(100) == 200
    assert await sent(101) == 3  # and the one before, which says now how it was heard
    lease = await store.take("s", "")
    assert lease is not None
    epoch = lease.epoch
    assert await sent(102) == 3
    await client.command("LTRIM", "voice:{s}:messages", 0, 9)  # somebody was at it
    assert await sent(103) == 206


async def pushed(client: ValkeyClient) -> int:
    """Messages that were put into lists since the server began."""
    stats = (await client.command("INFO", "commandstats")).get("cmdstat_rpush", {})
    return int(stats.get("calls", 0))


async def test_a_save_that_was_given_up_and_comes_late_changes_nothing(client: ValkeyClient) -> None:
    store = ValkeyStore(client)
    epoch = await taken(store)
    await store.save(session(3, updated_at=3.0), epoch)
    await store.save(session(2, updated_at=2.0), epoch)
    assert await store.load("s") == session(3, updated_at=3.0)
