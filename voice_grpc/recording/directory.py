"""Where recordings lie on a disk: a folder a day, for nobody but the user that the server runs as.

Whoever erases reads in the first line of the events whose recording it is. A file that is being written is
locked, so that a server that starts knows which ones another left behind.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from .names import DAY, RecordingName, owner_digest

_HEAD_BYTES = 4096
"""Of the events, in which the first line ends."""


class RecordingDirectory:
    """Every call raises `OSError` where the disk does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, name: RecordingName) -> tuple[BinaryIO, BinaryIO]:
        """The files of its sound and of its events, new and empty. Raises `FileExistsError` where one of them
        is there already; no link is followed."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.path / name.day).mkdir(mode=0o700, exist_ok=True)
        events = _created(self.path / name.events)
        try:
            return _created(self.path / name.sound), events
        except BaseException:
            events.close()
            (self.path / name.events).unlink()
            raise

    def check(self) -> None:
        """Whether a recording could be written here."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.path) as file:
            file.write(b"0")

    def erase(self, session_id: str, owner: str) -> bool:
        """True where there was something of this owner's."""
        found = [name for name in self._names() if name.session_id == session_id]
        own = [name for name in found if self._is_of(name, owner)]
        for name in own:
            self.remove(name)
        return bool(own)

    def expire(self, oldest: float) -> int:
        """Erases what was written last before `oldest`, in Unix seconds. Returns how many there were."""
        old = [name for name in self._names() if self._written_at(name) < oldest]
        for name in old:
            self.remove(name)
        return len(old)

    def remove(self, name: RecordingName) -> None:
        """Both files, as far as they are there; and the folder of a day that nothing is left of."""
        for file in (name.sound, name.events):
            (self.path / file).unlink(missing_ok=True)
        with suppress(OSError):  # there are others
            (self.path / name.day).rmdir()

    def left_behind(self) -> Iterator[RecordingName]:
        """Recordings that nobody writes."""
        for name in list(self._names()):
            with suppress(OSError), (self.path / name.events).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield name

    def _names(self) -> Iterator[RecordingName]:
        if not self.path.is_dir():
            return
        for day in sorted(self.path.iterdir()):
            if DAY.fullmatch(day.name) and day.is_dir() and not day.is_symlink():
                files = {RecordingName.read(file.name) for file in day.iterdir()}
                yield from (name for name in files if name is not None and name.day == day.name)

    def _is_of(self, name: RecordingName, owner: str) -> bool:
        try:
            with (self.path / name.events).open("rb") as file:
                return is_of(file.read(_HEAD_BYTES), owner)
        except FileNotFoundError:
            return True

    def _written_at(self, name: RecordingName) -> float:
        times = [0.0]
        for file in (name.sound, name.events):
            with suppress(FileNotFoundError):
                times.append((self.path / file).stat().st_mtime)
        return max(times)


def owner_in(head: bytes) -> str | None:
    """The digest of whose the recording is whose events begin with `head`; None: it does not say."""
    first, end, _ = head.partition(b"\n")
    try:
        owner = json.loads(first).get("owner") if end else None
    except (ValueError, AttributeError):
        return None
    return owner if isinstance(owner, str) else None


def is_of(head: bytes, owner: str) -> bool:
    """Whether the recording whose events begin with `head` is the owner's. What does not say it was killed
    before its first line, and holds nothing."""
    return owner_in(head) in (None, owner_digest(owner))


def _created(path: Path) -> BinaryIO:
    """Locked as long as it is open."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file
