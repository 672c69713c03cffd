"""The connection to a Valkey: one client for one server, for a cluster and for what Sentinels watch, with a
deadline for every call and one text for whatever goes wrong.

Of the asyncio clients it is redis-py: MIT, one wheel for all platforms, Cluster and Sentinel, and far more
used than its fork `valkey`, which would do as well; `valkey-glide` is a Rust library and knows no Sentinel.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from ...core.errors import StoreError
from ...net.valkey_address import Topology, ValkeyAddress
from ...process.installation import advice

Command: TypeAlias = tuple[str | int | float, ...]

ANSWER_SECONDS = 2.0
"""For a call, with all that it takes to connect and to try once more."""

SENTINEL_SECONDS = 0.5
"""For a Sentinel to say where the server is, before the next one is asked."""

AT_ONCE = 32
"""Calls of one process, and so its connections to a server; more wait, within their time."""

_DENIED = ("WRONGPASS", "NOAUTH", "NOPERM", "AUTH ", "invalid username", "invalid password")
"""How what a server says begins when it is about who we are."""


class ValkeyClient:
    """Every call raises `StoreError`."""

    def __init__(self, address: ValkeyAddress, client: Any, closing: Sequence[Callable[[], Any]]) -> None:
        """See `connect`. `closing`: what else is closed with it."""
        self._address, self._client, self._closing = address, client, closing
        self._room = asyncio.Semaphore(AT_ONCE)
        self._is_open = True

    @classmethod
    async def connect(cls, address: ValkeyAddress) -> "ValkeyClient":
        """To a server that answers. Raises `StoreError`, also for a package that is not installed."""
        client = cls(address, *await asyncio.to_thread(_made, address))
        try:
            await client.command("HGET", "voice:", "epoch")  # of no conversation: asks whoever would have it
        except BaseException:
            await client.close()
            raise
        return client

    @property
    def location(self) -> str:
        """For people: without any secret."""
        return self._address.location

    async def command(self, *words: str | int | float) -> Any:
        async with self._asking():
            return await self._client.execute_command(*words)

    async def script(self, script: str, keys: Sequence[str], *arguments: str | int | float) -> Any:
        """Runs as a whole or not at all. `keys` are of one slot."""
        return await self.command("EVAL", script, len(keys), *keys, *arguments)

    async def several(self, commands: Sequence[Command]) -> list[Any]:
        """Their results, in their order; others' commands may come between them."""
        async with self._asking():
            pipeline = self._client.pipeline(transaction=False)
            for words in commands:
                pipeline.execute_command(*words)
            found: list[Any] = await pipeline.execute()
            return found

    async def close(self) -> None:
        """Twice is once."""
        if self._is_open:
            self._is_open = False
            await self._client.aclose()
            for close in self._closing:
                await close()

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        from redis.exceptions import RedisClusterException, RedisError

        if not self._is_open:
            raise StoreError("The session store is closed: open it again to use it.")
        task = asyncio.current_task()
        cancelled = task.cancelling() if task is not None else 0
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._room:
                yield
        except TimeoutError:
            text = f"does not answer within {ANSWER_SECONDS:g} s: see whether it runs and can be reached."
            raise StoreError(f"The session store {self.location} {text}") from None
        except (RedisError, RedisClusterException, OSError) as error:
            remedy = self._address.hide(_remedy(error))
            raise StoreError(f"The session store {self.location} {remedy}") from error
        if task is not None and task.cancelling() > cancelled:
            # The library waits by `asyncio.wait_for`, which may hide it before Python 3.12 (gh-86296).
            raise asyncio.CancelledError


def _made(address: ValkeyAddress) -> tuple[Any, Sequence[Callable[[], Any]]]:
    """The client, connected to nothing yet, and what is closed with it. Imports the library."""
    try:
        from redis.asyncio import Redis, RedisCluster
        from redis.asyncio.cluster import ClusterNode
        from redis.asyncio.retry import Retry
        from redis.asyncio.sentinel import Sentinel
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise StoreError(
            f"VOICE_STORE is {address.location}, and its client library is not installed: {advice('valkey')}"
        ) from error
    given: dict[str, Any] = {
        "username": address.username or None,
        "password": address.password or None,
        "socket_timeout": None,  # see `_asking`, which has its own
        "socket_connect_timeout": ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 1),
        "protocol": 2,
        "decode_responses": True,
        "encoding_errors": "replace",
        "driver_info": None,  # it would read its version from the disk for each connection
        **_encryption(address),
    }
    if address.topology is Topology.CLUSTER:
        nodes = [ClusterNode(*each) for each in address.hosts]
        return RedisCluster(startup_nodes=nodes, **given), ()
    if address.topology is Topology.SENTINEL:
        theirs = {
            "username": address.options.get("sentinel_username"),
            "password": address.options.get("sentinel_password"),
            "socket_timeout": SENTINEL_SECONDS,
            "socket_connect_timeout": SENTINEL_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            "driver_info": None,
            **_encryption(address),
        }
        untyped: Any = Sentinel
        sentinel = untyped(list(address.hosts), sentinel_kwargs=theirs)
        client = sentinel.master_for(address.service, db=address.database, **given)
        return client, [each.aclose for each in sentinel.sentinels]
    ((host, port),) = address.hosts
    return Redis(host=host, port=port, db=address.database, **given), ()


def _encryption(address: ValkeyAddress) -> dict[str, Any]:
    """Certificates are checked, and that they are the host's."""
    if not address.is_encrypted:
        return {}
    files = {name: path for name, path in address.options.items() if name.startswith("ssl_")}
    return {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True, **files}


def _remedy(error: Exception) -> str:
    from redis import exceptions as e

    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, e.AuthenticationError | e.NoPermissionError) or said.startswith(_DENIED):
        return (
            f"refuses us ({said}): check user and password in VOICE_STORE,"
            " and that this user may run EVAL and use the keys voice:*."
        )
    if isinstance(error, e.ReadOnlyError):
        return f"cannot be written ({said}): name the primary in VOICE_STORE, or its Sentinels."
    if isinstance(error, e.OutOfMemoryError):
        return f"is full ({said}): raise its maxmemory, or keep less by VOICE_RETENTION_DAYS."
    if isinstance(error, e.ConnectionError | e.TimeoutError | OSError):
        return f"cannot be reached ({said}): see whether it runs, and whether VOICE_STORE is its address."
    return f"cannot be used ({said}): its log may say more."
