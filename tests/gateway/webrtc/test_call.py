"""WebRTC, aiortc against aiortc: a conversation on tracks and a data channel, and every way it can end."""

import asyncio
import gc
import json
import logging

import httpx2
import numpy as np
import pytest

pytest.importorskip("aiortc", reason="aiortc is not installed (the extra `webrtc`)")


from aiortc import RTCIceParameters, RTCIceTransport, RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpSendParameters

from gateway.webrtc.inbound_track import SampleClock
from gateway.webrtc.peer import ClosingPeer
from tests.serving import LONG, WITHIN, noise, scripted
from tests.telemetry.test_turn_log import written
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.process.log_lines import JsonLines
from voice_grpc.process.redaction import Redaction

from ..harness import Deployment, deployed
from .peer import RATE_HZ, Microphone, calling

SDP = {"Content-Type": "application/sdp"}
pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")


async def conversations(here: Deployment) -> int:
    async with httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
        count: int = (await http.get("/health")).json()["conversations"]
        return count


async def until_empty(here: Deployment) -> None:
    async with asyncio.timeout(60):
        while await conversations(here):  # noqa: ASYNC110 - over HTTP there is nothing else to wait for
            await asyncio.sleep(0.05)


# ---------------------------------------------------------------- talking


async def test_a_spoken_question_gets_a_spoken_answer() -> None:
    async with deployed() as here, calling(here.url) as peer:
        peer.send({"config": {"sessionId": "mine"}})
        await peer.until(lambda: peer.of("sessionStarted"), "a start")
        config = peer.of("sessionStarted")[0]["effectiveConfig"]
        assert (config["inputAudio"]["sampleRateHz"], config["outputAudio"]["sampleRateHz"]) == (
            16_000,
            48_000,
        )
        peer.microphone.say(noise(0.8, RATE_HZ))
        await peer.until(lambda: peer.state("STATE_COMPLETED"), "an end")
        assert [t["text"] for t in peer.of("transcript") if t.get("isFinal")] == ["hello there"]
        assert "".join(t.get("delta", "") for t in peer.of("responseText")) == "Sure thing."
        assert peer.loud > 20
        await peer.until(lambda: peer.of("turnMetrics"), "metrics")
        assert "mouthToEar" in peer.of("turnMetrics")[0]
        await peer.until(
            lambda: peer.of("playback") and peer.of("playback")[-1]["state"] == "STATE_FINISHED", "all played"
        )
        begun, *later = peer.of("audio")
        assert "offsetSamples" not in begun, "the first segment begins at 0"
        assert not any("data" in each for each in (begun, *later))
        played = [int(each["playedSamples"]) for each in peer.of("playback")]
        assert played == sorted(played)
        assert peer.of("playback")[0]["turn"] == "1"
        peer.send({"endSession": {}})
        await peer.until(lambda: peer.of("sessionEnded"), "the end")
        saved = (await here.served.stub.GetSession(pb.GetSessionRequest(session_id="mine"))).session
        assert [m.text for m in saved.messages] == ["hello there", "Sure thing."]
        await until_empty(here)


async def test_an_interruption_is_silent_at_once_and_remembers_what_was_played() -> None:
    async with deployed(scripted(LONG)) as here, calling(here.url) as peer:
        peer.send({"config": {}})
        peer.send({"text": {"text": "Go on."}})
        await peer.until(lambda: peer.loud > 30, "sound")
        peer.send({"interrupt": {}})
        await peer.until(lambda: peer.of("interrupted"), "a cut")
        cut = peer.of("interrupted")[0]
        assert cut["source"] == "SOURCE_CLIENT_REPORTED"
        assert 0 < len(cut["heardText"]) < 60
        before = len(peer.heard)
        await peer.until(lambda: len(peer.heard) > before + 40, "frames after it")
        assert not any(int(np.abs(samples).max()) > 1_000 for samples in peer.heard[-20:])


async def test_what_the_page_says_is_on_its_way_is_not_heard_yet() -> None:
    """A second's worth of it is said, and half of one believed: of the reports that the server has, the page
    is told."""
    async with deployed(scripted(LONG)) as here, calling(here.url) as peer:
        peer.send({"config": {}})
        await peer.until(lambda: peer.of("sessionStarted"), "a start")
        peer.send({"playback": {"bufferedSamples": "48000"}})
        peer.send({"text": {"text": "Go on."}})
        await peer.until(lambda: len(peer.of("playback")) >= 5, "reports")
        assert [int(each.get("playedSamples", 0)) for each in peer.of("playback")[:3]] == [0, 0, 0]
        assert int(peer.of("playback")[2]["bufferedSamples"]) > 0.2 * RATE_HZ
        assert not peer.of("notice")


STORY = ("Once upon a time there was a queen,", " and she had a very long story to tell.")
LENGTH = round(0.06 * len(STORY[0] + STORY[1].strip()) * RATE_HZ)
"""Samples: a clause is said without the space before it."""


YIELDED = ["ACTION_DUCK", "ACTION_HOLD", "ACTION_RESUME"]
SILENT = 5
"""Frames of 20 ms, while it is held."""
TRIES = 5
"""A machine that stalls for longer than the voice lasts hears all of it at once: nothing waits for that."""


async def test_a_listener_s_word_holds_the_track_and_it_goes_on() -> None:
    for _ in range(TRIES):
        script = Script(ScriptedStt([Hearing("Yeah.")]), ScriptedLlm([ScriptedAnswer("".join(STORY))]))
        async with deployed(script) as here, calling(here.url) as peer:
            peer.send({"config": {}})
            peer.send({"text": {"text": "Tell me a story."}})
            await peer.until(lambda: peer.loud > 30, "sound")
            peer.microphone.say(noise(0.4, RATE_HZ))
            await peer.until(lambda: peer.state("STATE_COMPLETED"), "an end")
            await peer.until(lambda: peer.of("playback")[-1]["state"] == "STATE_FINISHED", "all played")
            controls = [each["action"] for each in peer.of("playbackControl")]
        loud = [int(np.abs(samples).max()) > 1_000 for samples in peer.heard]
        first, last = loud.index(True), len(loud) - loud[::-1].index(True)
        silent = loud[first:last].count(False)
        if controls == YIELDED and silent >= SILENT:
            break
    assert controls == YIELDED
    assert silent >= SILENT
    assert not peer.of("interrupted")
    arms = [next(iter(text.keys() - {"turn", "seq", "serverTimeUs"}), "") for text in peer.texts]
    _, held, resumed = [n for n, text in enumerate(peer.texts) if "playbackControl" in text]
    assert arms[held - 1] == "playback", "what was played is reported before anything else"
    assert "playback" not in arms[held:resumed], "and no more is played"
    played = [int(each["playedSamples"]) for each in peer.of("playback")]
    assert played == sorted(played)
    assert played[-1] == LENGTH


async def test_one_that_only_listens_types_and_hears() -> None:
    async with deployed() as here, calling(here.url, speaks=False) as peer:
        peer.send({"config": {}})
        peer.send({"text": {"text": "Hello?"}})
        await peer.until(lambda: peer.state("STATE_COMPLETED"), "an end")
        await peer.until(lambda: peer.loud > 20, "sound")


async def test_many_at_once_do_not_mix() -> None:
    async with deployed() as here:

        async def talk(name: str) -> None:
            async with calling(here.url) as peer:
                peer.send({"config": {"sessionId": name}})
                peer.send({"text": {"text": "Hello?"}})
                await peer.until(lambda: peer.state("STATE_COMPLETED"), "an end")
                assert peer.of("sessionStarted")[0]["sessionId"] == name

        async with asyncio.TaskGroup() as tasks:
            for n in range(4):
                tasks.create_task(talk(f"mine-{n}"))
        await until_empty(here)


async def test_lost_packets_cost_their_own_time_alone() -> None:
    async with deployed() as here, calling(here.url) as peer:
        peer.send({"config": {}})
        await peer.until(lambda: peer.of("sessionStarted"), "a start")
        peer.microphone.say(noise(0.5, RATE_HZ))
        peer.microphone.lose = 3
        await peer.until(lambda: peer.state("STATE_COMPLETED"), "an end")
        assert not peer.of("notice")


# ---------------------------------------------------------------- ending


async def test_a_browser_that_disappears_is_cleaned_up() -> None:
    """No goodbye: the transport is cut. ICE notices within its consent timeout."""
    async with deployed() as here:
        async with calling(here.url) as peer:
            peer.send({"config": {}})
            await peer.until(lambda: peer.of("sessionStarted"), "a start")
        await until_empty(here)


async def test_a_browser_that_never_completes_is_cleaned_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.webrtc.call.SETUP_SECONDS", 0.2)
    async with deployed() as here, calling(here.url) as peer:
        await peer.until(lambda: any("error" in text for text in peer.texts), "an error")
        assert peer.texts[0]["error"]["message"] == "no config came within 0.2 s"
        await until_empty(here)


async def test_hanging_up_by_http() -> None:
    async with deployed() as here, calling(here.url) as peer:
        peer.send({"config": {}})
        await peer.until(lambda: peer.of("sessionStarted"), "a start")
        async with httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
            assert (await http.delete(peer.location)).status_code == 200
            await until_empty(here)
            assert (await http.delete(peer.location)).status_code == 404


async def test_a_server_that_dies_is_told() -> None:
    async with deployed() as here, calling(here.url) as peer:
        peer.send({"config": {}})
        await peer.until(lambda: peer.of("sessionStarted"), "a start")
        await here.served.server.stop()
        await peer.until(lambda: any("error" in text for text in peer.texts), "an error")
        await until_empty(here)


WRONG = {
    "no JSON": ("{", 4400, "got no JSON"),
    "no config": ('{"text": {"text": "hi"}}', 4400, "config: got another message first"),
    "a value": ('{"config": {"personaId": "nobody"}}', 4400, "config.persona_id: got 'nobody'"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_wrong_is_told(case: str) -> None:
    text, code, said = WRONG[case]
    async with deployed() as here, calling(here.url) as peer:
        peer.channel.send(text)
        await peer.until(lambda: any("error" in t for t in peer.texts), "an error")
        error = next(t["error"] for t in peer.texts if "error" in t)
        assert error["code"] == code
        assert error["message"].startswith(said)
        await until_empty(here)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", SDP, 400),
        (b"v=0", SDP, 400),
        (b"\xff" * 100, SDP, 400),
        (b"v=0", {"Content-Type": "text/plain"}, 415),
        (bytes(70_000), SDP, 413),
    ],
)
async def test_an_offer_that_is_none_is_refused(body: bytes, headers: dict[str, str], status: int) -> None:
    async with deployed() as here, httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
        assert (await http.post("/v1/webrtc", content=body, headers=headers)).status_code == status
        assert await conversations(here) == 0


def an_offer(bundle: str, fingerprint: str) -> str:
    """Of a browser that is nowhere."""
    transport = (
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=setup:actpass",
    )
    lines = (
        *("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", f"a=group:BUNDLE {bundle}"),
        *("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", "a=sendrecv", "a=rtcp-mux", "a=rtpmap:0 PCMU/8000"),
        *(*transport, fingerprint, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"),
        *("a=mid:1", "a=sctp-port:5000", *transport, fingerprint, ""),
    )
    return "\r\n".join(lines)


FINGERPRINT = f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}"


async def test_an_offer_that_aiortc_can_neither_take_nor_close_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its parts go with one that there is not."""
    async with deployed() as here, httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
        refused = await http.post("/v1/webrtc", content=an_offer("7 0 1", FINGERPRINT), headers=SDP)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, 4400)
        assert await conversations(here) == 0
    assert not any(record.exc_info for record in caplog.records)


async def test_what_is_logged_of_an_offer_says_its_trace() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {**SDP, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    with written(JsonLines(Redaction())) as out:
        async with deployed() as here, httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
            await http.post("/v1/webrtc", content=an_offer("7 0 1", FINGERPRINT), headers=headers)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["trace_id"] for line in lines if line["logger"].startswith("gateway")] == [trace]


async def test_an_offer_that_aiortc_fails_to_connect_is_no_bug(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a fingerprint: aiortc takes it, and stumbles in a task of its own once nothing answers; here
    at once."""

    async def unanswered(transport: RTCIceTransport, remote: RTCIceParameters) -> None:
        await transport.stop()

    monkeypatch.setattr(RTCIceTransport, "start", unanswered)
    with caplog.at_level(logging.INFO):
        async with deployed() as here, httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
            taken = await http.post("/v1/webrtc", content=an_offer("0 1", "a=none"), headers=SDP)
            async with asyncio.timeout(WITHIN):
                while "a connection that came to nothing" not in caplog.text:
                    gc.collect()  # asyncio tells of an error that nobody took when the task is gone
                    await asyncio.sleep(0.01)
            assert (await http.delete(taken.headers["Location"])).status_code == 200
            await until_empty(here)
    assert not any(record.levelno >= logging.ERROR for record in caplog.records)


async def test_an_offer_that_is_taken_back_before_it_connects_is_no_bug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with deployed() as here, httpx2.AsyncClient(base_url=here.url, trust_env=False) as http:
        taken = await http.post("/v1/webrtc", content=an_offer("0 1", "a=none"), headers=SDP)
        assert (await http.delete(taken.headers["Location"])).status_code == 200
        await until_empty(here)
    gc.collect()
    assert not any(record.levelno >= logging.ERROR for record in caplog.records)


async def test_a_wrong_token_is_told() -> None:
    async with deployed(tokens=["right"]) as here, calling(here.url, token="wrong") as peer:
        peer.send({"config": {}})
        await peer.until(lambda: any("error" in text for text in peer.texts), "an error")
        assert peer.texts[0]["error"]["code"] in (4401, 4403)


# ---------------------------------------------------------------- pure parts


def test_a_gap_moves_the_place_and_a_jump_no_more_than_a_second() -> None:
    clock = SampleClock(at=100)
    clock.skip_lost(0, 48_000, 960)
    assert clock.at == 100
    clock.skip_lost(960, 48_000, 960)
    assert clock.at == 100
    clock.skip_lost(3 * 960, 48_000, 960)
    assert clock.at == 100 + 320
    clock.skip_lost(10_000_000, 48_000, 960)
    assert clock.at == 420 + 16_000


async def test_the_microphone_of_these_tests_speaks() -> None:
    microphone = Microphone()
    microphone.say(noise(0.1, RATE_HZ))
    frame = await microphone.recv()
    assert np.abs(frame.to_ndarray()).max() > 1_000


async def test_what_is_begun_while_a_connection_is_closed_ends_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """aiortc goes on setting up what is closed, as by a browser that leaves at once: its RTCP would never
    end."""
    is_set_up, goes_on = asyncio.Event(), asyncio.Event()

    async def held(sender: RTCRtpSender, parameters: RTCRtpSendParameters) -> None:
        is_set_up.set()
        await goes_on.wait()

    monkeypatch.setattr(RTCRtpSender, "send", held)
    before = asyncio.all_tasks()
    calls, answers = ClosingPeer(), ClosingPeer()
    for peer in (calls, answers):
        peer.addTrack(Microphone())
    await calls.setLocalDescription(await calls.createOffer())
    await answers.setRemoteDescription(calls.localDescription)
    await answers.setLocalDescription(await answers.createAnswer())
    await calls.setRemoteDescription(answers.localDescription)
    await is_set_up.wait()
    for peer in (calls, answers):
        await peer.close()
    goes_on.set()
    async with asyncio.timeout(WITHIN):
        while asyncio.all_tasks() - before:  # noqa: ASYNC110 - they are aiortc's
            await asyncio.sleep(0.01)
