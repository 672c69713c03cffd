"""The way to a Valkey: dead, mute, full and locked servers, a cluster, Sentinels and TLS."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.free_port import free_port
from tests.valkey import Valkey, needs_valkey, valkey
from voice_grpc.core.errors import StoreError
from voice_grpc.core.quota import NEW, Told
from voice_grpc.net.valkey_address import read_valkey_address
from voice_grpc.ports import SavedSession
from voice_grpc.store import Retention, ValkeyStore
from voice_grpc.store.valkey import client as valkey_client
from voice_grpc.store.valkey.client import AT_ONCE
from voice_grpc.store.valkey.use import ValkeyUse

from ..conversations import put, session, taken

redis = pytest.importorskip("redis.asyncio", reason="redis is not installed (the dev extra)")
pytestmark = needs_valkey

RECENT = Retention(1, lambda: 9.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


async def connections(server: Valkey) -> int:
    """Those of stores that asked something."""
    clients: str = await told(server, "CLIENT", "LIST")
    return clients.count("cmd=eval")


# ---------------------------------------------------------------- what may go wrong


async def test_whoever_is_cancelled_in_mid_call_ends(server: Valkey) -> None:
    """At each step of it: `asyncio.wait_for` of Python 3.11, as in the library, may hide that (gh-86296)."""
    store = await ValkeyStore.open(read_valkey_address(server.url))

    async def ask_for_ever(asked: asyncio.Event) -> None:
        while not asked.is_set():
            await store.epoch("s")

    for steps in range(80):
        enough = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(ask_for_ever(enough))
            for _ in range(steps):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait({asking}, timeout=60.0)
            enough.set()
        assert asking.cancelled(), f"after {steps} steps it went on"
    await store.close()


async def test_its_connections_are_bounded_and_none_is_left_over(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask, and however they end."""
    monkeypatch.setattr(valkey_client, "ANSWER_SECONDS", 60.0)  # of 300, most wait for their turn
    store = await ValkeyStore.open(read_valkey_address(server.url))
    await put(store, session(20))
    for gives_up in (True, False):
        async with asyncio.TaskGroup() as tasks:
            asking = [tasks.create_task(store.load("s")) for _ in range(300)]
            await asyncio.sleep(0)
            for task in asking:
                if gives_up:
                    task.cancel()
    assert [task.result() for task in asking] == [session(20)] * 300
    assert await connections(server) > 0
    async with asyncio.timeout(60):  # the server has yet to see that the given up ones are closed
        while await connections(server) > AT_ONCE:
            pass
    await store.close()
    async with asyncio.timeout(60):
        while await connections(server):
            pass


async def test_one_that_does_not_answer_holds_up_nobody(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await ValkeyStore.open(read_valkey_address(server.url))
    epoch = await taken(store)
    await store.save(session(1), epoch)
    monkeypatch.setattr(valkey_client, "ANSWER_SECONDS", 0.2)
    server.pause()
    try:
        said = f"{server.url} does not answer within 0.2 s: see whether it runs"
        for asked in (
            lambda: store.load("s"),
            lambda: store.take("s", ""),
            lambda: store.epoch("s"),
            lambda: store.save(session(2), epoch),
            lambda: store.sessions("", 10, None),
            lambda: store.delete("s"),
        ):
            with pytest.raises(StoreError, match=said):
                await asked()
    finally:
        server.resume()
    monkeypatch.setattr(valkey_client, "ANSWER_SECONDS", 60.0)
    assert await store.epoch("s") >= epoch
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.load("s")


async def test_one_that_is_gone_is_said_and_found_again(tmp_path: Path) -> None:
    with valkey(tmp_path) as first:
        store = await ValkeyStore.open(read_valkey_address(first.url))
        await put(store, session(1))
        first.kill()
        with pytest.raises(StoreError, match=f"{first.url} cannot be reached .*VOICE_STORE is its address"):
            await store.load("s")
        with pytest.raises(StoreError, match="cannot be reached"):
            await ValkeyStore.open(read_valkey_address(first.url))
    with valkey(tmp_path, port=first.port):
        assert await store.load("s") is None
        await put(store, session(2))
        assert await store.load("s") == session(2)
    await store.close()


PASSWORD = "sesame/street:1@home"
QUOTED = "sesame%2Fstreet%3A1%40home"


async def test_user_and_password(tmp_path: Path) -> None:
    """Of one that may do what is needed, and no more; nobody is told the password."""
    commands = (
        "select eval hget hmget hset hdel hexists hincrby lrange llen ltrim rpush del expire persist"
        " zadd zrem zscore zrangebyscore zremrangebyscore"
    )
    may = ("~voice:*", *(f"+{command}" for command in commands.split()))
    options = ("--requirepass", PASSWORD, "--user", "voice", "on", f">{PASSWORD}", *may)
    with valkey(tmp_path, *options) as server:
        place = f"127.0.0.1:{server.port}"
        for login in (f":{QUOTED}", f"voice:{QUOTED}"):
            store = await ValkeyStore.open(read_valkey_address(f"redis://{login}@{place}/0"), RECENT)
            await put(store, session(1))
            await put(store, session(2))
            assert [saved.id for saved in await store.sessions("", 10, None)] == ["s"]
            assert await store.delete("s")
            await store.close()
        for login in ("", ":sesame%2Fstreet@", f"nobody:{QUOTED}@"):
            with pytest.raises(
                StoreError, match="refuses us .*check user and password in VOICE_STORE"
            ) as refused:
                await ValkeyStore.open(read_valkey_address(f"redis://{login}{place}"))
            assert "sesame" not in str(refused.value)


async def test_one_that_is_full_is_said(tmp_path: Path) -> None:
    with valkey(tmp_path) as server:
        store = await ValkeyStore.open(read_valkey_address(server.url))
        await put(store, session(1))
        await told(server, "CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(StoreError, match="is full .*raise its maxmemory"):
            await put(store, session(1, "t"))
        await store.close()


async def test_without_the_library_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(
        StoreError, match=r"redis://h:6379, and its client library is not installed: .*valkey"
    ):
        await ValkeyStore.open(read_valkey_address("redis://:secret@h"))


# ---------------------------------------------------------------- a cluster, Sentinels, TLS


async def works(url: str) -> None:
    store = await ValkeyStore.open(read_valkey_address(url), RECENT)
    for number in range(5):
        await put(store, session(number, f"s{number}", "ann", 9.0 + number))
        assert await store.load(f"s{number}") == session(number, f"s{number}", "ann", 9.0 + number)
    await store.delete("s1")
    assert [saved.id for saved in await store.sessions("ann", 3, None)] == ["s4", "s3", "s2"]
    for _ in range(2):
        told = [Told(f"{url} {number}", 1, {NEW: number}) for number in range(1, 5)]
        counted = await ValkeyUse(store.client).exchange(told)
    assert [(each.streams_elsewhere, sum(n for _, n in each.used[NEW])) for each in counted] == [
        (1, 2 * number) for number in range(1, 5)
    ]
    await store.close()


async def test_a_cluster(tmp_path: Path) -> None:
    """Of two, so that a conversation and its owner's list are on different ones."""
    buses = [free_port(), free_port()]
    options = [
        ("--cluster-enabled", "yes", "--cluster-config-file", f"{bus}", "--cluster-port", f"{bus}")
        for bus in buses
    ]
    with valkey(tmp_path, *options[0]) as a, valkey(tmp_path, *options[1]) as b:
        await told(a, "CLUSTER", "ADDSLOTSRANGE", 0, 8_191)
        await told(b, "CLUSTER", "ADDSLOTSRANGE", 8_192, 16_383)
        await told(a, "CLUSTER", "MEET", "127.0.0.1", b.port, buses[1])
        async with asyncio.timeout(60):
            for node in (a, b):
                while "cluster_state:ok" not in await told(node, "CLUSTER", "INFO"):  # noqa: ASYNC110 - theirs
                    await asyncio.sleep(0.02)
        await works(f"redis+cluster://127.0.0.1:{a.port},127.0.0.1:{b.port}")
        await works(f"valkey+cluster://127.0.0.1:{b.port}")
        assert all([await told(node, "DBSIZE") for node in (a, b)])


async def told(server: Valkey, *words: str | int) -> Any:
    """By a client that asks nothing of the cluster."""
    async with redis.Redis(port=server.port, protocol=2, decode_responses=True) as client:
        return await client.execute_command(*words)


async def test_what_sentinels_watch(tmp_path: Path) -> None:
    with valkey(tmp_path) as primary:
        (tmp_path / "sentinel.conf").write_text(f"sentinel monitor voice 127.0.0.1 {primary.port} 1\n")
        with valkey(tmp_path, "--sentinel", first="sentinel.conf") as sentinel:
            await works(f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/voice")
            with pytest.raises(StoreError, match="cannot be reached .*other"):
                await ValkeyStore.open(
                    read_valkey_address(f"redis+sentinel://127.0.0.1:{sentinel.port}/other")
                )


async def test_what_takes_over_from_a_dead_primary_is_found(tmp_path: Path) -> None:
    with valkey(tmp_path) as primary, valkey(tmp_path, "--replicaof", f"127.0.0.1 {primary.port}") as replica:
        (tmp_path / "sentinel.conf").write_text(
            f"sentinel monitor voice 127.0.0.1 {primary.port} 1\n"
            "sentinel down-after-milliseconds voice 200\nsentinel failover-timeout voice 2000\n"
        )
        assert await told(primary, "WAIT", 1, 20_000) == 1
        with valkey(tmp_path, "--sentinel", first="sentinel.conf") as sentinel:
            url = f"redis+sentinel://127.0.0.1:{sentinel.port}/voice"
            store = await ValkeyStore.open(read_valkey_address(url))
            epoch = await taken(store)
            async with asyncio.timeout(60):
                while not await told(sentinel, "SENTINEL", "REPLICAS", "voice"):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.05)
                primary.kill()
                while not await is_saved(store, session(2), epoch):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.05)
            assert (await told(replica, "ROLE"))[0] == "master"
            assert await store.load("s") == session(2)
            await store.close()


async def is_saved(store: ValkeyStore, saved: SavedSession, epoch: int) -> bool:
    """As whoever holds it tries again and again."""
    try:
        await store.save(saved, epoch)
    except StoreError:
        return False
    return True


async def test_over_tls(tmp_path: Path) -> None:
    """The certificate is checked, and so is whose it is. The server knows no TLS: a relay does it for it."""
    authority = certificates(tmp_path)
    with valkey(tmp_path) as server:
        async with relayed(server, tmp_path) as port:
            await works(f"rediss://localhost:{port}/0?ssl_ca_certs={authority}")
            for wrong in (f"localhost:{port}", f"127.0.0.1:{port}?ssl_ca_certs={authority}"):
                with pytest.raises(StoreError, match="cannot be reached .*certificate verify failed"):
                    await ValkeyStore.open(read_valkey_address(f"valkeys://{wrong}"))


def certificates(folder: Path) -> Path:
    """`localhost`'s, by itself: in a file, and its key in another."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, format, plain))
    (folder / "certificate.pem").write_bytes(signed.public_bytes(pem))
    return folder / "certificate.pem"


@asynccontextmanager
async def relayed(server: Valkey, folder: Path) -> AsyncIterator[int]:
    """The port at which TLS comes in for `server`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", server.port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(copy(reader, there[1]))
            tasks.create_task(copy(there[0], writer))

    async with await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context) as listening:
        yield listening.sockets[0].getsockname()[1]
