"""What becomes of a file of conversations that is damaged: it is moved aside, and an empty one begun."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import StoreError
from .retention import Retention
from .session_file import DamagedFile, SessionFile

log = logging.getLogger(__name__)

_BESIDE = ("-wal", "-shm")
"""Endings of the files that belong to one."""


def opened(path: Path, lock_timeout: float, retention: Retention) -> SessionFile:
    """The file, or an empty one where it is damaged: then that is moved aside and said. Raises `StoreError`.

    Of several processes that find it damaged one moves it, and the others take what it began.
    """
    try:
        return SessionFile(path, lock_timeout, retention)
    except DamagedFile:
        with _alone_in(path.parent):
            try:
                return SessionFile(path, lock_timeout, retention)
            except DamagedFile as error:
                aside = _moved_aside(path, f"{retention.today():%Y-%m-%d}")
                said = "The session store %s is damaged: it was moved to %s, and an empty one begun (%s)"
                log.error(said, path, aside, error.__cause__ or error)
                return SessionFile(path, lock_timeout, retention)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _moved_aside(path: Path, day: str) -> Path:
    """The file and what belongs to it, under a name that says so; where it is now. What can be read of it
    still can (`sqlite3 FILE .recover`). Raises `StoreError`."""
    name, number = f"{path.name}.corrupt-{day}", 1
    while path.with_name(name).exists():
        number += 1
        name = f"{path.name}.corrupt-{day}-{number}"
    try:
        path.rename(path.with_name(name))
        for ending in _BESIDE:
            beside = path.with_name(path.name + ending)
            if beside.exists():
                beside.rename(path.with_name(name + ending))
    except OSError as error:
        raise StoreError(
            f"The session store {path} is damaged and cannot be moved aside ({error.strerror}):"
            " move it away, or set VOICE_STORE to another file."
        ) from error
    return path.with_name(name)
