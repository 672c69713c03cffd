"""Where slots are saved: in a directory of their own, which no other start removes, and that is not left."""

import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from voice_grpc.engines.llama_cpp.slot_states import SlotStateLost, SlotStates

OWNER = """
import os, signal
from voice_grpc.engines.llama_cpp.slot_states import SlotStates
states = SlotStates()
(states.directory / "0.bin").write_text("computed")
print(states.directory, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def parent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_nobody_else_may_enter_and_it_is_gone_at_the_end(parent: Path) -> None:
    states = SlotStates()
    assert stat.S_IMODE(states.directory.stat().st_mode) == 0o700
    assert states.socket.parent == states.directory
    states.close()
    assert list(parent.iterdir()) == []


def test_one_that_lives_is_left_alone(parent: Path) -> None:
    first, second = SlotStates(), SlotStates()
    assert first.directory.is_dir()
    assert first.directory != second.directory
    first.close()
    second.close()
    assert list(parent.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(parent: Path) -> None:
    environment = {"TMPDIR": str(parent), "PYTHONPATH": ":".join(sys.path)}
    killed = subprocess.run(
        [sys.executable, "-c", OWNER], env=environment, capture_output=True, text=True, check=False
    )
    left = Path(killed.stdout.strip())
    assert left.parent == parent
    assert (left / "0.bin").exists()
    states = SlotStates()
    assert not left.exists()
    states.close()


def test_what_is_no_such_directory_is_left_alone(parent: Path) -> None:
    (parent / "llm-notes").mkdir()
    (parent / "llm-notes" / "mine.txt").write_text("keep")
    SlotStates().close()
    assert (parent / "llm-notes" / "mine.txt").exists()


def test_without_a_server_it_says_so() -> None:
    states = SlotStates()
    with pytest.raises(SlotStateLost, match="save"):
        states.save(0, "0.bin")
    with pytest.raises(SlotStateLost, match="restore"):
        states.restore(0, "0.bin")
    states.close()
