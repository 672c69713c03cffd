"""The client of all HTTP engines: what it asks of the network, and that it is opened and closed once."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from voice_grpc.core.errors import EngineError, EngineUnreachable
from voice_grpc.engines.http.client import OpenedOnce, open_client
from voice_grpc.engines.http.errors import OPENING_ERRORS, transport_error, unopened

CLOSED = EngineError("llm", "closed", retryable=False)


@asynccontextmanager
async def listening(requests: list[str], status: str = "200 OK") -> AsyncIterator[int]:
    """Its port; `requests`: the first line of each, and its headers in lower case."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        head = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_no_proxy_is_asked_for_a_server_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    by_proxy: list[str] = []
    direct: list[str] = []
    async with listening(by_proxy) as proxy, listening(direct) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy}")
        for url in (f"http://127.0.0.1:{port}/a", f"http://localhost:{port}/a"):
            async with await asyncio.to_thread(open_client, url, 20.0) as client:
                await client.get(url)
        assert (len(direct), by_proxy) == (2, [])
        far = "http://box.invalid/b"
        async with await asyncio.to_thread(open_client, far, 20.0) as client:
            await client.get(far)
        assert (len(direct), len(by_proxy)) == (2, 1)
    assert by_proxy[0].startswith("get http://box.invalid/b ")


FAR = "http://box.invalid/v1"


async def _failure(variable: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> EngineError:
    """What comes of asking `FAR` through `proxy`."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv(variable, proxy)
    try:
        async with await asyncio.to_thread(open_client, FAR, 20.0) as client:
            await client.get(FAR)
    except httpx2.HTTPError as error:
        return transport_error("llm", "the server", error, address_advice="")
    except OPENING_ERRORS as error:
        return unopened("llm", "the server", FAR, error)
    raise AssertionError("it was answered")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_failure_names_the_proxy(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = await _failure(variable, "http://me:pass-word@127.0.0.1:9", monkeypatch)
    assert isinstance(error, EngineUnreachable)
    named = f"through the proxy http://127.0.0.1:9 ({variable})"
    assert str(error) == f"the server cannot be reached {named} (Connection refused)"
    assert "NO_PROXY" in error.advice


async def test_a_proxy_that_wants_a_password_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[str] = []
    async with listening(requests, "407 Proxy Authentication Required") as port:
        error = await _failure("HTTP_PROXY", f"http://127.0.0.1:{port}", monkeypatch)
    named = f"through the proxy http://127.0.0.1:{port} (HTTP_PROXY)"
    assert str(error) == f"the server cannot be reached {named}, which answered HTTP 407"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks5h://127.0.0.1:9", "ftp://127.0.0.1:9"])
async def test_a_proxy_that_cannot_be_used_is_named(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = await _failure("ALL_PROXY", proxy, monkeypatch)
    assert str(error).startswith(
        f"the server cannot be reached: the proxy {proxy} (ALL_PROXY) cannot be used"
    )
    assert not error.retryable


async def test_nothing_is_compressed_and_we_say_who_we_are() -> None:
    requests: list[str] = []
    async with listening(requests) as port:
        url = f"http://127.0.0.1:{port}"
        headers = {"Authorization": "Bearer k"}
        async with await asyncio.to_thread(lambda: open_client(url, 1.0, headers=headers)) as client:
            await client.get(url)
    for line in ("accept-encoding: identity", "user-agent: voice-grpc", "authorization: bearer k"):
        assert line in requests[0]


class Opening:
    """Something that takes until `gate` to be opened."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.started = threading.Event()
        self.opened = 0
        self.released = 0

    def open(self) -> int:
        self.started.set()
        assert self.gate.wait(10)
        self.opened += 1
        return self.opened

    async def release(self, opened: int) -> None:
        self.released += 1

    def once(self) -> OpenedOnce[int]:
        return OpenedOnce(self.open, self.release, lambda: CLOSED)


async def test_it_is_opened_once_however_many_ask() -> None:
    opening = Opening()
    opening.gate.set()
    once = opening.once()
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(once.get()) for _ in range(10)]
    assert {task.result() for task in asking} == {1}
    await once.close()
    await once.close()
    assert (opening.opened, opening.released) == (1, 1)
    with pytest.raises(EngineError, match="closed"):
        await once.get()


async def test_what_is_opened_too_late_is_closed_and_given_to_nobody() -> None:
    opening = Opening()
    once = opening.once()
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(_refused(once))
        await asyncio.to_thread(opening.started.wait, 10)
        await once.close()
        opening.gate.set()
    assert asking.result() is CLOSED
    assert (opening.opened, opening.released) == (1, 1)


async def test_what_could_not_be_opened_is_tried_again() -> None:
    attempts: list[int] = []

    def open_() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            raise EngineUnreachable("llm", "no certificates")
        return 7

    async def release(opened: int) -> None:
        """There is nothing to close."""

    once = OpenedOnce(open_, release, lambda: CLOSED)
    with pytest.raises(EngineUnreachable):
        await once.get()
    assert await once.get() == 7


async def _refused(once: OpenedOnce[int]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        await once.get()
    return caught.value
