"""`voice-grpc COMMAND`: what the process makes of a command's end."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

import voice_grpc.__main__ as program
from voice_grpc.engines.worker_threads import WorkerThreads

ENDING = """
import atexit, sys, threading
from types import SimpleNamespace
import voice_grpc.__main__ as program
from voice_grpc.engines.worker_threads import WorkerThreads

def command(argv):
    atexit.register(print, "torn down")
    if "computing" in argv:
        running = threading.Event()
        def compute():
            running.set()
            threading.Event().wait()
        WorkerThreads("stuck", compute).start(1)
        running.wait()
    print("well said")
    return 3

program.entry_points = lambda group: [SimpleNamespace(name="try", load=lambda: command)]
sys.argv[1:1] = ["try"]
program.run()
"""


@pytest.mark.parametrize(
    ("arguments", "told"), [((), "well said\ntorn down\n"), (("computing",), "well said\n")]
)
def test_an_engine_that_still_computes_is_not_torn_down_at_the_end(
    arguments: tuple[str, ...], told: str
) -> None:
    """C++ would abort: its exit code is the command's all the same, and nothing that it said is lost."""
    done = subprocess.run(
        [sys.executable, "-c", ENDING, *arguments], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, told, "")


def test_main_comes_back_to_its_caller_while_an_engine_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the end of a process is cut short: a program that calls `main` goes on."""
    points = [SimpleNamespace(name="try", load=lambda: lambda argv: 3)]
    monkeypatch.setattr(program, "entry_points", lambda group: points)
    may_end = threading.Event()

    def compute() -> None:
        may_end.wait()

    WorkerThreads("computing", compute).start(1)
    try:
        assert program.main(["try"]) == 3
    finally:
        may_end.set()


def test_the_exit_codes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(argv: list[str]) -> int:
        raise KeyboardInterrupt

    points = [SimpleNamespace(name="try", load=lambda: interrupted)]
    monkeypatch.setattr(program, "entry_points", lambda group: points)
    assert program.main(["--help"]) == 0
    assert "usage: voice-grpc COMMAND" in capsys.readouterr().out
    assert program.main(["try"]) == 130
    assert program.main(["fly"]) == 2
    assert capsys.readouterr().err == "no command 'fly'; there are: try\n"
