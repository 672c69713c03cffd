"""A Whisper server by its URL: which protocol it is; and two real ones."""

import asyncio
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.engines.whisper_remote.http.harness import SECRET, heard
from tests.engines.whisper_remote.test_wyoming import is_listening
from tests.free_port import free_port
from tests.whisper_server.process import running
from voice_grpc.bench.stt_utterances import SENTENCES, SpokenText, normal_words, recorded, spoken
from voice_grpc.core.audio import RATE_HZ, silence
from voice_grpc.core.errors import EngineMissing
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.engines.whisper_remote.realtime import RealtimeStt
from voice_grpc.engines.whisper_remote.stt import WhisperHttpStt, whisper_server
from voice_grpc.engines.whisper_remote.whisper_live import WhisperLiveStt
from voice_grpc.engines.whisper_remote.wyoming import WyomingStt
from voice_grpc.ports import Stt, SttOptions

# ---------------------------------------------------------------- by its URL


@pytest.mark.parametrize(
    ("url", "protocol", "kind"),
    [
        ("ws://box:9090", "auto", WhisperLiveStt),
        ("wss://box/v1/realtime", "auto", RealtimeStt),
        ("ws://box:9090", "realtime", RealtimeStt),
        ("ws://box/v1/realtime", "whisperlive", WhisperLiveStt),
        ("tcp://box:10300", "auto", WyomingStt),
        ("tcp://box", "wyoming", WyomingStt),
        ("http://box:8000", "auto", WhisperHttpStt),
        ("https://box/v1", "openai", WhisperHttpStt),
        ("http://box:8080", "whispercpp", WhisperHttpStt),
    ],
)
def test_the_scheme_says_the_protocol(url: str, protocol: str, kind: type) -> None:
    stt = whisper_server(url, protocol=protocol)
    assert type(stt) is kind
    assert stt.location.startswith(url.split("/v1")[0])


@pytest.mark.parametrize(
    ("url", "protocol", "said"),
    [
        ("tcp://box:1", "openai", "WHISPER_PROTOCOL: got 'openai' with tcp://, accepted: auto, wyoming"),
        ("http://box", "whisperlive", "accepted: auto, openai, whispercpp"),
        ("wss://box", "wyoming", "with wss://, accepted: auto, whisperlive, realtime"),
        ("http://box", "OpenAI", "got 'OpenAI' with http://"),
        ("http://box", "", "got '' with http://"),
        ("ftp://box", "auto", "WHISPER_SERVER_URL: got a URL of the scheme 'ftp', accepted: http"),
        ("box:9000", "auto", "WHISPER_SERVER_URL: got a URL of the scheme 'box'"),
        ("", "auto", "WHISPER_SERVER_URL: got no URL"),
        ("http://user:hush-hush-key@", "auto", "WHISPER_SERVER_URL: got a URL"),
        ("http://box:99999", "auto", "WHISPER_SERVER_URL: got no URL"),
    ],
)
def test_what_does_not_go_together_is_told(url: str, protocol: str, said: str) -> None:
    with pytest.raises(EngineMissing) as told:
        whisper_server(url, protocol=protocol)
    assert said in str(told.value)
    assert SECRET not in str(told.value)


# ---------------------------------------------------------------- real servers

PATIENT = Timeouts(connect=2, first=20, between=10)
"""The machine may have other things to do."""
RECORDINGS = Path(__file__).parents[4] / "shared/audio"


@pytest.fixture(scope="module")
def sentences() -> list[SpokenText]:
    pytest.importorskip("piper")
    return list(spoken([SENTENCES[9], SENTENCES[10], SENTENCES[12]], varies=False))


@pytest.fixture(scope="module")
def faster_whisper_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The package of that name, with the packaged tiny model."""
    missing = [name for name in ("faster_whisper_server", "piper") if not importlib.util.find_spec(name)]
    if missing and os.environ.get("REQUIRE_ALL") != "1":
        pytest.skip(f"without {missing[0]}")
    from voice_grpc.model_files.cache import model_path

    port = free_port()
    command = [sys.executable, "-m", "faster_whisper_server", str(model_path("whisper-tiny"))]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    directory = tmp_path_factory.mktemp("faster-whisper-server")
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    try:
        until = time.monotonic() + 50
        while not is_listening(port):
            assert process.poll() is None, (directory / "log").read_text()
            assert time.monotonic() < until, "it does not listen"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def engine(url: str, key: str = "") -> AsyncIterator[Stt]:
    stt = whisper_server(url, key=key, timeouts=PATIENT)
    try:
        await stt.warm()
        yield stt
    finally:
        await stt.close()


def wrong(said: str, utterance: SpokenText) -> float:
    """The share of the words that are not in what was understood."""
    understood, words = set(normal_words(said)), normal_words(utterance.words)
    return sum(word not in understood for word in words) / len(words)


async def understands(stt: Stt, utterance: SpokenText) -> None:
    """Growing, and in the end whole."""
    stream = stt.open(SttOptions(("en",), "London, Friday"))
    begin = len(utterance.samples) * 2 // 3
    stream.feed(utterance.samples[:begin])
    interim = await stream.interim()
    assert interim is not None
    assert normal_words(interim.text)[:2] == normal_words(utterance.words)[:2]
    stream.feed(utterance.samples[begin:])
    final = await stream.final()
    assert wrong(final.text, utterance) < 0.2, final.text
    assert final.language == "en"
    await stream.close()


async def test_a_real_openai_compatible_server_understands(
    faster_whisper_server: str, sentences: list[SpokenText]
) -> None:
    async with engine(faster_whisper_server) as stt:
        for each in sentences[:2]:
            await understands(stt, each)
        assert (await heard(stt, SttOptions(), sentences[0].samples)).language == "en", "detected"


async def test_a_real_server_understands_recorded_speech(
    faster_whisper_server: str, sentences: list[SpokenText]
) -> None:
    """Where there is none, what Piper says."""
    whole = sentences[2:]
    if RECORDINGS.is_dir():
        found = await asyncio.to_thread(lambda: list(recorded(RECORDINGS)))
        whole = [each for each in found if each.seconds > 7]
    assert whole
    async with engine(faster_whisper_server) as stt:
        for each in whole:
            final = await heard(stt, SttOptions(("en",)), each.samples)
            assert wrong(final.text, each) < 0.25, final.text


async def test_five_users_of_a_real_server_are_all_understood(
    faster_whisper_server: str, sentences: list[SpokenText]
) -> None:
    async with engine(faster_whisper_server) as stt, asyncio.TaskGroup() as tasks:
        asked = [
            (each, tasks.create_task(heard(stt, SttOptions(("en",)), each.samples)))
            for each in (*sentences, *sentences[:2])
        ]
        for each, task in asked:
            assert wrong((await task).text, each) < 0.2


async def test_our_own_server_understands_and_streams_what_is_long(
    sentences: list[SpokenText],
) -> None:
    with running("--model", "tiny", variables={"WHISPER_API_KEY": SECRET}) as process:
        async with engine(process.url, SECRET) as stt:
            assert stt.name == "whisper-tiny"
            await understands(stt, sentences[0])
            rest = silence(0.6)
            parts = [part for each in sentences * 3 for part in (each.samples, rest)]
            samples = np.concatenate(parts)
            assert len(samples) > 31 * RATE_HZ
            final = await heard(stt, SttOptions(("en",)), samples)
            for each in sentences:
                assert wrong(final.text, each) < 0.2, final.text
            assert len(normal_words(final.text)) > 2.5 * sum(len(normal_words(s.words)) for s in sentences)
