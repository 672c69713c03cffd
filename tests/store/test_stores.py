"""What every store promises: the same tests of the one in this process, of SQLite and of a real Valkey."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.valkey import needs_valkey, valkey
from voice_grpc.core.consumption import Consumed
from voice_grpc.core.conversation import Heard, Message, Role
from voice_grpc.core.errors import Superseded
from voice_grpc.core.events import TextReceived
from voice_grpc.core.playout.heard_text import SpokenClause
from voice_grpc.core.tools import ToolUse
from voice_grpc.core.unfinished import UnderWay, UnfinishedAnswer
from voice_grpc.net.valkey_address import read_valkey_address
from voice_grpc.ports import SavedSession, Store
from voice_grpc.store import MemoryStore, SqliteStore, ValkeyStore
from voice_grpc.store.unfinished_format import unfinished_json, unfinished_of
from voice_grpc.store.valkey.client import ValkeyClient

from .conversations import put, session, taken, talk


@pytest.fixture(scope="module")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture(params=["memory", "sqlite", pytest.param("valkey", marks=needs_valkey)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store
    if request.param == "memory":
        opened = MemoryStore()
    elif request.param == "sqlite":
        opened = await SqliteStore.open(tmp_path / "state" / "sessions.db")
    else:
        client = await ValkeyClient.connect(read_valkey_address(request.getfixturevalue("valkey_url")))
        await client.command("FLUSHALL")
        opened = ValkeyStore(client)
    yield opened
    await opened.close()
    await opened.close()


async def test_unknown_is_none(store: Store) -> None:
    assert await store.load("nobody") is None
    assert await store.delete("nobody") is False
    assert list(await store.sessions("", 10, None)) == []


async def test_what_is_saved_is_loaded(store: Store) -> None:
    for turns in range(4):
        await put(store, session(turns))
        assert await store.load("s") == session(turns)


ANSWER = UnfinishedAnswer(
    3,
    (
        SpokenClause(0, "Once upon a time.", 0, 4_800, is_whole=True, lead_in=240, tail=960),
        SpokenClause(1, " It was.", 4_800, 100),
        SpokenClause(2, " Or", 0, 0),
    ),
    2,
    24_000,
    4_000,
    is_reported=True,
    is_written=True,
    interruptible=False,
)
WAITING = (
    TextReceived("and then", interrupts=False, seq=9),
    TextReceived("Hi.", verbatim=True, ssml="<speak>Hi.</speak>"),
)


@pytest.mark.parametrize(
    "unfinished",
    [
        UnderWay(1),
        UnderWay(7, Consumed(40, 50, 12_800), "half a word \ud83d", WAITING, ANSWER),
        UnderWay(2, is_recording_withdrawn=True),
        UnderWay(3, answer=replace(ANSWER, text_only=True, is_over=True, is_reported=False, clauses=())),
    ],
)
async def test_what_is_unfinished_is_kept_and_gone_with_the_next_save(
    store: Store, unfinished: UnderWay
) -> None:
    saved = replace(session(2), unfinished=unfinished)
    await put(store, saved)
    assert await store.load("s") == saved
    lease = await store.take("s", "")
    assert lease is not None
    assert lease.saved == saved
    (listed,) = await store.sessions("", 10, None)
    assert (listed.unfinished, listed.messages) == (None, ())
    await put(store, session(3))
    assert await store.load("s") == session(3)


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "7", '{"turn": 1}', '{"turn": 1, "consumed": [1]}', '{"turn":"x"']
)
def test_what_cannot_be_read_of_it_is_nothing(text: str) -> None:
    assert unfinished_of(text) in (None, UnderWay(1, Consumed(1)))


def test_a_reader_ignores_what_it_does_not_know() -> None:
    told = json.loads(unfinished_json(UnderWay(7, Consumed(1, 2, 3), "", WAITING, ANSWER)))
    told["later"] = told["answer"]["later"] = told["waiting"][0]["later"] = 1
    told["consumed"].append(4)
    assert unfinished_of(json.dumps(told)) == UnderWay(7, Consumed(1, 2, 3), "", WAITING, ANSWER)


@pytest.mark.parametrize("text", ["", "naïve 你好 😀", "a\x00b", "line\nline", "'; DROP TABLE session; --"])
async def test_any_text(store: Store, text: str) -> None:
    saved = replace(session(1), persona=text, messages=(Message(Role.USER, text, 1),))
    await put(store, saved)
    assert await store.load("s") == saved


def using(result: str) -> SavedSession:
    uses = (
        ToolUse("call-1-1", "weather", '{"city": "Köln"}', result, "v", "c2ln"),
        ToolUse("b", "x", "{}", "{}"),
    )
    question, answer = talk(1)
    return replace(session(1), messages=(question, Message(Role.TOOLS, "", 1, uses=uses), answer))


async def test_what_tools_did_is_kept_and_corrected_when_more_is_known(store: Store) -> None:
    for result in ('{"error": "interrupted"}', '{"sky": "sunny"}'):
        await put(store, using(result))
        assert await store.load("s") == using(result)


async def test_what_the_server_said_itself_stays_its_own(store: Store) -> None:
    saved = replace(session(1), messages=(Message(Role.SERVER, "Sorry.", 1, Heard.REPORTED),))
    await put(store, saved)
    assert await store.load("s") == saved


async def test_half_a_character_costs_only_itself(store: Store) -> None:
    await put(store, replace(session(1), messages=(Message(Role.USER, "a\ud83db", 1),)))
    loaded = await store.load("s")
    assert loaded is not None
    assert loaded.messages[0].text in ("a\ud83db", "a?b")


async def test_the_last_messages_may_be_corrected_or_retracted(store: Store) -> None:
    await put(store, session(5))
    corrected = replace(talk(5)[-1], text="answer", heard=Heard.REPORTED)
    for messages in ((*talk(5)[:-1], corrected), talk(5)[:-2], talk(3), (), talk(6), talk(6)[1:]):
        changed = replace(session(5), messages=messages)
        await put(store, changed)
        assert await store.load("s") == changed


async def test_sessions_do_not_mix(store: Store) -> None:
    await put(store, session(2, "a"))
    await put(store, session(3, "b"))
    assert await store.delete("a") is True
    assert await store.load("a") is None
    assert await store.load("b") == session(3, "b")
    await put(store, replace(session(0, "a"), messages=()))
    assert await store.load("a") == session(0, "a")


async def test_sessions_newest_first_without_messages(store: Store) -> None:
    for number, updated_at in enumerate([3.0, 1.0, 2.0, 2.0]):
        await put(store, session(1, f"s{number}", "ann", updated_at))
    await put(store, session(1, "other", "bob", 9.0))

    async def listed(limit: int, after: tuple[float, str] | None) -> list[str]:
        return [found.id for found in await store.sessions("ann", limit, after)]

    assert await listed(10, None) == ["s0", "s2", "s3", "s1"]
    assert await listed(2, None) == ["s0", "s2"]
    assert await listed(10, (3.0, "s0")) == ["s2", "s3", "s1"]
    assert await listed(0, None) == []
    assert await listed(-1, None) == []
    assert list(await store.sessions("bob", 10, None)) == [
        replace(session(1, "other", "bob", 9.0), messages=())
    ]


async def test_everybodys_sessions(store: Store) -> None:
    for number, (owner, updated_at) in enumerate([("ann", 3.0), ("bob", 1.0), ("", 2.0)]):
        await put(store, session(1, f"s{number}", owner, updated_at))
    page = await store.sessions(None, 2, None)
    assert [(found.id, found.owner, found.messages) for found in page] == [("s0", "ann", ()), ("s2", "", ())]
    assert [found.id for found in await store.sessions(None, 2, (2.0, "s2"))] == ["s1"]
    await store.delete("s1")
    assert [found.id for found in await store.sessions(None, 9, None)] == ["s0", "s2"]


async def test_of_sessions_saved_at_one_time_none_is_left_out_of_the_pages(store: Store) -> None:
    """A page may end between two that have the same time."""
    for number in range(5):
        await put(store, session(1, f"s{number}", "ann", 2.0))
    pages, after = [], None
    while page := await store.sessions("ann", 2, after):
        pages.append([found.id for found in page])
        after = page[-1].updated_at, page[-1].id
    assert pages == [["s0", "s1"], ["s2", "s3"], ["s4"]]


async def test_one_that_is_long_and_one_that_is_large(store: Store) -> None:
    long = session(3_000, "long")
    large = replace(session(1, "large"), messages=(Message(Role.USER, "naïve 你好 " * 100_000, 1),))
    for saved in (long, large):
        await put(store, saved)
        assert await store.load(saved.id) == saved


@pytest.mark.parametrize(
    "id", ["-", ":", ".:._-", "A" * 128, "a{b}c", "}{", "with space", "é", "a*?[b]", "'\"%s"]
)
async def test_any_id_and_owner(store: Store, id: str) -> None:
    saved = session(2, id, owner=id)
    await put(store, saved)
    assert await store.load(id) == saved
    assert [found.id for found in await store.sessions(id, 10, None)] == [id]
    assert list(await store.sessions("somebody", 10, None)) == []
    assert await store.delete(id) is True


async def test_many_at_once(store: Store) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(60):
            tasks.create_task(put(store, session(number % 5, f"s{number:02}", "ann", 100.0 - number)))
    found = await store.sessions("ann", 100, None)
    assert [saved.id for saved in found] == [f"s{number:02}" for number in range(60)]
    for number in range(60):
        saved = await store.load(f"s{number:02}")
        assert saved is not None
        assert saved.messages == talk(number % 5)


async def test_whoever_lists_after_a_delete_does_not_see_it(store: Store) -> None:
    for number in range(5):
        await put(store, session(1, f"s{number}", "ann", 9.0 - number))
    await store.delete("s1")
    assert [found.id for found in await store.sessions("ann", 3, None)] == ["s0", "s2", "s3"]


# ---------------------------------------------------------------- who holds it


async def test_a_new_one_is_held_before_it_is_saved(store: Store) -> None:
    assert await store.epoch("s") == 0
    lease = await store.take("s", "ann")
    assert lease is not None
    assert lease.epoch > 0
    assert lease.saved is None
    assert await store.epoch("s") == lease.epoch
    assert await store.load("s") is None
    assert list(await store.sessions("ann", 10, None)) == []
    assert await store.delete("s") is False


async def test_whoever_takes_it_gets_it_as_it_stands_and_raises_the_epoch(store: Store) -> None:
    first = await taken(store)
    await store.save(session(3), first)
    lease = await store.take("s", "")
    assert lease is not None
    assert lease.saved == session(3)
    assert await store.epoch("s") == lease.epoch > first


async def test_the_old_holder_writes_nothing_more(store: Store) -> None:
    old = await taken(store)
    await store.save(session(1), old)
    new = await taken(store)
    with pytest.raises(Superseded, match="^superseded$"):
        await store.save(session(2, updated_at=3.0), old)
    assert await store.load("s") == session(1)
    assert await store.epoch("s") == new
    await store.save(session(3), new)
    with pytest.raises(Superseded):
        await store.save(session(2, updated_at=3.0), old)
    assert await store.load("s") == session(3)


async def test_what_is_somebody_else_s_is_not_taken(store: Store) -> None:
    """Neither what is saved nor what somebody has just begun; and nothing changes for who holds it."""
    begun, kept = await taken(store, "begun", "ann"), await taken(store, "kept", "ann")
    await store.save(session(1, "kept", "ann"), kept)
    for id, epoch in (("begun", begun), ("kept", kept)):
        assert await store.take(id, "bob") is None
        assert await store.take(id, "") is None
        assert await store.epoch(id) == epoch
        await store.save(session(2, id, "ann"), epoch)


async def test_whoever_held_what_was_deleted_does_not_bring_it_back(store: Store) -> None:
    old = await taken(store, owner="ann")
    await store.save(session(1, owner="ann"), old)
    assert await store.delete("s") is True
    assert await store.delete("s") is False
    assert await store.epoch("s") not in (0, old)
    with pytest.raises(Superseded):
        await store.save(session(2, owner="ann"), old)
    assert await store.load("s") is None
    lease = await store.take("s", "bob")  # it is anybody's
    assert lease is not None
    assert lease.saved is None
    with pytest.raises(Superseded):
        await store.save(session(2, owner="ann"), old)
    await store.save(session(4, owner="bob"), lease.epoch)
    assert await store.load("s") == session(4, owner="bob")


async def test_what_the_store_lost_it_gets_back_from_who_holds_it(store: Store) -> None:
    """And from one only: from then on that epoch counts."""
    await store.save(session(2), 7)
    assert await store.epoch("s") == 7
    with pytest.raises(Superseded):
        await store.save(session(1), 8)
    assert await store.load("s") == session(2)
    assert await taken(store) > 7


async def test_no_update_is_lost_between_holders(store: Store) -> None:
    """Ten take it from each other and add a message each time; what is acknowledged is there at the end."""
    written: list[str] = []

    async def hold(name: str) -> None:
        for number in range(8):
            lease = await store.take("s", "")
            assert lease is not None
            said = lease.saved.messages if lease.saved is not None else ()
            word = Message(Role.USER, f"{name} {number}", len(said))
            await asyncio.sleep(0)
            try:
                saved = replace(session(0, updated_at=float(len(said))), messages=(*said, word))
                await store.save(saved, lease.epoch)
            except Superseded:
                continue
            written.append(word.text)

    async with asyncio.TaskGroup() as tasks:
        for name in "abcdefghij":
            tasks.create_task(hold(name))
    saved = await store.load("s")
    assert saved is not None
    assert sorted(message.text for message in saved.messages) == sorted(written)
    assert written
