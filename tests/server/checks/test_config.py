"""`voice-grpc serve --check-config` as a process: all that is wrong at once, and nothing made or started."""

import socket
from pathlib import Path

import pytest

from tests.certificates import DAY, Authority
from tests.cloud import clouds
from tests.free_port import free_port
from tests.server.test_command import SERVE, outcome
from tests.tokens import AUDIENCE, ISSUER, Issuer
from tests.valkey import needs_valkey, valkey
from voice_grpc.settings.command_line import COMMAND_LINE

CLOUD_ONLY = {"VOICE_STT": "server", "VOICE_LLM": "gemini", "VOICE_TTS": "google", "TURN_MODEL": "off"}


async def checked(
    *arguments: str, home: Path, variables: dict[str, str]
) -> tuple[int | None, list[str], list[str]]:
    """Exit code, and the lines of both outputs."""
    given = CLOUD_ONLY | variables
    code, out, error = await outcome(*SERVE, "--check-config", *arguments, home=home, variables=given)
    return code, out.splitlines(), error.splitlines()


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def test_what_is_right_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue("server")
    (tmp_path / "jwks.json").write_bytes(Issuer().jwks)
    (tmp_path / "tokens").write_text(f"ann:{'0' * 64}\nroot:{'1' * 64}:admin\nold:{'2' * 64}:2020-01-01")
    before = files(tmp_path)
    rules = ("--jwt-jwks", "jwks.json", "--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE)
    with socket.create_server(("127.0.0.1", 0)) as taken:  # by the server that is running meanwhile
        async with clouds() as cloud:
            code, out, error = await checked(
                *("--tls-cert", str(issued.cert), "--tls-key", str(issued.key), *rules),
                *("--token-file", "tokens", "--port", str(taken.getsockname()[1])),
                home=tmp_path,
                variables=cloud.variables,
            )
    assert (code, error) == (0, [])
    said = "\n".join(out)
    assert "tls certificate" in said
    assert "access tokens tokens: 2 tokens, 1 of administrators; 1 have expired" in said
    assert "access jwt jwks.json: 1 keys: EC" in said
    assert f"store sqlite {tmp_path}/voice-grpc/sessions.db" in said
    assert out[-1] == "the configuration is right"
    assert files(tmp_path) == before


async def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("a").cert, authority.issue("b").key
    (tmp_path / "tokens").write_text("ann:her-secret-token")
    (tmp_path / "personas.toml").write_text("[persona.default]\nname = 1")
    (tmp_path / "a file").write_text("")
    away = free_port()
    code, out, error = await checked(
        *("--max-sessions", "0", "--port=nine", "--host", "192.0.2.77", "--llm", "gemini,openai"),
        *("--tls-cert", str(cert), "--tls-key", str(key), "--token-file", "tokens"),
        *("--personas", "personas.toml", "--store", "a file/sessions.db"),
        *("--jwt-jwks", f"http://127.0.0.1:{away}/jwks.json", "--jwt-issuer", ISSUER, "--jwt-audience", "v"),
        home=tmp_path,
        variables={
            "VOICE_TURN_DEADLINE": "1",
            "GEMINI_API_KEY": "hush-hush",
            "WHISPER_PROTOCOL": "morse",
            "PIPER_VOICES": "/nowhere/voice.onnx",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{away}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon",
        },
    )
    said = "\n".join(error)
    for wrong in (
        "--max-sessions (VOICE_MAX_SESSIONS): got '0'",
        "--port (VOICE_PORT): got 'nine'",
        "--turn-deadline (VOICE_TURN_DEADLINE): got '1'",
        "--whisper-protocol (WHISPER_PROTOCOL): got 'morse'",
        "--host (VOICE_HOST): got '192.0.2.77'",
        f"--tls-key (VOICE_TLS_KEY): got '{key}'",
        "--token-file (VOICE_TOKEN_FILE): got 'tokens', accepted: a file of lines NAME",
        "personas.toml: [persona.default] name: got 1",
        "The session store a file/sessions.db cannot be opened",
        "access jwt http://127.0.0.1:",
        "stt server: not configured → set WHISPER_SERVER_URL",
        "llm openai: not configured → set OPENAI_BASE_URL",
        "tts google: not configured → set GOOGLE_TTS_CREDENTIALS",
        "tts file /nowhere/voice.onnx: no such file → --piper-voices (PIPER_VOICES)",
        "collector OTEL_EXPORTER_OTLP_PROTOCOL: got 'carrier-pigeon'",
        f"collector otlp http://127.0.0.1:{away}: ",
    ):
        assert said.count(wrong) == 1, (wrong, said)
    assert (code, out[-1]) == (2, f"{len(error)} to fix")
    assert all(line.count(", accepted: ") + line.count(" is to be ") <= 1 for line in error)
    assert all(line.startswith("voice-grpc serve: ") for line in error)
    assert not any(secret in said + "\n".join(out) for secret in ("hush-hush", "her-secret-token"))


async def test_a_command_line_that_cannot_be_read(tmp_path: Path) -> None:
    code, out, error = await checked("--colour", "red", home=tmp_path, variables={})
    assert (code, out) == (2, ["1 to fix"])
    assert "unrecognized arguments: --colour red" in error[0]


async def test_what_may_not_be_meant_is_a_note(tmp_path: Path) -> None:
    expiring = Authority(tmp_path).issue("server", ends=3 * DAY)
    async with clouds() as cloud:
        variables = cloud.variables | {"VOICE_TOKENS": "<tokens>", "VOICE_HOST": "0.0.0.0"}
        code, out, _ = await checked(home=tmp_path, variables=variables)
        assert code == 0
        assert "VOICE_TOKENS still holds its placeholder: taken as not set" in out
        assert any(line.startswith("plain text on 0.0.0.0") for line in out)
        assert any(line.startswith("everybody who reaches 0.0.0.0 is let in") for line in out)
        flags = ("--tls-cert", str(expiring.cert), "--tls-key", str(expiring.key))
        code, out, _ = await checked(*flags, home=tmp_path, variables=variables)
    assert code == 0
    assert any("which is soon: renew it" in line for line in out)


@needs_valkey
async def test_a_store_that_servers_share_is_asked(tmp_path: Path) -> None:
    async with clouds() as cloud:
        with valkey(tmp_path) as server:
            variables = cloud.variables | {"VOICE_STORE": server.url}
            code, out, _ = await checked(home=tmp_path, variables=variables)
            (line,) = [line for line in out if line.startswith(f"store valkey {server.url}")]
            assert (code, ": VOICE_SECRET is not set: " in line) == (0, True)
            for more in ({"VOICE_SECRET": "the same everywhere"}, {"VOICE_RESUME_WINDOW": "0"}):
                code, out, _ = await checked(home=tmp_path, variables=variables | more)
                assert (code, f"store valkey {server.url}" in out) == (0, True)
        code, _, error = await checked(home=tmp_path, variables=variables)
    assert code == 2
    assert f"{server.url} cannot be reached" in error[0]


@pytest.mark.parametrize(
    ("argv", "variables", "wrong"),
    [
        (["--port", "x", "--max-sessions=0", "--host", "h"], {}, ["port", "max_sessions"]),
        (
            ["--no-reflection"],
            {"VOICE_CHANNELZ": "perhaps", "STT_THREADS": "-1"},
            ["channelz", "stt_threads"],
        ),
        (["--stt", "ear", "--tokens", "a,b"], {"VOICE_PROXIES": "nobody"}, ["stt", "proxies"]),
    ],
)
def test_what_is_right_stays_beside_what_is_wrong(
    argv: list[str],
    variables: dict[str, str],
    wrong: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings, faults = COMMAND_LINE.examined(argv)
    assert settings is not None
    told = "\n".join(map(str, faults))
    assert len(faults) == len(wrong)
    for name in wrong:
        assert f"{COMMAND_LINE.option(name)}: got" in told
        field = type(settings).model_fields[name]
        assert getattr(settings, name) == field.get_default(call_default_factory=True)
    assert settings.host == ("h" if "--host" in argv else "127.0.0.1")
    assert [token.get_secret_value() for token in settings.tokens] == (
        ["a", "b"] if "--tokens" in argv else []
    )
    assert settings.reflection == ("--no-reflection" not in argv)
