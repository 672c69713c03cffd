"""`voice-grpc up`: two processes that begin one after the other, and end together."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest

from clients.up import _reached

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
print("listening on", {"serve": HOST + ":7", "gateway": "http://" + HOST + ":8"}[name], flush=True)
while True:
    time.sleep(DIES if name == "serve" and DIES else 60)
    sys.exit(4)
"""


@contextmanager
def up(
    tmp_path: Path,
    *arguments: str,
    fails: str = "",
    dies: float = 0.0,
    slow: str = "",
    host: str = "127.0.0.1",
    lacking: tuple[str, ...] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator["subprocess.Popen[str]"]:
    """In `tmp_path`, with children that say that they listen at `host`."""
    child = tmp_path / "child.py"
    child.write_text(f"FAILS, DIES, SLOW, HOST = {fails!r}, {dies!r}, {slow!r}, {host!r}\n{CHILD}")
    shorter = "up.START_SECONDS = 3.0;" if slow else ""
    program = (
        f"import sys, clients.up as up; up.VOICE = (sys.executable, {str(child)!r}); {shorter}"
        f"up.lacking = lambda extra: {list(lacking)!r};"
        f"sys.exit(up.command({list(arguments)!r}))"
    )
    others = {
        name: value for name, value in os.environ.items() if not name.startswith(("VOICE_", "GATEWAY_"))
    }
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**others, "PYTHONPATH": str(ROOT), **variables},
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def until_ready(process: "subprocess.Popen[str]", page: str = "http://127.0.0.1:8/") -> str:
    assert process.stdout is not None
    said = ""
    while f"talk to it: {page}\n" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


def test_the_gateway_is_told_where_the_server_is_and_both_end_when_asked(tmp_path: Path) -> None:
    with up(tmp_path, "--port", "0", "--", "--store", "memory") as process:
        said = until_ready(process)
        assert "server   serve began with --port 0 --proxies 127.0.0.1,::1 --store memory" in said
        assert "gateway  gateway began with --target 127.0.0.1:7 --host 127.0.0.1 --port 0" in said
        process.send_signal(signal.SIGTERM)
        rest, complaints = process.communicate(timeout=60)
        assert (process.returncode, complaints) == (0, "")


@pytest.mark.parametrize("name", ["serve", "gateway"])
def test_one_that_cannot_begin_is_the_end_of_both(name: str, tmp_path: Path) -> None:
    with up(tmp_path, fails=name) as process:
        said, complaints = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "it cannot be" in said
        who = {"serve": "server"}.get(name, name)
        assert complaints.strip() == f"voice-grpc up: the {who} ended with code 3"


@pytest.mark.parametrize("name", ["serve", "gateway"])
def test_one_that_does_not_listen_in_time_is_the_end_of_both(name: str, tmp_path: Path) -> None:
    with up(tmp_path, slow=name) as process:
        _, complaints = process.communicate(timeout=60)
        who = {"serve": "server"}.get(name, name)
        assert (process.returncode, complaints) == (
            1,
            f"voice-grpc up: the {who} did not listen within 3 s\n",
        )


def test_a_server_that_dies_takes_the_gateway_with_it(tmp_path: Path) -> None:
    with up(tmp_path, dies=0.5) as process:
        said, complaints = process.communicate(timeout=60)
        assert (process.returncode, complaints.strip()) == (1, "voice-grpc up: the server ended with code 4")
        assert "talk to it" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "many"], "--port (GATEWAY_PORT): got 'many', accepted: a whole number from 0 to 65535"),
        (
            ["--server-port", "70000"],
            "--server-port (VOICE_PORT): got '70000', accepted: a whole number from 0",
        ),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_a_wrong_flag_is_told(arguments: list[str], said: str, tmp_path: Path) -> None:
    with up(tmp_path, *arguments) as process:
        out, complaints = process.communicate(timeout=60)
        assert (process.returncode, out) == (2, "")
        assert complaints.startswith("voice-grpc up: ")
        assert said in complaints
        assert complaints.count("\n") == 1


def test_what_is_missing_is_said_before_anything_begins(tmp_path: Path) -> None:
    with up(tmp_path, lacking=("starlette", "uvicorn")) as process:
        out, complaints = process.communicate(timeout=60)
        assert (process.returncode, out) == (2, "")
        assert complaints.startswith(
            "voice-grpc up: the gateway is not installed (starlette and uvicorn missing): run "
        )
        assert complaints.endswith(f"pip install '{ROOT}[gateway,webrtc]'\n")


def test_the_variables_of_both_commands_count(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GATEWAY_HOST=127.0.0.7\nGATEWAY_PORT=<its port>\nVOICE_PORT=53001\n")
    with up(tmp_path, variables={"VOICE_PORT": "53002"}) as process:
        said = until_ready(process)
    assert "server   serve began with --port 53002 --proxies 127.0.0.1,::1\n" in said
    assert "gateway  gateway began with --target 127.0.0.1:7 --host 127.0.0.7 --port 8080\n" in said


@pytest.mark.parametrize(
    ("host", "target", "page"),
    [
        ("[::1]", "[::1]:7", "http://[::1]:8/"),
        ("[::]", "[::1]:7", "http://[::1]:8/"),
        ("0.0.0.0", "127.0.0.1:7", "http://127.0.0.1:8/"),
    ],
)
def test_who_listens_elsewhere_is_found_there(host: str, target: str, page: str, tmp_path: Path) -> None:
    with up(tmp_path, host=host) as process:
        assert f"began with --target {target} --host" in until_ready(process, page)


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("127.0.0.1:7", "127.0.0.1:7"),
        ("0.0.0.0:7", "127.0.0.1:7"),
        ("https://0.0.0.0:7", "https://127.0.0.1:7"),
        ("https://[::]:7", "https://[::1]:7"),
    ],
)
def test_the_gateway_is_told_of_a_server_with_tls(said: str, target: str) -> None:
    assert _reached(said) == target
