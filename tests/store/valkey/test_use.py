"""What servers count together in a real Valkey: sums, windows, silent servers, and keys that expire."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.valkey import needs_valkey, valkey
from voice_grpc.core.quota import CHARACTERS, NEW, TOKENS, Counted, Told
from voice_grpc.net.valkey_address import read_valkey_address
from voice_grpc.store.valkey.client import ValkeyClient
from voice_grpc.store.valkey.use import CODES, ValkeyUse

pytestmark = needs_valkey
KEY = "voice:use:{token:ann}"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[ValkeyClient]:
    with valkey(tmp_path) as server:
        opened = await ValkeyClient.connect(read_valkey_address(server.url))
        yield opened
        await opened.close()


def told(streams: int = 0, caller: str = "token:ann", **added: int) -> Told:
    names = {"new": NEW, "tokens": TOKENS[1], "characters": CHARACTERS[0]}
    return Told(caller, streams, {names[name]: amount for name, amount in added.items()})


def sums(counted: Counted) -> dict[str, int]:
    return {name: sum(amount for _, amount in used) for name, used in counted.used.items()}


async def test_what_each_tells_all_learn(client: ValkeyClient) -> None:
    one, other = ValkeyUse(client), ValkeyUse(client)
    (first,) = await one.exchange([told(2, new=2, tokens=100)])
    assert (first.streams_elsewhere, sums(first)) == (0, {NEW: 2, TOKENS[1]: 100})
    (second,) = await other.exchange([told(1, tokens=11, characters=7)])
    assert (second.streams_elsewhere, sums(second)) == (2, {NEW: 2, TOKENS[1]: 111, CHARACTERS[0]: 7})
    back, somebody = await one.exchange([told(2, new=-1), told(caller="token:bob")])
    assert (back.streams_elsewhere, sums(back)[NEW]) == (1, 1)
    assert somebody == Counted(0, {})


async def test_slots_that_left_their_window_are_gone(client: ValkeyClient) -> None:
    now = int((await client.command("TIME"))[0])
    for code, slot in (("n", now - 62), ("n", now - 30), ("td", now // 1440 - 62), ("td", now // 1440 - 59)):
        await client.command("HSET", KEY, f"{code}:{slot}", 5)
    (counted,) = await ValkeyUse(client).exchange([told()])
    assert sums(counted) == {NEW: 5, TOKENS[1]: 5}
    assert counted.used[NEW][0][0] in (30, 31)
    assert await client.command("HLEN", KEY) == 2


async def test_a_server_that_says_nothing_more_has_no_streams(client: ValkeyClient) -> None:
    now = int((await client.command("TIME"))[0])
    await client.command("HSET", KEY, "s:dead", f"7 {now - 20}", "s:alive", f"3 {now}")
    (counted,) = await ValkeyUse(client).exchange([told(1)])
    assert counted.streams_elsewhere == 3
    assert await client.command("HGET", KEY, "s:dead") is None


async def test_keys_expire(client: ValkeyClient) -> None:
    use = ValkeyUse(client)
    await use.exchange([told(1, new=1)])
    assert 0 < await client.command("TTL", KEY) <= 120
    await use.exchange([told(tokens=1)])
    assert 86_400 < await client.command("TTL", KEY) <= 87_840
    await use.exchange([told(caller="token:idle")])
    assert await client.command("EXISTS", "voice:use:{token:idle}") == 0


async def test_more_callers_than_one_exchange_takes(client: ValkeyClient) -> None:
    callers = [told(caller=f"token:{number}", new=number) for number in range(1, 600)]
    counted = await ValkeyUse(client).exchange(callers)
    assert [sums(each)[NEW] for each in counted] == list(range(1, 600))


def test_every_window_has_a_field() -> None:
    assert len(set(CODES.values())) == len(CODES) == 5
