"""What goes wrong with Google Cloud TTS, and what is said of it."""

import asyncio
import socket
from contextlib import aclosing

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from tests.engines.conformance import hurry, unhurried
from tests.engines.google_tts.harness import ANY, TEXTS, UNARY, given, opened, say
from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.latency import Latency, Profile
from tests.fakes.script import Script, Trouble
from tests.free_port import free_port
from voice_grpc.core.audio import Samples
from voice_grpc.core.errors import (
    EngineDenied,
    EngineEmpty,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)
from voice_grpc.engines.google_tts.errors import translated
from voice_grpc.engines.google_tts.stream import StallWatchdog
from voice_grpc.engines.google_tts.tts import GoogleTts
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.ports import VoiceChoice


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (Trouble.DENIED, EngineDenied),
        (Trouble.QUOTA, EngineQuota),
        (Trouble.ERROR_FIRST, EngineUnreachable),
        (Trouble.STALL_FIRST, EngineTimeout),
    ],
)
async def test_what_is_wrong_is_found_at_start(trouble: Trouble, kind: type[EngineError]) -> None:
    timeouts = Timeouts(0.1, 0.1, 0.1) if trouble is Trouble.STALL_FIRST else Timeouts(60, 60, 60)
    async with opened(FakeGoogleTts(Script(always=trouble)), timeouts=timeouts) as (_, tts):
        with pytest.raises(kind) as caught:
            await tts.warm()
        assert caught.value.stage == "tts"
        if trouble is Trouble.DENIED:
            assert "GOOGLE_TTS_CREDENTIALS" in caught.value.advice
            assert not caught.value.retryable


async def test_the_quota_of_streams_is_said_with_what_this_process_uses() -> None:
    async with opened(FakeGoogleTts(streams_at_once=1)) as (_, tts):
        async with aclosing(tts.speak(given(TEXTS[0], asyncio.Event()), ANY)) as first:
            await anext(first)
            with pytest.raises(EngineQuota) as caught:
                await say(tts, TEXTS[0])
        assert "2 streams open (of 100" in caught.value.advice
        assert "2 Chirp 3 requests" in caught.value.advice
        assert await say(tts, TEXTS[0]), "and it speaks again"


async def test_nobody_there_is_known_soon() -> None:
    port = free_port()
    tts = GoogleTts(endpoint=f"http://127.0.0.1:{port}")
    with pytest.raises(EngineUnreachable, match=str(port)):
        await tts.warm()
    await tts.close()


async def test_a_host_that_never_answers_is_given_up() -> None:
    waits = unhurried()
    async with opened(FakeGoogleTts(), timeouts=waits) as (fake, tts):
        await tts.voices()
        await fake.__aexit__()
        hurry(waits, connect=0.2, first=0.2, between=0.2)
        with (
            socket.create_server(("127.0.0.1", fake.port), backlog=1, reuse_port=False),
            pytest.raises(EngineUnreachable),
        ):
            await say(tts, *TEXTS)


async def test_a_connection_that_broke_while_idle_costs_nothing() -> None:
    async with opened(FakeGoogleTts()) as (fake, tts):
        for choice in (VoiceChoice(), UNARY):
            for _ in range(5):
                assert await say(tts, *TEXTS, choice=choice)
                fake.cut_all()


async def test_one_who_takes_the_sound_slowly_is_not_the_service_being_late() -> None:
    text = "This goes on for long enough that not all of it waits to be taken. " * 20
    async with opened(FakeGoogleTts(), timeouts=Timeouts(60, 60, 0.4)) as (_, tts):
        count = 0
        async with aclosing(tts.speak(given(text, *TEXTS), ANY)) as sounds:
            async for _sound in sounds:
                count += 1
                if count in (1, 70):
                    await asyncio.sleep(0.6)
        assert count > 70


async def test_an_answer_without_sound_is_told() -> None:
    async with opened(FakeGoogleTts(Script(always=Trouble.EMPTY))) as (_, tts):
        for choice in (VoiceChoice(), UNARY):
            with pytest.raises(EngineEmpty):
                await say(tts, TEXTS[0], choice=choice)


@pytest.mark.parametrize(("choice", "calls"), [(ANY, 1), (UNARY, 3)], ids=["streaming", "unary"])
async def test_closing_in_the_middle_of_an_answer_is_an_error_of_ours(
    choice: VoiceChoice, calls: int
) -> None:
    async with opened(FakeGoogleTts(Script(Latency(Profile(5.0))))) as (fake, tts):

        async def close() -> None:
            await fake.script.until_open(calls)
            await tts.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(close())
            with pytest.raises(EngineError, match="closed"):
                await say(tts, *TEXTS, choice=choice)
        await fake.script.until_open(0)


@pytest.mark.parametrize(
    "endpoint", ["ftp://host", "http://host", "http://a:b@host:1", "https://h:99999", "http://h:1/x"]
)
def test_an_endpoint_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(EngineMissing, match="GOOGLE_TTS_ENDPOINT") as caught:
        GoogleTts(endpoint=endpoint)
    assert "a:b" not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "location"),
    [
        ("", "texttospeech.googleapis.com:443"),
        ("eu-texttospeech.googleapis.com", "eu-texttospeech.googleapis.com:443"),
        ("https://eu-texttospeech.googleapis.com/", "eu-texttospeech.googleapis.com:443"),
        ("localhost:8443", "localhost:8443"),
        ("http://[::1]:9002", "http://[::1]:9002"),
    ],
)
def test_where_it_is(endpoint: str, location: str) -> None:
    assert GoogleTts("{}", endpoint=endpoint).location == location


async def test_sound_that_cannot_be_read_ends_the_call_at_the_far_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable(data: bytes) -> Samples:
        raise EngineError("tts", "no sound that anybody knows")

    monkeypatch.setattr("voice_grpc.engines.google_tts.audio._pcm", unreadable)
    async with opened(FakeGoogleTts(Script(always=Trouble.STALL_MIDDLE))) as (fake, tts):
        with pytest.raises(EngineError, match="anybody knows"):
            await say(tts, *TEXTS)
        async with asyncio.timeout(60):
            await fake.script.until_open(0)
        assert [call.end for call in fake.script.calls] == ["gone"]


async def test_a_writer_that_is_later_than_the_end_of_the_call_does_no_harm() -> None:
    """The deadline is over by then."""
    watch = StallWatchdog(Timeouts())
    async with watch.watching():
        watch.sent()
    watch.sent()
    watch.closed()
    watch.expire()
    with watch.heard():
        assert watch.silent_seconds == 0.0


@pytest.mark.parametrize("event", ["sent", "heard", "closed"])
async def test_what_is_late_depends_on_what_is_owed(event: str) -> None:
    watch = StallWatchdog(Timeouts(first=0.05, between=0.05))
    if event == "sent":
        watch.sent()
    if event != "sent":
        with watch.heard():
            pass
    if event == "closed":
        watch.closed()
    try:
        async with watch.watching():
            await asyncio.sleep(0.3)
    except TimeoutError:
        assert event in ("sent", "closed")
    else:
        assert event == "heard", "nothing is owed"


async def test_a_proxy_on_the_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:pass-word@127.0.0.1:9")
    tts = GoogleTts("", endpoint="http://voice.invalid:9002", timeouts=Timeouts(1.0, 1.0, 1.0))
    with pytest.raises(EngineError) as caught:
        await tts.warm()
    assert "through the proxy http://127.0.0.1:9 (HTTP_PROXY)" in str(caught.value)
    assert "pass-word" not in str(caught.value)
    await tts.close()


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy", "ALL_PROXY"])
async def test_a_service_on_this_machine_is_asked_for_through_no_proxy(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    async with opened(FakeGoogleTts()) as (_, tts):
        await tts.warm()


# ---------------------------------------------------------------- what passes


def failed(code: grpc.StatusCode, said: str = "", retry: float | None = None) -> grpc.aio.AioRpcError:
    """A call that ended so; `retry`: seconds of google.rpc.RetryInfo."""
    status = status_pb2.Status(code=code.value[0])
    if retry is not None:
        delay = error_details_pb2.RetryInfo()
        delay.retry_delay.FromMilliseconds(round(retry * 1000))
        status.details.add().Pack(delay)
    details = ("grpc-status-details-bin", status.SerializeToString())
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(details), said)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota", 1.2), 1.2),
        (failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota"), 1.0),
        (failed(grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable."), 0.5),
        (failed(grpc.StatusCode.UNAVAILABLE, "Try again", 2.0), 2.0),
        (failed(grpc.StatusCode.INTERNAL, "Internal error"), 0.5),
        (failed(grpc.StatusCode.UNAVAILABLE, "Socket closed"), None),
        (failed(grpc.StatusCode.INVALID_ARGUMENT, "no such voice", 1.0), None),
        (failed(grpc.StatusCode.DEADLINE_EXCEEDED, "late"), None),
        (failed(grpc.StatusCode.PERMISSION_DENIED, "no"), None),
    ],
)
def test_a_refusal_that_passes_says_when(error: Exception, expected: float | None) -> None:
    assert translated(error).retry_after == expected
