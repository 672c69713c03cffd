"""Realtime transcription sockets: what each dialect is told, at which rate, and when it answers."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.fakes.latency import Latency, Profile
from tests.fakes.realtime_session import MODEL, RATES
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_realtime import FakeRealtime
from voice_grpc.core.audio import silence
from voice_grpc.core.errors import EngineDenied, EngineError, EngineQuota, EngineUnreachable
from voice_grpc.engines.whisper_remote.address import parse_address
from voice_grpc.engines.whisper_remote.realtime import RealtimeStt
from voice_grpc.engines.whisper_remote.realtime_dialects import failure
from voice_grpc.ports import SttOptions

from .asking import HZ, QUICK, TEXT, heard, hum

DIALECTS = sorted(RATES)
every = pytest.mark.parametrize("dialect", DIALECTS)
committing = pytest.mark.parametrize("dialect", [each for each in DIALECTS if each != "vllm"])


@asynccontextmanager
async def serving(
    dialect: str, script: Script | None = None, *, model: str = "whisper-large", **options: Any
) -> AsyncIterator[tuple[FakeRealtime, RealtimeStt]]:
    async with FakeRealtime(script, dialect=dialect, **options) as fake:
        address = parse_address(fake.url, options.get("token", ""))
        stt = RealtimeStt(address, model=model, timeouts=QUICK)
        try:
            yield fake, stt
        finally:
            await stt.close()


# ---------------------------------------------------------------- what goes out


@every
async def test_the_sound_comes_at_the_rate_of_the_dialect(dialect: str) -> None:
    """As long as it was, and as high."""
    async with serving(dialect) as (fake, stt):
        assert (await heard(stt, hum(2))).text == TEXT
        pieces = fake.sessions[-1].appended
        sound = np.frombuffer(b"".join(pieces), "<i2")
        rate = RATES[dialect]
        assert len(sound) == pytest.approx(2 * rate, abs=rate // 1000)
        spectrum = np.abs(np.fft.rfft(sound))
        assert np.argmax(spectrum) * rate / len(sound) == pytest.approx(HZ, abs=2)
        seconds = np.array([len(piece) / 2 / rate for piece in pieces])
        assert np.quantile(seconds, 0.05) >= 0.02
        assert np.quantile(seconds, 0.95) <= 0.04


@every
async def test_less_than_can_be_committed_is_filled_up(dialect: str) -> None:
    async with serving(dialect) as (fake, stt):
        assert (await heard(stt, hum(0.03))).text == ""
        appended = b"".join(fake.sessions[-1].appended)
        assert len(appended) >= 2 * 0.1 * RATES[dialect]


async def test_model_and_intent_are_in_the_query_where_they_may_be() -> None:
    async with serving("speaches") as (fake, stt):
        await heard(stt, hum(1))
        assert fake.script.calls[-1].what == {"model": ["whisper-large"], "intent": ["transcription"]}
    async with serving("openai") as (fake, stt):
        await heard(stt, hum(1))
        assert fake.script.calls[-1].what == {"intent": ["transcription"]}
    stt = RealtimeStt(parse_address("wss://api.openai.com/v1/realtime", "key"), model="gpt-4o-transcribe")
    assert stt.query == "intent=transcription"


@committing
async def test_language_and_words_to_expect_are_told(dialect: str) -> None:
    async with serving(dialect) as (fake, stt):
        result = await heard(stt, hum(2), "es-MX", prompt="Guadalajara")
        assert result.language == "es"
        told = json.dumps(fake.sessions[-1].told)
        assert '"language": "es"' in told
        assert "Guadalajara" in told
        assert '"model": "whisper-large"' in told
        assert '"turn_detection": null' in told


@pytest.mark.parametrize("dialect", ["vllm", "speaches"])
async def test_without_a_model_the_servers_own_is_taken(dialect: str) -> None:
    """The first one that transcribes."""
    async with serving(dialect, model="") as (_, stt):
        await stt.warm()
        assert stt.model == MODEL
        assert MODEL in stt.name
        assert (await heard(stt, hum(2))).text == TEXT


# ---------------------------------------------------------------- what comes back


async def test_interims_come_on_the_way_where_the_server_streams() -> None:
    async with serving("vllm") as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        interim = await stream.interim()
        assert interim is not None
        assert TEXT.startswith(interim.text)
        assert len(fake.script.calls) == 1
        stream.feed(hum(1))
        assert (await stream.final()).text == TEXT
        await stream.close()


@committing
async def test_interims_are_requests_of_their_own_where_it_does_not(dialect: str) -> None:
    async with serving(dialect) as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        interim = await stream.interim()
        assert interim is not None
        assert interim.text == " ".join(TEXT.split()[:7])
        assert len(fake.script.calls) == 2
        stream.feed(hum(1))
        assert (await stream.final()).text == TEXT
        await stream.close()


@committing
async def test_an_interim_is_skipped_while_one_is_running(dialect: str) -> None:
    script = Script(latency=Latency(Profile(0.2)))
    async with serving(dialect, script) as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(stream.interim())
            await fake.script.until_open(2)
            assert await stream.interim() is None
        assert running.result() is not None
        assert len(fake.script.calls) == 2
        await stream.close()


@committing
async def test_no_interim_is_asked_for_while_a_final_is(dialect: str) -> None:
    """Of any session: a server that transcribes one after the other would answer it first."""
    script = Script(latency=Latency(Profile(0.2)))
    async with serving(dialect, script) as (fake, stt):
        first, second = stt.open(SttOptions()), stt.open(SttOptions())
        first.feed(hum(2))
        second.feed(hum(2))
        async with asyncio.TaskGroup() as tasks:
            final = tasks.create_task(first.final())
            await fake.script.until_open(2)
            assert await second.interim() is None
        assert final.result().text == TEXT
        assert len(fake.script.calls) == 2
        await first.close()
        await second.close()


@committing
async def test_one_connection_serves_an_utterance_that_goes_on(dialect: str) -> None:
    """All of it is sent once more: a word may lie across the end."""
    async with serving(dialect) as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        assert (await stream.final()).text == " ".join(TEXT.split()[:7])
        stream.feed(hum(1))
        assert (await stream.final()).text == TEXT
        await stream.close()
        assert len(fake.script.calls) == 1
        assert len(b"".join(fake.sessions[0].appended)) == pytest.approx(2 * 3 * RATES[dialect], rel=0.01)


async def test_vllm_gets_a_connection_for_each_answer() -> None:
    """A commit that comes while it puts its last generation away would be ignored."""
    async with serving("vllm") as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        await stream.final()
        stream.feed(hum(1))
        assert (await stream.final()).text == TEXT
        await stream.close()
        assert len(fake.script.calls) == 2


@committing
@pytest.mark.parametrize("tail", [0.0, 0.5])
async def test_a_server_that_goes_on_cutting_is_put_together(dialect: str, tail: float) -> None:
    """With a `tail` of silence nothing is left to commit, which it calls an error."""
    async with serving(dialect, detects_turns=True) as (fake, stt):
        stream = stt.open(SttOptions())
        for piece in (hum(1), silence(0.5), hum(1), silence(tail)):
            stream.feed(piece)
        result = await stream.final()
        await stream.close()
        assert result.text == TEXT
        assert fake.sessions[-1].detects_turns


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"error": {"code": "invalid_api_key", "message": "Incorrect API key"}}, EngineDenied),
        ({"error": {"code": "insufficient_quota", "message": "You exceeded"}}, EngineQuota),
        ({"error": {"type": "rate_limit_error", "message": "Slow down"}}, EngineQuota),
        ({"error": {"code": "session_expired", "message": "60 minutes"}}, EngineUnreachable),
        ({"error": "The model `x` does not exist.", "code": "model_not_found"}, EngineError),
        ({"error": {"code": None, "type": "server_error", "message": None}}, EngineError),
        ({}, EngineError),
    ],
)
def test_what_a_server_complains_of(event: dict[str, Any], kind: type[EngineError]) -> None:
    address = parse_address("ws://h/v1/realtime", "s3cret-key")
    error = failure(event, address)
    assert type(error) is kind
    assert "ws://h:80" in str(error)
    if "model_not_found" in repr(event):
        assert "WHISPER_SERVER_MODEL" in error.advice


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("ws://h", "s3cret-key"),
        ("ws://s3cret-key@h", ""),
        ("ws://me:s3cret-key@h", ""),
        ("ws://me:s3cret%2Dkey@h", ""),
        ("ws://h?model=m&api_key=s3cret-key", ""),
        ("ws://h?api_key=s3cret%2Dkey", ""),
    ],
)
def test_what_a_socket_repeats_of_a_secret_is_left_out(url: str, key: str) -> None:
    address = parse_address(url, key)
    told = str(failure({"error": {"message": "no such key: s3cret-key", "code": "s3cret-key"}}, address))
    assert "s3cret-key" not in told
    assert "no such key: ***" in told


async def test_a_transcription_that_failed() -> None:
    async with serving("openai", Script(always=Trouble.ERROR_FIRST), fails_item=True) as (_, stt):
        with pytest.raises(EngineError, match="Transcription failed"):
            await heard(stt, hum(2))


async def test_a_model_in_the_query_that_must_not_be_there() -> None:
    async with FakeRealtime(dialect="openai") as fake:
        stt = RealtimeStt(parse_address(fake.url.partition("?")[0]), model="whisper-1", timeouts=QUICK)
        with pytest.raises(EngineError, match="must not provide a model"):
            await stt.warm()
        await stt.close()


# ---------------------------------------------------------------- the fakes refuse misuse


def append(pcm: bytes) -> dict[str, object]:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()}


OPENAI = {"type": "transcription", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}}
BETA = {"input_audio_transcription": {"model": "m"}, "turn_detection": None}
UPDATE = {"type": "session.update", "model": "m"}
SOUND = append(bytes(9600))


@pytest.mark.parametrize(
    ("dialect", "events"),
    [
        ("vllm", [{"type": "input_audio_buffer.commit", "final": False}]),
        ("vllm", [{"type": "session.update"}]),
        ("vllm", [UPDATE, SOUND, {"type": "input_audio_buffer.commit", "final": True}]),
        ("vllm", [UPDATE, append(b"\0")]),
        ("vllm", [UPDATE, {"type": "input_audio_buffer.append", "audio": "not base64!"}]),
        ("vllm", [UPDATE, {"type": "response.create"}]),
        ("speaches", [SOUND]),
        ("speaches", [{"type": "session.update", "session": {**BETA, "input_audio_format": "pcm16"}}]),
        ("speaches", [{"type": "session.update", "session": BETA}, {"type": "input_audio_buffer.commit"}]),
        ("openai", [{"type": "session.update", "session": OPENAI}]),
        ("openai-beta", [{"type": "session.update", "session": BETA}]),
    ],
)
async def test_misuse(dialect: str, events: list[dict[str, object]]) -> None:
    async with FakeRealtime(dialect=dialect) as fake:
        query = "" if dialect.startswith("openai") else "?model=m&intent=transcription"
        answers = []
        async with connect(fake.url + query) as socket:
            with suppress(ConnectionClosed):
                for event in events:
                    await socket.send(json.dumps(event))
                async for message in socket:
                    answers.append(json.loads(message)["type"])
        assert answers[-1] == "error"
        assert fake.script.calls[-1].end == "refused"
