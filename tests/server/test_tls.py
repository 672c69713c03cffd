"""A server with TLS: who gets in with which certificate, and one that is renewed under its streams."""

import shutil
import ssl
from asyncio import create_subprocess_exec, subprocess, to_thread
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.certificates import Authority, Issued, serial
from tests.serving import LOCAL, Served, answered, serving, settings
from voice_grpc.core.errors import BadField
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub
from voice_grpc.server.server import Server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def channel(served: Served, ca: Path, mine: Issued | None = None) -> grpc.aio.Channel:
    """A connection of its own."""
    pair = (mine.key.read_bytes(), mine.cert.read_bytes()) if mine else (None, None)
    credentials = grpc.ssl_channel_credentials(ca.read_bytes(), *pair)
    own = ("grpc.use_local_subchannel_pool", 1)
    return grpc.aio.secure_channel(served.target, credentials, [*LOCAL, own])


async def refused(calling: grpc.aio.Channel) -> str:
    async with calling:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await VoiceServiceStub(calling).GetServerInfo(pb.GetServerInfoRequest())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    return caught.value.details() or ""


async def test_a_conversation_over_tls(authority: Authority) -> None:
    async with (
        serving(**authority.issue("server").flags) as served,
        channel(served, authority.ca) as calling,
        served.talk(channel=calling) as talk,
    ):
        await talk.config()
        await answered(talk)


async def test_who_trusts_another_authority_does_not_talk_to_it(authority: Authority, tmp_path: Path) -> None:
    async with serving(**authority.issue("server").flags) as served:
        stranger = Authority(tmp_path, "other")
        assert "CERTIFICATE_VERIFY_FAILED" in await refused(channel(served, stranger.ca))


async def test_plain_text_is_not_answered(authority: Authority) -> None:
    async with serving(**authority.issue("server").flags) as served:
        await refused(grpc.aio.insecure_channel(served.target, LOCAL))


@pytest.mark.parametrize("who", ["nobody", "a stranger", "a client"])
async def test_with_an_authority_for_clients_only_theirs_get_in(
    who: str, authority: Authority, tmp_path: Path
) -> None:
    clients, others = Authority(tmp_path, "clients"), Authority(tmp_path, "others")
    mine = {"nobody": None, "a stranger": others.issue("stranger"), "a client": clients.issue("client")}[who]
    given = authority.issue("server").flags | {"tls_client_ca": str(clients.ca)}
    async with serving(**given) as served:
        calling = channel(served, authority.ca, mine)
        if who != "a client":
            await refused(calling)
            return
        async with calling:
            info = await VoiceServiceStub(calling).GetServerInfo(pb.GetServerInfoRequest())
            assert info.version


async def test_a_new_connection_gets_the_new_certificate_while_an_open_stream_goes_on(
    authority: Authority,
) -> None:
    def shown() -> int:
        return serial(ssl.get_server_certificate(("127.0.0.1", served.server.port), timeout=60))

    issued = authority.issue("server")
    first = serial(issued.cert.read_bytes())
    async with (
        serving(**issued.flags) as served,
        channel(served, authority.ca) as calling,
        served.talk(channel=calling) as talk,
    ):
        await talk.config()
        await answered(talk)
        assert await to_thread(shown) == first
        authority.issue("server")
        second = serial(issued.cert.read_bytes())
        assert second != first
        assert await to_thread(shown) == second
        await answered(talk, "Still there?")
        async with channel(served, authority.ca) as another:
            await VoiceServiceStub(another).GetServerInfo(pb.GetServerInfoRequest())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
async def test_another_client_of_tls_finds_it_in_order(authority: Authority) -> None:
    """TLS 1.2 at least, HTTP/2 by ALPN, and a certificate that openssl believes for that name."""
    async with serving(**authority.issue("server").flags) as served:
        asking = ["s_client", "-connect", served.target, "-alpn", "h2", "-CAfile", str(authority.ca)]
        asking += ["-verify_return_error", "-verify_hostname", "localhost"]
        piped = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = await create_subprocess_exec("openssl", *asking, **piped)  # type: ignore[arg-type]
        said = (await process.communicate())[0].decode(errors="replace")  # HTTP/2 is among it
    assert process.returncode == 0, said
    assert "ALPN protocol: h2" in said
    assert "Verify return code: 0 (ok)" in said
    assert "New, TLSv1.3" in said


async def test_renewed_authorities_of_clients_count_too(authority: Authority, tmp_path: Path) -> None:
    """Who was vouched for by the old ones is no longer let in."""
    clients = Authority(tmp_path, "clients")
    before = clients.issue("before")
    given = authority.issue("server").flags | {"tls_client_ca": str(clients.ca)}
    async with serving(**given) as served:
        async with channel(served, authority.ca, before) as calling:
            await VoiceServiceStub(calling).GetServerInfo(pb.GetServerInfoRequest())
        after = Authority(tmp_path, "clients").issue("after")
        await refused(channel(served, authority.ca, before))
        async with channel(served, authority.ca, after) as calling:
            await VoiceServiceStub(calling).GetServerInfo(pb.GetServerInfoRequest())


async def test_nothing_listens_with_a_certificate_that_cannot_be_used(
    authority: Authority, tmp_path: Path
) -> None:
    issued = authority.issue("server")
    wrong: dict[str, Any] = {"tls_cert": str(issued.cert), "tls_key": str(tmp_path / "none.key")}
    server = Server(settings(**wrong))
    with pytest.raises(
        BadField, match=r"--tls-key \(VOICE_TLS_KEY\): got '/.*, accepted: a file with .*No such file"
    ):
        await server.start()
    await server.stop()
    assert server.port == 0


async def test_plain_text_for_others_is_one_line_of_warning(
    caplog: pytest.LogCaptureFixture, authority: Authority
) -> None:
    cases: list[tuple[dict[str, Any], int]] = [
        ({"host": "127.0.0.1"}, 0),
        ({"host": "0.0.0.0"}, 1),
        ({"host": "0.0.0.0"} | authority.issue("server").flags, 0),
    ]
    for given, lines in cases:
        caplog.clear()
        server = Server(settings(**given))
        await server.start()
        await server.stop()
        assert [message.startswith("plain text on 0.0.0.0:") for message in caplog.messages] == [True] * lines
