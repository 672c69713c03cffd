"""Lines that are lost behind a WebRTC call, and before it: the conversation goes on with the next sample.

The server keeps the contract's rules of resuming; the line to it is cut by the test.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

pytest.importorskip("aiortc", reason="aiortc is not installed (the extra `webrtc`)")

from gateway.server import serving as gateway_serving
from tests.clients.cut_line import CutLine, cut_line
from tests.clients.resuming_server import ResumingServer, resuming

from ..harness import settings
from .peer import RATE_HZ, Peer, calling

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")


@dataclass
class Behind:
    server: ResumingServer
    cut: CutLine
    url: str


@asynccontextmanager
async def resumable() -> AsyncIterator[Behind]:
    async with (
        resuming() as server,
        cut_line(server.target) as cut,
        gateway_serving(settings(target=cut.target)) as port,
    ):
        yield Behind(server, cut, f"http://127.0.0.1:{port}")


def played(peer: Peer) -> list[int]:
    return [int(each.get("playedSamples", 0)) for each in peer.of("playback")]


async def test_a_lost_line_to_the_server_is_not_noticed() -> None:
    async with resumable() as behind, calling(behind.url) as peer:
        peer.send({"config": {}})
        peer.send({"text": {"text": "say 3"}})
        await peer.until(lambda: played(peer) and played(peer)[-1] > RATE_HZ // 4, "sound")
        behind.cut.reset()
        await peer.until(lambda: played(peer)[-1] == 72_000, "all of it")
        assert played(peer) == sorted(played(peer))
        assert len(peer.of("sessionStarted")) == 1
        assert peer.of("playback")[-1]["state"] == "STATE_FINISHED"
    assert len(behind.server.configs) == 2


@pytest.mark.parametrize("where", ["header", "config"])
async def test_a_new_call_with_the_token_goes_on(where: str) -> None:
    async with resumable() as behind:
        async with calling(behind.url) as peer:
            peer.send({"config": {}})
            peer.send({"text": {"text": "say 4"}})
            await peer.until(lambda: played(peer) and played(peer)[-1] > RATE_HZ // 4, "sound")
            token = peer.of("resumeUpdate")[-1]["resumeToken"]
        session = behind.server.sessions.only
        header, config = (token, "") if where == "header" else ("", token)
        async with calling(behind.url, resume_token=header) as again:
            again.send({"config": {"resumeToken": config}})
            await again.until(lambda: again.of("playback"), "a report")
            assert again.of("sessionStarted")[0]["resumed"]
            first = again.of("playback")[0]
            assert (first["turn"], first["state"]) == ("1", "STATE_STARTED")
            assert int(first["playedSamples"]) > RATE_HZ // 4
            assert session.turn == 1
    assert behind.server.configs[-1].config.resume_token == token


async def test_what_is_lost_on_the_way_in_a_call_that_goes_on_is_silence_of_its_length() -> None:
    """Places in the sound of this call are not those of the conversation."""
    async with resumable() as behind:
        async with calling(behind.url) as peer:
            peer.send({"config": {}})
            await peer.until(lambda: peer.of("resumeUpdate"), "a token")
            token = peer.of("resumeUpdate")[-1]["resumeToken"]
        session = behind.server.sessions.only
        before = len(session.acted)
        async with calling(behind.url, resume_token=token) as again:
            again.send({"config": {}})
            await session.until(lambda: len(session.acted) > before + 20)
            again.microphone.lose = 25
            await session.until(lambda: any(len(each.audio.data) > 16_000 for each in session.acted))
            sounds = [each.audio for each in session.acted[before:] if each.HasField("audio")]
    assert not any(each.HasField("offset_samples") for each in sounds)
