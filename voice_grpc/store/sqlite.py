"""The store of a server that outlives its process: one SQLite file, and the thread that it is used in.

What is in the file is `session_file.py`'s; who may read a session is `rpc/sessions.py`'s to say, and when one
is saved `session/memory.py`'s.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ..core.errors import StoreError
from ..ports import Lease, SavedSession
from .damaged_file import opened
from .retention import DAY_SECONDS, FOR_EVER, Retention
from .session_file import SessionFile

log = logging.getLogger(__name__)

T = TypeVar("T")

BEYOND_LOCK_SECONDS = 0.5
"""A call has this longer than the lock of another program may be waited for."""


def default_path() -> Path:
    """In the user's state directory (XDG base directory specification: a relative one is ignored).

    Raises `StoreError` where there is no home directory.
    """
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        state = state if state.is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        text = (
            "There is no home directory to keep conversations in: set VOICE_STORE to a file, or to `memory`."
        )
        raise StoreError(text) from None
    return state / "voice-grpc" / "sessions.db"


class SqliteStore:
    """One file; several processes of one machine may share it.

    All SQL runs in one thread that the store owns, so a slow disk holds up nobody's sound. Its
    queue is bounded by the callers: a session awaits its save before it asks for another, and nobody waits
    longer than a lock may take. A cancelled save is made or not, never by half.
    """

    is_shared = True

    def __init__(self, file: SessionFile, thread: ThreadPoolExecutor, patience: float) -> None:
        """`file` was opened in `thread`; see `open`. `patience`: seconds for each call."""
        self._file = file
        self._thread = thread
        self._patience = patience
        self._is_open = True
        self._next = self._forget_daily()

    @classmethod
    async def open(
        cls, path: Path | None = None, lock_timeout: float = 2.0, retention: Retention = FOR_EVER
    ) -> "SqliteStore":
        """Make the file where there is none. `lock_timeout`: seconds to wait for another program's lock.

        A file that is damaged is moved aside, and an empty one takes its place. Raises `StoreError`.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            loop = asyncio.get_running_loop()
            where = path or default_path()
            file = await loop.run_in_executor(thread, opened, where, lock_timeout, retention)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(file, thread, lock_timeout + BEYOND_LOCK_SECONDS)

    async def load(self, session_id: str) -> SavedSession | None:
        return await self._run(lambda: self._file.load(session_id))

    async def take(self, session_id: str, owner: str) -> Lease | None:
        return await self._run(lambda: self._file.take(session_id, owner))

    async def epoch(self, session_id: str) -> int:
        return await self._run(lambda: self._file.epoch(session_id))

    async def save(self, session: SavedSession, epoch: int) -> None:
        await self._run(lambda: self._file.save(session, epoch))

    async def sessions(
        self, owner: str | None, limit: int, after: tuple[float, str] | None
    ) -> Sequence[SavedSession]:
        return await self._run(lambda: self._file.newest(owner, limit, after or (float("inf"), "")))

    async def delete(self, session_id: str) -> bool:
        return await self._run(lambda: self._file.delete(session_id))

    async def close(self) -> None:
        """What was asked before is finished first. Twice is once."""
        if self._is_open:
            self._is_open = False
            self._next.cancel()
            try:
                await self._in_thread(self._file.close)
            finally:
                self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._is_open:
            raise StoreError("The session store is closed: open it again to use it.")
        return await self._in_thread(work)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except TimeoutError:
            raise StoreError(
                f"The session store {self._file.path} does not answer within {self._patience:g} s:"
                " see whether its disk is slow, or set VOICE_STORE to a file on another one."
            ) from None

    def _forget_daily(self) -> asyncio.TimerHandle:
        """Now, and every day while the store is open."""
        self._thread.submit(_forget_old, self._file)
        self._next = asyncio.get_running_loop().call_later(DAY_SECONDS, self._forget_daily)
        return self._next


def _forget_old(file: SessionFile) -> None:
    """Not done today, it is done tomorrow."""
    try:
        file.forget_old()
    except StoreError as error:
        log.error("old conversations were not erased: %s", error)
