"""`voice-grpc doctor`: each configured engine gets one real small call, and the table says what to fix."""

import asyncio
import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cloud import Cloud, clear, clouds, settings
from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.openai_llm_rules import KEY as OPENAI_KEY
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_http import FakeWhisperHttp
from tests.free_port import free_port
from tests.server.test_command import BLOCKER, ROOT, needs_models, outcome
from voice_grpc.doctor.check import CALL_SECONDS, SENTENCE, WARM_SECONDS, Report, examine
from voice_grpc.doctor.command import command
from voice_grpc.doctor.table import as_json, as_table
from voice_grpc.model_files.cache import is_here
from voice_grpc.model_files.catalog import MODELS, cache_directory
from voice_grpc.server.checks.result import CheckResult
from voice_grpc.settings import Settings

DOCTOR = ("-m", "voice_grpc", "doctor")
CLOUD_ONLY = {"stt": "server", "llm": "gemini", "tts": "google"}

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    clear(monkeypatch)


def of(found: Report, stage: str, engine: str) -> CheckResult:
    (result,) = [f for f in found.results if (f.stage, f.engine) == (stage, engine)]
    return result


# ---------------------------------------------------------------- what is found


async def test_a_cloud_that_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clouds() as cloud:
        found = await examine(settings(monkeypatch, cloud.variables, **CLOUD_ONLY))
        assert found.is_well
        assert [(f.stage, f.engine, f.works) for f in found.results] == [
            ("vad", "local", True),
            ("echo", "local", True),
            ("stt", "server", True),
            ("llm", "gemini", True),
            ("tts", "google", True),
        ]
        whisper, gemini, google = found.results[2:]
        assert (whisper.where, gemini.where, google.where) == (
            cloud.whisper.url,
            cloud.gemini.url,
            cloud.google.url,
        )
        assert whisper.model.startswith("whisper-")
        assert gemini.model == "gemini-3.5-flash-lite"
        assert google.voice.startswith("en-US-Chirp3-HD-Kore, 1 of ")
        assert whisper.result == "what is the time"
        assert gemini.result
        for result in found.results[2:]:
            assert result.is_reachable
            assert result.latency_ms is not None
            assert result.warm_ms is not None
        assert cloud.gemini.script.open == cloud.google.script.open == cloud.whisper.script.open == 0
    assert len(asyncio.all_tasks()) == 1


async def test_each_gets_a_real_call_and_the_recogniser_real_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    whisper = FakeWhisperHttp()
    async with clouds(Cloud(whisper=whisper)) as cloud:
        found = await examine(settings(monkeypatch, cloud.variables, **CLOUD_ONLY))
        assert found.is_well
        assert len(cloud.gemini.script.calls) >= 1
        said = json.dumps([seen.what for seen in cloud.google.script.calls], default=str)
        assert SENTENCE in said


@needs_espeak
@pytest.mark.parametrize(
    ("trouble", "is_reachable", "expected"),
    [
        (Trouble.DENIED, True, ["HTTP 401", "check OPENAI_API_KEY"]),
        (Trouble.QUOTA, True, ["HTTP 429", "quota"]),
        (Trouble.ERROR_FIRST, True, ["HTTP 50"]),
        (Trouble.EMPTY, True, ["nothing"]),
        (Trouble.CUT, False, ["broke"]),
    ],
)
async def test_what_is_broken_is_said_with_what_to_fix(
    monkeypatch: pytest.MonkeyPatch, trouble: Trouble, is_reachable: bool, expected: Sequence[str]
) -> None:
    async with clouds() as cloud:
        cloud.openai.script.always = trouble
        variables = cloud.variables | {"OPENAI_BASE_URL": cloud.openai.url, "OPENAI_API_KEY": OPENAI_KEY}
        given = settings(monkeypatch, variables, stt="server", llm="openai,gemini", tts="google")
        found = await examine(given)
    broken = of(found, "llm", "openai")
    assert not broken.works
    assert broken.is_reachable is is_reachable
    assert all(text in f"{broken.error} {broken.fix}" for text in expected), broken
    assert of(found, "llm", "gemini").works
    assert not found.is_well


async def test_one_that_nobody_answers_for_is_not_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clouds() as cloud:
        variables = cloud.variables | {
            "WHISPER_SERVER_URL": f"http://127.0.0.1:{free_port()}",
            "GOOGLE_TTS_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        }
        found = await examine(settings(monkeypatch, variables, **CLOUD_ONLY))
    for result in (of(found, "stt", "server"), of(found, "tts", "google")):
        assert result.is_reachable is False
        assert result.where.startswith("http://127.0.0.1:")
        assert result.fix
    assert not found.is_well


async def test_with_no_voice_the_recogniser_is_warm_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(google=FakeGoogleTts(Script(always=Trouble.DENIED)))
    async with clouds(cloud):
        found = await examine(settings(monkeypatch, cloud.variables, **CLOUD_ONLY))
    assert "GOOGLE_TTS_CREDENTIALS" in of(found, "tts", "google").fix
    assert of(found, "stt", "server").result == "(no voice works: nothing was said to it)"


async def test_what_is_asked_for_and_not_set_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clouds() as cloud:
        given = settings(monkeypatch, cloud.variables, stt="server", llm="openai,gemini", tts="google")
        found = await examine(given)
    missing = of(found, "llm", "openai")
    assert (missing.error, missing.fix) == ("not configured", "set OPENAI_BASE_URL")
    assert missing.is_reachable is None
    assert not found.is_well


async def test_a_url_that_is_none_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clouds() as cloud:
        variables = cloud.variables | {"WHISPER_SERVER_URL": "whisper:8000"}
        found = await examine(settings(monkeypatch, variables, **CLOUD_ONLY))
    assert "WHISPER_SERVER_URL" in of(found, "stt", "server").error
    assert of(found, "llm", "gemini").works


async def test_a_vendor_that_hangs_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is elsewhere is warmed and called side by side; then recognisers hear what voices said."""
    assert WARM_SECONDS + 2 * CALL_SECONDS < 20
    monkeypatch.setattr("voice_grpc.doctor.check.WARM_SECONDS", 0.5)
    async with clouds() as cloud:
        cloud.gemini.script.always = Trouble.STALL_FIRST
        found = await examine(settings(monkeypatch, cloud.variables, **CLOUD_ONLY))
        hung = of(found, "llm", "gemini")
        assert (hung.is_reachable, hung.error) == (False, "not done within 0.5 s")
        await cloud.gemini.script.until_open(0)
    assert not found.is_stuck


def test_an_engine_that_there_is_not_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(["--llm", "gpt"]) == 2
    said = "--llm (VOICE_LLM): got 'gpt', accepted: one or more of gemini, openai, local, separated by commas"
    assert said in capsys.readouterr().err


# ---------------------------------------------------------------- what is printed

WELL = [
    CheckResult("vad", "local", "silero", "in process", True, True, 80.0),
    CheckResult(
        "stt", "server", "large-v3", "http://w:8000", True, True, 40.0, 210.4, result="good\n morning"
    ),
    CheckResult("llm", "gemini", "flash", "https://g", True, True, 500.0, 310.0, result="Good morning!"),
    CheckResult("tts", "google", "chirp", "https://t", True, True, 200.0, 120.0, "Kore, 1 of 300"),
]
DEAD = CheckResult("llm", "openai", "qwen", "http://v", False, error="nobody\nanswers", fix="start it")


def test_the_table() -> None:
    table = as_table(Report([*WELL, DEAD]), ["GEMINI_API_KEY"])
    head, *rows, placeholder, verdict = table.splitlines()
    assert head.split() == ["stage", "engine", "model", "where", "reachable", "latency", "voice", "result"]
    assert len({row.index("in process" if "vad" in row else "http") for row in rows}) == 1
    assert rows[1].endswith("  “good morning”")
    assert "210 ms" in rows[1]
    assert "Kore, 1 of 300" in rows[3]
    assert rows[4].endswith("NOT WORKING: nobody answers → start it")
    assert " NO " in rows[4]
    assert placeholder == "GEMINI_API_KEY still holds its placeholder: taken as not set"
    assert verdict == "1 to fix"
    assert as_table(Report(WELL), []).endswith("\nall is well")


def test_the_same_for_programs() -> None:
    told = json.loads(as_json(Report([*WELL, DEAD]), ["GEMINI_API_KEY"]))
    assert (told["is_well"], told["placeholders"]) == (False, ["GEMINI_API_KEY"])
    assert [engine["works"] for engine in told["engines"]] == [True, True, True, True, False]
    assert told["engines"][4]["fix"] == "start it"


@pytest.mark.parametrize("stage", ["vad", "stt", "llm", "tts"])
def test_a_stage_without_an_engine_that_works_is_not_well(stage: str) -> None:
    assert Report(WELL).is_well
    assert not Report([f for f in WELL if f.stage != stage]).is_well
    assert not Report([*WELL, replace(WELL[2], works=False)]).is_well


# ---------------------------------------------------------------- as a command


def test_help_and_a_wrong_option(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert command(["--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: voice-grpc doctor [--json] [OPTION ...]")
    assert "GEMINI_API_KEY" in said
    assert command(["--llm", "gpt"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("voice-grpc doctor: --llm (VOICE_LLM): got 'gpt'")
    assert said.count("\n") == 1


async def test_exit_codes(tmp_path: Path) -> None:
    async with clouds() as cloud:
        given = {**cloud.variables, **{f"VOICE_{stage.upper()}": name for stage, name in CLOUD_ONLY.items()}}
        given["GOOGLE_TTS_CREDENTIALS"] = "<path>"
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
        code, out, error = await outcome(*DOCTOR, home=tmp_path)
        assert (code, error) == (0, ""), out
        assert "GOOGLE_TTS_CREDENTIALS still holds its placeholder" in out
        assert out.endswith("all is well\n")
        code, out, error = await outcome(
            *DOCTOR, "--json", home=tmp_path, variables={"GEMINI_API_KEY": "not-the-key"}
        )
        assert (code, error) == (1, "")
        assert json.loads(out)["is_well"] is False
        assert "not-the-key" not in out


async def test_nothing_set_and_nothing_installed(tmp_path: Path) -> None:
    names = {"ctranslate2", "faster_whisper", "onnxruntime", "piper", "xllamacpp"}
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(names=names))
    variables = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": str(tmp_path)}
    code, out, error = await outcome(*DOCTOR, home=tmp_path, variables=variables)
    assert (code, error) == (1, ""), error
    assert out.count(f"pip install '{ROOT}[local]'") == 3
    assert f"onnxruntime is not installed: run {sys.executable} -m pip install {ROOT}" in out
    assert "set GEMINI_API_KEY" in out


async def test_who_hears_whether_a_turn_is_over_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clouds() as cloud:
        variables = {**cloud.variables, "TURN_MODEL": "/nowhere/turn.onnx"}
        found = await examine(settings(monkeypatch, variables, **CLOUD_ONLY))
    broken = of(found, "turn", "local")
    assert (broken.model, broken.works) == ("smart-turn turn", False)
    assert "no file /nowhere/turn.onnx" in broken.error
    assert not found.is_well


@pytest.mark.skipif(
    not is_here(MODELS["smart-turn"], cache_directory()),
    reason="the model is not here (voice-grpc models pull smart-turn)",
)
async def test_who_hears_whether_a_turn_is_over_hears_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clouds() as cloud:
        variables = {**cloud.variables, "TURN_MODEL": "smart-turn"}
        found = await examine(settings(monkeypatch, variables, **CLOUD_ONLY))
    assert found.is_well
    result = found.results[-1]
    assert (result.stage, result.model) == ("turn", "smart-turn v3.2")
    assert re.fullmatch(r"the turn is over: \d+%", result.result)
    assert result.latency_ms is not None


async def test_what_is_still_to_be_fetched_is_said_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_GRPC_CACHE", str(tmp_path))
    found = await examine(Settings(_env_file=None, stt="local", llm="local", tts="local"))  # type: ignore[call-arg]
    told = {f.stage: (f.model, f.error, f.fix) for f in found.results if f.stage not in ("vad", "echo")}
    assert told == {
        "stt": ("whisper-base", "not fetched yet (148 MB)", "voice-grpc models pull whisper-base"),
        "llm": ("qwen-0.5b", "not fetched yet (491 MB)", "voice-grpc models pull qwen-0.5b"),
        "tts": ("joe", "not fetched yet (63 MB)", "voice-grpc models pull joe"),
        "turn": ("smart-turn", "not fetched yet (9 MB)", "voice-grpc models pull smart-turn"),
    }
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
    assert "NOT WORKING: not fetched yet (491 MB) → voice-grpc models pull qwen-0.5b" in as_table(found, [])


@needs_models
@needs_espeak
async def test_the_embedded_engines_are_well(tmp_path: Path) -> None:
    """Whisper hears what Piper says."""
    found = await examine(Settings(_env_file=None, stt="local", llm="local", tts="local,espeak"))  # type: ignore[call-arg]
    assert found.is_well, found.results
    assert "weather" in of(found, "stt", "local").result.lower()
