"""Who is let in by a file of tokens: at each RPC, and when the file changes."""

import asyncio
import hashlib
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.serving import WITHIN, Served, serving, settings
from voice_grpc.core.errors import BadField
from voice_grpc.net.responses import StreamedResponses
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.server.server import SERVICE, Server

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
CHANNELZ = "/grpc.channelz.v1.Channelz/GetServers"
METHODS = [f"/{SERVICE}/{method.name}" for method in pb.DESCRIPTOR.services_by_name["VoiceService"].methods]


def line(name: str, token: str, day: str = "") -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f"{name}:{digest}:{day}" if day else f"{name}:{digest}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    lines = ["# who may", "", line("ann", "hers"), line("bob", "his"), line("carl", "old", "2020-01-31")]
    path.write_text("\n".join(lines))
    return path


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()


async def code(served: Served, method: str, token: str) -> tuple[grpc.StatusCode, str]:
    """Of an empty request, whatever kind of call it is: on the wire they are one."""
    begin: Any = served.channel.stream_stream(method)
    responses = StreamedResponses[bytes](call := begin(metadata=bearer(token)))
    async with asyncio.timeout(WITHIN):
        try:
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):  # it may be over already
                await call.write(b"")
                await call.done_writing()
            while await responses.next() is not None:
                continue
        except grpc.aio.AioRpcError as ended:
            return ended.code(), ended.details() or ""
        return grpc.StatusCode.OK, ""


async def has_talked(served: Served, token: str, session: str) -> None:
    async with served.talk(bearer(token)) as talk:
        await talk.config(session_id=session)


@pytest.mark.parametrize("method", [*METHODS, REFLECTION, CHANNELZ])
async def test_every_rpc_refuses_who_has_no_token_that_counts(method: str, file: Path) -> None:
    async with serving(token_file=str(file), channelz=True) as served:
        for token, said in (
            ("", "no credentials"),
            ("wrong", "not known here"),
            ("old", "expired on 2020-02-01"),
        ):
            refused, details = await code(served, method, token)
            assert refused is grpc.StatusCode.UNAUTHENTICATED
            assert said in details
        assert (await code(served, method, "hers"))[0] is not grpc.StatusCode.UNAUTHENTICATED


async def test_health_stays_open(file: Path) -> None:
    async with serving(token_file=str(file)) as served:
        assert (await code(served, "/grpc.health.v1.Health/Check", ""))[0] is grpc.StatusCode.OK


async def test_what_is_somebody_elses_is_not_there_for_others(file: Path) -> None:
    async with serving(token_file=str(file)) as served:
        await has_talked(served, "hers", "talk-1")
        assert (
            await served.stub.ListSessions(pb.ListSessionsRequest(), metadata=bearer("his"))
        ).sessions == []
        for ask in (
            served.stub.GetSession(pb.GetSessionRequest(session_id="talk-1"), metadata=bearer("his")),
            served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="talk-1"), metadata=bearer("his")),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_file_that_changes_counts_and_another_token_of_the_same_name_is_the_same_owner(
    file: Path,
) -> None:
    async with serving(token_file=str(file)) as served:
        await has_talked(served, "hers", "talk-1")
        await asyncio.to_thread(file.write_text, line("ann", "her new one"))
        assert served.server.authenticator.file is not None
        assert await asyncio.to_thread(served.server.authenticator.file.look)
        assert (await code(served, METHODS[0], "hers"))[0] is grpc.StatusCode.UNAUTHENTICATED
        asked = pb.GetSessionRequest(session_id="talk-1")
        await served.stub.GetSession(asked, metadata=bearer("her new one"))


async def test_a_broken_file_leaves_who_is_let_in_and_an_empty_one_lets_nobody_in(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with serving(token_file=str(file)) as served:
        kept = served.server.authenticator.file
        assert kept is not None
        await asyncio.to_thread(file.write_text, "ann:her-token-as-it-is")
        assert not await asyncio.to_thread(kept.look)
        assert "line 1 is none" in caplog.text
        assert "her-token" not in caplog.text
        assert (await code(served, METHODS[0], "hers"))[0] is not grpc.StatusCode.UNAUTHENTICATED
        await asyncio.to_thread(file.write_text, "")
        assert await asyncio.to_thread(kept.look)
        for token in ("hers", ""):
            assert (await code(served, METHODS[0], token))[0] is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ann", "line 1 is none"),
        ("\n" + line("an n", "x"), "line 2 is none"),
        (line("ann", "x", "2027-02-30"), "line 1 has a day that no calendar has"),
        (line("ann", "x")[:-1], "line 1 is none"),
        ("\x00", "line 1 is none"),
    ],
)
async def test_nothing_listens_with_a_file_that_cannot_be_used(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    server = Server(settings(token_file=str(path)))
    with pytest.raises(
        BadField, match=rf"^--token-file \(VOICE_TOKEN_FILE\): got '.*NAME:SHA256.*\({said}\)$"
    ):
        await server.start()
    await server.stop()
    assert server.port == 0
