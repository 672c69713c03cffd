"""`voice-grpc health`: one line and an exit code, of a server that serves, one that loads, and nobody."""

import asyncio
from pathlib import Path

import pytest

from clients import health
from tests.certificates import Authority
from tests.serving import LONG, scripted, serving

from .program import Ended, run


async def ask(*arguments: str) -> Ended:
    return await run("health", *arguments)


async def test_a_server_that_serves() -> None:
    async with serving() as served:
        assert await ask("--target", served.target) == Ended(
            0, f"{served.target} voice.v1.VoiceService: SERVING\n", ""
        )


async def test_a_server_that_loads_is_alive_and_does_not_serve() -> None:
    async with serving(is_open=False) as served:
        loading = await ask("--target", served.target)
        assert (loading.code, loading.out) == (1, "")
        assert loading.complaint == f"voice-grpc health: {served.target} voice.v1.VoiceService: NOT_SERVING"
        alive = await ask("--target", served.target, "--service", "")
        assert (alive.code, alive.out) == (0, f"{served.target} (the process): SERVING\n")


async def test_a_server_with_tokens_is_asked_without() -> None:
    async with serving(tokens=["sesame"]) as served:
        assert (await ask("--target", served.target)).code == 0


async def test_a_server_that_wants_certificates_is_asked_with_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("probe")
    asks = authority.issue("server").flags | {"tls_client_ca": str(authority.ca)}
    flags = ("--ca", str(authority.ca), "--cert", str(own.cert), "--key", str(own.key))
    async with serving(tokens=["sesame"], **asks) as served:
        assert (await ask("--target", served.target, *flags)).code == 0
        assert (await ask("--target", served.target, *flags[:2], "--within", "2")).code == 1


async def test_a_server_that_drains_does_not_serve() -> None:
    async with (
        serving(scripted(LONG), drain_seconds=60) as served,
        served.talk() as talk,
        asyncio.TaskGroup() as tasks,
    ):
        await talk.config()
        await talk.text("Tell me a lot.")
        await talk.next("audio")
        tasks.create_task(served.server.drain(30), name="drain")
        await talk.next("go_away")
        ended = await ask("--target", served.target)
        assert (ended.code, ended.complaint.endswith(": NOT_SERVING")) == (1, True)
        talk.cancel()


async def test_an_unknown_service_and_nobody() -> None:
    async with serving() as served:
        unknown = await ask("--target", served.target, "--service", "no.such")
        assert (unknown.code, unknown.complaint) == (
            1,
            f"voice-grpc health: {served.target} no.such: no such service",
        )
    nobody = await ask("--target", "127.0.0.1:1", "--within", "5")
    assert nobody.code == 1
    assert "no voice server answers at 127.0.0.1:1" in nobody.complaint


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "http://"], "target: got 'http://'"),
        (["--within", "0"], "--within: got 0"),
        (["--service", "käse"], "--service: got 'käse'"),
        (["--token", "sesame"], "unrecognized arguments"),
        (["--ca", "/no/such.pem"], "--ca: got '/no/such.pem'"),
        (["--key", "/no/such.key"], "--cert: got ''"),
    ],
)
async def test_a_command_line_that_is_wrong(arguments: list[str], said: str) -> None:
    ended = await ask(*arguments)
    assert ended.code == 2
    assert said in ended.err


def test_the_target_may_come_from_the_environment() -> None:
    assert health.parse([], {"VOICE_TARGET": "voice:1"}).target == "voice:1"
    assert health.parse([], {}).service == "voice.v1.VoiceService"
