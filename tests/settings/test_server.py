"""Settings: the environment, flags that win over it, placeholders that are no values, secrets kept secret."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import CliApp

from tests.cloud import clear
from voice_grpc.core.errors import UsageError
from voice_grpc.process.redaction import Redaction
from voice_grpc.server.server import command
from voice_grpc.settings import Settings
from voice_grpc.settings.command_line import COMMAND_LINE
from voice_grpc.settings.environment import VARIABLES, export_vendor_variables
from voice_grpc.settings.redaction import secrets_of

OWN_NAMES = [
    "WHISPER_SERVER_URL",
    "GEMINI_API_KEY",
    "GOOGLE_TTS_CREDENTIALS",
    "WHISPER_MODEL",
    "LOCAL_LLM_MODEL",
]
SECRET = "s3cret-do-not-tell"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine and no `.env` of the folder counts."""
    clear(monkeypatch)
    monkeypatch.chdir(tmp_path)


def read(env_file: Path | str = ".env") -> Settings:
    return Settings(_env_file=env_file)  # type: ignore[call-arg]


def flags(*argv: str) -> Settings:
    return CliApp.run(Settings, cli_args=list(argv))


# ---------------------------------------------------------------- where values come from


def test_nothing_set_is_the_embedded_server_on_this_machine_alone() -> None:
    settings = read()
    assert (settings.host, settings.port, settings.turn_deadline) == ("127.0.0.1", 50051, 8.0)
    assert (settings.whisper_model, settings.local_llm_model) == ("base", "")
    assert not settings.whisper_server_url.get_secret_value()
    assert not settings.gemini_api_key.get_secret_value()
    assert not settings.google_tts_credentials.get_secret_value()
    assert settings.tokens == []
    assert settings.placeholders == []


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("VOICE_HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("VOICE_PORT", "0", "port", 0),
        ("VOICE_MAX_SESSIONS", "3", "max_sessions", 3),
        ("VOICE_TURN_DEADLINE", "5.5", "turn_deadline", 5.5),
        ("VOICE_STORE", "memory", "store", SecretStr("memory")),
        ("VOICE_STORE", "redis://:pass@h/1", "store", SecretStr("redis://:pass@h/1")),
        ("VOICE_RETENTION_DAYS", "30", "retention_days", 30),
        ("VOICE_PERSONAS", "mine.toml", "personas", Path("mine.toml")),
        ("VOICE_REFLECTION", "false", "reflection", False),
        ("VOICE_LOG_LEVEL", "debug", "log_level", "debug"),
        ("WHISPER_PROTOCOL", "wyoming", "whisper_protocol", "wyoming"),
        ("GEMINI_MODEL", "gemini-flash-latest", "gemini_model", "gemini-flash-latest"),
        ("PIPER_VOICES", "a.onnx, b.onnx,", "piper_voices", [Path("a.onnx"), Path("b.onnx")]),
        ("VOICE_LLM", "gemini, LOCAL,gemini", "llm", "gemini,local"),
        ("VOICE_TTS", ",", "tts", ""),
        ("WHISPER_MODEL", "tiny", "whisper_model", "tiny"),
        ("STT_WORKERS", "4", "stt_workers", 4),
        ("LLM_THREADS", "0", "llm_threads", 0),
        ("TURN_MODEL", "/models/turn.onnx", "turn_model", "/models/turn.onnx"),
        ("LOCAL_LLM_MODEL", "/models/a.gguf", "local_llm_model", "/models/a.gguf"),
    ],
)
def test_the_environment_is_read(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, expected: object
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(read(), field) == expected


def test_secrets_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    monkeypatch.setenv("GOOGLE_TTS_CREDENTIALS", '{"private_key": "<not a placeholder>"}')
    monkeypatch.setenv("WHISPER_SERVER_URL", "http://whisper:8000")
    settings = read()
    assert settings.whisper_server_url.get_secret_value() == "http://whisper:8000"
    assert settings.gemini_api_key.get_secret_value() == SECRET
    assert settings.google_tts_credentials.get_secret_value() == '{"private_key": "<not a placeholder>"}'


@pytest.mark.parametrize("value", [f"{SECRET}\n", f" {SECRET} ", f"\t{SECRET}\r\n"])
def test_space_around_a_value_is_none_of_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", value)
    monkeypatch.setenv("OPENAI_API_KEY", "  ")
    settings = read()
    assert settings.gemini_api_key.get_secret_value() == SECRET
    assert settings.openai_api_key.get_secret_value() == ""


def test_what_vendors_read_themselves_is_exported_from_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "from the environment")
        monkeypatch.delenv(name)
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "global")
    (tmp_path / ".env").write_text(
        "GOOGLE_GENAI_USE_VERTEXAI=true\nGOOGLE_CLOUD_PROJECT=<your project>\n"
        "GOOGLE_CLOUD_LOCATION=europe-west4\nPATH=/nowhere\nGEMINI_API_KEY=k\n"
    )
    export_vendor_variables()
    assert os.environ["GOOGLE_GENAI_USE_VERTEXAI"] == "true"
    assert os.environ["GOOGLE_CLOUD_LOCATION"] == "global"
    assert "GOOGLE_CLOUD_PROJECT" not in os.environ
    assert os.environ["PATH"] != "/nowhere"
    assert "GEMINI_API_KEY" not in os.environ


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_PORT", "1111")
    monkeypatch.setenv("VOICE_MAX_SESSIONS", "3")
    monkeypatch.setenv("WHISPER_MODEL", "tiny")
    settings = flags("--port", "2222", "--whisper-model", "base", "--no-reflection")
    assert (settings.port, settings.max_sessions, settings.whisper_model) == (2222, 3, "base")
    assert settings.reflection is False


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "VOICE_PORT=1111\nVOICE_HOST=0.0.0.0\nGEMINI_API_KEY=<your key>\nOTHER=1\n"
    )
    monkeypatch.setenv("VOICE_PORT", "2222")
    settings = read()
    assert (settings.port, settings.host) == (2222, "0.0.0.0")
    assert settings.placeholders == ["GEMINI_API_KEY"]


# ---------------------------------------------------------------- placeholders


@pytest.mark.parametrize("value", ["<your key>", " <your key> ", "<>", "<a> or <b>"])
def test_a_placeholder_counts_as_not_set_and_is_said(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", value)
    settings = read()
    assert not settings.gemini_api_key.get_secret_value()
    assert settings.placeholders == ["GEMINI_API_KEY"]


def test_every_placeholder_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OWN_NAMES:
        monkeypatch.setenv(name, f"<{name} here>")
    settings = read()
    assert sorted(settings.placeholders) == sorted(OWN_NAMES)
    assert settings.whisper_model == "base"
    assert settings.whisper_server_url.get_secret_value() == ""


@pytest.mark.parametrize("value", ["key<1>", "<1>key", "a < b > c"])
def test_a_value_with_brackets_in_it_is_no_placeholder(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", value)
    settings = read()
    assert settings.gemini_api_key.get_secret_value() == value
    assert settings.placeholders == []


def test_a_placeholder_where_a_number_belongs_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_PORT", "<port>")
    settings = read()
    assert settings.port == 50051
    assert settings.placeholders == ["VOICE_PORT"]


def test_the_example_file_sets_no_secret() -> None:
    example = Path(__file__).parents[2] / ".env.example"
    settings = read(example)
    assert sorted(settings.placeholders) == sorted(OWN_NAMES[:3])


# ---------------------------------------------------------------- secrets


def test_tokens_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_TOKENS", " one, two ,,three,")
    assert [token.get_secret_value() for token in read().tokens] == ["one", "two", "three"]


def test_tokens_from_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_TOKENS", "one")
    assert [token.get_secret_value() for token in flags("--tokens", "two,three").tokens] == ["two", "three"]


def test_secrets_are_in_nothing_that_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    monkeypatch.setenv("GOOGLE_TTS_CREDENTIALS", f'{{"private_key": "{SECRET}"}}')
    monkeypatch.setenv("VOICE_TOKENS", f"{SECRET},{SECRET}2")
    settings = read()
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert SECRET not in shown
        assert "127.0.0.1" in shown


# ---------------------------------------------------------------- wrong values


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("VOICE_PORT", "99999", "port"),
        ("VOICE_PORT", "-1", "port"),
        ("VOICE_PORT", "http", "port"),
        ("VOICE_MAX_SESSIONS", "0", "max_sessions"),
        ("VOICE_TURN_DEADLINE", "1", "turn_deadline"),
        ("VOICE_TURN_DEADLINE", "nan", "turn_deadline"),
        ("VOICE_IDLE_LIMIT", "-1", "idle_limit"),
        ("VOICE_REFLECTION", "perhaps", "reflection"),
        ("VOICE_LOG_LEVEL", "loud", "log_level"),
        ("LLM_THREADS", "-1", "LLM_THREADS"),
        ("STT_THREADS", "65", "STT_THREADS"),
        ("STT_WORKERS", "two", "STT_WORKERS"),
        ("TTS_THREADS", "1.5", "TTS_THREADS"),
        ("TURN_THREADS", "100", "TURN_THREADS"),
        ("VAD_THREADS", "-2", "VAD_THREADS"),
        ("VOICE_STT", "whisper", "stt"),
        ("VOICE_LLM", "gemini,gpt", "llm"),
        ("VOICE_TTS", "local google", "tts"),
    ],
)
def test_a_wrong_value_names_its_field(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        read()
    (error,) = caught.value.errors()
    assert error["loc"] == (field,)
    assert error["input"] == value


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--llm", "gemini,gpt"),
        ("--port", "99999"),
        ("--max-sessions", "many"),
        ("--log-level", "loud"),
        ("--nonsense", "1"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], flag: str, value: str
) -> None:
    assert command([flag, value]) == 2
    said = capsys.readouterr().err
    assert flag in said
    assert value in said
    assert "Traceback" not in said


PATHS = {
    "VOICE_STORE": "store",
    "VOICE_PERSONAS": "personas",
    "WHISPER_MODEL": "whisper_model",
    "LOCAL_LLM_MODEL": "local_llm_model",
    "GOOGLE_TTS_CREDENTIALS": "google_tts_credentials",
    "PIPER_VOICES": "piper_voices",
}


@pytest.mark.parametrize("place", ["environment", "file", "flag"])
@pytest.mark.parametrize(("variable", "field"), PATHS.items(), ids=PATHS)
def test_a_tilde_is_the_home_directory_in_every_path(
    variable: str, field: str, place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.chdir(tmp_path)
    arguments = []
    if place == "environment":
        monkeypatch.setenv(variable, "~/x/y")
    elif place == "file":
        (tmp_path / ".env").write_text(f"{variable}=~/x/y\n")
    else:
        arguments = [f"--{field.replace('_', '-')}=~/x/y"]
    value = getattr(COMMAND_LINE.parse(arguments), field)
    value = value[0] if isinstance(value, list) else value
    assert str(value.get_secret_value() if isinstance(value, SecretStr) else value) == "/home/ann/x/y"


def test_every_path_of_a_list_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("PIPER_VOICES", "~/a.onnx, /b.onnx,~/c.onnx")
    assert [str(path) for path in read().piper_voices] == ["/home/ann/a.onnx", "/b.onnx", "/home/ann/c.onnx"]


@pytest.mark.parametrize("variable", PATHS)
def test_a_home_that_is_unknown_is_one_line(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, "~no-such-user-here/x")
    assert command([]) == 2
    said = capsys.readouterr().err
    assert variable in said
    assert "accepted: a path without ~" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("variable", ["GOOGLE_APPLICATION_CREDENTIALS", "SSL_CERT_FILE"])
def test_a_tilde_in_what_vendors_read_is_the_home_directory(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv(variable, "~/key")
    export_vendor_variables(tmp_path / "none")
    assert os.environ[variable] == "/home/ann/key"
    monkeypatch.setenv(variable, "~no-such-user-here/key")
    with pytest.raises(UsageError, match=variable):
        export_vendor_variables(tmp_path / "none")


@pytest.mark.parametrize("url", ["redis://:sesame@", "redis://:sesame#1@h", "postgres://ann:sesame@h/voice"])
def test_a_store_that_is_none_is_told_without_its_password(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert command(["--store", url]) == 2
    said = capsys.readouterr().err
    scheme = url.partition(":")[0]
    assert said.startswith(f"voice-grpc serve: --store (VOICE_STORE): got '{scheme}://…', accepted: a file, ")
    assert "redis+sentinel://" in said
    assert "sesame" not in said
    assert said.count("\n") == 1


def test_the_password_of_a_store_is_a_secret() -> None:
    settings = flags("--store", "redis://:sesame%2Fstreet@h")
    assert "sesame" not in repr(settings)
    shown = Redaction(secrets_of(settings))("AUTH sesame/street, from sesame%2Fstreet")
    assert shown == "AUTH ***, from ***"
