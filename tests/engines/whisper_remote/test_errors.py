"""What goes wrong with a Whisper server over HTTP: each has its kind, its advice, and none of our secrets."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.engines.whisper_remote.http.harness import QUICK, SECRET, answering, heard, talking, written
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_http import FakeWhisperHttp
from tests.fakes.whisper_http_rules import STYLES
from voice_grpc.core.errors import EngineDenied, EngineError, EngineMissing, EngineQuota, EngineUnreachable
from voice_grpc.engines.whisper_remote.address import parse_address
from voice_grpc.engines.whisper_remote.errors import refusal
from voice_grpc.engines.whisper_remote.stt import whisper_server
from voice_grpc.ports import Stt

OK = written(200, b'{"text": "Hello."}')


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("trouble", "kind", "said"),
    [
        (Trouble.DENIED, EngineDenied, r"refused the credentials \(401\)"),
        (Trouble.QUOTA, EngineQuota, "answered 429: Rate limit reached; to be asked again in 7 s"),
        (Trouble.ERROR_FIRST, EngineUnreachable, "answered 503: the model is overloaded"),
        (Trouble.ERROR_MIDDLE, EngineUnreachable, "answered 500: CUDA out of memory"),
        (Trouble.CUT, EngineUnreachable, "the connection to http://127.0.0.1:[0-9]+ broke"),
    ],
)
async def test_every_error_of_every_server_is_one_of_ours(
    style: str, trouble: Trouble, kind: type[EngineError], said: str
) -> None:
    async with talking(Script(), style=style) as (fake, stt):
        fake.script.always = trouble
        with pytest.raises(kind, match=said) as told:
            await heard(stt)
        assert told.value.stage == "stt"
        assert told.value.advice
        assert ("WHISPER_API_KEY" in told.value.advice) == (kind is EngineDenied)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (400, EngineError, "answered 400: why"),
        (402, EngineQuota, "answered 402: why"),
        (403, EngineDenied, "credentials"),
        (404, EngineMissing, "why; check WHISPER_PROTOCOL, the path and the model"),
        (405, EngineMissing, "WHISPER_PROTOCOL"),
        (408, EngineError, "why"),
        (413, EngineError, "too large"),
        (418, EngineError, "why"),
        (422, EngineError, "why"),
        (307, EngineMissing, "somewhere else now"),
        (501, EngineMissing, "WHISPER_PROTOCOL"),
        (599, EngineUnreachable, "why"),
    ],
)
async def test_every_status_means_something(status: int, kind: type[EngineError], said: str) -> None:
    def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(OK if number < 2 else written(status, b'{"error": {"message": "why"}}'))

    async with answering(answer) as url:
        stt = whisper_server(f"{url}/inference")
        await stt.warm()
        with pytest.raises(kind, match=said) as told:
            await heard(stt)
        assert type(told.value) is not EngineError or told.value.retryable == (status == 408)
        await stt.close()


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (429, "7", 7.0),
        (429, "", 1.0),
        (503, "2", 2.0),
        (503, "", 0.5),
        (500, "", 0.5),
        (504, "", None),
        (400, "1", None),
        (413, "1", None),
    ],
)
def test_a_refusal_that_passes_says_when(status: int, told: str, expected: float | None) -> None:
    error = refusal(parse_address("http://127.0.0.1:9"), status, b"{}", told)
    assert error.retry_after == expected


async def test_what_is_wrong_is_told_at_start() -> None:
    async with FakeWhisperHttp(key="right") as fake:
        cases: list[tuple[Stt, type[EngineError], str]] = [
            (whisper_server(fake.url, key=SECRET), EngineDenied, "401"),
            (
                whisper_server(f"{fake.url}/elsewhere", key="right"),
                EngineMissing,
                "neither.*WHISPER_PROTOCOL",
            ),
            (whisper_server(fake.url, key="right", protocol="whispercpp"), EngineMissing, "no /inference"),
        ]
        for wrong, kind, said in cases:
            with pytest.raises(kind, match=said) as told:
                await wrong.warm()
            assert SECRET not in f"{told.value} {told.value.advice}"
            await wrong.close()
    gone = whisper_server(fake.url, timeouts=QUICK)
    with pytest.raises(EngineUnreachable, match=r"cannot be reached \(Connection refused\)"):
        await gone.warm()
    await gone.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
async def test_a_certificate_that_nobody_trusts_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, signed = str(tmp_path / "key.pem"), str(tmp_path / "signed.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", signed]
    command += ["-days", "1", "-subj", "/CN=box", "-addext", "subjectAltName=IP:127.0.0.1"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(signed, key)
    async with answering(lambda number, writer: writer.write(OK), tls) as url:
        stranger = whisper_server(f"{url}/inference")
        with pytest.raises(EngineUnreachable, match="certificate of .* is not trusted") as told:
            await stranger.warm()
        assert "SSL_CERT_FILE" in told.value.advice
        await stranger.close()
        monkeypatch.setenv("SSL_CERT_FILE", signed)
        friend = whisper_server(f"{url}/inference")
        await friend.warm()
        assert (await heard(friend)).text == "Hello."
        await friend.close()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HTTP_PROXY", "socks9://127.0.0.1:1", r"socks9://127.0.0.1:1 \(HTTP_PROXY\) cannot be used"),
        ("SSL_CERT_FILE", "/nowhere/at/all.pem", "no HTTP client"),
    ],
)
async def test_what_the_environment_says_of_the_network_may_be_wrong(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    stt = whisper_server("http://box.invalid")
    with pytest.raises(EngineUnreachable, match=said) as told:
        await stt.warm()
    assert name in f"{told.value} {told.value.advice}"
    await stt.close()


async def test_a_page_for_people_is_no_whisper_server() -> None:
    page = written(200, b"<!doctype html><title>Shop</title>", "text/html; charset=utf-8")
    async with answering(lambda number, writer: writer.write(page)) as url:
        stt = whisper_server(url)
        with pytest.raises(EngineMissing, match="has neither"):
            await stt.warm()
        await stt.close()


async def test_what_speaks_no_http_is_told() -> None:
    async with answering(lambda number, writer: writer.write(b"220 mail.example ESMTP\r\n\r\n")) as url:
        stt = whisper_server(url)
        with pytest.raises(EngineUnreachable, match="broke"):
            await stt.warm()
        await stt.close()


async def test_an_answer_without_an_end_has_one_here() -> None:
    """Not for ever in time, and not for ever in size."""

    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" " * 65_536)
            await writer.drain()

    async with answering(lambda number, writer: writer.write(OK) if number < 2 else pour(writer)) as url:
        stt = whisper_server(f"{url}/inference")
        await stt.warm()
        with pytest.raises(EngineError, match="more than any transcript"):
            await heard(stt)
        await stt.close()


async def test_a_secret_that_is_repeated_is_hidden_however_long_the_text() -> None:
    said = ("x" * 155 + SECRET).encode()  # the text is cut in the middle of it
    for status, body in (
        (400, said),
        (500, b'{"error": {"message": "key %s"}}' % SECRET.encode()),
        (200, said),
    ):

        def answer(
            number: int, writer: asyncio.StreamWriter, status: int = status, body: bytes = body
        ) -> None:
            writer.write(OK if number < 2 else written(status, body))

        async with answering(answer) as url:
            stt = whisper_server(f"{url}/inference", key=SECRET)
            await stt.warm()
            with pytest.raises(EngineError) as told:
                await heard(stt)
            assert "hush" not in f"{told.value!r} {told.value.advice} {told.value.__cause__!r}"
            assert "***" in str(told.value) or status != 500
            await stt.close()


async def test_closing_breaks_off_what_is_on_its_way() -> None:
    async with talking() as (fake, stt):
        fake.script.always = Trouble.STALL_FIRST
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(_failure_of(heard(stt)))
            await fake.script.until_open(1)
            async with asyncio.timeout(60):
                await stt.close()
            await fake.script.until_open(0)
        assert "closed" in str(asked.result())
        await stt.close()


async def _failure_of(work: Any) -> EngineError:
    with pytest.raises(EngineError) as told:
        await work
    return told.value


@pytest.mark.parametrize("scheme", ["http", "ws"])
@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("http://me:pass-word@127.0.0.1:9", "through the proxy http://127.0.0.1:9 (ALL_PROXY)"),
        ("socks5://127.0.0.1:9", "the proxy socks5://127.0.0.1:9 (ALL_PROXY) cannot be used"),
        ("gopher://127.0.0.1:9", "the proxy gopher://127.0.0.1:9 (ALL_PROXY) cannot be used"),
    ],
)
async def test_a_proxy_on_the_way_is_named(
    scheme: str, proxy: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    stt = whisper_server(f"{scheme}://box.invalid:9000")
    with pytest.raises(EngineUnreachable) as told:
        await stt.warm()
    assert said in str(told.value)
    assert "pass-word" not in str(told.value)
    assert "NO_PROXY" in told.value.advice
    await stt.close()


async def test_a_proxy_that_refuses_a_socket_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = written(407, b"", "text/plain")
    async with answering(lambda number, writer: writer.write(refusal)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        stt = whisper_server("ws://box.invalid:9000")
        with pytest.raises(EngineUnreachable, match=r"through the proxy http://127.0.0.1:\d+ \(HTTP_PROXY\)"):
            await stt.warm()
        await stt.close()
