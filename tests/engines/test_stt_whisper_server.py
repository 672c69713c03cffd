"""A Whisper server by its URL: which protocol, in whose manner, what its errors mean; and two real ones."""

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.engines.test_whisper_wyoming import is_listening, spoken
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_http import MODEL, STYLES, FakeWhisperHttp
from tests.whisper_server.process import running
from voice_grpc.core.audio import Samples
from voice_grpc.core.errors import EngineDenied, EngineError, EngineMissing, EngineUnreachable
from voice_grpc.engines.patience import Patience
from voice_grpc.engines.stt_whisper_server import whisper_server
from voice_grpc.engines.whisper_answers import complaint, read
from voice_grpc.engines.whisper_live import WhisperLiveStt
from voice_grpc.engines.whisper_realtime import RealtimeStt
from voice_grpc.engines.whisper_wyoming import WyomingStt
from voice_grpc.ports import Stt, SttOptions, Transcription, Word

SHORT = Patience(connect=0.5, first=0.5, between=0.5)
SECRET = "hush-hush-key"


def hum(seconds: float = 1.0) -> Samples:
    return (np.sin(np.arange(round(seconds * 16_000)) * 0.2) * 3_000).astype(np.int16)


async def heard(stt: Stt, options: SttOptions | None = None, samples: Samples | None = None) -> Transcription:
    stream = stt.open(options or SttOptions(("en",)))
    stream.feed(hum() if samples is None else samples)
    try:
        return await stream.final()
    finally:
        await stream.close()


# ---------------------------------------------------------------- by its URL


@pytest.mark.parametrize(
    ("url", "protocol", "kind"),
    [
        ("ws://box:9090", "auto", WhisperLiveStt),
        ("wss://box/v1/realtime", "auto", RealtimeStt),
        ("ws://box:9090", "realtime", RealtimeStt),
        ("ws://box/v1/realtime", "whisperlive", WhisperLiveStt),
        ("tcp://box:10300", "auto", WyomingStt),
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


# ---------------------------------------------------------------- in whose manner


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("path", ["", "/", "/v1", "the whole"])
async def test_every_manner_is_understood(style: str, path: str) -> None:
    if style == "whispercpp" and path == "/v1":
        path = ""
    whole = "/inference" if style == "whispercpp" else "/v1/audio/transcriptions"
    async with FakeWhisperHttp(style=style, key=SECRET, hear="Hello there.") as fake:
        stt = whisper_server(fake.url + (whole if path == "the whole" else path), key=SECRET)
        await stt.warm()
        said = await heard(stt, SttOptions(("en",), "Anna"))
        assert said.text == "Hello there."
        assert said.language == "en"
        asked = fake.script.calls[-1].what
        assert isinstance(asked, dict)
        assert asked["prompt"] == "Anna"
        assert asked["language"] == "en"
        if style in ("openai", "speaches", "vllm"):
            assert stt.name == asked["model"] == MODEL
        await stt.close()


async def test_the_model_that_is_named_is_asked_for() -> None:
    async with FakeWhisperHttp(hear="Hello.") as fake:
        stt = whisper_server(fake.url, model="whisper-tiny")
        await stt.warm()
        assert stt.name == "whisper-tiny"
        assert fake.script.calls[-1].what["model"] == "whisper-tiny"  # type: ignore[index]
        await stt.close()


async def test_basic_credentials_come_from_the_url_and_stay_out_of_sight() -> None:
    async with FakeWhisperHttp(key="Basic YW5uYTpodXNoLWh1c2gta2V5", hear="Hello.") as fake:
        stt = whisper_server(fake.url.replace("http://", f"http://anna:{SECRET}@"))
        await stt.warm()
        assert (await heard(stt)).text == "Hello."
        assert SECRET not in f"{stt.location} {stt.name} {stt!r}"
        await stt.close()


@pytest.mark.parametrize(
    ("languages", "asked", "told"),
    [(("en-GB",), "en", "en"), (("es", "en"), None, "en"), ((), None, "en"), (("es", "de"), None, "")],
)
async def test_one_language_is_told_and_several_are_detected(
    languages: tuple[str, ...], asked: str | None, told: str
) -> None:
    """The fake always hears English."""
    async with FakeWhisperHttp(hear="Hello.") as fake:
        stt = whisper_server(fake.url)
        await stt.warm()
        assert (await heard(stt, SttOptions(languages))).language == told
        assert fake.script.calls[-1].what.get("language") == asked  # type: ignore[union-attr]
        await stt.close()


# ---------------------------------------------------------------- when


async def test_interims_are_skipped_while_one_is_under_way_and_given_up_for_the_final() -> None:
    far = Script()
    async with FakeWhisperHttp(far, hear="Hello.") as fake:
        stt = whisper_server(fake.url)
        await stt.warm()
        far.always = Trouble.STALL_FIRST
        stream = stt.open(SttOptions(("en",)))
        stream.feed(hum())
        async with asyncio.TaskGroup() as tasks:
            slow = tasks.create_task(stream.interim())
            await far.until_open(1)
            assert await stream.interim() is None
            far.always = Trouble.NONE
            assert (await stream.final()).text == "Hello."
        assert slow.result() is None
        await far.until_open(0)
        assert [call.end for call in far.calls[-2:]] == ["gone", "done"]
        count = len(far.calls)
        assert (await stream.final()).text == "Hello."
        assert len(far.calls) == count
        stream.feed(hum())
        assert (await stream.final()).text == "Hello."
        assert len(far.calls) == count + 1
        await stream.close()
        await stt.close()


async def test_a_server_that_still_loads_is_waited_for() -> None:
    async with FakeWhisperHttp(style="whispercpp", hear="Hello.") as fake:
        fake.is_loading = True
        stt = whisper_server(fake.url)
        async with asyncio.TaskGroup() as tasks:
            warming = tasks.create_task(stt.warm())
            await asyncio.sleep(0.2)
            assert not warming.done()
            fake.is_loading = False
        await stt.close()


async def test_a_busy_moment_is_tried_once_more() -> None:
    far = Script()
    async with FakeWhisperHttp(far, hear="Hello.") as fake:
        stt = whisper_server(fake.url)
        await stt.warm()
        far.trouble.append(Trouble.ERROR_FIRST)
        assert (await heard(stt)).text == "Hello."
        far.always = Trouble.ERROR_FIRST
        with pytest.raises(EngineUnreachable, match=r"failed \(503\): the model is overloaded"):
            await heard(stt)
        await stt.close()


async def test_what_is_wrong_is_told_at_start() -> None:
    async with FakeWhisperHttp(key="right", style="openai") as fake:
        stt = whisper_server(fake.url, key=SECRET)
        with pytest.raises(EngineDenied, match=r"refused the credentials \(401\)") as told:
            await stt.warm()
        assert "WHISPER_API_KEY" in told.value.advice
        assert SECRET not in str(told.value)
        await stt.close()
        wrong = whisper_server(f"{fake.url}/elsewhere")
        with pytest.raises(EngineMissing, match="WHISPER_PROTOCOL"):
            await wrong.warm()
        await wrong.close()
        wrong = whisper_server(fake.url, protocol="whispercpp", key="right")
        with pytest.raises(EngineMissing, match="WHISPER_PROTOCOL"):
            await wrong.warm()
        await wrong.close()
    gone = whisper_server(fake.url, patience=SHORT)
    with pytest.raises(EngineUnreachable, match="cannot be reached"):
        await gone.warm()
    await gone.close()


async def test_before_warm_and_after_close_nothing_is_asked() -> None:
    stt = whisper_server("http://127.0.0.1:9")
    with pytest.raises(EngineError, match="never warmed"):
        await heard(stt)


# ---------------------------------------------------------------- answers

SSE = "text/event-stream; charset=utf-8"
ANSWERS: dict[str, tuple[str, bytes, Transcription]] = {
    "json": ("application/json", b'{"text": " Hi. "}', Transcription("Hi.")),
    "words": (
        "application/json",
        b'{"text": "Hi", "language": "Spanish", "duration": "1.5", "segments": [{"text": " Hi", "words":'
        b' [{"word": " Hi", "start": 0.1, "end": 0.4}]}]}',
        Transcription("Hi", "es", words=(Word("Hi", 0.1, 0.4),)),
    ),
    "made up": (
        "application/json",
        b'{"text": " Hi. Thanks for watching!", "segments": [{"text": " Hi.", "no_speech_prob": 0.1,'
        b' "avg_logprob": -0.3}, {"text": " Thanks for watching!", "no_speech_prob": 0.9,'
        b' "avg_logprob": -1.5}]}',
        Transcription("Hi."),
    ),
    "text": ("text/plain", b"Hi.\n", Transcription("Hi.")),
    "openai events": (
        SSE,
        b'data: {"type":"transcript.text.delta","delta":"H"}\n\n'
        b'data: {"type":"transcript.text.done","text":"Hi."}\n\n',
        Transcription("Hi."),
    ),
    "vllm events": (
        SSE,
        b': ping\r\n\r\ndata: {"choices":[{"delta":{"content":"Hi"}}]}\r\n\r\n'
        b'data: {"choices":[{"delta":{"content":"."}}]}\r\n\r\ndata: [DONE]\r\n\r\n',
        Transcription("Hi."),
    ),
    "whisperlive events": (
        SSE,
        b'data: {"id":0,"text":"Hi."}\n\ndata: {"id":1,"text":"You."}\n\ndata: [DONE]\n\n',
        Transcription("Hi. You."),
    ),
    "nothing": (SSE, b"data: [DONE]\n\n", Transcription("")),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_every_shape_of_answer_is_read(case: str) -> None:
    kind, body, expected = ANSWERS[case]
    assert read(kind, body) == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"{}", b'{"text": 7}', b"\xff\xfe"])
def test_what_is_no_transcript_is_told(body: bytes) -> None:
    with pytest.raises(EngineError, match="no transcript"):
        read("application/json", body)


def test_an_error_among_events_is_one() -> None:
    with pytest.raises(EngineError, match="out of memory"):
        read(SSE, b'data: {"error": {"message": "out of memory"}}\n\n')


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "a b"}}', "a b"),
        (b'{"error": "a b"}', "a b"),
        (b'{"detail": "a b"}', "a b"),
        (b"a\n b", "a b"),
        (b"{}", ""),
    ],
)
def test_a_complaint_is_found_wherever_it_is(body: bytes, said: str) -> None:
    assert complaint(body) == said


# ---------------------------------------------------------------- real servers

SENTENCE = "Can you tell me about the weather today?"


@pytest.fixture(scope="module")
def faster_whisper_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The package of that name, with the packaged tiny model."""
    missing = [name for name in ("faster_whisper_server", "piper") if not importlib.util.find_spec(name)]
    if missing and os.environ.get("REQUIRE_ALL") != "1":
        pytest.skip(f"without {missing[0]}")
    from voice_grpc.models import model_path

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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


async def _understands(url: str, key: str = "") -> None:
    stt = whisper_server(url, key=key, patience=Patience(connect=2, first=20, between=10))
    await stt.warm()
    samples = await spoken(SENTENCE)
    stream = stt.open(SttOptions(("en",)))
    stream.feed(samples)
    interim, final = await stream.interim(), await stream.final()
    assert interim is not None
    for text in (interim.text, final.text):
        assert "weather today" in text.lower().replace("?", "")
    await stream.close()
    await stt.close()


async def test_a_real_openai_compatible_server_understands(faster_whisper_server: str) -> None:
    await _understands(faster_whisper_server)


async def test_our_own_server_understands() -> None:
    with running("--model", "tiny", variables={"WHISPER_API_KEY": SECRET}) as process:
        await _understands(process.url, SECRET)
