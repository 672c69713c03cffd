"""What a slot of llama.cpp has computed, written to a file and put back into any slot within milliseconds.

llama.cpp offers it over HTTP alone (`/slots/{id}?action=save` and `restore`), so its server listens on a Unix
socket in a directory that only this process's user may enter, and that is gone with the model. One that a
killed process left is removed by the next one: whoever lives holds the lock of its own.
"""

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import TextIO

import httpx2

_PREFIX, _LOCK = "llm-", "lock"

_SECONDS = 2.0
"""It waits for the batch that is being computed, 0.3 s at most, and takes 2 ms for a hundred tokens."""


class SlotStateLost(Exception):
    """It was not written, or not put back."""


class SlotStates:
    def __init__(self) -> None:
        """Makes the directory. Raises `OSError`."""
        parent = Path(tempfile.gettempdir())
        for left in parent.glob(f"{_PREFIX}*/{_LOCK}"):
            _remove_left(left)
        self.directory, self._lock = _own_directory()
        self.socket = self.directory / "s.sock"
        """Where the server is to listen."""

    def save(self, slot: int, name: str) -> int:
        """Bytes of the file. Raises `SlotStateLost`."""
        self._act(slot, "save", name)
        try:
            return (self.directory / name).stat().st_size
        except OSError as error:
            raise SlotStateLost(str(error)) from error

    def restore(self, slot: int, name: str) -> None:
        """Raises `SlotStateLost`."""
        self._act(slot, "restore", name)

    def remove(self, name: str) -> None:
        (self.directory / name).unlink(missing_ok=True)

    def close(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        self._lock.close()

    def _act(self, slot: int, action: str, name: str) -> None:
        transport = httpx2.HTTPTransport(uds=str(self.socket))
        try:
            with httpx2.Client(transport=transport, timeout=_SECONDS, trust_env=False) as client:
                answer = client.post(
                    f"http://slots/slots/{slot}", params={"action": action}, json={"filename": name}
                )
        except (httpx2.HTTPError, OSError) as error:
            raise SlotStateLost(f"{action}: {error!r}") from error
        if answer.status_code != httpx2.codes.OK:
            raise SlotStateLost(f"{action}: {answer.status_code} {answer.text[:200]}")


def _own_directory() -> tuple[Path, TextIO]:
    """With its lock, held. Another start may take it for one that was left, before it is locked."""
    while True:
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = (directory / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if directory.is_dir():
            return directory, lock
        lock.close()


def _remove_left(lock: Path) -> None:
    """The directory of `lock`, where nobody holds it. Another user's, or one that goes meanwhile, is left."""
    try:
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
    except OSError:
        return
