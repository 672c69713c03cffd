"""Whatever a caller sends wrongly, it is told field, value and what is accepted, and nobody else notices.

Every case is followed by a good conversation on the same server.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from grpc_channelz.v1 import channelz_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from voice_grpc.engines.scripted import ScriptedAnswer
from voice_grpc.pb import voice_pb2 as pb

from ..serving import LONG, OK, RATE_HZ, Ended, noise, scripted, serving

Code = grpc.StatusCode
PCM, FLOAT = pb.AUDIO_ENCODING_PCM_S16LE, pb.AUDIO_ENCODING_PCM_F32LE

# ---------------------------------------------------------------- a config that is refused


def formats(direction: str) -> Iterator[tuple[dict[str, Any], str, str, str]]:
    """What is asked for, field, value, accepted."""
    path = f"config.{direction}"
    given: list[tuple[dict[str, Any], str, str, str]] = [
        ({"encoding": 99}, "encoding", "99", "AUDIO_ENCODING_PCM_S16LE"),
        ({}, "encoding", "AUDIO_ENCODING_UNSPECIFIED", "AUDIO_ENCODING_PCM_S16LE"),
        ({"encoding": PCM, "sample_rate_hz": 7_000}, "sample_rate_hz", "7000", "8000, 16000, 24000, 48000"),
        ({"encoding": PCM, "sample_rate_hz": 2**32 - 1}, "sample_rate_hz", "4294967295", "8000, 16000"),
        ({"encoding": PCM, "channels": 16}, "channels", "16", "1 or 2"),
    ]
    for asked, field, value, accepted in given:
        yield {direction: pb.AudioFormat(**asked)}, f"{path}.{field}", value, accepted


def durations() -> Iterator[tuple[dict[str, Any], str, str, str]]:
    bounds = {
        "min_speech": (0.01, 2, "0.03 s to 1 s"),
        "hold": (0, 6, "0.1 s to 5 s"),
        "interrupt_after": (0, 4, "0.06 s to 3 s"),
        "prefix_padding": (-1, 2, "0 s to 1 s"),
        "idle_timeout": (0, 4000, "1 s to 3600 s"),
    }
    for name, (low, high, accepted) in bounds.items():
        for wrong in (low, high):
            detection = pb.TurnDetection(**{name: seconds(wrong)})  # type: ignore[arg-type]
            path = f"config.turn_detection.{name}"
            yield {"turn_detection": detection}, path, f"{wrong:g} s", accepted
    for lead in (0.05, 0.5, 1e9):
        field = "config.max_playout_lead"
        yield {"max_playout_lead": seconds(lead)}, field, f"{lead:g} s", "0.1 s to 0.4 s"


def seconds(value: float) -> Duration:
    whole = int(value)
    return Duration(seconds=whole, nanos=round((value - whole) * 1e9))


def numbers() -> Iterator[tuple[dict[str, Any], str, str, str]]:
    for wrong in (float("nan"), float("inf"), 0.0, 1.0):
        detection = pb.TurnDetection(threshold=wrong)
        yield {"turn_detection": detection}, "config.turn_detection.threshold", f"{wrong}", "0.05 to 0.95"
    for wrong in (0.25, 3.0, float("nan")):
        voice = pb.VoiceConfig(speaking_rate=wrong)
        yield {"voice": voice}, "config.voice.speaking_rate", f"{wrong}", "0.5 to 2"
    for wrong in (-1.0, 2.5):
        generation = pb.GenerationConfig(temperature=wrong)
        yield {"generation": generation}, "config.generation.temperature", f"{wrong}", "0 to 2"
    for count in (0, 4097):
        generation = pb.GenerationConfig(max_output_tokens=count)
        yield {"generation": generation}, "config.generation.max_output_tokens", f"{count}", "1 to 4096"


def names() -> Iterator[tuple[dict[str, Any], str, str, str]]:
    yield {"persona_id": "nobody"}, "config.persona_id", "'nobody'", "default, interviewer, tutor"
    yield {"voice": pb.VoiceConfig(voice_id="bass")}, "config.voice.voice_id", "'bass'", "hum, tone"
    for tag in ("xx", "english", "", "en_US", "en-" + "a" * 99):
        yield {"language_codes": [tag]}, "config.language_codes", f"'{tag}"[:60], "BCP 47"
    yield {"language_codes": ["en"] * 9}, "config.language_codes", "9 tags", "at most 8"
    for id in ("a b", "ä", "../etc", "a" * 129, "a\n"):
        yield {"session_id": id}, "config.session_id", repr(id)[:60], "1 to 128 of A-Z a-z 0-9 . _ - :"
    yield {"instructions": "x" * 8_001}, "config.instructions", "8001 characters", "0 to 8000 characters"
    yield {"greeting": "x" * 1_001}, "config.greeting", "1001 characters", "0 to 1000 characters"
    prompt = pb.TranscriptionConfig(prompt="x" * 1_001)
    yield {"transcription": prompt}, "config.transcription.prompt", "1001 characters", "0 to 1000 characters"
    yield {"metadata": {str(n): "x" for n in range(17)}}, "config.metadata", "17 entries", "at most 16"
    yield {"metadata": {"k": "x" * 129}}, "config.metadata", "129", "128 characters"
    yield {"metadata": {"k" * 129: "x"}}, "config.metadata", "129", "128 characters"


CONFIGS = [*formats("input_audio"), *formats("output_audio"), *durations(), *numbers(), *names()]


@pytest.mark.parametrize(
    ("given", "field", "value", "accepted"), CONFIGS, ids=[f"{c[1]}: {c[2]}"[:60] for c in CONFIGS]
)
async def test_a_wrong_config_is_refused(
    given: dict[str, Any], field: str, value: str, accepted: str
) -> None:
    async with serving() as served:
        async with served.talk() as talk:
            await talk.send(pb.ConverseRequest(config=pb.SessionConfig(**given)))
            how = await talk.ended()
        assert_refused(how, field)
        assert value in how.message
        assert accepted in how.message
        assert len(how.message) < 400
        assert talk.said == []
        await served.assert_serves()


def assert_refused(how: Ended, field: str) -> None:
    assert (how.code, how.reason, list(how.fields)) == (Code.INVALID_ARGUMENT, "BAD_FIELD", [field]), how
    assert how.message == how.fields[field]


# ---------------------------------------------------------------- a message that is skipped


FLOATS = pb.AudioFormat(encoding=FLOAT, sample_rate_hz=RATE_HZ)
SKIPPED = {
    "odd byte count": (pb.ConverseRequest(audio=pb.AudioInput(data=b"123")), "audio.data", "multiple of 4"),
    "half a sample": (pb.ConverseRequest(audio=pb.AudioInput(data=b"12")), "audio.data", "2 bytes"),
    "NaN": (
        pb.ConverseRequest(audio=pb.AudioInput(data=np.full(320, np.nan, "<f4").tobytes())),
        "audio.data",
        "finite",
    ),
    "infinity": (
        pb.ConverseRequest(audio=pb.AudioInput(data=np.full(320, -np.inf, "<f4").tobytes())),
        "audio.data",
        "finite",
    ),
    "empty text": (pb.ConverseRequest(text=pb.TextInput()), "text.text", "1 to 8000 characters"),
    "white space": (pb.ConverseRequest(text=pb.TextInput(text=" \n\t")), "text.text", "not only white space"),
    "100,000 characters": (
        pb.ConverseRequest(text=pb.TextInput(text="x" * 100_000)),
        "text.text",
        "100000 characters",
    ),
    "empty say": (pb.ConverseRequest(say=pb.Say()), "say.text", "1 to 8000 characters"),
    "long say": (pb.ConverseRequest(say=pb.Say(text="x" * 8_001)), "say.text", "8001 characters"),
    "unknown mask path": (
        pb.ConverseRequest(config_update=pb.ConfigUpdate(update_mask=FieldMask(paths=["session_id"]))),
        "config_update.update_mask",
        "voice, language_codes",
    ),
    "mask path into a field": (
        pb.ConverseRequest(
            config_update=pb.ConfigUpdate(update_mask=FieldMask(paths=["voice.speaking_rate"]))
        ),
        "config_update.update_mask",
        "'voice.speaking_rate'",
    ),
    "update without mask of what cannot be": (
        pb.ConverseRequest(config_update=pb.ConfigUpdate(config=pb.SessionConfig(session_id="other"))),
        "config_update.update_mask",
        "'session_id'",
    ),
    "update to nonsense": (
        pb.ConverseRequest(
            config_update=pb.ConfigUpdate(
                config=pb.SessionConfig(turn_detection=pb.TurnDetection(threshold=float("nan")))
            )
        ),
        "config.turn_detection.threshold",
        "0.05 to 0.95",
    ),
    "a step back": (
        pb.ConverseRequest(audio=pb.AudioInput(data=bytes(1280), offset_samples=0)),
        "audio.offset_samples",
        "accepted: 320 or more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SKIPPED)
async def test_a_bad_message_is_skipped_and_the_stream_lives(name: str) -> None:
    request, field, accepted = SKIPPED[name]
    async with serving() as served:
        async with served.talk() as talk:
            await talk.config(input_audio=FLOATS)
            await talk.send(pb.ConverseRequest(audio=pb.AudioInput(data=bytes(1280))))
            request.seq = 77
            await talk.send(request)
            notice = await talk.notice("BAD_MESSAGE")
            assert (notice.field, notice.request_seq) == (field, 77)
            assert accepted in notice.message
            await talk.text("Go on.", text_only=True)
            assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
            assert len(talk.notices) == 1
        await served.assert_serves()


async def test_a_chunk_without_bytes_is_ignored() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        for _ in range(3):
            await talk.send(pb.ConverseRequest(audio=pb.AudioInput()))
        await talk.speak()
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        assert talk.notices == []


async def test_far_offsets_cost_nothing() -> None:
    """At most 1 s of what is missing is made up; what no position can tell is skipped."""
    async with serving() as served, served.talk() as talk:
        await talk.config()
        for offset in (2**40, 2**63, 2**64 - 1):
            await talk.send(pb.ConverseRequest(audio=pb.AudioInput(data=bytes(640), offset_samples=offset)))
        await talk.text("Still there?", text_only=True)
        assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
        assert [notice.field for notice in talk.notices] == ["audio.offset_samples"] * 2
        await talk.half_close()
        assert await talk.ended() == OK


# ---------------------------------------------------------------- a token


async def test_a_token_is_no_setting_to_be_changed() -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        update = pb.ConfigUpdate(config=pb.SessionConfig(resume_token="gone"))
        await talk.send(pb.ConverseRequest(seq=9, config_update=update))
        notice = await talk.notice("BAD_MESSAGE")
        assert (notice.field, notice.request_seq) == ("config_update.update_mask", 9)
        assert "'resume_token'" in notice.message


async def test_the_instructions_of_a_persona_are_not_told() -> None:
    async with serving() as served, served.talk() as talk:
        started = await talk.config()
        assert not started.effective_config.instructions
    async with serving() as served, served.talk() as talk:
        started = await talk.config(instructions="Be brief.")
        assert started.effective_config.instructions == "Be brief."


# ---------------------------------------------------------------- clients that misbehave


@pytest.mark.parametrize("size", [300_000, 10_000_000])
async def test_a_message_beyond_the_transports_limit_ends_its_own_call_alone(
    size: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The transport refuses it before it is in memory, so the status is the transport's: no details."""
    async with serving() as served, served.talk() as other:
        await other.config()
        await other.text("Is all well?")
        await other.next("audio")
        async with served.talk() as talk:
            await talk.config()
            await talk.text("Hello.")
            await talk.send(pb.ConverseRequest(audio=pb.AudioInput(data=bytes(size))))
            how = await talk.ended()
            assert how.code is Code.RESOURCE_EXHAUSTED
            assert "larger than max" in how.message
            assert "262144" in how.message
        assert await other.over(1) == pb.TurnEvent.STATE_COMPLETED
        await served.assert_serves()
    assert not caplog.records, "a caller's fault is no bug of ours"


SERVICE = pb.DESCRIPTOR.services_by_name["VoiceService"]


SIDE_SERVICES = (
    health_pb2.DESCRIPTOR.services_by_name["Health"],
    channelz_pb2.DESCRIPTOR.services_by_name["Channelz"],
    reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"],
)
SERVED = [
    method
    for service in (SERVICE, *SIDE_SERVICES)
    for method in service.methods
    if method.full_name != "grpc.health.v1.Health.List"  # not in every version
]


@pytest.mark.parametrize("method", SERVED, ids=lambda method: method.full_name)
async def test_bytes_that_are_no_message_end_their_own_call_alone(
    method: MethodDescriptor, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(channelz=True) as served:
        channel, path = served.channel, f"/{method.containing_service.full_name}/{method.name}"
        call: Any
        if method.client_streaming and method.server_streaming:
            call = channel.stream_stream(path)()
            await call.write(b"\xff" * 100)
        else:
            kind: Any = channel.unary_stream if method.server_streaming else channel.unary_unary
            call = kind(path)(b"\xff" * 100)
        assert await call.code() is Code.INVALID_ARGUMENT
        assert 'request: got "Error parsing message' in await call.details()
        await served.assert_serves()
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_bytes_that_are_no_message_end_a_session_as_the_callers_fault() -> None:
    async with serving() as served:
        call: Any = served.channel.stream_stream(f"/{SERVICE.full_name}/Converse")()
        await call.write(pb.ConverseRequest(config=pb.SessionConfig(greeting="")).SerializeToString())
        await call.write(b"\xff" * 100)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [response async for response in call]
        assert caught.value.code() is Code.INVALID_ARGUMENT
        await served.assert_serves()


async def test_a_client_that_vanishes_in_mid_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Its connection breaks; its session is saved with what was heard, and can be gone on with."""
    script = scripted(ScriptedAnswer(LONG, a_token=0.01))
    async with serving(script) as served:
        async with grpc.aio.insecure_channel(served.target) as channel, served.talk(channel=channel) as talk:
            await talk.config(session_id="mine")
            await talk.text("Tell me a lot.")
            await talk.next("audio")
            await channel.close()
        async with served.talk() as talk:
            started = await talk.config(session_id="mine")
            assert (started.resumed, started.last_turn) == (True, 1)
        assert script.llm.open == 0
        await served.assert_serves()
    assert not caplog.records


async def test_many_clients_that_vanish_at_every_moment(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as served:
        for arm in ("session_started", "turn_event", "response_text", "audio"):
            for _ in range(5):
                async with served.talk() as talk:
                    await talk.config()
                    await talk.text("Hello.")
                    await talk.next(arm)
        await served.assert_serves()
    assert not caplog.records


async def test_two_clients_at_once_hear_their_own_answers() -> None:
    async with serving() as served, served.talk() as one, served.talk() as two, asyncio.TaskGroup() as tasks:
        ids = set()
        for talk in (one, two):
            ids.add((await talk.config()).session_id)
            tasks.create_task(talk.speak())
        for talk in (one, two):
            assert await talk.over(1) == pb.TurnEvent.STATE_COMPLETED
            assert talk.words(1) == "Sure thing."
        assert len(ids) == 2


async def test_a_flood_of_sound_leaves_the_session_well() -> None:
    """Twenty seconds of it as fast as it goes, in chunks of the greatest size."""
    async with serving() as served, served.talk() as talk:
        await talk.config()
        data = noise(2.0).tobytes()
        for _ in range(10):
            await talk.send(pb.ConverseRequest(audio=pb.AudioInput(data=data)))
        await talk.send(pb.ConverseRequest(ping=pb.Ping(id=1)))
        await talk.next("pong")
        await talk.half_close()
        assert await talk.ended() == OK


async def test_a_flood_of_texts_is_refused_beyond_some() -> None:
    async with serving(scripted(LONG)) as served, served.talk() as talk:
        await talk.config()
        for _ in range(60):
            await talk.text("More!", interrupt=False)
        notice = await talk.notice("TOO_MANY")
        assert notice.request_seq > 0


async def test_no_config_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice_grpc.rpc.streams.CONFIG_SECONDS", 0.05)
    async with serving() as served:
        async with served.talk() as talk:
            how = await talk.ended()
            assert_refused(how, "config")
            assert "within 0.05 s" in how.message
        await served.assert_serves()
