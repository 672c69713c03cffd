"""`voice-grpc whisper-server` as a process: its help, its refusals in one line, its start and its end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
import numpy as np
import pytest

from voice_grpc.bench.stt_utterances import SpokenText
from voice_grpc.whisper_server.command import command
from voice_grpc.whisper_server.options import COMMAND_LINE, GROUPS, WhisperServerSettings

from .process import ROOT, TRANSCRIPTIONS, Process, environment, running, started, tone, upload, wav

BLOCKER = """
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def outcome(
    *arguments: str, variables: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of a command that ends by itself."""
    with started(*arguments, variables=variables or {}, cwd=cwd) as process:
        assert process.popen.stdout is not None
        out = process.popen.stdout.read()
        code = process.popen.wait(60)
    return code, out, "".join(process.errors)


def refused(*arguments: str, variables: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """The one line that it says."""
    code, _, error = outcome(*arguments, variables=variables, cwd=cwd)
    assert code == 2, error
    assert error.count("\n") == 1, error
    assert error.startswith("voice-grpc whisper-server: ")
    return error


def test_help_tells_every_option_its_variable_and_its_default() -> None:
    code, out, error = outcome("--help")
    assert (code, error) == (0, "")
    assert out.startswith("usage: voice-grpc whisper-server [OPTION ...]\n")
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted(WhisperServerSettings.model_fields)
    for name in names:
        assert f"  --{name.replace('_', '-')} " in out
        assert COMMAND_LINE.variable(name) in out
    for default in ("8000", "base", "25", "64", "auto"):
        assert f"default {default})" in out
    assert max(map(len, out.splitlines())) <= 110


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prot", "1"], "--prot"),
        (["extra"], "extra"),
        (
            ["--port", "abc"],
            "--port (VOICE_WHISPER_PORT): got 'abc', accepted: a whole number from 0 to 65535",
        ),
        (["--max-batch", "-1"], "--max-batch (VOICE_WHISPER_MAX_BATCH): got '-1'"),
        (["--batch-wait", "nan"], "accepted: a number from 0 to 1"),
        (["--device", "tpu"], "'auto', 'cpu' or 'cuda'"),
        (
            ["--compute-type", "int3", "--port", "0"],
            "--compute-type (VOICE_WHISPER_COMPUTE_TYPE): got 'int3'",
        ),
        (["--host", "256.1.1.1", "--port", "0"], "256.1.1.1:0"),
        (["--model", "./nowhere", "--port", "0"], "there is no Whisper model directory nowhere"),
        (["--model", ".", "--port", "0"], "is no CTranslate2 Whisper model: model.bin"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in WhisperServerSettings.model_fields:
        monkeypatch.delenv(COMMAND_LINE.variable(name), raising=False)
    assert command(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("voice-grpc whisper-server: ")
    assert error.count("\n") == 1
    assert said in error


def test_a_wrong_variable_is_named() -> None:
    said = refused(variables={"VOICE_WHISPER_PORT": "x"})
    assert "VOICE_WHISPER_PORT" in said


def test_a_device_that_is_not_there() -> None:
    ctranslate2 = pytest.importorskip("ctranslate2")
    if ctranslate2.get_cuda_device_count():
        pytest.skip("this machine has a GPU")
    assert "no CUDA device" in refused("--device", "cuda", "--port", "0")


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused("--port", port)
    assert f"127.0.0.1:{port}" in said
    assert "free" in said


@pytest.mark.parametrize(
    ("blocked", "said"),
    [
        ({"faster_whisper", "ctranslate2"}, "[local]'"),
        ({"starlette"}, "starlette is not installed: run "),
        ({"uvicorn", "prometheus_client"}, "[local,whisper-server]'"),
    ],
    ids=lambda value: min(value) if isinstance(value, set) else "",
)
def test_what_is_not_installed_is_said(blocked: set[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(names=blocked))
    variables = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    assert said in refused("--port", "0", variables=variables)


def test_dotenv_is_read_and_a_placeholder_is_no_key(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VOICE_WHISPER_PORT=many\n")
    assert "VOICE_WHISPER_PORT" in refused(cwd=tmp_path)
    (tmp_path / ".env").write_text("VOICE_WHISPER_PORT=81\nWHISPER_API_KEY=<your key>\n")
    read = WhisperServerSettings(_env_file=tmp_path / ".env")  # type: ignore[call-arg]
    assert (read.port, read.api_key) == (81, [])
    two = WhisperServerSettings(_env_file=None, WHISPER_API_KEY=" alpha, beta,")  # type: ignore[call-arg]
    assert [key.get_secret_value() for key in two.api_key] == ["alpha", "beta"]
    assert "alpha" not in repr(two)


def test_without_a_key_everybody_is_let_in_and_it_says_what_it_runs() -> None:
    pytest.importorskip("faster_whisper")
    with running("--port", "0", "--model", "tiny", variables={}) as process:
        assert "whisper-tiny on cpu, int8" in process.said[0]
        response = httpx2.post(
            process.url + TRANSCRIPTIONS, files=upload(wav(tone(1.0))), data={"model": "tiny"}
        )
        assert response.status_code == 200
        refusals = [
            httpx2.post(process.url + TRANSCRIPTIONS, files=upload(wav(tone(1.0))), data={"language": "fr"}),
            httpx2.post(process.url + "/v1/audio/translations", files=upload(wav(tone(1.0)))),
        ]
        for refusal in refusals:
            assert refusal.status_code == 400
            assert "knows English only" in refusal.json()["error"]["message"]


STALL = """
import sys
from importlib.abc import MetaPathFinder

class Staller(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "faster_whisper":
            open({fifo!r}).read()

sys.meta_path.insert(0, Staller())
"""


def port_of(process: Process) -> int:
    """Before it says so: of the one socket that it listens on."""
    while True:
        assert process.popen.poll() is None, "".join(process.errors)
        inodes = set()
        for link in Path(f"/proc/{process.popen.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since
                inodes.add(os.readlink(link))
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                return int(fields[1].partition(":")[2], 16)


def test_while_the_model_loads_it_says_so_and_a_signal_ends_it(tmp_path: Path) -> None:
    """A model that is never loaded: its package waits for a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "sitecustomize.py").write_text(STALL.format(fifo=str(tmp_path / "pipe")))
    variables = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with started("--port", "0", variables=variables) as process:
        url = f"http://127.0.0.1:{port_of(process)}"
        health = httpx2.get(f"{url}/health")
        assert (health.status_code, health.json()["status"]) == (503, "loading")
        assert int(health.headers["retry-after"]) > 0
        refusal = httpx2.post(url + TRANSCRIPTIONS, files=upload(wav(tone(1.0))))
        assert (refusal.status_code, refusal.json()["error"]["code"]) == (503, "loading")
        assert httpx2.get(f"{url}/health/live").status_code == 200
        assert "whisper_ready 0.0" in httpx2.get(f"{url}/metrics").text
        assert process.end(signal.SIGTERM) == 130


@pytest.fixture(scope="module")
def long_file(utterances: list[SpokenText]) -> bytes:
    """Some seconds of work: two or three pieces."""
    return wav(np.concatenate([each.samples for each in utterances]))


@pytest.fixture(scope="module")
def longer_file(utterances: list[SpokenText]) -> bytes:
    return wav(np.tile(np.concatenate([each.samples for each in utterances]), 2))


def asked(process: Process, data: bytes) -> httpx2.Response:
    return httpx2.post(process.url + TRANSCRIPTIONS, files=upload(data), data={"language": "en"}, timeout=60)


def until_open(process: Process) -> None:
    while process.metric("whisper_batch_size_count") < 1:
        pass


def test_sigterm_lets_open_requests_finish(long_file: bytes) -> None:
    with running("--port", "0", variables={}) as process, ThreadPoolExecutor(1) as callers:
        answer = callers.submit(asked, process, long_file)
        until_open(process)
        assert process.end(signal.SIGTERM) == 0
        assert answer.result().status_code == 200
        assert len(answer.result().json()["text"]) > 300
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{process.url}/health")
    assert "Traceback" not in "".join(process.errors)


@pytest.mark.parametrize(
    ("arguments", "number"),
    [((), signal.SIGINT), (("--drain-seconds", "0.3"), signal.SIGTERM)],
)
def test_the_drain_has_an_end(longer_file: bytes, arguments: tuple[str, ...], number: signal.Signals) -> None:
    """What is cut off is told so."""
    with running("--port", "0", *arguments, variables={}) as process, ThreadPoolExecutor(1) as callers:
        answer = callers.submit(asked, process, longer_file)
        until_open(process)
        assert process.end(number) == 0
        assert answer.result().status_code == 503
        assert "goes away" in answer.result().json()["error"]["message"]
    assert "Traceback" not in "".join(process.errors)


def test_idle_it_ends_at_once_and_a_second_signal_hurries_it(longer_file: bytes) -> None:
    long = ("--port", "0", "--drain-seconds", "3600")
    with running(*long, variables={}) as process, httpx2.Client(base_url=process.url) as client:
        client.get("/health")  # leaves an idle connection behind
        assert process.end(signal.SIGTERM) == 0
    with running(*long, variables={}) as process, ThreadPoolExecutor(1) as callers:
        answer = callers.submit(asked, process, longer_file)
        until_open(process)
        process.popen.send_signal(signal.SIGTERM)
        threading.Timer(0.2, process.popen.send_signal, (signal.SIGINT,)).start()
        assert process.popen.wait(60) == 0
        assert answer.result().status_code == 503


LEAKS = """
import logging, sys
import voice_grpc.whisper_server.serving as serving

async def serve(settings, say):
    (key,) = settings.api_key
    logging.getLogger("voice_grpc").error("%s came with Bearer abcdef123", key.get_secret_value())
    raise RuntimeError("a bug: sentinel-key, hub-secret, http://me:pass-word@host")

serving.serve = serve
from voice_grpc.whisper_server.command import command
sys.exit(command([]))
"""


def test_no_secret_comes_out_in_the_log_or_in_what_ends_the_process(tmp_path: Path) -> None:
    variables = {"WHISPER_API_KEY": "sentinel-key", "HF_TOKEN": "hub-secret"}
    ended = subprocess.run(
        [sys.executable, "-c", LEAKS],
        env=environment(variables),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "*** came with Bearer ***" in ended.stderr
    assert "RuntimeError: a bug: ***, ***, http://***@host" in ended.stderr
    for secret in ("sentinel-key", "hub-secret", "abcdef123", "pass-word"):
        assert secret not in ended.stderr


def test_json_lines_at_debug_hold_no_key_and_no_word(utterances: list[SpokenText]) -> None:
    spoken, key = max(utterances, key=lambda each: max(map(len, each.words.split()))), "sentinel-key-4711"
    arguments = ("--port", "0", "--log-format", "json", "--log-level", "debug")
    with running(*arguments, variables={"WHISPER_API_KEY": key}) as process:
        answer = httpx2.post(
            process.url + TRANSCRIPTIONS,
            headers={"authorization": f"Bearer {key}"},
            files=upload(wav(spoken.samples)),
            data={"language": "en", "prompt": "marmalade"},
            timeout=60,
        )
        refused = httpx2.post(process.url + TRANSCRIPTIONS, headers={"authorization": "Bearer tok-of-nobody"})
        assert process.end(signal.SIGTERM) == 0
    assert (answer.status_code, refused.status_code) == (200, 401)
    log = "".join(process.errors)
    lines = [json.loads(line) for line in log.splitlines()]
    assert all(
        set(line) >= {"time", "level", "logger", "message", "session_id", "trace_id"} for line in lines
    )
    assert any("s of sound in" in line["message"] for line in lines)
    words = re.findall(r"[\w']{6,}", answer.json()["text"])
    assert words
    for secret in (*words, key, "tok-of-nobody", "marmalade"):
        assert secret.lower() not in log.lower()
