"""No secret comes out: not in a log, an error, a notice, a status, a table; as it is, or encoded."""

import asyncio
import base64
import io
import json
import logging
import re
import shutil
import signal
import traceback
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

import grpc
import numpy as np
import pytest

from tests.cloud import clear
from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.parrot import WORDS, Parrot
from tests.free_port import free_port
from tests.server.test_command import SERVE, address, outcome, started
from voice_grpc.client import Access, Call, connect
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.gemini.llm import GeminiLlm
from voice_grpc.engines.google_tts.tts import GoogleTts
from voice_grpc.engines.openai.llm import OpenAiLlm
from voice_grpc.engines.whisper_remote.stt import whisper_server
from voice_grpc.fallback import LlmChain, SttChain, TtsChain
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub
from voice_grpc.ports import Clause, Prompt, SttOptions, VoiceChoice
from voice_grpc.process.log_lines import TextLines
from voice_grpc.process.redaction import HIDDEN, Redaction
from voice_grpc.settings import Settings
from voice_grpc.settings.redaction import secrets_of

WHISPER_KEY = "sentinel-whisper-key+/1"
PASSWORD = "sentinel pass/wörd:2"
GEMINI_KEY = "sentinel-gemini-key-3"
OPENAI_KEY = "sentinel-openai-key-4"
TOKEN = "sentinel-token-5"
KEY_LINES = ("c2VudGluZWwtbGluZS1vbmUtb2YtdGhlLWtleQ", "c2VudGluZWwtbGluZS10d28tb2YtdGhlLWtleQ")
CREDENTIALS = json.dumps(
    {
        "type": "service_account",
        "project_id": "somebody",
        "client_email": "voice@somebody.iam.gserviceaccount.com",
        "private_key_id": "sentinel-key-id-6",
        "private_key": "-----BEGIN PRIVATE KEY-----\n"
        + "\n".join(KEY_LINES)
        + "\n-----END PRIVATE KEY-----\n",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
)
SENTINELS = (WHISPER_KEY, PASSWORD, GEMINI_KEY, OPENAI_KEY, TOKEN, "sentinel-key-id-6", *KEY_LINES)

STATUSES = (0, 302, 400, 401, 403, 404, 422, 429, 500, 503)
PROMPT = Prompt("", (Message(Role.USER, "Hello.", 1),))
SOUND = np.full(16_000, 1_000, np.int16)

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def spellings(secret: str) -> set[str]:
    """As it is, escaped, percent-encoded, and in base64 wherever in a longer text it stood."""
    found = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    raw = secret.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + raw)
        whole = encoded[-(-8 * shift // 6) : (shift + len(raw)) * 8 // 6].decode()
        found |= {whole, whole.replace("+", "-").replace("/", "_")}
    return {each for each in found if len(each) > 6}


def leaks(text: str) -> list[str]:
    return [spelling for secret in SENTINELS for spelling in spellings(secret) if spelling in text]


@pytest.mark.parametrize("secret", SENTINELS)
def test_the_search_finds_what_it_looks_for(secret: str) -> None:
    basic = base64.b64encode(f"somebody:{secret}".encode()).decode()
    for text in (secret, f"?key={quote(secret, safe='')}&x", f"Basic {basic}", repr({"k": secret})):
        assert leaks(f"something {text} and more")
    assert not leaks(HIDDEN)


# ---------------------------------------------------------------- in this process


def given(**more: str) -> Settings:
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        whisper_api_key=WHISPER_KEY,  # type: ignore[arg-type]
        whisper_server_url=f"http://me:{quote(PASSWORD, safe='')}@127.0.0.1:9",  # type: ignore[arg-type]
        gemini_api_key=GEMINI_KEY,  # type: ignore[arg-type]
        openai_api_key=OPENAI_KEY,  # type: ignore[arg-type]
        google_tts_credentials=more.get("credentials", CREDENTIALS),  # type: ignore[arg-type]
        tokens=[TOKEN],  # type: ignore[list-item]
    )


@pytest.mark.parametrize("scheme", ["", "http://"])
@pytest.mark.parametrize(
    "place",
    ["{0}@host", "me:{0}@host", "host/v1?api-version=2024-10-21&api-key={0}", "host/v1?model=m&token={0}"],
)
@pytest.mark.parametrize("secret", ["sesame-street", "sesame%2Dstreet"])
def test_what_a_url_holds_is_redacted(scheme: str, place: str, secret: str) -> None:
    settings = Settings(_env_file=None, openai_base_url=scheme + place.format(secret))  # type: ignore[call-arg, arg-type]
    shown = Redaction(secrets_of(settings))(
        f"2024-10-21: the key sesame-street, sent as {secret}, is unknown"
    )
    assert shown == f"2024-10-21: the key {HIDDEN}, sent as {HIDDEN}, is unknown"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Of everything, libraries too, at the most talkative level, as the server writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(TextLines(Redaction(secrets_of(given()))))
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    logging.getLogger().manager._clear_cache()  # type: ignore[attr-defined] # noqa: SLF001
    return written


def told(error: EngineError) -> str:
    return "".join([str(error), repr(error), error.advice, repr(error.args)])


def redact() -> Redaction:
    return Redaction(secrets_of(given()))


@pytest.mark.parametrize("status", STATUSES)
async def test_a_model_that_repeats_what_it_was_told(
    status: int, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    clear(monkeypatch)
    async with Parrot(status) as parrot:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", parrot.url)
        with_name = parrot.url.replace("//", f"//me:{quote(PASSWORD, safe='')}@")
        for engine in (
            GeminiLlm(GEMINI_KEY, "gemini-3.5-flash-lite"),
            OpenAiLlm(parrot.url, OPENAI_KEY, "parrot"),
            OpenAiLlm(with_name, "", "parrot"),
        ):
            chain = LlmChain([engine], redact=redact())
            with pytest.raises(EngineError) as failed:
                await write(chain)
            assert not leaks(told(failed.value) + engine.location + engine.name + repr(engine))
            await chain.close()
    assert any(leaks(heard) for heard in parrot.heard), "it was told nothing: the test is none"
    assert not leaks(log.getvalue())


@pytest.mark.parametrize("status", sorted(set(STATUSES) - {0, 503}))
@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_recogniser_that_repeats_what_it_was_told(
    scheme: str, status: int, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    """503 is waited for: it may still load its model."""
    clear(monkeypatch)
    async with Parrot(status) as parrot:
        url = parrot.url.replace("http://", f"{scheme}://")
        protocols = ("openai", "whispercpp") if scheme == "http" else ("whisperlive", "realtime")
        with_name = url.replace("//", f"//me:{quote(PASSWORD, safe='')}@")
        for protocol in protocols:
            for address_, key in ((url, WHISPER_KEY), (with_name, "")):
                engine = whisper_server(address_, key=key, protocol=protocol, model="parrot")
                chain = SttChain([engine], redact=redact())
                with pytest.raises(EngineError) as failed:
                    await hear(chain)
                assert not leaks(told(failed.value) + engine.location + engine.name + repr(engine))
                await chain.close()
    assert any(leaks(heard) for heard in parrot.heard), "it was told nothing: the test is none"
    assert not leaks(log.getvalue())


async def write(chain: LlmChain) -> None:
    async with aclosing(chain.stream(PROMPT)) as items:
        async for _ in items:
            pass


async def hear(chain: SttChain) -> None:
    await chain.warm()
    stream = chain.open(SttOptions(("en",)))
    stream.feed(SOUND)
    try:
        await stream.final()
    finally:
        await stream.close()


@pytest.mark.parametrize("shape", ["json", "path", "broken json", "no json", "not a path"])
async def test_credentials_that_are_of_no_use(shape: str, tmp_path: Path, log: io.StringIO) -> None:
    path = tmp_path / "key.json"
    path.write_text(CREDENTIALS)
    credentials = {
        "json": CREDENTIALS,
        "path": str(path),
        "broken json": CREDENTIALS[:-1],
        "no json": KEY_LINES[0],
        "not a path": "\n".join(KEY_LINES),
    }[shape]
    engine = GoogleTts(credentials, endpoint=f"127.0.0.1:{free_port()}")
    chain = TtsChain([engine], redact=Redaction(await asyncio.to_thread(secrets_of, given())))
    with pytest.raises(EngineError) as failed:
        await say(chain)
    assert not leaks(told(failed.value) + engine.location + engine.name + repr(engine))
    await chain.close()
    assert not leaks(log.getvalue())


async def say(chain: TtsChain) -> None:
    async def one_clause() -> AsyncIterator[Clause]:
        yield Clause(0, "Hello.")

    async with aclosing(chain.speak(one_clause(), VoiceChoice())) as sounds:
        async for _ in sounds:
            pass


def test_what_is_written_is_redacted_with_its_traceback(log: io.StringIO) -> None:
    try:
        raise ValueError(f"Bearer {WHISPER_KEY}")
    except ValueError as error:
        logging.getLogger("anybody").exception("it said %r", str(error))
        text = "".join(traceback.format_exception(error))
    assert leaks(text)
    assert not leaks(log.getvalue())
    assert HIDDEN in log.getvalue()


@pytest.mark.parametrize("form", ["json", "path"])
def test_all_secrets_of_the_settings_are_known(form: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(CREDENTIALS)
    settings = given(credentials=str(tmp_path / "key.json") if form == "path" else CREDENTIALS)
    basic = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    shown = Redaction(secrets_of(settings))(" ".join([*SENTINELS, CREDENTIALS, basic, quote(PASSWORD)]))
    assert not leaks(shown)
    assert not leaks(repr(settings) + str(settings.model_dump()) + settings.model_dump_json())
    assert Redaction(secrets_of(settings))("somebody's voice") == "somebody's voice"


def test_a_short_text_is_no_secret() -> None:
    assert Redaction(["me", "", "key"])("the key is me") == "the key is me"


# ---------------------------------------------------------------- as processes


@asynccontextmanager
async def parrots() -> AsyncIterator[tuple[list[Parrot], dict[str, str]]]:
    """A server for each stage that wants a secret, and all the variables that hold one."""
    async with Parrot() as whisper, Parrot() as gemini, Parrot() as openai, FakeGoogleTts() as google:
        yield (
            [whisper, gemini, openai],
            {
                "WHISPER_SERVER_URL": whisper.url.replace("//", f"//me:{quote(PASSWORD, safe='')}@"),
                "WHISPER_API_KEY": WHISPER_KEY,
                "GEMINI_API_KEY": GEMINI_KEY,
                "GOOGLE_GEMINI_BASE_URL": gemini.url,
                "OPENAI_BASE_URL": openai.url.replace("//", f"//me:{quote(PASSWORD, safe='')}@"),
                "OPENAI_API_KEY": OPENAI_KEY,
                "GOOGLE_TTS_CREDENTIALS": CREDENTIALS,
                "GOOGLE_TTS_ENDPOINT": google.url,
                "VOICE_TOKENS": TOKEN,
                "VOICE_STT": "server",
                "VOICE_LLM": "gemini,openai",
                "VOICE_TTS": "google",
                "VOICE_PORT": "0",
                "VOICE_LOG_LEVEL": "debug",
            },
        )


async def test_a_server_whose_vendors_repeat_what_they_were_told(tmp_path: Path) -> None:
    """Answers first, then every error in turn; all that its callers, its operator and its log get."""
    said: list[str] = []
    async with (
        parrots() as (birds, variables),
        started(*SERVE, home=tmp_path, variables=variables) as process,
        asyncio.TaskGroup() as tasks,
    ):
        assert process.stderr is not None
        tasks.create_task(drained(process.stderr, said), name="stderr")
        target = await address(process)
        said += await everything(target)
        assert WORDS in " ".join(said)
        for status in (429, 0, 500, 401):
            for bird in birds:
                bird.status = status
            said.append(await conversation(target))
        reasons = set(re.findall(r"ENGINE_\w+", " ".join(said)))
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert len(reasons) >= 4, reasons
    assert all(leaks(" ".join(bird.heard)) for bird in birds), "they were told nothing: the test is none"
    assert not leaks(" ".join(said))


async def drained(stream: asyncio.StreamReader, into: list[str]) -> None:
    while line := await stream.readline():
        into.append(line.decode())


async def everything(target: str) -> list[str]:
    """What the unary methods tell, with and without the token."""
    said = []
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    async with connect(target) as channel:
        stub = VoiceServiceStub(channel)
        said.append(str(await stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=metadata)))
        said.append(str(await stub.ListVoices(pb.ListVoicesRequest(), metadata=metadata)))
        said.append(str(await stub.ListPersonas(pb.ListPersonasRequest(), metadata=metadata)))
        for wrong in ((("authorization", f"Bearer {TOKEN}x"),), (("authorization", TOKEN),), ()):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=wrong)
            said.append((refused.value.details() or "") + str(refused.value.trailing_metadata()))
    said.append(await conversation(target))
    return said


async def conversation(target: str) -> str:
    """A turn by text and one by voice: all that comes."""
    said = []
    async with Call.open(target, pb.SessionConfig(), Access(TOKEN)) as call:
        await call.send(pb.TextInput(text="Hello.", text_only=True))
        said += await until_over(call)
        await call.send(pb.UserActivity(kind=pb.UserActivity.KIND_START))
        await call.send(pb.AudioInput(data=tone().tobytes()))
        await call.send(pb.UserActivity(kind=pb.UserActivity.KIND_END))
        said += await until_over(call)
    return " ".join(said)


async def until_over(call: Call) -> list[str]:
    over = (pb.TurnEvent.STATE_COMPLETED, pb.TurnEvent.STATE_FAILED, pb.TurnEvent.STATE_DISCARDED)
    said = []
    async with asyncio.timeout(60):
        async for response in call:
            if not response.HasField("audio"):
                said.append(str(response))
            if response.turn_event.state in over:
                break
    return said


def tone() -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    return (np.random.default_rng(1).integers(-8000, 8000, 8_000)).astype("<i2")


@needs_espeak
@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.parametrize("flags", [(), ("--json",)])
async def test_the_doctor_of_such_vendors(status: int, flags: tuple[str, ...], tmp_path: Path) -> None:
    async with parrots() as (birds, variables):
        for bird in birds:
            bird.status = status
        variables |= {"GOOGLE_TTS_ENDPOINT": f"127.0.0.1:{free_port()}", "VOICE_TTS": "google,espeak"}
        command = ("-m", "voice_grpc", "doctor", *flags)
        code, out, error = await outcome(*command, home=tmp_path, variables=variables)
    assert code == 1, error
    assert "gemini" in out
    assert not leaks(out + error)


@pytest.mark.parametrize("name", ["VOICE_PORT", "VOICE_LLM", "WHISPER_PROTOCOL"])
async def test_a_wrong_setting_beside_secrets(name: str, tmp_path: Path) -> None:
    async with parrots() as (_, variables):
        code, out, error = await outcome(*SERVE, home=tmp_path, variables=variables | {name: "x"})
    assert code == 2
    assert name in error
    assert not leaks(out + error)


@pytest.mark.parametrize("tells_words", [False, True])
async def test_libraries_that_write_what_they_send_are_quiet_at_debug(
    tells_words: bool, tmp_path: Path
) -> None:
    """Unless words are asked for."""
    loggers = (
        "botocore.endpoint",
        "s3transfer.tasks",
        "urllib3.connectionpool",
        "piper.voice",
        "websockets.client",
    )
    code = (
        "import logging\n"
        "from voice_grpc.settings import Settings\n"
        "from voice_grpc.settings.redaction import log_without_secrets\n"
        f"log_without_secrets('debug', Settings(_env_file=None, log_words={tells_words}))\n"
        f"for name in {loggers}: logging.getLogger(name).debug('my secret garden of %s', name)\n"
    )
    _, _, error = await outcome("-c", code, home=tmp_path)
    assert [name in error for name in loggers] == [tells_words] * len(loggers)
    assert ("garden" in error) is tells_words
