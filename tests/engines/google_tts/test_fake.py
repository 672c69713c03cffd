"""The fake of Google Cloud TTS is as strict as the service, so that misuse fails a test."""

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.api_core import exceptions
from google.cloud.texttospeech_v1 import TextToSpeechAsyncClient
from google.cloud.texttospeech_v1.services.text_to_speech.transports import TextToSpeechGrpcAsyncIOTransport

from tests.engines.google_tts.harness import TEXTS, opened, say
from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.google_tts_sound import espeak
from tests.fakes.script import Script, Trouble
from voice_grpc.core.audio import rms
from voice_grpc.engines.google_tts.tts import GoogleTts
from voice_grpc.ports import VoiceChoice

CHIRP = {"language_code": "en-US", "name": "en-US-Chirp3-HD-Kore"}
NEURAL = {"language_code": "en-US", "name": "en-US-Neural2-A"}
PCM = {"audio_encoding": "PCM", "sample_rate_hertz": 24_000}
LINEAR16 = {"audio_encoding": "LINEAR16"}
CONFIG = {"streaming_config": {"voice": CHIRP, "streaming_audio_config": PCM}}


@asynccontextmanager
async def client(fake: FakeGoogleTts) -> AsyncIterator[TextToSpeechAsyncClient]:
    """The vendor's own."""
    async with fake, grpc.aio.insecure_channel(fake.url.removeprefix("http://")) as channel:
        yield TextToSpeechAsyncClient(transport=TextToSpeechGrpcAsyncIOTransport(channel=channel))


def text(words: str) -> dict[str, Any]:
    return {"input": {"text": words}}


async def stream(asked: TextToSpeechAsyncClient, *requests: dict[str, Any], then: float = 0.0) -> bytes:
    """`then`: seconds before the stream is half-closed."""

    async def given() -> AsyncIterator[dict[str, Any]]:
        for request in requests:
            yield request
        await asyncio.sleep(then)

    answers = await asked.streaming_synthesize(requests=given())  # type: ignore[arg-type]
    return b"".join([answer.audio_content async for answer in answers])


@pytest.mark.parametrize(
    ("requests", "told"),
    [
        ([text("hello")], "first request of a stream must hold streaming_config"),
        ([], "first request of a stream must hold streaming_config"),
        ([CONFIG, CONFIG], "Only the first request"),
        ([CONFIG, {"input": {}}], "needs to be set"),
        ([CONFIG, text("é" * 2_501)], "longer than the limit of 5000 bytes"),
        ([CONFIG, text("<speak>hello</speak>")], "SSML is not supported"),
        (
            [{"streaming_config": {"voice": NEURAL, "streaming_audio_config": PCM}}, text("hello")],
            "only Chirp 3: HD voices",
        ),
        (
            [{"streaming_config": {"voice": CHIRP, "streaming_audio_config": LINEAR16}}, text("hello")],
            "Unsupported audio encoding",
        ),
        (
            [{"streaming_config": {"voice": CHIRP, "streaming_audio_config": PCM | {"speaking_rate": 2.1}}}],
            "Invalid speaking_rate",
        ),
        (
            [{"streaming_config": {"voice": CHIRP | {"name": "en-US-Chirp3-HD-X"}}}],
            "does not exist. Is it misspelled",
        ),
        (
            [{"streaming_config": {"voice": CHIRP | {"language_code": "es-ES"}}}],
            "doesn't match the voice",
        ),
    ],
)
async def test_misuse_of_a_stream_is_refused(requests: list[dict[str, Any]], told: str) -> None:
    async with client(FakeGoogleTts()) as asked:
        with pytest.raises(exceptions.InvalidArgument, match=told):
            await stream(asked, *requests, then=0.2 if requests else 0.0)


async def test_a_stream_without_text_is_aborted_as_the_service_does_it() -> None:
    async with client(FakeGoogleTts(idle_seconds=0.1)) as asked:
        with pytest.raises(exceptions.Aborted, match="at least every 5s seconds"):
            await stream(asked, CONFIG, text("hello"), then=1.0)


GOOD = {"input": {"text": "hello"}, "voice": NEURAL, "audio_config": LINEAR16}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"input": {}}, "Exactly one of"),
        ({"input": {"text": "x" * 5_001}}, "longer than the limit"),
        ({"input": {"ssml": "<speak>hello"}}, "Invalid SSML"),
        ({"input": {"ssml": "<p>hello</p>"}}, "Invalid SSML"),
        ({"audio_config": {}}, "Unsupported audio encoding"),
        ({"audio_config": LINEAR16 | {"speaking_rate": 0.1}}, "Invalid speaking_rate"),
        ({"audio_config": LINEAR16 | {"pitch": 21.0}}, "out of range"),
        ({"voice": CHIRP, "audio_config": LINEAR16 | {"pitch": 1.0}}, "does not support pitch"),
        ({"voice": NEURAL | {"name": "Kore"}}, "requires a model name"),
        (
            {
                "voice": {"language_code": "en-US", "name": "en-US-Chirp-HD-A"},
                "input": {"ssml": "<speak>hello</speak>"},
            },
            "does not support SSML",
        ),
    ],
)
async def test_misuse_of_a_request_is_refused(change: dict[str, Any], told: str) -> None:
    async with client(FakeGoogleTts()) as asked:
        answer = await asked.synthesize_speech(request=GOOD)
        assert answer.audio_content.startswith(b"RIFF")
        with pytest.raises(exceptions.InvalidArgument, match=told):
            await asked.synthesize_speech(request=GOOD | change)


async def test_its_voices_are_listed_by_language() -> None:
    async with client(FakeGoogleTts()) as asked:
        everything = await asked.list_voices()
        spanish = await asked.list_voices(language_code="es")
    assert len(everything.voices) > 200
    assert {voice.language_codes[0] for voice in spanish.voices} == {"es-ES", "es-US"}


async def test_it_has_a_quota_of_requests() -> None:
    async with client(FakeGoogleTts(chirp3_a_minute=2)) as asked:
        for _ in range(2):
            assert await stream(asked, CONFIG, text("hello"))
        with pytest.raises(exceptions.ResourceExhausted, match="Chirp3 requests per minute"):
            await stream(asked, CONFIG, text("hello"))
        assert (await asked.synthesize_speech(request=GOOD)).audio_content


async def test_one_who_goes_away_is_noticed() -> None:
    script = Script(always=Trouble.STALL_FIRST)
    async with client(FakeGoogleTts(script)) as asked, asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(stream(asked, CONFIG, text("hello")))
        await script.until_open(1)
        asking.cancel()
        await script.until_open(0)
    assert [call.end for call in script.calls] == ["gone"]


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
async def test_it_can_really_speak() -> None:
    async with opened(FakeGoogleTts(speaker=espeak)) as (_, tts):
        for language in ("en-US", "es-ES", "de-DE"):
            spoken = await say(tts, *TEXTS[:2], choice=VoiceChoice(language=language))
            sound = np.concatenate([each.samples for each in spoken])
            assert 1.5 < len(sound) / 24_000 < 8.0
            assert rms(sound) > 0.02


async def test_it_can_be_started_from_the_command_line(tmp_path: Path) -> None:
    journal = tmp_path / "calls.jsonl"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.google_tts", "--journal", str(journal), "--profile", "5/0"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    tts = GoogleTts(endpoint=line.removeprefix("listening on ").strip())
    await tts.warm()
    await tts.close()
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    (call,) = [json.loads(each) for each in journal.read_text().splitlines()]
    assert call["what"]["voice"] == "en-US-Chirp3-HD-Kore"
    assert call["end"] == "done"
    assert call["first"] == 0.005
