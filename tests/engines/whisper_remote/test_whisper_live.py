"""WhisperLive over its WebSocket: its handshake, its tail, its refusals."""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.fakes.latency import Latency, Profile
from tests.fakes.script import HANG, Script, Trouble
from tests.fakes.spoken import Spoken
from tests.fakes.whisper_live import FakeWhisperLive
from voice_grpc.core.audio import RATE_HZ, silence
from voice_grpc.core.errors import EngineError, EngineQuota, EngineTimeout
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.engines.whisper_remote.address import parse_address
from voice_grpc.engines.whisper_remote.whisper_live import WhisperLiveStt
from voice_grpc.ports import SttOptions

from .asking import TEXT, heard, hum, whisper_live

CONFIG: dict[str, Any] = {
    "uid": "1",
    "language": "en",
    "task": "transcribe",
    "model": "small",
    "use_vad": True,
}


# ---------------------------------------------------------------- the protocol


async def test_what_is_asked_for() -> None:
    async with whisper_live() as (fake, stt):
        assert (await heard(stt, hum(2), "en-GB", prompt="Kubernetes")).text == TEXT
        asked = fake.script.calls[-1].what
        assert isinstance(asked, dict)
        assert len(asked.pop("uid")) == 36
        assert asked == {
            "language": "en",
            "task": "transcribe",
            "model": "small",
            "use_vad": True,
            "send_last_n_segments": 10,
            "initial_prompt": "Kubernetes",
        }
        assert fake.script.calls[-1].end == "done", "it was told goodbye"


@pytest.mark.parametrize(("languages", "code"), [(("nb-NO",), "no"), ((), None), (("en", "es"), None)])
async def test_one_language_is_told_several_are_found_out(
    languages: tuple[str, ...], code: str | None
) -> None:
    async with whisper_live() as (fake, stt):
        result = await heard(stt, hum(2), *languages)
        asked = fake.script.calls[-1].what
        assert isinstance(asked, dict)
        assert asked["language"] == code
        assert result.language == ("en" if code is None else code)


async def test_an_english_model_understands_english_alone() -> None:
    stt = WhisperLiveStt(parse_address("ws://127.0.0.1:9"), model="small.en")
    assert stt.languages == {"en"}
    with pytest.raises(EngineError, match="de"):
        stt.open(SttOptions(("de",)))


async def test_the_tail_is_pushed_out_with_silence() -> None:
    """Without it, the last word would wait for more sound for ever."""
    async with whisper_live() as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1.5))
        await fake.script.until_open(1)
        half = await stream.final()
        assert half.text == " ".join(TEXT.split()[:10])
        ear = fake.ears[-1]
        assert ear.received - ear.voiced > 1.0
        stream.feed(hum(0.5))
        assert (await stream.final()).text == TEXT
        await stream.close()
        assert len(fake.script.calls) == 1, "it goes on where it was"


async def test_less_than_a_second_is_heard_too() -> None:
    async with whisper_live() as (_, stt):
        assert (await heard(stt, hum(0.5))).text == " ".join(TEXT.split()[:3])


@pytest.mark.parametrize("seconds", [3.0, 8.0])
async def test_what_is_no_longer_repeated_is_remembered(seconds: float) -> None:
    """An update names the last ten completed segments only."""
    spoken = Spoken(" ".join(f"word{number}" for number in range(80)), seconds)
    async with whisper_live(spoken=spoken) as (_, stt):
        stream = stt.open(SttOptions())
        for start in range(0, round(seconds * RATE_HZ), RATE_HZ // 4):
            stream.feed(hum(seconds)[start : start + RATE_HZ // 4])
            await asyncio.sleep(0.02)
        assert (await stream.final()).text == spoken.text
        await stream.close()


async def test_a_text_that_was_completed_long_ago_is_answered_without_an_update() -> None:
    """Of silence a server says nothing; the words were completed by repetition."""
    async with whisper_live() as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(np.concatenate([hum(2), silence(1.5)]))
        first = await stream.final()
        async with asyncio.timeout(60):
            await fake.repeated.wait()
        stream.feed(silence(0.3))
        assert (await stream.final()) == first
        await stream.close()


async def test_a_slow_server_is_waited_for() -> None:
    """Its first pass began before the end of the sound was there: its answer is not taken for the last."""
    script = Script(between=0.15)
    async with whisper_live(script, Timeouts()) as (_, stt):
        assert (await heard(stt, hum(2))).text == TEXT


async def test_a_server_too_slow_for_a_second_pass_is_taken_at_its_word() -> None:
    """Its updates came one as late as the other: it is slow, not stuck."""
    async with whisper_live(Script(between=0.3), Timeouts(connect=0.5, first=0.5, between=0.5)) as (
        fake,
        stt,
    ):
        stream = stt.open(SttOptions())
        stream.feed(np.concatenate([hum(2), silence(1.2)]))
        async with asyncio.timeout(60):
            while not fake.script.calls or fake.script.calls[0].parts < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        stream.feed(silence(0.1))
        assert (await stream.final()).text == TEXT
        await stream.close()


async def test_sound_goes_out_in_frames_as_it_is_fed() -> None:
    async with whisper_live() as (fake, stt):
        stream = stt.open(SttOptions())
        for start in range(0, 2 * RATE_HZ, 100):
            stream.feed(hum(2)[start : start + 100])
            if start % 3200 == 0:
                await asyncio.sleep(0.001)
        await stream.final()
        await stream.close()
        pieces = fake.ears[-1].pieces
        voiced = np.cumsum(pieces) < 1.99
        assert all(0.02 <= piece <= 0.04 for piece in np.array(pieces)[voiced])
        assert fake.ears[-1].received >= 3.0


# ---------------------------------------------------------------- when there are no words


async def test_a_server_that_never_said_anything_is_stuck() -> None:
    script = Script(latency=Latency(Profile(HANG)))
    async with whisper_live(script) as (_, stt):
        with pytest.raises(EngineTimeout):
            await heard(stt, hum(2), "en")


async def test_one_that_has_worked_may_have_heard_nothing() -> None:
    """Twice in a row: three times is stuck."""
    async with whisper_live() as (fake, stt):
        assert (await heard(stt, hum(2), "en")).text == TEXT
        fake.script.always = Trouble.EMPTY
        assert (await heard(stt, hum(2), "en")).text == ""
        assert (await heard(stt, hum(2), "en")).text == ""
        with pytest.raises(EngineTimeout):
            await heard(stt, hum(2), "en")
        fake.script.always = Trouble.NONE
        assert (await heard(stt, hum(2), "en")).text == TEXT


# ---------------------------------------------------------------- refusals


async def test_a_full_server_says_for_how_long() -> None:
    async with whisper_live(max_clients=1) as (fake, stt):
        first = stt.open(SttOptions())
        await fake.script.until_open(1)
        with pytest.raises(EngineQuota, match=r"8\.2 min"):
            await heard(stt, hum(2))
        first.feed(hum(2))
        assert (await first.final()).text == TEXT
        await first.close()


async def test_a_model_that_cannot_be_loaded_is_told() -> None:
    async with whisper_live(Script(always=Trouble.ERROR_FIRST)) as (_, stt):
        with pytest.raises(EngineError, match="Failed to load model: small"):
            await stt.warm()


async def test_a_session_that_lasted_too_long_goes_on_in_another() -> None:
    async with whisper_live(lasts=0.15) as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        await fake.script.until_open(1)
        await fake.script.until_open(0)
        stream.feed(hum(1))
        assert (await stream.final()).text == TEXT
        await stream.close()


# ---------------------------------------------------------------- the fake refuses misuse


@pytest.mark.parametrize(
    "messages",
    [
        [json.dumps({"uid": "1", "language": "en"})],
        [json.dumps(CONFIG), json.dumps(CONFIG)],
        [json.dumps(CONFIG), "END_OF_AUDIO"],
        [json.dumps(CONFIG), b"\x00" * 6],
        [json.dumps(CONFIG), hum(0.1).tobytes()],
    ],
    ids=["lacks a key", "twice", "the end as text", "no whole float", "int16"],
)
async def test_misuse(messages: list[str | bytes]) -> None:
    async with FakeWhisperLive() as fake:
        async with connect(fake.url) as socket:
            with suppress(ConnectionClosed):
                for message in messages:
                    await socket.send(message)
                async for _ in socket:
                    pass
        assert fake.script.calls[-1].end == "refused"


@pytest.mark.parametrize("fake", ["whisper_live", "whisper_realtime", "wyoming"])
async def test_a_fake_can_be_started_from_the_command_line(fake: str, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.fakes.{fake}", "--profile", "constant-100", "--trouble", "empty"),
        *("--journal", str(journal)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode().split()
        assert line[:2] == ["listening", "on"]
        assert parse_address(line[2]).port
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert journal.exists()


@pytest.mark.parametrize("said", ["no JSON", "[]", "[" * 20_000 + "]" * 20_000])
async def test_what_is_no_object_is_told(said: str) -> None:
    async def tell(connection: ServerConnection) -> None:
        await connection.send(said)
        await connection.wait_closed()

    async with serve(tell, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        stt = WhisperLiveStt(parse_address(f"ws://127.0.0.1:{port}"), timeouts=Timeouts(60, 60, 60))
        with pytest.raises(EngineError, match="sent what is no JSON object"):
            await stt.warm()
        await stt.close()
