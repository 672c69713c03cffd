"""All recordings of a server: begun and written in its own threads, put into an archive where there is one,
erased with their conversations, and kept no longer than the operator says.

With an archive the directory is where recordings are while they are made; what could not be put away stays
there, and is tried again at every start and every hour.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from ..core.errors import StoreError, shown
from ..ports import OnTrouble
from ..process.beside import beside
from ..store.retention import FOR_EVER, Retention
from .directory import RecordingDirectory
from .names import RecordingName
from .queued import QueuedRecording
from .writer import RecordingLimits, RecordingWriter

log = logging.getLogger(__name__)

THREADS = 2
"""That write, for all recordings in turn: a disk that is slow for one is so for all."""

TIDY_SECONDS = 3600.0
"""Between two looks at what is kept too long."""

END_SECONDS = 5.0
"""For the recordings that are still written, or put away, when the server stops; what is not put away by
then is so at the next start. Also for one that is to be erased."""

NO_LIMITS = RecordingLimits()


class Archive(Protocol):
    """Where recordings lie once they are made. Every call blocks, and raises `OSError`."""

    def keep(self, name: RecordingName, files: Sequence[Path]) -> None:
        """Copies them, the events last, unless their conversation was erased meanwhile."""
        ...

    def erase(self, session_id: str, owner: str) -> bool:
        """As of `RecordingDirectory`; and what others still make of it is not kept."""
        ...

    def expire(self, oldest: float) -> int:
        """As of `RecordingDirectory`."""
        ...


class FileRecorder:
    """Implements `ports.Recorder`."""

    def __init__(
        self,
        directory: RecordingDirectory,
        archive: Archive | None = None,
        *,
        retention: Retention = FOR_EVER,
        limits: RecordingLimits = NO_LIMITS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._directory, self._archive = directory, archive
        self._retention, self._limits, self._now = retention, limits, now
        self._writing = ThreadPoolExecutor(THREADS, "recording")
        self._keeping = ThreadPoolExecutor(1, "recording-archive")
        self._live: set[QueuedRecording] = set()
        self._lock, self._putting_away = threading.Lock(), threading.Lock()

    # ------------------------------------------------------------ the port

    def open(self, session_id: str, owner: str, on_trouble: OnTrouble) -> QueuedRecording:
        name = RecordingName(session_id, self._now())
        writer = RecordingWriter(name, owner, self._directory, self._limits)
        with self._lock:
            recording = QueuedRecording(writer, self._writing, on_trouble, self._ended)
            self._live.add(recording)
        return recording

    async def delete(self, session_id: str, owner: str) -> bool:
        try:
            return await asyncio.to_thread(self._erase, session_id, owner)
        except OSError as error:
            log.error("recordings of session %s: not erased: %s", shown(session_id), error)
            text = "the recordings of the session could not be erased; try again"
            raise StoreError(text) from None

    # ------------------------------------------------------------ as long as the server runs

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FileRecorder"]:
        """While the block runs, old recordings are erased, and those that were left behind put away."""
        try:
            async with beside(self._keep_tidy(), "recordings"):
                yield self
        finally:
            await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Waits for what is still written, and not for long."""
        with self._lock:
            live = list(self._live)
        for recording in live:
            recording.ended.wait(END_SECONDS)
        self._writing.shutdown(wait=False)
        is_put_away = threading.Event()
        self._keeping.submit(is_put_away.set)
        is_put_away.wait(END_SECONDS)
        self._keeping.shutdown(wait=False, cancel_futures=True)

    def tidy(self) -> None:
        """Erases what is kept too long, and puts away what was left behind. What the disk or the archive
        refuses is logged."""
        try:
            oldest = self._retention.oldest()
            erased = self._directory.expire(oldest) if self._retention.seconds else 0
            if self._archive is not None:
                for name in self._directory.left_behind():
                    self._put_away(name)
                erased += self._archive.expire(oldest)
            if erased:
                log.info("recordings: %d were kept for long enough, and erased", erased)
        except OSError as error:
            log.error("recordings: what is too old is not erased, or not put away: %s", error)

    async def _keep_tidy(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.to_thread(self.tidy)
            await asyncio.sleep(TIDY_SECONDS)

    # ------------------------------------------------------------ in threads

    def _erase(self, session_id: str, owner: str) -> bool:
        with self._lock:
            live = [each for each in self._live if each.writer.name.session_id == session_id]
        own = [each for each in live if each.writer.owner == owner]
        for recording in own:
            recording.discard()
        for recording in own:
            recording.ended.wait(END_SECONDS)
        was_archived = self._archive.erase(session_id, owner) if self._archive is not None else False
        return self._directory.erase(session_id, owner) or was_archived or bool(own)

    def _ended(self, recording: QueuedRecording) -> None:
        with self._lock:
            self._live.discard(recording)
            if self._archive is not None and not recording.is_discarded:
                self._keeping.submit(self._put_away, recording.writer.name)

    def _put_away(self, name: RecordingName) -> None:
        """What is not there any more was erased, or is put away."""
        both = [self._directory.path / file for file in (name.sound, name.events)]
        try:
            with self._putting_away:
                files = [file for file in both if file.exists()]
                if self._archive is not None and files:
                    self._archive.keep(name, files)
                    self._directory.remove(name)
        except FileNotFoundError:
            log.info("recording of session %s: erased meanwhile", shown(name.session_id))
        except OSError as error:
            log.error("recording of session %s: not put away yet: %s", shown(name.session_id), error)
