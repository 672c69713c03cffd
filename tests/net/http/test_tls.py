"""HTTP and WebSocket over TLS: who is trusted, and a certificate that is renewed under open connections."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from gateway.server import serving as gateway_serving
from tests.certificates import Authority, Issued, serial, shown
from tests.gateway.harness import Browser, settings
from tests.serving import WITHIN, serving
from voice_grpc.client import CallFailed
from voice_grpc.core.errors import BadField
from voice_grpc.net.http.edge import HEAD_BYTES
from voice_grpc.net.http.tls import ServerContext


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.ca))


async def page(port: int, tls: ssl.SSLContext) -> bytes:
    """The first line of the answer."""
    async with asyncio.timeout(WITHIN):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        line = await reader.readline()
        writer.close()
    return line


def gateway(target: str, issued: Issued, **given: Any) -> Any:
    return gateway_serving(settings(target=target, **issued.flags, **given))


async def test_a_page_over_https(authority: Authority, tmp_path: Path) -> None:
    async with gateway("127.0.0.1:1", authority.issue("gateway")) as port:
        assert await page(port, trusting(authority)) == b"HTTP/1.1 200 OK\r\n"
        with pytest.raises(ssl.SSLCertVerificationError):
            await page(port, trusting(Authority(tmp_path, "other")))


async def test_what_is_refused_is_told_over_tls_too(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a head without an end; a connection of TLS has no half that could be closed."""
    async with gateway("127.0.0.1:1", authority.issue("gateway")) as port, asyncio.timeout(WITHIN):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(authority))
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * HEAD_BYTES)
        answer = await reader.readuntil(b"accepted: up to that\n")
        writer.close()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert caplog.messages == []


async def test_who_speaks_plain_text_is_not_answered(authority: Authority) -> None:
    async with gateway("127.0.0.1:1", authority.issue("gateway")) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(WITHIN):
            assert b"HTTP" not in await reader.read()
        writer.close()


async def test_a_conversation_over_wss_and_tls_with_certificates_on_both_sides(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a browser to the gateway, and from there to a server that asks who it is. A new certificate of the
    gateway's is what the next connection gets, and the conversation goes on."""
    monkeypatch.setattr("voice_grpc.process.reloaded.LOOK_SECONDS", 0.01)
    issued, mine = authority.issue("gateway"), authority.issue("client")
    server = authority.issue("server").flags | {"tls_client_ca": str(authority.ca)}
    behind = {"ca": authority.ca, "cert": mine.cert, "key": mine.key}
    async with (
        serving(**server) as served,
        gateway(served.target, issued, **behind) as port,
        connect(f"wss://127.0.0.1:{port}/v1/ws", ssl=trusting(authority), proxy=None) as socket,
        asyncio.TaskGroup() as tasks,
    ):
        browser = Browser(socket)
        reading = tasks.create_task(browser.read_all(), name="read")
        await browser.send({"type": "start"})
        await browser.said(type="ready")
        before = await shown(port)
        authority.issue("gateway")
        async with asyncio.timeout(WITHIN):
            while await shown(port) == before:
                pass
        await browser.send({"type": "text", "text": "Still there?"})
        await browser.until(lambda: bool(browser.sound), "sound")
        await socket.close()
        await reading


async def test_the_context_gives_new_connections_what_the_files_hold(authority: Authority) -> None:
    issued = authority.issue("server")
    context = await asyncio.to_thread(ServerContext, issued.files())
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await shown(port) == serial(issued.cert.read_bytes())
        authority.issue("server")
        assert await asyncio.to_thread(context.reloaded.look)
        assert await shown(port) == serial(issued.cert.read_bytes())


async def test_nothing_listens_with_files_that_cannot_be_used(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue("gateway")
    half = Issued(issued.cert, tmp_path / "none.key")
    with pytest.raises(BadField, match=r"^--tls-key \(GATEWAY_TLS_KEY\): got '.*No such file"):
        async with gateway("127.0.0.1:1", half):
            pass
    with pytest.raises(CallFailed, match="^--ca: got '"):
        async with gateway("127.0.0.1:1", issued, ca=issued.key):
            pass


async def test_a_gateway_in_plain_text_for_others_warns_of_it(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway_serving(settings(target="127.0.0.1:1", host="0.0.0.0")) as port:
        pass
    assert [m for m in caplog.messages if m.startswith(f"plain text on 0.0.0.0:{port}")] != []
