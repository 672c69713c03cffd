"""`voice-grpc up`: two processes that begin one after the other, and end together."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CHILD = """
import signal, sys, time
name, arguments = sys.argv[1], sys.argv[2:]
print(name, "began with", *arguments, flush=True)
signal.signal(signal.SIGTERM, lambda *_: (print(name, "was asked to end", flush=True), sys.exit(0)))
if name == SLOW:
    time.sleep(60)
if name == FAILS:
    print("it cannot be", file=sys.stderr)
    sys.exit(3)
print("listening on", {"serve": "127.0.0.1:7", "gateway": "http://127.0.0.1:8"}[name], flush=True)
while True:
    time.sleep(DIES if name == "serve" and DIES else 60)
    sys.exit(4)
"""


@contextmanager
def up(
    tmp_path: Path, *arguments: str, fails: str = "", dies: float = 0.0, slow: str = ""
) -> Iterator["subprocess.Popen[str]"]:
    child = tmp_path / "child.py"
    child.write_text(f"FAILS, DIES, SLOW = {fails!r}, {dies!r}, {slow!r}\n{CHILD}")
    shorter = "up.START_SECONDS = 0.5;" if slow else ""
    program = (
        f"import sys, clients.up as up; up.VOICE = (sys.executable, {str(child)!r}); {shorter}"
        f"sys.exit(up.command({list(arguments)!r}))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def until_ready(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    said = ""
    while "talk to it: http://127.0.0.1:8/" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


def test_the_gateway_is_told_where_the_server_is_and_both_end_when_asked(tmp_path: Path) -> None:
    with up(tmp_path, "--port", "0", "--", "--store", "memory") as process:
        said = until_ready(process)
        assert "server   serve began with --port 0 --store memory" in said
        assert "gateway  gateway began with --target 127.0.0.1:7 --host 127.0.0.1 --port 0" in said
        process.send_signal(signal.SIGTERM)
        rest, complaints = process.communicate(timeout=20)
        assert (process.returncode, complaints) == (0, "")


@pytest.mark.parametrize("name", ["serve", "gateway"])
def test_one_that_cannot_begin_is_the_end_of_both(name: str, tmp_path: Path) -> None:
    with up(tmp_path, fails=name) as process:
        said, complaints = process.communicate(timeout=20)
        assert process.returncode == 1
        assert "it cannot be" in said
        who = {"serve": "server"}.get(name, name)
        assert complaints.strip() == f"the {who} ended with code 3"


@pytest.mark.parametrize("name", ["serve", "gateway"])
def test_one_that_does_not_listen_in_time_is_the_end_of_both(name: str, tmp_path: Path) -> None:
    with up(tmp_path, slow=name) as process:
        _, complaints = process.communicate(timeout=20)
        who = {"serve": "server"}.get(name, name)
        assert (process.returncode, complaints) == (1, f"the {who} did not listen within 0.5 s\n")


def test_a_server_that_dies_takes_the_gateway_with_it(tmp_path: Path) -> None:
    with up(tmp_path, dies=0.5) as process:
        said, complaints = process.communicate(timeout=20)
        assert (process.returncode, complaints.strip()) == (1, "the server ended with code 4")
        assert "talk to it" in said


def test_a_wrong_flag_is_told(tmp_path: Path) -> None:
    with up(tmp_path, "--port", "many") as process:
        _, complaints = process.communicate(timeout=20)
        assert process.returncode == 2
        assert "--port: invalid int value: 'many'" in complaints
