"""`voice-grpc doctor` as a process: its table, its exit codes, and vendors that fail in other ways."""

import re
from pathlib import Path

import pytest

from tests.cloud import Cloud, clear, clouds, settings
from tests.fakes.gemini import FakeGemini, GeminiReply
from tests.fakes.openai_llm_rules import KEY as OPENAI_KEY
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_http import FakeWhisperHttp
from tests.free_port import free_port
from tests.server.test_command import outcome
from tests.valkey import needs_valkey, valkey
from voice_grpc.doctor.check import examine
from voice_grpc.doctor.table import COLUMNS

DOCTOR = ("-m", "voice_grpc", "doctor")
CLOUD_ONLY = {"VOICE_STT": "server", "VOICE_LLM": "gemini", "VOICE_TTS": "google"}


async def doctor(*arguments: str, home: Path, variables: dict[str, str]) -> tuple[int | None, str, str]:
    """Exit code, stdout, stderr, without any embedded engine unless `variables` say so."""
    return await outcome(*DOCTOR, *arguments, home=home, variables=CLOUD_ONLY | variables)


def rows(table: str, stage: str) -> list[str]:
    return [line for line in table.splitlines() if line.startswith(stage)]


# ---------------------------------------------------------------- the table


async def test_a_row_tells_engine_model_place_time_and_what_came(tmp_path: Path) -> None:
    async with clouds() as cloud:
        code, out, error = await doctor(home=tmp_path, variables=cloud.variables)
    assert (code, error) == (0, "")
    assert out.splitlines()[0].split() == list(COLUMNS)
    stages = ("vad", "echo", "stt", "llm", "tts")
    ((vad,), (echo,), (stt,), (llm,), (tts,)) = (rows(out, stage) for stage in stages)
    assert re.search(r"^vad .* in process .* ok$", vad)
    assert re.search(r"^echo .* WebRTC AEC3 .* in process .* ok$", echo)
    assert re.search(rf"server +whisper-\S+ +{cloud.whisper.url} +yes +\d+ ms +“what is the time”", stt)
    said = rf"gemini +gemini-3.5-flash-lite +{cloud.gemini.url} +yes +\d+ ms +“{GeminiReply().text}”"
    assert re.search(said, llm)
    voice = r"en-US-Chirp3-HD-Kore, 1 of \d+ in \d+ languages"
    assert re.search(rf"google +.*{cloud.google.url} +yes +\d+ ms +{voice} +ok", tts)


async def test_a_placeholder_is_said_by_the_name_of_its_variable(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=<its key>\nVOICE_TOKENS=<token>\n")
    async with clouds() as cloud:
        code, out, _ = await doctor(home=tmp_path, variables=cloud.variables)
    assert code == 0
    for name in ("OPENAI_API_KEY", "VOICE_TOKENS"):
        assert f"\n{name} still holds its placeholder: taken as not set\n" in out


async def test_a_broken_engine_is_to_be_fixed_although_another_one_works(tmp_path: Path) -> None:
    async with clouds() as cloud:
        variables = cloud.variables | {
            "GEMINI_API_KEY": "hush-hush",
            "OPENAI_BASE_URL": cloud.openai.url,
            "OPENAI_API_KEY": OPENAI_KEY,
            "VOICE_LLM": "gemini,openai",
        }
        code, out, error = await doctor(home=tmp_path, variables=variables)
    assert (code, error) == (1, "")
    broken, works = rows(out, "llm")
    assert re.search(r" yes .*NOT WORKING: .*→ check GEMINI_API_KEY", broken)
    assert "NOT WORKING" not in works
    assert out.splitlines()[-1] == "1 to fix"
    assert "hush" not in out


async def test_servers_that_are_away(tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    variables = {
        "WHISPER_SERVER_URL": away,
        "GEMINI_API_KEY": "hush-hush",
        "GOOGLE_GEMINI_BASE_URL": away,
        "GOOGLE_TTS_ENDPOINT": away,
    }
    code, out, error = await doctor(home=tmp_path, variables=variables)
    assert (code, error) == (1, "")
    for stage in ("stt", "llm", "tts"):
        (row,) = rows(out, stage)
        assert re.search(r" NO .*NOT WORKING: .*→ check the address", row), out
    assert out.splitlines()[-1] == "3 to fix"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--jsn"], "--jsn"), (["extra"], "extra"), (["--llm-threads", "many"], "--llm-threads (LLM_THREADS)")],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_a_wrong_command_line_is_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    code, out, error = await doctor(*arguments, home=tmp_path, variables={})
    assert (code, out) == (2, "")
    assert error.startswith("voice-grpc doctor: ")
    assert error.count("\n") == 1
    assert said in error


async def test_it_is_in_the_list_of_commands(tmp_path: Path) -> None:
    _, out, _ = await outcome("-m", "voice_grpc", "--help", home=tmp_path)
    assert re.search(r"^  doctor +\S", out, re.MULTILINE)


# ---------------------------------------------------------------- vendors that fail


@pytest.mark.parametrize("trouble", [Trouble.ERROR_MIDDLE, Trouble.STALL_MIDDLE, Trouble.BLOCKED])
async def test_whatever_a_model_does_the_others_are_examined(
    monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    """Also an answer that begins well, and one that is stopped by the vendor's rules."""
    clear(monkeypatch)
    gemini = FakeGemini(
        Script(always=trouble), [GeminiReply(block="SAFETY" if trouble is Trouble.BLOCKED else "")]
    )
    async with clouds(Cloud(gemini=gemini)) as cloud:
        given = settings(monkeypatch, cloud.variables, stt="server", llm="gemini", tts="google")
        found = await examine(given)
        works = {each.stage: each.works for each in found.results}
        assert works == {"vad": True, "echo": True, "stt": True, "llm": False, "tts": True}
        assert [each.error for each in found.results if each.stage == "llm"] != [""]
        await gemini.script.until_open(0)


@pytest.mark.parametrize("trouble", [Trouble.EMPTY, Trouble.STALL_FIRST])
async def test_a_recogniser_that_hears_nothing_is_broken(
    monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    """Also one that never answers, for which nobody waits for ever."""
    clear(monkeypatch)
    monkeypatch.setattr("voice_grpc.doctor.check.WARM_SECONDS", 5.0)
    whisper = FakeWhisperHttp(Script(always=trouble))
    async with clouds(Cloud(whisper=whisper)) as cloud:
        given = settings(monkeypatch, cloud.variables, stt="server", llm="gemini", tts="google")
        found = {each.stage: each for each in (await examine(given)).results}
        await whisper.script.until_open(0)
    assert not found["stt"].works
    assert found["stt"].error
    assert found["llm"].works
    assert found["tts"].works


@needs_valkey
async def test_a_store_that_servers_share_is_asked_too(tmp_path: Path) -> None:
    with valkey(tmp_path, "--requirepass", "sesame-street") as server:
        async with clouds() as cloud:
            place = f"127.0.0.1:{server.port}"
            told = cloud.variables | {"VOICE_STORE": f"redis://:sesame-street@{place}"}
            code, out, error = await doctor(home=tmp_path, variables=told)
            assert code == 0, out + error
            (row,) = rows(out, "store")
            answered = rf"store +valkey +redis://{place} +yes +\d+ ms +"
            assert re.fullmatch(answered + "“VOICE_SECRET is not set: .*”", row)
            told["VOICE_SECRET"] = "the same everywhere"
            code, out, _ = await doctor(home=tmp_path, variables=told)
            (row,) = rows(out, "store")
            assert (code, bool(re.fullmatch(answered + "ok", row))) == (0, True)
            told["VOICE_STORE"] = f"redis://:wrong-street@{place}"
            code, out, error = await doctor(home=tmp_path, variables=told)
    assert code == 1
    (row,) = rows(out, "store")
    assert f"NOT WORKING: The session store redis://{place} refuses us" in row
    assert "→ check user and password in VOICE_STORE" in row
    assert "street" not in out + error
