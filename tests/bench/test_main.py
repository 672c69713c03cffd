"""The command line of the bench: how many conversations at once."""

import json
import sys
from pathlib import Path

import pytest

from voice_grpc.bench.__main__ import main


def ask(monkeypatch: pytest.MonkeyPatch, path: Path, *arguments: str) -> list[tuple[int, float, str]]:
    """What of the server's overhead is then measured: conversations, seconds of each run, which server."""
    asked: list[tuple[int, float, str]] = []

    async def measure(sessions: int, seconds: float, server: str) -> list[object]:
        asked.append((sessions, seconds, server))
        return []

    monkeypatch.setattr("voice_grpc.bench.overhead.measure", measure)
    monkeypatch.setattr(sys, "argv", ["bench", "overhead", "--json", str(path), *arguments])
    main()
    return asked


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), [(1, 20.0, "scripted"), (50, 20.0, "scripted")]),
        (("--sessions", "3", "7", "--seconds", "4"), [(3, 4.0, "scripted"), (7, 4.0, "scripted")]),
        (("--sessions", "3", "--silero"), [(3, 20.0, "heard")]),
    ],
)
def test_the_overhead_of_so_many_conversations(
    arguments: tuple[str, ...],
    expected: list[tuple[int, float, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert ask(monkeypatch, tmp_path / "load.json", *arguments) == expected
    assert "overhead" in json.loads((tmp_path / "load.json").read_text())


def test_none_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        ask(monkeypatch, tmp_path / "load.json", "--sessions", "5", "0")
    assert "--sessions has to be 1 or more" in capsys.readouterr().err
