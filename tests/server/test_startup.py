"""Settings in, warm engines out: which ones, in which order, what is said, and what refuses the start."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.cloud import Cloud, clear, clouds, settings
from tests.fakes.gemini import FakeGemini, GeminiReply
from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.openai_llm_rules import KEY as OPENAI_KEY
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_http import FakeWhisperHttp
from tests.free_port import free_port
from tests.session.harness import virtual
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import BadState, EngineError, EngineMissing, EngineUnreachable
from voice_grpc.core.quota import Account
from voice_grpc.engines.scripted import ScriptedAnswer, ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedVad
from voice_grpc.fallback import LlmChain, Member, SttChain, TtsChain
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import (
    Clause,
    Engines,
    Fallback,
    Prompt,
    SavedSession,
    Store,
    SttOptions,
    TextDelta,
    TtsItem,
    Voice,
    VoiceChoice,
)
from voice_grpc.rpc.admin import AdminMethods
from voice_grpc.rpc.auth import ANYBODY
from voice_grpc.rpc.callers import Caller
from voice_grpc.rpc.sessions import SessionRegistry
from voice_grpc.server import engine_registry
from voice_grpc.server.engine_registry import LLM, STAGES, STT, TTS, asked_for, chosen, made
from voice_grpc.server.server import check_personas
from voice_grpc.server.startup import (
    HELLO,
    TOLD,
    WARM_SECONDS,
    Members,
    WarmUp,
    build_engines,
    close_engines,
    open_store,
    prime,
)
from voice_grpc.session.context import Shared
from voice_grpc.session.lines.lifetime import SessionLimits
from voice_grpc.settings import Settings
from voice_grpc.settings.engines import ENGINES
from voice_grpc.settings.personas import Persona, load_personas
from voice_grpc.store import MemoryStore, SqliteStore
from voice_grpc.wire.catalog import Catalog

PERSONAS = load_personas()
PROMPT = Prompt("", (Message(Role.USER, "Hello.", 1),))
CLOUD_ONLY = {"stt": "server", "llm": "gemini", "tts": "google"}


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    clear(monkeypatch)


@asynccontextmanager
async def built(settings: Settings) -> AsyncIterator[tuple[Engines, list[str]]]:
    said: list[str] = []
    engines = await build_engines(settings, said.append)
    try:
        yield engines, said
    finally:
        await close_engines(engines)


async def answer(engines: Engines) -> tuple[str, list[Fallback]]:
    async with aclosing(engines.llm.stream(PROMPT)) as stream:
        items = [item async for item in stream]
    text = "".join(item.text for item in items if isinstance(item, TextDelta))
    return text, [item for item in items if isinstance(item, Fallback)]


# ---------------------------------------------------------------- which engines


@pytest.fixture
def nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_registry, "_has", lambda *modules: False)
    monkeypatch.setattr(engine_registry, "which", lambda name: None)


@pytest.fixture
def all_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_registry, "_has", lambda *modules: True)
    monkeypatch.setattr(engine_registry, "which", lambda name: f"/usr/bin/{name}")


def test_the_engines_that_settings_accept_are_those_that_there_are() -> None:
    assert {stage: tuple(known) for stage, known in STAGES.items()} == ENGINES


@pytest.mark.usefixtures("all_is_installed")
@pytest.mark.parametrize(
    ("stage", "variables", "expected"),
    [
        ("stt", {}, ["local"]),
        ("stt", {"WHISPER_SERVER_URL": "http://whisper:8000"}, ["server", "local"]),
        ("stt", {"WHISPER_SERVER_URL": "<http://whisper:8000>"}, ["local"]),
        ("stt", {"WHISPER_SERVER_URL": "http://whisper", "VOICE_STT": "local"}, ["local"]),
        ("stt", {"WHISPER_SERVER_URL": "http://whisper", "VOICE_STT": "local, SERVER,"}, ["local", "server"]),
        ("llm", {}, ["local"]),
        ("llm", {"GEMINI_API_KEY": "k"}, ["gemini", "local"]),
        ("llm", {"GEMINI_API_KEY": " <your key> "}, ["local"]),
        ("llm", {"GOOGLE_GENAI_USE_VERTEXAI": "true"}, ["gemini", "local"]),
        ("llm", {"OPENAI_BASE_URL": "http://vllm"}, ["openai", "local"]),
        ("llm", {"OPENAI_BASE_URL": "http://vllm", "GEMINI_API_KEY": "k"}, ["gemini", "openai", "local"]),
        ("llm", {"OPENAI_BASE_URL": "http://vllm", "VOICE_LLM": "openai,openai"}, ["openai"]),
        ("tts", {}, ["local", "espeak"]),
        ("tts", {"GOOGLE_TTS_CREDENTIALS": "key.json"}, ["google", "local", "espeak"]),
        ("tts", {"GOOGLE_TTS_ENDPOINT": "http://127.0.0.1:9"}, ["google", "local", "espeak"]),
        ("tts", {"GOOGLE_TTS_ENDPOINT": "eu-texttospeech.googleapis.com"}, ["local", "espeak"]),
    ],
)
def test_what_is_set_comes_first_and_what_is_installed_after_it(
    monkeypatch: pytest.MonkeyPatch, stage: str, variables: dict[str, str], expected: list[str]
) -> None:
    assert asked_for(stage, settings(monkeypatch, variables)) == expected


@pytest.mark.usefixtures("nothing_is_installed")
def test_without_the_local_extra_the_cloud_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "WHISPER_SERVER_URL": "http://whisper",
        "GEMINI_API_KEY": "k",
        "GOOGLE_TTS_CREDENTIALS": "{}",
    }
    given = settings(monkeypatch, variables)
    assert {stage: asked_for(stage, given) for stage in STAGES} == {
        stage: [name] for stage, name in CLOUD_ONLY.items()
    }


@pytest.mark.usefixtures("nothing_is_installed")
@pytest.mark.parametrize(
    ("variables", "stage", "said"),
    [
        ({}, "stt", ["WHISPER_SERVER_URL", "pip install", "[local]'"]),
        ({}, "llm", ["GEMINI_API_KEY", "OPENAI_BASE_URL", "pip install", "[local]'"]),
        ({}, "tts", ["GOOGLE_TTS_CREDENTIALS", "pip install", "[local]'", "espeak-ng"]),
        ({"VOICE_STT": "server"}, "stt", ["VOICE_STT names 'server': set WHISPER_SERVER_URL"]),
        ({"VOICE_LLM": "gemini"}, "llm", ["VOICE_LLM names 'gemini': set GEMINI_API_KEY"]),
        ({"VOICE_LLM": "openai"}, "llm", ["VOICE_LLM names 'openai': set OPENAI_BASE_URL"]),
        ({"VOICE_TTS": "google"}, "tts", ["VOICE_TTS names 'google': set GOOGLE_TTS_CREDENTIALS"]),
        ({"VOICE_TTS": "espeak"}, "tts", ["VOICE_TTS names 'espeak': install espeak-ng"]),
        ({"VOICE_STT": "local", "WHISPER_MODEL": "tiny"}, "stt", ["VOICE_STT names 'local'", "pip install"]),
        (
            {"VOICE_LLM": "local,gemini", "GEMINI_API_KEY": "k"},
            "llm",
            ["VOICE_LLM names 'local'", "pip install", "[local]'"],
        ),
    ],
)
def test_what_is_asked_for_and_not_there_is_said_with_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], stage: str, said: list[str]
) -> None:
    with pytest.raises(EngineMissing) as refused:
        chosen(stage, STAGES[stage], settings(monkeypatch, variables))
    assert all(text in str(refused.value) for text in said)


def test_a_url_that_is_none_refuses_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(monkeypatch, {"WHISPER_SERVER_URL": "htp://name:hush@whisper"})
    with pytest.raises(EngineMissing, match="WHISPER_SERVER_URL") as refused:
        chosen("stt", STT, given)
    assert "hush" not in str(refused.value)


def test_engines_are_made_of_their_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(
        monkeypatch,
        {
            "WHISPER_SERVER_URL": "http://name:hush@whisper:8000",
            "WHISPER_SERVER_MODEL": "large-v3",
            "GEMINI_API_KEY": "key\n",
            "GEMINI_MODEL": "gemini-flash-latest",
            "OPENAI_BASE_URL": "http://vllm:8000/v1",
            "OPENAI_MODEL": "qwen",
            "GOOGLE_TTS_CREDENTIALS": "key.json",
            "GOOGLE_TTS_VOICE": "es-ES-Chirp3-HD-Puck",
            "GOOGLE_TTS_ENDPOINT": "eu-texttospeech.googleapis.com",
        },
        stt="server",
        llm="gemini,openai",
        tts="google",
    )
    (server,), (gemini, openai) = chosen("stt", STT, given), chosen("llm", LLM, given)
    (google,) = chosen("tts", TTS, given)
    assert (server.name, server.location) == ("large-v3", "http://whisper:8000")
    assert (gemini.name, openai.name, openai.location) == (
        "gemini-flash-latest",
        "qwen",
        "http://vllm:8000/v1",
    )
    assert (google.name, google.location) == (
        "google es-ES-Chirp3-HD-Puck",
        "eu-texttospeech.googleapis.com:443",
    )


@pytest.mark.usefixtures("all_is_installed")
def test_engines_of_this_machine_are_embedded_and_a_vendor_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "WHISPER_SERVER_URL": "ws://whisper:8000",
        "GEMINI_API_KEY": "key",
        "OPENAI_BASE_URL": "http://vllm:8000/v1",
        "GOOGLE_TTS_CREDENTIALS": "key.json",
    }
    given = settings(monkeypatch, variables)
    told = {
        (stage, name): {engine.is_embedded for engine in made(stage, STAGES[stage][name], given)}
        for stage, names in ENGINES.items()
        for name in names
    }
    assert {key for key, embedded in told.items() if embedded == {True}} == {
        ("stt", "local"),
        ("llm", "local"),
        ("tts", "local"),
        ("tts", "espeak"),
    }
    assert all(len(embedded) == 1 for embedded in told.values())


# ---------------------------------------------------------------- warm, and said


async def test_each_stage_says_who_does_it_where_and_who_comes_after(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clouds() as cloud:
        variables = cloud.variables | {
            "OPENAI_BASE_URL": cloud.openai.url,
            "OPENAI_API_KEY": OPENAI_KEY,
            "GOOGLE_TTS_CREDENTIALS": "<path>",
        }
        given = settings(monkeypatch, variables, stt="server", llm="gemini,openai", tts="google")
        async with built(given) as (engines, said):
            placeholder, loading, vad, stt, llm, tts, echo = said
            assert placeholder == "GOOGLE_TTS_CREDENTIALS still holds its placeholder: taken as not set"
            assert loading == "loading the models …"
            assert re.fullmatch(r"vad  silero-vad v6  in process  warm in \d+ ms", vad)
            assert re.fullmatch(rf"stt  whisper-\S+  {cloud.whisper.url}  warm in \d+ ms", stt)
            model = engines.llm.members[1].engine.name  # type: ignore[attr-defined]
            expected = rf"llm  gemini-3.5-flash-lite  {cloud.gemini.url}  warm in \d+ ms, then {model}"
            assert re.fullmatch(expected, llm)
            expected = rf"tts  google en-US-Chirp3-HD-Kore  {cloud.google.url}  warm in \d+ ms"
            assert re.fullmatch(expected, tts)
            assert re.fullmatch(r"echo  WebRTC AEC3  in process  warm in \d+ ms", echo)
            assert engines.echo is not None
            assert len(engines.apology.samples) > 0
            assert await answer(engines) == (GeminiReply().text, [])


async def test_one_that_cannot_be_warmed_is_said_and_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with clouds() as cloud:
        variables = cloud.variables | {
            "GEMINI_API_KEY": "not-the-key",
            "OPENAI_BASE_URL": cloud.openai.url,
            "OPENAI_API_KEY": OPENAI_KEY,
        }
        given = settings(monkeypatch, variables, stt="server", llm="gemini,openai", tts="google")
        async with built(given) as (engines, said):
            (broken,) = [line for line in said if "NOT THERE" in line]
            assert broken.startswith(f"llm  gemini-3.5-flash-lite  {cloud.gemini.url}  NOT THERE: ")
            assert "check GEMINI_API_KEY" in broken
            assert "not-the-key" not in "".join(said) + caplog.text
            (line,) = [line for line in said if line.startswith("llm") and "NOT" not in line]
            assert cloud.openai.url in line
            assert "then" not in line
            text, (fallback,) = await answer(engines)
            assert text
            assert "gemini-3.5-flash-lite has been left out" in str(fallback.error)
            infos = await infos_of(engines)
            assert [(i.name, i.ready) for i in infos if i.stage == pb.STAGE_LLM] == [
                ("gemini-3.5-flash-lite", False),
                (fallback.engine, True),
            ]


async def infos_of(engines: Engines) -> list[pb.EngineInfo]:
    catalog = Catalog(PERSONAS, {}, engines.stt.languages)
    limits = SessionLimits(None, None, 1.0)
    registry = SessionRegistry(Shared(engines, limits), MemoryStore(), 1)
    info = await AdminMethods(engines, catalog, registry, limits, 1).server_info(Caller(ANYBODY, Account()))
    return list(info.engines)


async def test_without_any_engine_for_a_stage_there_is_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(google=FakeGoogleTts(Script(always=Trouble.DENIED)))
    async with clouds(cloud):
        given = settings(monkeypatch, cloud.variables, **CLOUD_ONLY)
        said: list[str] = []
        with pytest.raises(EngineError) as refused:
            await build_engines(given, said.append)
        assert str(refused.value).startswith("tts: Google Cloud TTS: ")
        assert "check GOOGLE_TTS_CREDENTIALS" in str(refused.value)
        assert [line for line in said if line.startswith("tts") and "NOT THERE" in line]
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "stream"]


async def test_when_none_of_several_works_each_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clouds() as cloud:
        variables = cloud.variables | {
            "GEMINI_API_KEY": "not-the-key",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}",
        }
        given = settings(monkeypatch, variables, stt="server", llm="gemini,openai", tts="google")
        with pytest.raises(EngineError) as refused:
            await build_engines(given, lambda line: None)
    said = str(refused.value)
    assert said.startswith("llm: no engine works: gemini-3.5-flash-lite: ")
    assert "check GEMINI_API_KEY" in said
    assert "whether the server runs" in said
    assert "\n" not in said


async def test_vendors_that_were_down_at_the_start_are_taken_when_they_are_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each stage has a second engine that works; the first is tried when it has cooled."""
    ports = [free_port() for _ in range(3)]
    whisper, gemini, google = (f"http://127.0.0.1:{port}" for port in ports)
    variables = {
        "WHISPER_SERVER_URL": whisper,
        "GEMINI_API_KEY": "fake-gemini-key",
        "GOOGLE_GEMINI_BASE_URL": gemini,
        "GOOGLE_TTS_ENDPOINT": google,
    }
    given = settings(monkeypatch, variables, **CLOUD_ONLY)
    given_stages = [await asyncio.to_thread(chosen, stage, known, given) for stage, known in STAGES.items()]
    stt, llm, tts = SttChain(given_stages[0]), LlmChain(given_stages[1]), TtsChain(given_stages[2])
    chains: list[SttChain | LlmChain | TtsChain] = [stt, llm, tts]
    async with AsyncExitStack() as closing:
        for chain in chains:
            closing.push_async_callback(chain.close)
            with pytest.raises(EngineUnreachable):
                await chain.warm()
            assert not chain.members[0].is_ready
        assert await tts.voices() == []
        back = Cloud(
            whisper=FakeWhisperHttp(hear="what is the time", port=ports[0]),
            gemini=FakeGemini(port=ports[1]),
            google=FakeGoogleTts(port=ports[2]),
        )
        await closing.enter_async_context(clouds(back))
        engines = Engines(ScriptedVad(), stt, llm, tts, None)  # type: ignore[arg-type]
        assert (await answer(engines))[0] == GeminiReply().text
        stream = stt.open(SttOptions())
        stream.feed(np.full(16_000, 1_000, np.int16))
        assert (await stream.final()).text == "what is the time"
        await stream.close()
        assert await said_once_it_can(tts)
        assert all(chain.members[0].is_ready for chain in chains)
        assert len(await tts.voices()) > 10


async def said_once_it_can(tts: TtsChain) -> list[TtsItem]:
    """gRPC waits a second before it connects again."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with aclosing(tts.speak(one_clause(), VoiceChoice())) as sounds:
                    return [sound async for sound in sounds]
            except EngineUnreachable:
                await asyncio.sleep(0.1)


async def one_clause() -> AsyncIterator[Clause]:
    yield Clause(0, "Hello there.")


class Slow(ScriptedStt):
    """Elsewhere, and never warm."""

    location = "http://far"

    async def warm(self) -> None:
        await asyncio.sleep(3600)


def test_a_server_that_never_gets_warm_is_not_waited_for_when_there_is_another() -> None:
    async def story() -> float:
        slow, fast = Member(Slow([])), Member(ScriptedStt([]))
        stages: dict[str, Members] = {"stt": [slow, fast], "llm": [Member(ScriptedLlm([]))]}
        warm_up, vad, said = WarmUp(), ScriptedVad(), list[str]()
        await warm_up.warm(stages, vad)
        warm_up.tell(stages, vad, said.append)
        assert "stt  script  http://far  NOT THERE: script was not warm within 20 s" in said[1]
        assert not slow.is_ready
        assert fast.is_ready
        return asyncio.get_running_loop().time()

    assert virtual(story()) == pytest.approx(WARM_SECONDS)


# ---------------------------------------------------------------- personas


class Shy(ScriptedTts):
    """Cannot say which voices it has."""

    async def voices(self) -> Sequence[Voice]:
        raise EngineUnreachable("tts", "no list")


class Cold(ScriptedTts):
    """Is not loaded, and names no voice."""

    async def voices(self) -> Sequence[Voice]:
        return []


@pytest.mark.parametrize("wrong", [{"voice": "nobody"}, {"language": "fr"}])
@pytest.mark.parametrize("unlisted", [Shy, Cold])
async def test_a_voice_or_a_language_may_be_of_an_engine_that_cannot_list_its_voices(
    wrong: dict[str, str], unlisted: type[ScriptedTts]
) -> None:
    persona = Persona("default", "Mumbler", "Mumble.", **wrong)  # type: ignore[arg-type]
    known = {voice.id: voice for voice in await ScriptedTts().voices()}
    catalog = Catalog({"default": persona}, known, frozenset({"en", "fr"}))
    await check_personas(catalog, TtsChain([ScriptedTts(), unlisted()]))
    with pytest.raises(BadState, match="persona.default"):
        await check_personas(catalog, TtsChain([ScriptedTts(), ScriptedTts()]))


# ---------------------------------------------------------------- the prefix


class Embedded(ScriptedLlm):
    is_embedded = True


async def test_only_an_embedded_model_reads_the_beginning() -> None:
    remote, embedded = ScriptedLlm([ScriptedAnswer("Hi.")]), Embedded([ScriptedAnswer("Hi.")])
    await prime(LlmChain([remote, embedded]), "You are kind.")
    assert not remote.prompts
    assert {prompt.instructions for prompt in embedded.prompts} == {"You are kind."}
    said = [prompt.messages[-1].text for prompt in embedded.prompts]
    assert said == [HELLO, TOLD]
    await prime(LlmChain([remote]), "You are kind.")
    assert not remote.prompts


async def test_an_embedded_model_that_fails_there_is_left_out_or_refuses_the_start() -> None:
    error = EngineError("llm", "out of memory")
    chain = LlmChain([ScriptedLlm([ScriptedAnswer("Hi.")]), Embedded([ScriptedAnswer("", error=error)])])
    await prime(chain, "")
    assert [member.is_ready for member in chain.members] == [True, False]
    with pytest.raises(EngineError, match="out of memory"):
        await prime(LlmChain([Embedded([ScriptedAnswer("", error=error)])]), "")


# ---------------------------------------------------------------- the store


@pytest.mark.parametrize(("days", "left"), [(0, ["old"]), (30, [])])
@pytest.mark.parametrize(
    ("where", "kind"), [("", SqliteStore), ("x.db", SqliteStore), ("memory", MemoryStore)]
)
async def test_every_store_keeps_for_as_long_as_it_is_told(
    where: str, kind: type[Store], days: int, left: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    given = Settings(_env_file=None, store=where, retention_days=days)  # type: ignore[call-arg, arg-type]
    store = await open_store(given)
    assert isinstance(store, kind)
    await store.save(SavedSession("old", "", 1.0, 2.0, 0, "default", "", ()), 1)
    if kind is SqliteStore:  # erased at the start
        await store.close()
        store = await open_store(given)
    assert [saved.id for saved in await store.sessions("", 10, None)] == left
    await store.close()
