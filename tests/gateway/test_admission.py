"""Who is let in by token, how many, how much, and how each is told when it is not."""

import ast
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.admission import Admission, Rejected
from gateway.dialects.simple import SimpleDialect
from gateway.upstream import Caller
from gateway.websocket import BURST_SECONDS, BYTES_A_SECOND, MESSAGES_A_SECOND, RateLimiter, bridge
from tests.serving import WITHIN

from .harness import deployed

TOKEN = "s3cret-token"
ROOT = Path(__file__).parents[2]


# ---------------------------------------------------------------- tokens


@pytest.mark.parametrize("way", ["subprotocol", "header", "first message", "alone"])
async def test_a_token_is_taken_in_every_way(way: str) -> None:
    async with deployed(tokens=[TOKEN]) as here:
        offered = {"subprotocol": ("voice.v1.json", f"bearer.{TOKEN}"), "alone": (f"bearer.{TOKEN}",)}
        headers = {"Authorization": f"Bearer {TOKEN}"} if way == "header" else None
        names = offered.get(way, ("voice.v1.json",))
        async with here.browser(*names, headers=headers) as browser:
            authorization = {"authorization": f"Bearer {TOKEN}"} if way == "first message" else {}
            await browser.send({"type": "start"} if way == "alone" else {**authorization, "config": {}})
            await browser.until(lambda: bool(browser.texts), "a start")
            assert "error" not in browser.texts[0]


async def test_the_simple_start_takes_a_token() -> None:
    async with deployed(tokens=[TOKEN]) as here, here.browser() as browser:
        await browser.send({"type": "start", "token": TOKEN})
        await browser.said(type="ready")


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_no_token_or_a_wrong_one_is_told(token: str) -> None:
    async with deployed(tokens=[TOKEN]) as here, here.browser() as browser:
        await browser.send({"type": "start", "token": token})
        error = await browser.said(type="error", fatal=True)
        assert error["code"] in (4401, 4403)
        assert (await browser.closed())[0] == error["code"]
        assert TOKEN not in str(browser.texts)


# ---------------------------------------------------------------- numbers


async def test_more_than_there_is_room_for_is_told_and_the_place_comes_back() -> None:
    async with deployed(gateway={"max_sockets": 2}) as here:
        async with here.browser() as first, here.browser():
            await first.send({"type": "start"})
            with pytest.raises(InvalidStatus) as told:
                async with here.browser():
                    pass
            assert told.value.response.status_code == 503
        async with here.browser() as browser:
            await browser.send({"type": "start"})
            await browser.said(type="ready")


async def test_one_address_does_not_take_all_the_room() -> None:
    async with deployed(gateway={"max_per_address": 1}) as here, here.browser():
        with pytest.raises(InvalidStatus) as told:
            async with here.browser():
                pass
        assert told.value.response.status_code == 429


def test_visits_are_counted_by_address() -> None:
    admission = Admission(3, 2)
    with (
        admission.visit("a"),
        admission.visit("b"),
        admission.visit("a"),
    ):
        assert admission.count == 3
        with pytest.raises(Rejected), admission.visit("c"):
            pass
    assert admission.count == 0


@contextmanager
def passing() -> Iterator[None]:
    yield


def test_who_is_rejected_within_another_context_is_told_so() -> None:
    with pytest.raises(Rejected, match="no room") as caught, passing():
        raise Rejected(503, "no room")
    assert (caught.value.status, caught.value.message) == (503, "no room")


@pytest.mark.parametrize("folder", ["voice_grpc", "clients", "gateway"])
def test_no_exception_is_a_dataclass(folder: str) -> None:
    """A frozen one refuses the traceback that a generator's context manager sets: TypeError instead."""
    found = [
        f"{path}: {node.name}"
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any("dataclass" in ast.unparse(each) for each in node.decorator_list)
        and any(ast.unparse(each).endswith(("Error", "Exception")) for each in node.bases)
    ]
    assert found == []


# ---------------------------------------------------------------- floods and stalls


def test_speech_is_no_flood_and_a_burst_neither() -> None:
    limiter = RateLimiter()
    assert not any(limiter.is_flooded(3_840, n * 0.02) for n in range(50 * 600))
    limiter = RateLimiter()
    assert not any(limiter.is_flooded(640, 0.0) for _ in range(int(MESSAGES_A_SECOND * BURST_SECONDS)))
    assert limiter.is_flooded(640, 0.0)
    assert not limiter.is_flooded(640, 1.0)
    assert RateLimiter().is_flooded(int(BYTES_A_SECOND * BURST_SECONDS) + 1, 0.0)


async def test_a_flood_is_ended_and_disturbs_nobody() -> None:
    async with deployed() as here, here.browser() as other, here.browser() as browser:
        await other.send({"type": "start"})
        await browser.send({"type": "start"})
        sound = np.zeros(32_000, "<i2").tobytes()
        async with asyncio.timeout(60):
            while browser.socket.close_code is None:
                try:
                    await browser.send(sound)
                except ConnectionClosed:
                    break
        assert (await browser.closed())[0] == 4429
        await other.send({"type": "text", "text": "Hello?"})
        await other.said(type="transcript", role="agent", final=True)


async def test_a_frame_beyond_the_limit_ends_its_own_socket() -> None:
    async with deployed() as here, here.browser() as browser:
        await browser.send({"type": "start"})
        await browser.said(type="ready")
        await browser.send(bytes(300_000))
        assert (await browser.closed())[0] == 1009


async def test_nothing_at_all_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.websocket.FIRST_SECONDS", 0.05)
    async with deployed() as here, here.browser() as browser:
        assert await browser.closed() == (4408, "nothing came within 0.05 s")


class DeafSocket:
    """Asks once, and takes nothing."""

    def __init__(self) -> None:
        self._frames = ['{"type": "start"}', '{"type": "text", "text": "Go on."}']

    async def receive(self) -> str | bytes | None:
        if not self._frames:
            await asyncio.Event().wait()
        return self._frames.pop(0)

    async def send(self, frame: str | bytes) -> None:
        await asyncio.Event().wait()


async def test_a_browser_that_does_not_read_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.websocket.SEND_SECONDS", 0.05)
    async with deployed() as here:
        close_reason = await bridge(DeafSocket(), SimpleDialect(), here.served.channel, Caller())
        assert close_reason is not None
        assert (close_reason.code, close_reason.message) == (4408, "this client reads too slowly")
        await here.served.assert_serves()


class GoneSocket:
    """Asks once for what cannot be, and is not there to be told."""

    async def receive(self) -> str | bytes | None:
        return '{"type": "no such"}'

    async def send(self, frame: str | bytes) -> None:
        raise ConnectionResetError


async def test_a_browser_that_is_gone_before_it_is_told_is_not_closed_again() -> None:
    async with deployed() as here:
        assert await bridge(GoneSocket(), SimpleDialect(), here.served.channel, Caller()) is None


class LeavingSocket:
    """Asks for what cannot be, and is gone in the same moment."""

    def __init__(self) -> None:
        self._is_answered = asyncio.Event()
        self._frames = ['{"type": "start"}', '{"type": "no such"}']
        self.sent = 0

    async def receive(self) -> str | bytes | None:
        if len(self._frames) == 1:
            await self._is_answered.wait()
        return self._frames.pop(0)

    async def send(self, frame: str | bytes) -> None:
        self.sent += 1
        self._is_answered.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0 if self.sent > 1 else WITHIN)
        raise ConnectionResetError


async def test_a_browser_that_is_gone_while_it_is_refused_is_not_closed_again() -> None:
    async with deployed() as here:
        socket = LeavingSocket()
        assert await bridge(socket, SimpleDialect(), here.served.channel, Caller()) is None
        assert socket.sent == 1


# ---------------------------------------------------------------- HTTP


async def test_health_and_info_tell_of_the_server() -> None:
    async with (
        deployed(tokens=[TOKEN]) as here,
        httpx2.AsyncClient(base_url=here.url, trust_env=False) as http,
    ):
        health = await http.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "ok")
        refused = await http.get("/v1/info")
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == 4401
        info = (await http.get("/v1/info", headers={"Authorization": f"Bearer {TOKEN}"})).json()
        assert {voice["voiceId"] for voice in info["voices"]} == {"tone", "hum"}
        assert "default" in {persona["personaId"] for persona in info["personas"]}
        assert info["server"]["version"]
        assert (await http.get("/nowhere")).status_code == 404
        assert (await http.post("/health")).status_code == 405
        assert "frame-ancestors 'none'" in health.headers["content-security-policy"]


async def test_a_server_that_is_away_is_told() -> None:
    async with deployed() as here, httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
        await here.served.server.stop()
        health = await http.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "away")
        async with here.browser() as browser:
            await browser.send({"type": "start"})
            assert (await browser.said(type="error"))["code"] == 4503
            assert (await browser.closed())[0] == 4503


async def test_a_server_that_goes_tells_its_browsers() -> None:
    async with deployed(drain_seconds=0.0) as here, here.browser() as browser:
        await browser.send({"type": "start"})
        await browser.said(type="ready")
        await here.served.server.drain(0.0)
        assert (await browser.closed())[0] == 1001


async def test_a_session_that_is_opened_elsewhere_is_told() -> None:
    async with deployed() as here, here.browser() as first:
        await first.send({"type": "start", "session": "mine"})
        await first.said(type="ready")
        async with here.browser() as second:
            await second.send({"type": "start", "session": "mine"})
            await second.said(type="ready")
            assert (await first.closed())[0] == 4409
