"""Wyoming: its order of events, and a real server."""

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from wyoming.event import Event as TheirEvent
from wyoming.event import async_read_event, async_write_event

from tests.fakes.latency import Latency, Profile
from tests.fakes.script import Script, Trouble
from tests.fakes.spoken import Spoken
from tests.fakes.wyoming import FORMAT, FakeWyoming
from tests.free_port import free_port
from tests.saying import said
from voice_grpc.bench.stt_utterances import normal_words, word_errors
from voice_grpc.core.audio import Samples, silence
from voice_grpc.core.errors import EngineError, EngineMissing, EngineTimeout, EngineUnreachable
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.engines.whisper_remote.address import parse_address
from voice_grpc.engines.whisper_remote.wyoming import WyomingStt
from voice_grpc.ports import SttOptions, SttStream, Transcription

from .asking import QUICK, TEXT, heard, hum

SENTENCE = "I would like to book a table for four people on Friday evening, please."
RECORDING = Path(__file__).parents[4] / "shared/audio/jfk.wav"
SAID = (
    "And so my fellow Americans ask not what your country can do for you ask what you can do for your country"
)


@asynccontextmanager
async def serving(
    script: Script | None = None, **options: Any
) -> AsyncIterator[tuple[FakeWyoming, WyomingStt]]:
    async with FakeWyoming(script, **options) as fake:
        stt = WyomingStt(parse_address(fake.url), timeouts=QUICK)
        try:
            await stt.warm()
            yield fake, stt
        finally:
            await stt.close()


# ---------------------------------------------------------------- what a server is


async def test_name_languages_and_streaming_are_asked_for() -> None:
    async with serving(streams=True) as (fake, stt):
        assert stt.name == "faster-whisper faster-whisper-tiny-int8"
        assert stt.languages == {"en", "es", "de"}
        assert stt.location == fake.url
        assert stt.streams
        with pytest.raises(EngineError, match="fr"):
            stt.open(SttOptions(("fr",)))


async def test_a_server_without_transcription() -> None:
    async with FakeWyoming() as fake:
        fake.models = []
        stt = WyomingStt(parse_address(fake.url), timeouts=QUICK)
        with pytest.raises(EngineMissing, match="nothing that transcribes"):
            await stt.warm()
        await stt.close()


async def test_nobody_there_and_nobody_who_answers() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(ignore, "127.0.0.1", 0)
    address = parse_address(f"tcp://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    stt = WyomingStt(address, timeouts=Timeouts(0.2, 0.2, 0.2))
    with pytest.raises(EngineTimeout):
        await stt.warm()
    listening.close()
    with pytest.raises(EngineUnreachable, match=f":{address.port}"):
        await stt.warm()
    await stt.close()


# ---------------------------------------------------------------- an utterance


async def test_what_goes_out() -> None:
    async with serving() as (fake, stt):
        result = await heard(stt, hum(2), "es-ES", prompt="Guadalajara, Jalisco")
        assert result == Transcription(TEXT, "es")
        asked = fake.script.calls[0].what
        assert asked == {"language": "es", "transcript_terms": ["Guadalajara", "Jalisco"]}
        assert fake.ears[0].received == pytest.approx(2.0)
        assert all(0.02 <= piece <= 0.04 for piece in fake.ears[0].pieces[:-1])


async def test_sound_goes_out_while_it_is_spoken() -> None:
    async with serving(streams=True) as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        interim = await stream.interim()
        assert interim is not None
        assert TEXT.startswith(interim.text)
        assert interim.language == "en"
        assert len(fake.script.calls) == 1
        stream.feed(hum(1))
        assert (await stream.final()).text == TEXT
        await stream.close()


async def test_the_growing_utterance_is_sent_for_an_interim() -> None:
    script = Script(latency=Latency(Profile(0.1)))
    async with serving(script) as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(stream.interim())
            await fake.script.until_open(2)
            assert await stream.interim() is None, "skipped, not queued"
        interim = running.result()
        assert interim is not None
        assert interim.text == " ".join(TEXT.split()[:7])
        stream.feed(hum(1))
        assert (await stream.final()).text == TEXT
        await stream.close()
        assert [ear.received for ear in fake.ears] == pytest.approx([2.0, 1.0])


async def raises_timeout(stream: SttStream) -> None:
    with pytest.raises(EngineTimeout):
        await stream.final()


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_an_interim_that_is_given_up_or_too_late_ends_there_too(is_cancelled: bool) -> None:
    async with serving(Script(always=Trouble.STALL_FIRST)) as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(stream.interim())
            await fake.script.until_open(2)
            final = tasks.create_task(asyncio.sleep(0) if is_cancelled else raises_timeout(stream))
            if is_cancelled:
                asked.cancel()
            await fake.script.until_open(1)
            assert sorted(call.end for call in fake.script.calls) == ["gone", "open"]
            await final
        await stream.close()
        await fake.script.until_open(0)


async def test_a_server_that_ends_an_utterance_by_itself() -> None:
    """What follows the pause is another utterance to it, and the same one to the user."""
    async with serving(ends_after=0.5, spoken=Spoken("one two three four", 2.0)) as (fake, stt):
        stream = stt.open(SttOptions(("en",)))
        stream.feed(np.concatenate([hum(2), silence(0.6), hum(1), silence(0.2)]))
        final = await stream.final()
        assert final.text == "one two three four one two"
        assert len(fake.script.calls) == 2
        stream.feed(silence(1.0))
        assert (await stream.final()).text == final.text
        await stream.close()


async def test_no_request_is_made_for_the_silence_behind_an_end() -> None:
    async with serving(ends_after=0.5) as (fake, stt):
        assert (await heard(stt, np.concatenate([hum(2), silence(0.9)]))).text == TEXT
        assert len(fake.script.calls) == 1


async def test_what_a_server_complains_of() -> None:
    async with serving(Script(always=Trouble.ERROR_FIRST)) as (_, stt):
        with pytest.raises(EngineError, match=r"the model failed \(asr-failed\)"):
            await heard(stt, hum(1))


# ---------------------------------------------------------------- the fake refuses misuse


@pytest.mark.parametrize(
    "events",
    [
        [TheirEvent("audio-start", FORMAT)],
        [TheirEvent("transcribe"), TheirEvent("audio-chunk", FORMAT, bytes(640))],
        [TheirEvent("transcribe"), TheirEvent("audio-start", {**FORMAT, "rate": 24_000})],
        [
            TheirEvent("transcribe"),
            TheirEvent("audio-start", FORMAT),
            TheirEvent("audio-chunk", FORMAT, bytes(3)),
        ],
        [TheirEvent("transcribe"), TheirEvent("audio-start", FORMAT), TheirEvent("transcribe")],
    ],
)
async def test_misuse(events: list[TheirEvent]) -> None:
    async with FakeWyoming() as fake:
        reader, writer = await asyncio.open_connection("127.0.0.1", fake.port)
        for event in events:
            await async_write_event(event, writer)
        answer = await async_read_event(reader)
        assert answer is not None
        assert answer.type == "error"
        writer.close()


# ---------------------------------------------------------------- a real server


@pytest.fixture(scope="module")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`wyoming-faster-whisper` with the packaged tiny model."""
    missing = [name for name in ("wyoming_faster_whisper", "piper") if not importlib.util.find_spec(name)]
    if missing and os.environ.get("REQUIRE_ALL") != "1":
        pytest.skip(f"without {missing[0]}")
    from voice_grpc.model_files.cache import model_path

    port = free_port()
    directory = tmp_path_factory.mktemp("wyoming")
    command = [
        *(sys.executable, "-m", "wyoming_faster_whisper", "--uri", f"tcp://127.0.0.1:{port}"),
        *("--model", str(model_path("whisper-tiny")), "--local-files-only", "--data-dir", str(directory)),
        *("--language", "en", "--beam-size", "1", "--cpu-threads", "2"),
    ]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    try:
        until = time.monotonic() + 50
        while not is_listening(port):
            assert process.poll() is None, (directory / "log").read_text()
            assert time.monotonic() < until, "it does not listen"
            time.sleep(0.1)
        yield f"tcp://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def recorded() -> Samples:
    import soundfile

    samples: Samples = soundfile.read(RECORDING, dtype="int16")[0]
    return samples


async def test_a_real_server_understands_what_is_said(real_server: str) -> None:
    """Two utterances, spoken and (where there is one) recorded: interim, final, and final once more."""
    utterances = [(SENTENCE, await asyncio.to_thread(said, SENTENCE))]
    if RECORDING.exists():
        utterances.append((SAID, await asyncio.to_thread(recorded)))
    stt = WyomingStt(parse_address(real_server), timeouts=Timeouts(connect=2, first=20, between=10))
    await stt.warm()
    assert stt.name.startswith("faster-whisper ")
    assert "en" in stt.languages
    for text, samples in utterances:
        stream = stt.open(SttOptions(("en",)))
        for start in range(0, len(samples), 512):
            stream.feed(samples[start : start + 512])
        interim, final = await stream.interim(), await stream.final()
        assert interim is not None
        stream.feed(silence(0.5))
        again = await stream.final()
        await stream.close()
        words = normal_words(text)
        for transcription in (interim, final, again):
            assert word_errors(words, normal_words(transcription.text)) <= len(words) // 10, transcription
    await stt.close()


async def test_a_real_server_can_be_given_up(real_server: str) -> None:
    stt = WyomingStt(parse_address(real_server), timeouts=Timeouts(connect=2, first=20, between=10))
    await stt.warm()
    stream = stt.open(SttOptions(("en",)))
    stream.feed(await asyncio.to_thread(said, "Hello there."))
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(stream.final())
        await asyncio.sleep(0)
        asked.cancel()
    assert "hello" in normal_words((await stream.final()).text)
    await stream.close()
    await stt.close()
