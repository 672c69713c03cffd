"""`voice-grpc serve` as a process: its help, its refusals in one line, its start, and its end by a signal."""

import asyncio
import importlib.util
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest

from tests.cloud import clouds
from voice_grpc.client import Call, CallFailed, connect
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub
from voice_grpc.settings import Settings
from voice_grpc.settings.command_line import COMMAND_LINE, GROUPS
from voice_grpc.settings.environment import VARIABLES

ROOT = Path(__file__).parents[2]
SERVE = ("-m", "voice_grpc", "serve")
SCRIPTED = ("-m", "tests.serve_scripted")
LONG_TEXT = "She told it to everybody who came by, and everybody came by again. " * 10

needs_models = pytest.mark.skipif(
    any(
        importlib.util.find_spec(name) is None
        for name in ("ctranslate2", "onnxruntime", "piper", "xllamacpp")
    ),
    reason="the embedded engines are not installed (the local extra)",
)


def environment(given: Mapping[str, str], home: Path) -> dict[str, str]:
    """Nothing of this machine's settings, and state of its own."""
    ours = {*VARIABLES, *(COMMAND_LINE.variable(name) for name in Settings.model_fields)}
    others = {key: value for key, value in os.environ.items() if key not in ours}
    return {**others, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(home), "PYTHONUNBUFFERED": "1", **given}


@asynccontextmanager
async def started(
    *command: str, home: Path, variables: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process in `home`, in a process group of its own: what is left of it at the end is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=home,
        env=environment(variables or {}, home),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def outcome(
    *command: str, home: Path, variables: Mapping[str, str] | None = None
) -> tuple[int | None, str, str]:
    """Exit code, stdout, stderr of a command that ends by itself."""
    async with started(*command, home=home, variables=variables) as process:
        async with asyncio.timeout(60):
            out, error = await process.communicate()
        return process.returncode, out.decode(), error.decode()


async def refused(*arguments: str, home: Path, variables: Mapping[str, str] | None = None) -> str:
    """The one line that a command line that is wrong gets."""
    code, _, error = await outcome(*SERVE, *arguments, home=home, variables=variables)
    assert code == 2, error
    assert error.count("\n") == 1, error
    assert error.startswith("voice-grpc serve: ")
    return error


async def address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while line := (await process.stdout.readline()).decode():
            if found := re.fullmatch(r"listening on (\S+)\n", line):
                return found[1]
    raise AssertionError(f"it ended: {(await process.communicate())[1].decode()}")


async def line(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while text not in (await process.stdout.readline()).decode():
            pass


# ---------------------------------------------------------------- help and refusals


async def test_help_tells_every_option_its_variable_and_its_default(tmp_path: Path) -> None:
    code, out, error = await outcome(*SERVE, "--help", home=tmp_path)
    assert (code, error) == (0, "")
    assert out.startswith("usage: voice-grpc serve [--check-config] [OPTION ...]\n")
    for name, field in Settings.model_fields.items():
        if name == "placeholders":
            continue
        flag = "--" + name.replace("_", "-")
        assert f"  {flag}" in out
        assert COMMAND_LINE.variable(name) in out
        assert (field.description or "?").split()[0] in out
    for default in ("50051", "16", "900", "on)", "base"):
        assert f"default {default}" in out
    assert max(map(len, out.splitlines())) <= 110


def test_help_groups_all_settings() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(
        set(Settings.model_fields) - {"placeholders"}
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prot", "1"], "--prot"),
        (["extra"], "extra"),
        (["--port"], "--port"),
        (["--port", "abc"], "--port (VOICE_PORT): got 'abc', accepted: a whole number from 0 to 65535"),
        (["--port", "99999"], "accepted: a whole number from 0 to 65535"),
        (["--max-sessions", "0"], "--max-sessions (VOICE_MAX_SESSIONS): got '0'"),
        (["--turn-deadline", "nan"], "accepted: a number from 3 to 60"),
        (["--log-level", "loud"], "'debug', 'info', 'warning' or 'error'"),
        (["--host", "256.1.1.1", "--port", "0"], "256.1.1.1:0"),
        (["--store", "/proc/none/x", "--port", "0"], "/proc/none/x"),
        (["--personas", "none.toml"], "none.toml"),
        (["--host", "\udcff", "--port", "0"], "\\udcff:0"),
        (["--tokens", "\udcff-token", "--store", "/proc/none/x", "--port", "0"], "/proc/none/x"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_a_wrong_option_is_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    assert said in await refused(*arguments, home=tmp_path)


async def test_a_wrong_variable_is_one_line_that_names_it(tmp_path: Path) -> None:
    said = await refused(home=tmp_path, variables={"VOICE_PORT": "x"})
    assert "VOICE_PORT" in said
    assert "'x'" in said


@pytest.mark.parametrize("content", ["[persona", '[persona.other]\nname = "x"', b"\xff\xfe"])
async def test_personas_that_cannot_be_read(content: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert "mine.toml" in await refused("--personas", "mine.toml", "--port", "0", home=tmp_path)


async def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = await refused("--port", port, home=tmp_path)
    assert f"127.0.0.1:{port}" in said
    assert "free" in said


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"VOICE_LLM": "gpt"}, ["--llm (VOICE_LLM): got 'gpt', accepted:", "gemini, openai, local"]),
        ({"VOICE_STT": "server"}, ["VOICE_STT names 'server': set WHISPER_SERVER_URL"]),
        ({"VOICE_TTS": "google"}, ["VOICE_TTS names 'google': set GOOGLE_TTS_CREDENTIALS"]),
        ({"WHISPER_SERVER_URL": "htp://me:hush-hush@x"}, ["WHISPER_SERVER_URL", "http(s)://HOST"]),
        ({"WHISPER_PROTOCOL": "morse"}, ["--whisper-protocol (WHISPER_PROTOCOL): got 'morse'", "'wyoming'"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_an_engine_that_is_asked_for_wrongly_is_one_line(
    variables: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    said = await refused("--port", "0", home=tmp_path, variables=variables)
    assert all(text in said for text in expected), said
    assert "hush" not in said


BLOCKER = """
import sys
from importlib.abc import MetaPathFinder

BLOCKED = {names!r}

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""


@pytest.mark.parametrize(
    "blocked",
    [
        {"ctranslate2", "faster_whisper", "onnxruntime", "piper", "xllamacpp"},
        {"xllamacpp"},
    ],
    ids=lambda names: min(names) if len(names) == 1 else "all",
)
async def test_without_the_local_extra_one_line_says_what_to_install(
    blocked: set[str], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(names=blocked))
    variables = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    said = await refused("--port", "0", home=tmp_path, variables=variables)
    assert f"pip install '{ROOT}[local]'" in said


CLOUD_ONLY = {"VOICE_STT": "server", "VOICE_LLM": "gemini", "VOICE_TTS": "google", "VOICE_PORT": "0"}


async def test_when_no_engine_of_a_stage_works_one_line_says_what_to_fix(tmp_path: Path) -> None:
    async with clouds() as cloud:
        variables = cloud.variables | CLOUD_ONLY | {"GEMINI_API_KEY": "hush-hush"}
        code, out, error = await outcome(*SERVE, home=tmp_path, variables=variables)
    assert code == 2
    assert error.startswith("voice-grpc serve: llm: gemini-3.5-flash-lite: HTTP 400")
    assert error.count("\n") == 1
    assert "check GEMINI_API_KEY" in error
    assert "NOT THERE" in out
    assert "hush" not in out + error


async def test_the_cloud_without_the_local_extra(tmp_path: Path) -> None:
    """The base install and what the mission sets; the rest of its variables in `.env`."""
    blocked = {"ctranslate2", "piper", "xllamacpp", "faster_whisper"}
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(names=blocked))
    async with clouds() as cloud:
        given = {**cloud.variables, "VOICE_PORT": "0", "VOICE_TTS": "google"}
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
        variables = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
        async with started(*SERVE, home=tmp_path, variables=variables) as process:
            assert process.stdout is not None
            said = [(await process.stdout.readline()).decode() for _ in range(5)]
            places = [cloud.whisper.url, cloud.gemini.url, cloud.google.url]
            assert all(place in line for place, line in zip(places, said[2:], strict=True)), said
            async with Call.open(await address(process), pb.SessionConfig()) as call:
                await call.send(pb.TextInput(text="Hello."))
                await until_audible(call)
            await ends(process, signal.SIGINT)


# ---------------------------------------------------------------- start and end


async def test_dotenv_of_the_working_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VOICE_PORT=0\nVOICE_MAX_SESSIONS=3\nVOICE_STORE=memory\nOTHER=x\n")
    async with started(*SCRIPTED, home=tmp_path) as process:
        target = await address(process)
        async with connect(target) as channel:
            info = await VoiceServiceStub(channel).GetServerInfo(pb.GetServerInfoRequest())
        assert info.limits.max_sessions == 3
    (tmp_path / ".env").write_text("VOICE_PORT=0\nVOICE_MAX_SESSIONS=none\n")
    assert "VOICE_MAX_SESSIONS" in await refused(home=tmp_path)
    (tmp_path / ".env").write_bytes(b"VOICE_PORT=\xff\xfe\n")
    assert ".env" in await refused(home=tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_idle_server_ends_at_once_and_well(number: signal.Signals, tmp_path: Path) -> None:
    async with started(*SCRIPTED, "--port", "0", *LONG_DRAIN, home=tmp_path) as process:
        await address(process)
        await ends(process, number)


LONG_DRAIN = ("--drain-seconds", "3600")
"""Whoever ends before did not wait for it."""


async def ends(process: asyncio.subprocess.Process, number: signal.Signals, code: int = 0) -> None:
    """Without a traceback, and with nothing left of its process group."""
    process.send_signal(number)
    async with asyncio.timeout(60):
        _, error = await process.communicate()
    assert process.returncode == code, error.decode()
    assert "Traceback" not in error.decode()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


async def test_ctrl_c_ends_open_conversations_that_a_drain_would_wait_for(tmp_path: Path) -> None:
    async with started(*SCRIPTED, "--port", "0", *LONG_DRAIN, home=tmp_path) as process:
        config = pb.SessionConfig(session_id="mine")
        opened = Call.open(await address(process), config, reconnect_within=0.0)
        async with opened as call, asyncio.TaskGroup() as tasks:
            await call.send(pb.TextInput(text="Tell me a lot."))
            await until_audible(call)
            tasks.create_task(ends(process, signal.SIGINT))
            heard = await until_drained(call)
            assert any(response.go_away.reason == "drain" for response in heard)
    assert (tmp_path / "voice-grpc" / "sessions.db").exists()


async def until_audible(call: Call) -> None:
    async for response in call:
        if response.HasField("audio"):
            return


async def until_drained(call: Call) -> list[pb.ConverseResponse]:
    """All that comes before the server ends the call."""
    heard: list[pb.ConverseResponse] = []
    with pytest.raises(CallFailed) as failed:
        await collect(call, heard)
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    return heard


async def collect(call: Call, heard: list[pb.ConverseResponse]) -> None:
    async for response in call:
        heard.append(response)


async def test_sigterm_lets_the_answer_be_finished(tmp_path: Path) -> None:
    async with started(*SCRIPTED, "--port", "0", *LONG_DRAIN, home=tmp_path) as process:
        target = await address(process)
        opened = Call.open(target, pb.SessionConfig(), reconnect_within=0.0)
        async with opened as call, asyncio.TaskGroup() as tasks:
            await call.send(pb.Say(text="This takes a second."))
            await until_audible(call)
            tasks.create_task(ends(process, signal.SIGTERM))
            heard = await until_drained(call)
            assert any(response.audio.is_last for response in heard)


async def test_sigterm_with_calls_alone_lets_them_finish(tmp_path: Path) -> None:
    """No conversation is open: a dictation that waits for more, and a synthesis that is read slowly."""
    async with started(
        *SCRIPTED, "--port", "0", "--drain-seconds", "9", "--admission", "count", home=tmp_path
    ) as process:
        async with connect(await address(process)) as channel, asyncio.TaskGroup() as tasks:
            stub = VoiceServiceStub(channel)
            dictation, synthesis = stub.Transcribe(), stub.Synthesize(pb.SynthesizeRequest(text=LONG_TEXT))
            await dictation.write(pb.TranscribeRequest(config=pb.TranscribeConfig()))
            await synthesis.read()
            ending = tasks.create_task(ends(process, signal.SIGTERM))
            await asyncio.sleep(1.0)  # longer than one took that waited for nobody
            assert not ending.done()
            await dictation.write(pb.TranscribeRequest(audio=pb.AudioInput(data=bytes(6_400))))
            await dictation.done_writing()
            assert await dictation.code() is grpc.StatusCode.OK
            seconds = 0.0
            while isinstance(response := await synthesis.read(), pb.SynthesizeResponse):
                seconds += response.audio.duration_samples / 24_000
            assert seconds > 10.0, "to its end"
            assert await synthesis.code() is grpc.StatusCode.OK
        await ending


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_while_the_models_load_ends_it(number: signal.Signals, tmp_path: Path) -> None:
    async with started(*SCRIPTED, "--port", "0", home=tmp_path, variables={"LOADING": "slow"}) as process:
        await line(process, "loading")
        await ends(process, number, code=130)


@needs_models
async def test_with_the_embedded_engines(tmp_path: Path) -> None:
    """Placeholders are said and ignored; each stage says what it is; a signal ends it well."""
    (tmp_path / ".env").write_text("GEMINI_API_KEY=<your key>\nVOICE_PORT=0\n")
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    async with started(*SERVE, home=tmp_path, variables={"XDG_CACHE_HOME": cache}) as process:
        await line(process, "GEMINI_API_KEY still holds its placeholder: taken as not set")
        target = await address(process)
        async with Call.open(target, pb.SessionConfig()) as call:
            await call.send(pb.TextInput(text="Hello.", text_only=True))
            async for response in call:
                if response.turn_event.state == pb.TurnEvent.STATE_COMPLETED:
                    break
        await ends(process, signal.SIGINT)
