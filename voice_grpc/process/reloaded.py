"""Files of the operator's that a server reads again when they change, without anybody noticing.

Whenever what is there cannot be used, the last that could stays in use, and the log says so once.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..core.errors import BadField
from .beside import beside

log = logging.getLogger(__name__)

T = TypeVar("T")

LARGEST_FILE = 1_048_576
"""Bytes. The authorities that Mozilla trusts, are 230,000; a token with its name is about 100."""

LOOK_SECONDS = 5.0
"""Between two looks at files, where nothing else says that it is time for one."""


@dataclass(frozen=True, slots=True)
class OperatorFile:
    path: Path
    option: str
    """As an error names it: `--tls-cert (VOICE_TLS_CERT)`."""
    accepted: str
    """What it is to be."""

    def read(self) -> bytes:
        """Raises `BadField`."""
        try:
            with self.path.open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
        except OSError as error:
            raise self.wrong(error.strerror or str(error)) from None
        except ValueError:  # a NUL in its name
            raise self.wrong("no file has this name") from None
        if len(content) > LARGEST_FILE:
            raise self.wrong(f"it has more than {LARGEST_FILE} bytes")
        return content

    def wrong(self, why: str) -> BadField:
        return BadField(self.option, str(self.path), f"{self.accepted} ({why})")


class Reloaded(Generic[T]):
    """What `read` makes of `paths`, as they last were when they could be used.

    Blocks: not for an event loop. `read` raises `BadField` for what cannot be used, and so does its making.
    """

    def __init__(self, paths: Sequence[Path], read: Callable[[], T]) -> None:
        self._paths, self._read = paths, read
        self._looking = threading.Lock()
        """gRPC shakes hands in several threads."""
        self._complaint = ""
        """What was last said of files that cannot be used."""
        self._seen = self._marks()
        self.value = read()

    def look(self) -> bool:
        """Whether `value` is another from now on: the files changed, and can be used."""
        with self._looking:
            marks = self._marks()
            if marks == self._seen:
                return False
            try:
                self.value = self._read()
            except BadField as error:  # and the next look tries again
                if str(error) != self._complaint:
                    log.warning("what is in use stays: %s", error)
                self._complaint = str(error)
                return False
            self._seen, self._complaint = marks, ""
            log.info("read again: %s", ", ".join(map(str, self._paths)))
            return True

    def _marks(self) -> list[object]:
        """By which a file that changed, or that a link leads to another of, is told."""
        return [_mark(path) for path in self._paths]


def _mark(path: Path) -> tuple[int, int, int] | None:
    """None: it is not there, perhaps just now."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


@asynccontextmanager
async def kept_fresh(reloaded: Reloaded[Any] | None) -> AsyncIterator[None]:
    """While the block runs its files are looked at every `LOOK_SECONDS`. None: there are none."""
    if reloaded is None:
        yield
        return
    async with beside(_look_again(reloaded, LOOK_SECONDS), "reload"):
        yield


async def _look_again(reloaded: Reloaded[Any], every: float) -> None:
    """Until it is cancelled."""
    while True:
        await asyncio.sleep(every)
        await asyncio.to_thread(reloaded.look)
