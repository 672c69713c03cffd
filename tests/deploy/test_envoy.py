"""What is shipped for Envoy: it takes the file, and calls through it go where they should."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from gateway.server import serving as gateway_serving
from tests.deploy.envoy import Envoy, certificate, envoy, placed
from tests.deploy.files import loaded, outcome, program
from tests.free_port import free_port
from tests.gateway.harness import Deployment, settings
from tests.server.test_shared_store import PASSWORD, server, talk
from tests.serving import (
    LOCAL,
    LONG,
    ConverseCall,
    Served,
    answered,
    assert_told,
    scripted,
    serving,
    stub_of,
)
from tests.valkey import needs_valkey, valkey
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.server.caller_limits import calls_of_one_connection
from voice_grpc.settings import Settings


@asynccontextmanager
async def two(folder: Path, **given: Any) -> AsyncIterator[tuple[Served, Served, grpc.aio.Channel]]:
    """Servers, each of which answers with its number, and a way through Envoy to either."""
    async with (
        serving(scripted("One."), **given) as one,
        serving(scripted("Two."), **given) as other,
        before(folder, one, other) as started,
        plain(started) as channel,
    ):
        yield one, other, channel


@asynccontextmanager
async def before(folder: Path, *servers: Served) -> AsyncIterator[Envoy]:
    async with envoy(folder, [each.server.port for each in servers]) as started:
        yield started


def plain(started: Envoy) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(f"127.0.0.1:{started.plain}", LOCAL)


async def answer(channel: grpc.aio.Channel, served: Served) -> str:
    """Of a conversation of its own."""
    async with served.talk(channel=channel) as talk:
        await talk.config()
        turn = await answered(talk)
        words = talk.words(turn)
        await talk.half_close()
        await talk.ended()
    return words


# ---------------------------------------------------------------- the file


def test_envoy_takes_the_file(tmp_path: Path) -> None:
    certificate(tmp_path)
    config = placed(tmp_path, [1, 2], 3)
    path = tmp_path / "envoy.json"
    path.write_text(json.dumps(config))
    validated = outcome(program("envoy"), "--mode", "validate", "-l", "error", "-c", str(path))
    assert validated.returncode == 0, validated.stderr
    config["static_resources"]["clusters"][0]["no_such"] = 1
    path.write_text(json.dumps(config))
    assert outcome(program("envoy"), "--mode", "validate", "-l", "error", "-c", str(path)).returncode != 0


def test_the_circuit_breaks_at_what_two_servers_take() -> None:
    servers, gateway = loaded("envoy/envoy.yaml")["static_resources"]["clusters"]
    (threshold,) = servers["circuit_breakers"]["thresholds"]
    assert threshold["max_requests"] == 2 * calls_of_one_connection(Settings(_env_file=None))  # type: ignore[call-arg]
    (threshold,) = gateway["circuit_breakers"]["thresholds"]
    assert threshold["max_requests"] == 2 * 2 * settings().max_sockets


# ---------------------------------------------------------------- calls through it


async def test_conversations_are_spread_over_the_servers(tmp_path: Path) -> None:
    """Twelve that stay open: that five more are at one than at the other has a chance of 1 in 10,000."""
    async with two(tmp_path) as (one, _, channel), AsyncExitStack() as open_calls:
        said = []
        for _ in range(12):
            talk = await open_calls.enter_async_context(one.talk(channel=channel))
            await talk.config()
            said.append(talk.words(await answered(talk)))
        assert abs(said.count("One.") - said.count("Two.")) <= 4


async def test_with_tls(tmp_path: Path) -> None:
    async with serving() as served, before(tmp_path, served) as started:
        trusted = grpc.ssl_channel_credentials(started.certificate)
        async with grpc.aio.secure_channel(f"localhost:{started.tls}", trusted, LOCAL) as channel:
            assert await answer(channel, served) == "Sure thing."


async def test_one_is_gone_and_new_conversations_go_to_the_other(tmp_path: Path) -> None:
    async with two(tmp_path) as (one, other, channel), one.talk() as held:
        await held.config()
        await one.server.stop()
        assert (await held.ended()).code is not grpc.StatusCode.OK
        for _ in range(4):
            assert await answer(channel, other) == "Two."


async def test_one_drains_and_new_conversations_go_to_the_other(tmp_path: Path) -> None:
    """Its health is asked every 2 s; until then it refuses, and Envoy asks the other in the same call."""
    async with (
        serving(scripted(LONG), drain_seconds=60) as one,
        serving(scripted("Two.")) as other,
        before(tmp_path, one, other) as started,
        plain(started) as channel,
        one.talk() as held,
        asyncio.TaskGroup() as tasks,
    ):
        await held.config()
        await held.text("Tell me a lot.")
        await held.next("audio")
        tasks.create_task(one.server.drain(30), name="drain")
        await held.next("go_away")
        for _ in range(4):
            assert await answer(channel, other) == "Two."
        assert not held.call.done()
        held.cancel()


async def test_one_is_full_and_the_other_is_asked(tmp_path: Path) -> None:
    async with two(tmp_path, max_sessions=1) as (one, other, channel), one.talk() as past_it:
        await past_it.config()
        for _ in range(4):
            assert await answer(channel, other) == "Two."


async def test_all_are_full_and_the_refusal_says_why(tmp_path: Path) -> None:
    async with (
        two(tmp_path, max_sessions=1) as (one, other, channel),
        one.talk() as a,
        other.talk() as b,
        one.talk(channel=channel) as refused,
    ):
        await a.config()
        await b.config()
        await refused.send(pb.ConverseRequest(config=pb.SessionConfig()))
        assert_told(await refused.ended(), grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_FULL")


@needs_valkey
async def test_one_is_killed_and_its_conversation_goes_on_at_the_other(tmp_path: Path) -> None:
    with valkey(tmp_path, "--requirepass", PASSWORD) as store:
        async with server(store, tmp_path) as (first, one), server(store, tmp_path) as (_, other):
            ports = [int(place.rpartition(":")[2]) for place in (one, other)]
            async with envoy(tmp_path, ports) as started, AsyncExitStack() as open_calls:
                talks: list[ConverseCall] = []
                while not await _is_at(one, talks):
                    talks.append(await open_calls.enter_async_context(talk(f"127.0.0.1:{started.plain}")))
                    await talks[-1].config(session_id=f"number-{len(talks)}")
                await talks[-1].text("I am Ada.", text_only=True)
                await talks[-1].over(1)
                first.kill()
                # Envoy resets a stream that had begun to answer.
                assert (await talks[-1].ended()).code is grpc.StatusCode.INTERNAL
                async with talk(f"127.0.0.1:{started.plain}") as again:
                    resumed = await again.config(session_id=f"number-{len(talks)}")
                assert (resumed.resumed, resumed.last_turn) == (True, 1)


async def _is_at(target: str, talks: Sequence[ConverseCall]) -> bool:
    """Whether the last of them is a conversation of the server there."""
    async with grpc.aio.insecure_channel(target, LOCAL) as channel:
        info = await stub_of(channel).GetServerInfo(pb.GetServerInfoRequest())
    return bool(talks) and info.use.open_sessions == 1


@asynccontextmanager
async def whole(folder: Path) -> AsyncIterator[Deployment]:
    """Envoy, a gateway that asks through it, and a server."""
    port = free_port()
    async with (
        serving() as served,
        gateway_serving(settings(target=f"127.0.0.1:{port}")) as gateway,
        envoy(folder, [served.server.port], gateway, port),
    ):
        yield Deployment(served, port)


async def test_browsers_reach_the_gateway_and_it_the_servers(tmp_path: Path) -> None:
    async with whole(tmp_path) as here, here.browser() as browser:
        await browser.send({"type": "text", "text": "Hello!"})
        await browser.said(type="transcript", role="agent", text="Sure thing.", final=True)


@pytest.mark.parametrize("path", ["/envoy/ready", "/"])
async def test_what_probes_ask(path: str, tmp_path: Path) -> None:
    async with whole(tmp_path) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        finally:
            writer.close()
            await writer.wait_closed()
