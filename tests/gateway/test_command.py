"""`voice-grpc gateway`: what it says when it cannot begin, and what its log does not say."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.command import command, secrets_of
from voice_grpc.process.log_lines import TextLines
from voice_grpc.process.redaction import Redaction

from .harness import settings

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys; from gateway.command import command; sys.exit(command(sys.argv[1:]))"


@pytest.fixture(autouse=True)
def _without_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and the one line on standard error."""
    code = command(list(arguments))
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("voice-grpc gateway: ")
    return code, said.removeprefix("voice-grpc gateway: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nonsense"], "--nonsense"),
        (["word"], "word"),
        (["--port", "many"], "--port (GATEWAY_PORT): got 'many', accepted: a whole number from 0 to 65535"),
        (["--port", "99999"], "got '99999', accepted: a whole number from 0 to 65535"),
        (["--target", "box:port"], "--target (GATEWAY_TARGET): got 'box:port', accepted: HOST[:PORT]"),
        (["--target", "https://me:pass-word@box"], "got 'https://***@box', accepted: HOST[:PORT]"),
        (["--max-sockets", "0"], "--max-sockets (GATEWAY_MAX_SOCKETS): got '0', accepted:"),
        (["--target", "\udcff"], "--target (GATEWAY_TARGET): got '\\udcff', accepted: HOST[:PORT]"),
        (
            ["--ice-servers", "stun.example.org"],
            "--ice-servers (GATEWAY_ICE_SERVERS): got 'stun.example.org'",
        ),
        (
            ["--hosts", "a.example,b.example:80"],
            "--hosts (GATEWAY_HOSTS): got 'b.example:80', accepted: a name",
        ),
        (["--hosts", "http://a.example"], "got 'http://a.example', accepted: a name such as"),
        (["--origins", "a.example"], "--origins (GATEWAY_ORIGINS): got 'a.example', accepted: https://HOST"),
        (["--origins", "https://a.example/"], "got 'https://a.example/', accepted: https://HOST"),
        (["--proxies", "proxy"], "--proxies (GATEWAY_PROXIES): got 'proxy', accepted: an address such as"),
        (
            ["--proxies", "10.0.0.1/8"],
            "got '10.0.0.1/8', accepted: an address such as 10.0.0.7, or a network",
        ),
        (["--max-connections", "-1"], "got '-1', accepted: a whole number from 0 to 100000"),
        (["--ice-servers", "stun:"], "accepted: stun:HOST[:PORT]"),
        (["--ice-servers", "stun:a:b"], "got 'stun:a:b', accepted: "),
        (["--ice-servers", "stun:a:70000"], "got 'stun:a:70000', accepted: "),
        (["--ice-servers", "stun:a b"], "got 'stun:a b', accepted: "),
        (["--ice-servers", "stun:ok,http://x"], "got 'http://x', accepted: "),
        (["--ice-servers", "turn:a?transport=tls"], "got 'turn:a?transport=tls', accepted: "),
        (["--ice-servers", "stun:a?transport=udp"], "got 'stun:a?transport=udp', accepted: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_one_line_and_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = refused(capsys, *arguments)
    assert code == 2
    assert said in told


def test_a_wrong_ice_server_is_told_without_its_password(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = refused(capsys, "--ice-servers", "turn:me:pass/w@rd@host:many")
    assert code == 2
    assert "turn:***@host:many" in told
    assert "pass/w" not in told


def test_an_env_file_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    code, told = refused(capsys)
    assert code == 2
    assert told.startswith(".env cannot be read: ")


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "no.such.host.invalid"])
def test_an_address_that_cannot_be_listened_on_is_one_line_and_code_2(host: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, "--host", host, "--port", "0"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    (told,) = ended.stderr.splitlines()
    said = f"--host and --port: got '{host}:0', accepted: an address of this machine"
    assert told.startswith(f"voice-grpc gateway: {said}")


@pytest.mark.parametrize("format", ["text", "json"])
def test_it_listens_until_a_signal_and_its_log_hides_secrets(format: str) -> None:
    """A bug is logged with all that its message holds, whoever's secret that is."""
    prelude = (
        "import gateway.app as app, logging\n"
        "def bug(*_): raise RuntimeError('at turn:me:pass-word@host with Bearer abcdef123 and pass-word')\n"
        "app.dialect_for = bug\n"
    )
    arguments = ["--port", "0", "--ice-servers", "turn:me:pass-word@host", "--log-format", format]
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", prelude + PROGRAM, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        asyncio.run(knock(int(line.rpartition(":")[2])))
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "RuntimeError" in log
    assert "Bearer ***" in log
    assert "abcdef123" not in log
    assert "pass-word" not in log
    if format == "json":
        lines = [json.loads(line) for line in log.splitlines()]
        always = {"time", "level", "logger", "message", "session_id", "trace_id"}
        assert lines
        assert all(set(line) - {"exception"} == always for line in lines)


async def knock(port: int) -> None:
    """A WebSocket handshake, whatever is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await asyncio.wait_for(reader.readline(), 60)
    writer.close()


def test_what_the_settings_hold_of_secrets() -> None:
    given = settings(ice_servers=["turn:me:pass@host", "stun:host"])
    redact = TextLines(Redaction(secrets_of(given)))
    assert "pass" in secrets_of(given)
    record = logging.LogRecord("a", logging.INFO, "", 0, "at me:pass of %s", ("https://me:word@host",), None)
    assert redact.format(record).endswith("at *** of https://***@host")
