"""`voice.v1.proto` and `voice.v1.json` over a real socket: whatever Converse can do."""

import json
from typing import Any

import numpy as np
import pytest

from gateway.dialects import proto_json
from tests.serving import LONG, noise, scripted
from voice_grpc.core.audio import Samples, rms
from voice_grpc.engines.scripted import Script, ScriptedAnswer, ScriptedLlm
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import CallRequest

from ..harness import Browser, deployed

PROTO, JSON = "voice.v1.proto", "voice.v1.json"


def frames(seconds: float = 0.5) -> list[Samples]:
    """Noise, and the silence after which the turn is over, 20 ms each."""
    sound = np.concatenate((noise(seconds), np.zeros(16_000, np.int16)))
    return [sound[at : at + 320] for at in range(0, len(sound), 320)]


def packed(payload: bytes, flags: int = 0, offset: int = 0) -> bytes:
    return proto_json.HEADER.pack(1, flags, 0, 0, 0, 0, offset) + payload


# ---------------------------------------------------------------- voice.v1.proto


def responses(browser: Browser) -> list[pb.ConverseResponse]:
    return [pb.ConverseResponse.FromString(frame) for frame in browser.sound]


async def test_proto_is_passed_through() -> None:
    async with deployed() as here, here.browser(PROTO) as browser:
        assert browser.socket.subprotocol == PROTO
        await browser.send(pb.ConverseRequest(config=pb.SessionConfig(session_id="mine")).SerializeToString())
        for n, samples in enumerate(frames()):
            audio = pb.AudioInput(data=samples.tobytes(), offset_samples=320 * n)
            await browser.send(pb.ConverseRequest(seq=n + 2, audio=audio).SerializeToString())
        await browser.until(
            lambda: any(r.turn_event.state == pb.TurnEvent.STATE_COMPLETED for r in responses(browser)),
            "an end",
        )
        said = responses(browser)
        assert said[0].session_started.session_id == "mine"
        assert [r.seq for r in said] == list(range(1, len(said) + 1))
        assert "".join(r.response_text.delta for r in said) == "Sure thing."
        assert rms(np.frombuffer(b"".join(r.audio.data for r in said), "<i2")) > 0.1
        await browser.send(pb.ConverseRequest(end_session=pb.EndSession()).SerializeToString())
        assert await browser.closed() == (1000, "")
        assert responses(browser)[-1].WhichOneof("payload") == "session_ended"


@pytest.mark.parametrize(
    ("frame", "code", "said"),
    [
        (
            "hello",
            1008,
            "voice.v1.proto: got a text frame, accepted: binary frames, one ConverseRequest each",
        ),
        (b"\xff\xff\xff", 4400, 'request: got "Error parsing message'),
        (
            pb.ConverseRequest(text=pb.TextInput(text="hi")).SerializeToString(),
            4400,
            "text: got 'as the first request', accepted: config",
        ),
    ],
)
async def test_proto_that_is_none(frame: str | bytes, code: int, said: str) -> None:
    async with deployed() as here, here.browser(PROTO) as browser:
        await browser.send(frame)
        closed, reason = await browser.closed()
        assert closed == code
        assert (reason or "").startswith(said)


# ---------------------------------------------------------------- voice.v1.json


async def test_json_is_the_same_in_words() -> None:
    async with deployed() as here, here.browser(JSON) as browser:
        assert browser.socket.subprotocol == JSON
        await browser.send({"config": {"sessionId": "mine", "languageCodes": ["en"]}})
        await browser.until(lambda: bool(browser.texts), "a start")
        started = browser.texts[0]["sessionStarted"]
        assert started["effectiveConfig"]["inputAudio"]["sampleRateHz"] == 16_000
        for n, samples in enumerate(frames()):
            await browser.send(packed(samples.tobytes(), 2, 320 * n))
        await browser.until(lambda: ended(browser, "STATE_COMPLETED"), "an end")
        finals = [t["transcript"]["text"] for t in browser.texts if t.get("transcript", {}).get("isFinal")]
        assert finals == ["hello there"]
        headers = [proto_json.HEADER.unpack_from(frame) for frame in browser.sound]
        assert [h[4] for h in headers] == list(range(len(headers)))
        assert [h[1] & 1 for h in headers] == [0] * (len(headers) - 1) + [1]
        assert {h[0] for h in headers} == {1}
        assert {h[3] for h in headers} == {1}
        assert all(b[6] == a[6] + a[5] for a, b in zip(headers, headers[1:], strict=False))
        sound = b"".join(frame[24:] for frame in browser.sound)
        assert len(sound) == 2 * sum(h[5] for h in headers)
        assert rms(np.frombuffer(sound, "<i2")) > 0.1
        await browser.send({"endSession": {}})
        assert await browser.closed() == (1000, "")
        assert browser.texts[-1]["sessionEnded"] == {"reason": "REASON_CLIENT"}


def ended(browser: Browser, state: str) -> bool:
    return any(text.get("turnEvent", {}).get("state") == state for text in browser.texts)


async def test_json_can_do_all_of_converse() -> None:
    """Tools, playback reports, an interruption, a change of settings: nothing is left out on the way."""
    call = ScriptedAnswer("", calls=(CallRequest("weather", {"city": "Rome"}),))
    script = Script(llm=ScriptedLlm([call, ScriptedAnswer(LONG), ScriptedAnswer("Fine.")]))
    async with deployed(script) as here, here.browser(JSON) as browser:
        await browser.send({"config": {"tools": [{"name": "weather", "parameters": {"type": "object"}}]}})
        await browser.send({"text": {"text": "The weather?"}})
        await browser.until(lambda: any("toolCall" in t for t in browser.texts), "a call")
        asked = next(t["toolCall"] for t in browser.texts if "toolCall" in t)
        assert asked["arguments"] == {"city": "Rome"}
        await browser.send({"toolResult": {"callId": asked["callId"], "result": {"sky": "sunny"}}})
        await browser.until(lambda: len(browser.sound) > 4, "sound")
        report = {"turn": "1", "state": "STATE_PROGRESS", "playedSamples": "2400"}
        await browser.send({"playback": report})
        await browser.send(
            {"configUpdate": {"config": {"voice": {"speakingRate": 1.5}}, "updateMask": "voice"}}
        )
        await browser.send({"interrupt": {}})
        await browser.until(lambda: any("interrupted" in t for t in browser.texts), "a cut")
        cut = next(t["interrupted"] for t in browser.texts if "interrupted" in t)
        assert (cut["source"], cut["reason"]) == ("SOURCE_CLIENT_REPORTED", "REASON_REQUEST")
        await browser.until(lambda: any("configApplied" in t for t in browser.texts), "the change")
        (use,) = script.llm.prompts[1].messages[-1].uses
        assert json.loads(use.result) == {"sky": "sunny"}


def deep(levels: int) -> dict[str, Any]:
    """Objects in one another."""
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"x": value}
    return value


FLAT = {"name": "flat", "parameters": {"type": "object"}}
TOO_DEEP = f"levels of objects and lists in one another, accepted: at most {proto_json.MAX_LEVELS}"
WRONG: dict[str, tuple[list[str | bytes | dict[str, Any]], int, str]] = {
    "a schema beyond the server's bound": (
        [{"config": {"tools": [FLAT, {"name": "t", "parameters": {"type": "object", "x": deep(24)}}]}}],
        4400,
        "config.tools[1].parameters: got 't: 25 levels",
    ),
    "a schema that no protobuf can be": (
        [{"config": {"tools": [FLAT, {"name": "t", "parameters": deep(60)}]}}],
        4400,
        f"config.tools[1].parameters: got 60 {TOO_DEEP}",
    ),
    "a schema without end": (
        [{"config": {"tools": [{"name": "t", "parameters": deep(400)}]}}],
        4400,
        f"config.tools[0].parameters: got 400 {TOO_DEEP}",
    ),
    "a result that no protobuf can be": (
        [{"config": {}}, {"toolResult": {"callId": "call-1-1", "result": deep(60)}}],
        4400,
        f"toolResult.result: got 60 {TOO_DEEP}",
    ),
    "depth where nothing is deep": ([{"confog": deep(60)}], 4400, "got no ConverseRequest in proto3 JSON"),
    "sound first": ([packed(b"12")], 4400, "config: got sound"),
    "no JSON": (["{"], 4400, "got no JSON"),
    "no request": ([{"confog": {}}], 4400, "got no ConverseRequest in proto3 JSON"),
    "a type": ([{"config": {"sessionId": 7}}], 4400, "got no ConverseRequest in proto3 JSON"),
    "a value": ([{"config": {"personaId": "nobody"}}], 4400, "config.persona_id: got 'nobody'"),
    "no config": ([{"text": {"text": "hi"}}], 4400, "text: got 'as the first request', accepted: config"),
    "a token": ([{"authorization": 7, "config": {}}], 4400, "authorization: got no text"),
    "a short header": ([{"config": {}}, b"\x01" * 23], 4400, "audio: got 23 bytes of version 1"),
    "a version": ([{"config": {}}, b"\x02" * 30], 4400, "audio: got 30 bytes of version 2"),
    "nothing": ([{"config": {}}, b""], 4400, "audio: got 0 bytes, accepted"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_json_that_is_wrong_is_told(case: str) -> None:
    given, code, said = WRONG[case]
    async with deployed() as here, here.browser(JSON) as browser:
        for frame in given:
            await browser.send(frame)
        await browser.until(lambda: any("error" in text for text in browser.texts), "an error")
        error = next(text["error"] for text in browser.texts if "error" in text)
        assert error["message"].startswith(said), error
        assert (await browser.closed())[0] == code


async def test_a_sound_frame_there_and_back() -> None:
    audio = pb.AudioOutput(
        data=b"sound",
        chunk_index=3,
        offset_samples=2**40,
        duration_samples=960,
        segment_index=2,
        is_last=True,
    )
    frame = proto_json.sound_frame(7, audio)
    assert proto_json.HEADER.unpack_from(frame) == (1, 3, 2, 7, 3, 960, 2**40)
    heard = pb.AudioInput(data=b"sound", offset_samples=2**40)
    assert proto_json.read_sound(frame) == pb.ConverseRequest(audio=heard)
    assert proto_json.read_sound(packed(b"x", 4)).audio.discontinuity
    numbered = proto_json.HEADER.pack(1, 8, 0, 0, 77, 0, 0) + b"x"
    assert proto_json.read_sound(numbered) == pb.ConverseRequest(seq=77, audio=pb.AudioInput(data=b"x"))


async def test_bytes_of_every_coding_pass() -> None:
    """The gateway looks into no sound: what is declared is the server's business."""
    async with deployed(scripted()) as here, here.browser(JSON) as browser:
        mulaw = {"encoding": "AUDIO_ENCODING_MULAW", "sampleRateHz": 8_000}
        await browser.send({"config": {"outputAudio": mulaw}})
        await browser.send({"text": {"text": "Hello?"}})
        await browser.until(lambda: ended(browser, "STATE_COMPLETED"), "an end")
        headers = [proto_json.HEADER.unpack_from(frame) for frame in browser.sound]
        assert sum(len(f) - 24 for f in browser.sound) == sum(h[5] for h in headers)


async def test_a_browser_that_is_gone_leaves_no_session() -> None:
    async with deployed() as here:
        async with here.browser(JSON) as browser:
            await browser.send({"config": {"sessionId": "mine"}})
            await browser.until(lambda: bool(browser.texts), "a start")
            browser.socket.transport.abort()
        async with here.browser(JSON) as browser:
            await browser.send({"config": {"sessionId": "mine"}})
            await browser.until(lambda: bool(browser.texts), "a start")
