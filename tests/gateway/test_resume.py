"""Lines that are lost before and behind the gateway: the conversation goes on, in every dialect.

The server keeps the contract's rules of resuming; the line to it is cut by the test.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import pytest

from gateway.close_codes import close_reason_of
from gateway.dialects import proto_json
from gateway.server import serving as gateway_serving
from tests.clients.cut_line import CutLine, cut_line
from tests.clients.resuming_server import ResumingServer, Sessions, resuming
from tests.clients.resuming_session import Session, ramp
from tests.gateway.harness import Browser, Deployment, settings
from voice_grpc.client import CallFailed, FailureDetails
from voice_grpc.pb import voice_pb2 as pb

PROTO, JSON = "voice.v1.proto", "voice.v1.json"
REPORTS = pb.SessionConfig(capabilities=pb.ClientCapabilities(playback_reports=True))


@dataclass
class Behind:
    """The gateway, and what is behind it."""

    server: ResumingServer
    cut: CutLine
    here: Deployment

    @property
    def session(self) -> Session:
        return self.server.sessions.only


@asynccontextmanager
async def resumable(sessions: Sessions | None = None, **gateway: Any) -> AsyncIterator[Behind]:
    async with (
        resuming(sessions) as server,
        cut_line(server.target) as cut,
        gateway_serving(settings(target=cut.target, **gateway)) as port,
    ):
        yield Behind(server, cut, Deployment(None, port))  # type: ignore[arg-type]


@dataclass
class Speaker:
    """One dialect: how a browser says a few things in it, and what it heard."""

    browser: Browser

    async def start(self, token: str = "") -> None:
        raise NotImplementedError

    async def text(self, words: str) -> None:
        raise NotImplementedError

    async def played(self, samples: int) -> None:
        raise NotImplementedError

    @property
    def heard(self) -> bytes:
        raise NotImplementedError

    @property
    def arms(self) -> list[str]:
        """Of all responses."""
        raise NotImplementedError

    async def until_heard(self, samples: int) -> None:
        """Plays at once whatever comes."""
        reported = 0
        while len(self.heard) < 2 * samples:
            count = len(self.heard)
            if reported != count:
                await self.played(count // 2)
                reported = count
            frames = len(self.browser.frames)
            await self.browser.until(lambda frames=frames: len(self.browser.frames) > frames, "more")  # type: ignore[misc]


class Proto(Speaker):
    async def _send(self, **payload: Any) -> None:
        await self.browser.send(pb.ConverseRequest(**payload).SerializeToString())

    async def start(self, token: str = "") -> None:
        config = pb.SessionConfig(resume_token=token)
        config.MergeFrom(REPORTS)
        await self._send(config=config)

    async def text(self, words: str) -> None:
        await self._send(text=pb.TextInput(text=words))

    async def played(self, samples: int) -> None:
        progress = pb.PlaybackReport.STATE_PROGRESS
        await self._send(playback=pb.PlaybackReport(turn=1, state=progress, played_samples=samples))

    @property
    def responses(self) -> list[pb.ConverseResponse]:
        return [pb.ConverseResponse.FromString(frame) for frame in self.browser.sound]

    @property
    def heard(self) -> bytes:
        return b"".join(each.audio.data for each in self.responses)

    @property
    def arms(self) -> list[str]:
        return [str(each.WhichOneof("payload")) for each in self.responses]


class Json(Speaker):
    async def start(self, token: str = "") -> None:
        await self.browser.send({"config": {"resumeToken": token, "capabilities": {"playbackReports": True}}})

    async def text(self, words: str) -> None:
        await self.browser.send({"text": {"text": words}})

    async def played(self, samples: int) -> None:
        report = {"turn": "1", "state": "STATE_PROGRESS", "playedSamples": samples}
        await self.browser.send({"playback": report})

    @property
    def heard(self) -> bytes:
        return b"".join(frame[proto_json.HEADER.size :] for frame in self.browser.sound)

    @property
    def arms(self) -> list[str]:
        names = {"seq", "turn", "serverTimeUs"}
        return [next(iter(text.keys() - names)) for text in self.browser.texts]


class Simple(Speaker):
    async def start(self, token: str = "") -> None:
        start = {"type": "start", "sample_rate": 24_000, "output_sample_rate": 24_000}
        await self.browser.send({**start, **({"resume_token": token} if token else {})})

    async def text(self, words: str) -> None:
        await self.browser.send({"type": "text", "text": words})

    async def played(self, samples: int) -> None:
        await self.browser.send({"type": "played", "ms": samples / 24})

    @property
    def heard(self) -> bytes:
        return b"".join(self.browser.sound)

    @property
    def arms(self) -> list[str]:
        return [text["type"] for text in self.browser.texts]


DIALECTS = {PROTO: Proto, JSON: Json, "": Simple}


@pytest.fixture(params=DIALECTS, ids=lambda name: name or "simple")
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def speaking(behind: Behind, dialect: str) -> AsyncIterator[Speaker]:
    async with behind.here.browser(*([dialect] if dialect else [])) as browser:
        yield DIALECTS[dialect](browser)


def ramped(heard: bytes) -> list[int]:
    return [int(sample) for sample in np.frombuffer(heard, "<i2")]


# ---------------------------------------------------------------- the line behind


async def test_a_lost_line_to_the_server_is_not_noticed(dialect: str) -> None:
    async with resumable() as behind, speaking(behind, dialect) as speaker:
        await speaker.start()
        await speaker.text("say 2")
        await speaker.until_heard(12_000)
        behind.cut.reset()
        await speaker.until_heard(48_000)
        await speaker.text("and")
        await behind.session.until(lambda: behind.session.turn == 2)
    assert ramped(speaker.heard) == ramp(0, 48_000).tolist()
    started = [arm for arm in speaker.arms if arm in ("session_started", "sessionStarted", "ready")]
    assert len(started) == 1
    assert len(behind.server.configs) == 2


async def test_what_a_browser_says_while_the_line_is_away_arrives_once(dialect: str) -> None:
    async with resumable() as behind, speaking(behind, dialect) as speaker:
        await speaker.start()
        await speaker.text("one")
        await behind.server.until_begun()
        await behind.session.until(lambda: behind.session.turn == 1)
        behind.cut.cut()
        await speaker.text("two")
        await speaker.text("three")
        behind.cut.mend()
        await behind.session.until(lambda: behind.session.turn == 3)
        acted = behind.session.acted
    assert [each.text.text for each in acted if each.HasField("text")] == ["one", "two", "three"]


async def test_the_next_stream_is_asked_for_on_behalf_of_the_same_browser() -> None:
    async with resumable() as behind, speaking(behind, JSON) as speaker:
        await speaker.start()
        await speaker.text("say 1")
        await speaker.until_heard(6_000)
        behind.cut.reset()
        await speaker.until_heard(24_000)
    assert behind.server.forwarded == ["127.0.0.1"] * 2


async def test_a_server_that_stays_away_is_4503_and_not_a_bug(dialect: str) -> None:
    async with resumable(reconnect_within=0.2) as behind, speaking(behind, dialect) as speaker:
        await speaker.start()
        await speaker.text("say 1")
        await speaker.until_heard(6_000)
        behind.cut.cut()
        assert (await speaker.browser.closed())[0] == 4503


async def test_a_server_that_knows_nothing_any_more_is_4503(dialect: str) -> None:
    async with resumable() as behind, speaking(behind, dialect) as speaker:
        await speaker.start()
        await speaker.text("say 1")
        await speaker.until_heard(6_000)
        behind.server.sessions.by_id.clear()
        behind.cut.reset()
        assert (await speaker.browser.closed())[0] == 4503


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED]
)
def test_a_server_that_was_killed_is_away(code: grpc.StatusCode) -> None:
    assert close_reason_of(CallFailed(code, "Stream removed")).code == 4503
    assert close_reason_of(CallFailed(code, "a bug", FailureDetails("BUG"))).code == 1011


async def test_a_server_that_goes_is_left_and_nobody_is_told() -> None:
    async with resumable() as behind, speaking(behind, PROTO) as speaker:
        await speaker.start()
        await speaker.text("one")
        await speaker.browser.until(lambda: speaker.arms.count("resume_update") == 2, "the end of a turn")
        behind.server.go_away("drain", 30)
        await speaker.browser.until(lambda: speaker.arms.count("resume_update") == 3, "the next stream")
        await speaker.text("two")
        await behind.session.until(lambda: behind.session.turn == 2)
    assert "go_away" not in speaker.arms
    assert speaker.arms.count("session_started") == 1
    assert (len(behind.server.configs), behind.server.most_open) == (2, 2)


async def test_an_idle_conversation_is_told_that_it_ends() -> None:
    async with resumable() as behind, speaking(behind, PROTO) as speaker:
        await speaker.start()
        await speaker.browser.until(lambda: "resume_update" in speaker.arms, "a token")
        behind.server.go_away("idle", 30)
        await speaker.browser.until(lambda: "go_away" in speaker.arms, "the end")


async def test_a_browser_that_obeys_is_asked_where_it_is_as_another_server_takes_over() -> None:
    """Its last report before is older than that."""
    sessions = Sessions()
    async with resuming(sessions) as other, resumable(sessions) as behind, speaking(behind, JSON) as speaker:
        browser = speaker.browser
        obeys = {"playbackReports": True, "playbackControl": True}
        await browser.send({"config": {"capabilities": obeys}})
        await speaker.text("say 2")
        await speaker.until_heard(9_600)
        behind.cut.server = other.target
        behind.cut.reset()

        def controls() -> list[tuple[str, int]]:
            asked = [text["playbackControl"] for text in browser.texts if "playbackControl" in text]
            return [(each["action"], int(each.get("positionSamples", 0))) for each in asked]

        await browser.until(lambda: len(controls()) == 1, "HOLD")
        await speaker.played(9_500)
        await browser.until(lambda: len(controls()) == 2, "RESUME")
        assert controls() == [("ACTION_HOLD", 0), ("ACTION_RESUME", 9_500)]
        await browser.until(lambda: "interrupted" in speaker.arms, "the cut")
    assert other.configs[-1].config.resume_played_samples == 9_500


# ---------------------------------------------------------------- the browser's own line


async def test_a_browser_that_comes_back_with_its_token_goes_on(dialect: str) -> None:
    async with resumable() as behind:
        async with speaking(behind, dialect) as speaker:
            await speaker.start()
            await speaker.text("say 2")
            await speaker.until_heard(12_000)
            token = token_of(speaker)
        async with speaking(behind, dialect) as again:
            await again.start(token)
            await again.browser.until(lambda: len(again.heard) > 0, "sound")
        before, heard = ramped(speaker.heard), ramped(again.heard)
        begins = heard[0] - 1
        assert heard == ramp(begins, len(heard)).tolist()
        assert 0 < begins <= len(before), "none is left out"
        assert behind.server.configs[-1].config.resume_token == token


def token_of(speaker: Speaker) -> str:
    """The last one."""
    match speaker:
        case Proto():
            tokens = [each.resume_update.resume_token for each in speaker.responses]
            return next(token for token in reversed(tokens) if token)
        case Json():
            told = [text["resumeUpdate"] for text in speaker.browser.texts if "resumeUpdate" in text]
            return str(told[-1]["resumeToken"])
    return str([text["resume_token"] for text in speaker.browser.texts if text["type"] == "ready"][-1])


async def test_each_later_token_is_told_in_the_simple_dialect() -> None:
    async with resumable() as behind, speaking(behind, "") as speaker:
        await speaker.start()
        ready = await speaker.browser.said(type="ready")
        await speaker.text("one")
        later = await speaker.browser.said(type="resume_token")
    assert ready["resume_token"].startswith("token-session1-")
    assert later["token"].startswith("token-session1-")
    assert later["token"] != ready["resume_token"]


async def test_a_browser_that_numbers_its_requests_sends_again_what_was_lost() -> None:
    """Sound too: its number stands in the header."""

    def sound(seq: int) -> bytes:
        return proto_json.HEADER.pack(1, 8, 0, 0, seq, 0, 0) + ramp(320 * seq, 320).tobytes()

    async with resumable() as behind:
        async with speaking(behind, JSON) as speaker:
            await speaker.browser.send({"seq": 1, "config": {}})
            for seq in range(2, 12):
                await speaker.browser.send(sound(seq))
            await speaker.browser.until(lambda: bool(speaker.browser.texts), "a start")
            await behind.session.until(lambda: behind.session.consumed == 11)
            token = token_of(speaker)
        async with speaking(behind, JSON) as again:
            await again.browser.send({"seq": 16, "config": {"resumeToken": token}})
            for seq in range(5, 16):
                await again.browser.send(sound(seq))
            await again.browser.send({"seq": 17, "audioEnd": {}})
            await behind.session.until(lambda: bool(behind.session.spoken))
            started = json.loads(str(again.browser.frames[0]))["sessionStarted"]
    assert started["resumed"]
    assert started["lastConsumedSeq"] == "11"
    assert behind.session.spoken == [ramp(640, 320 * 14).tobytes()]


async def test_what_is_no_token_begins_a_conversation(dialect: str) -> None:
    async with resumable() as behind, speaking(behind, dialect) as speaker:
        await speaker.start("token-of-somebody-1")
        await speaker.text("hello")
        session = await behind.server.until_begun()
        await session.until(lambda: session.turn == 1)
