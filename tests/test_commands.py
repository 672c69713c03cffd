"""`voice-grpc`: which commands there are, and what all of them do alike: version, help, no home directory."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from voice_grpc import __version__
from voice_grpc.__main__ import main

ROOT = Path(__file__).parents[1]
COMMANDS = sorted(point.name for point in entry_points(group="voice_grpc.commands"))

HOMELESS = """
import os, sys
for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "VOICE_GRPC_CACHE", "VOICE_STORE"):
    os.environ.pop(name, None)
import pwd
def nobody(_): raise KeyError("no such user")
pwd.getpwuid = pwd.getpwnam = nobody
from voice_grpc.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
"""As in a container that runs under a number (`--user 54321`): without HOME, and without a passwd entry."""


@pytest.fixture(autouse=True)
def _environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """`main` sets what other people's libraries read."""
    for name in ("no_proxy", "NO_PROXY", "GRPC_VERBOSITY", "ORT_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_version(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*([command] if command else []), "--version"]) == 0
    assert capsys.readouterr().out == f"voice-grpc {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code: object = main([command, "--help"])
    except SystemExit as end:  # as argparse has it
        code = end.code
    said = capsys.readouterr().out
    assert code == 0
    assert said.startswith(f"usage: voice-grpc {command} ")


def test_usage_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {command} " in said for command in COMMANDS)
    assert main(["no-such"]) == 2
    assert capsys.readouterr().err.startswith("no command 'no-such'; there are: ")


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "said"),
    [
        ("serve --port 0", {}, 2, "set VOICE_STORE to a file, or to `memory`"),
        ("demo", {}, 2, "set VOICE_STORE to a file, or to `memory`"),
        ("up --port 0", {}, 1, "set VOICE_STORE to a file, or to `memory`"),
        ("serve --port 0", {"VOICE_STORE": "~/s.db"}, 2, "VOICE_STORE"),
        ("models list", {}, 2, "set VOICE_GRPC_CACHE"),
        ("models pull", {}, 2, "set VOICE_GRPC_CACHE"),
        ("models where", {"VOICE_GRPC_CACHE": "~/models"}, 2, "VOICE_GRPC_CACHE"),
        ("talk --target 127.0.0.1:1 --text hello", {}, 2, "no voice server answers"),
        ("health --target 127.0.0.1:1", {}, 1, "no voice server answers"),
        ("gateway --port many", {}, 2, "GATEWAY_PORT"),
        ("whisper-server --model ~/m", {}, 2, "WHISPER_MODEL"),
        ("doctor --llm local --local-llm-model ~/m", {}, 2, "LOCAL_LLM_MODEL"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_without_a_home_a_line_says_what_to_set(
    arguments: str, variables: dict[str, str], code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "homeless.py").write_text(HOMELESS)
    others = {
        name: value for name, value in os.environ.items() if not name.startswith(("VOICE_", "GATEWAY_"))
    }
    if arguments.startswith(("demo", "up")):  # which start others, for whom a user has to be nobody too
        (tmp_path / "sitecustomize.py").write_text("".join(HOMELESS.splitlines(keepends=True)[1:7]))
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "homeless.py", *arguments.split()],
        env={**others, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr + ended.stdout
    if not arguments.startswith(("demo", "up")):
        assert ended.stderr.count("\n") == 1
