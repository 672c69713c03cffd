"""A recording off the audio path: what a session tells waits here for a thread that writes.

However slow the disk is, no call of the port waits for it. What would be more than the bounds is left out;
the rest still lies where it belongs, since every piece of it has its time.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from ..core.audio import seconds
from ..core.errors import shown
from ..ports import CONVERSATION_ENDED, OnTrouble, RecordedMessage, SoundPiece, SpokenAt
from .writer import LimitReached, RecordingWriter

log = logging.getLogger(__name__)

MAX_WAITING, MAX_WAITING_SECONDS = 8192, 60.0
"""Calls, and seconds of sound, that wait to be written. More are left out: the recording says in its last
line that it is not complete, and one line is logged."""

TURN = 64
"""Calls that are carried out before another recording has its turn."""

Work = Callable[[], None]


class QueuedRecording:
    """Implements `ports.Recording`."""

    def __init__(
        self,
        writer: RecordingWriter,
        threads: Executor,
        on_trouble: OnTrouble,
        on_end: Callable[["QueuedRecording"], None],
    ) -> None:
        """`on_end`: told in a thread, once nothing more is written, and before `ended` is set."""
        self.writer, self._threads = writer, threads
        self._on_trouble, self._on_end = on_trouble, on_end
        self._lock = threading.Lock()
        self._waiting = deque[tuple[Work, float]]()
        self._waiting_seconds = 0.0
        self._is_at_work = self._is_closed = self._is_lossy = False
        self.is_discarded = False
        self.ended = threading.Event()
        """Nothing more is written."""
        self._put(writer.begin)

    # ------------------------------------------------------------ told by the session

    def hear(self, piece: SoundPiece) -> None:
        self._put(partial(self.writer.hear, piece), seconds(len(piece.samples), piece.rate_hz))

    def say(self, piece: SoundPiece) -> None:
        self._put(partial(self.writer.say, piece), seconds(len(piece.samples), piece.rate_hz))

    def tell(self, at: float, message: RecordedMessage, spoken: SpokenAt | None = None) -> None:
        self._put(partial(self.writer.tell, at, message, spoken))

    def settle(self, until: float) -> None:
        self._put(partial(self.writer.settle, until))

    def close(self, at: float, reason: str = CONVERSATION_ENDED) -> None:
        self._put(partial(self.writer.finish, at, reason), is_last=True)

    def discard(self) -> None:
        """Nothing more is written, not even what waits: it is to be erased."""
        with self._lock:
            self._waiting.clear()
            self._waiting_seconds = 0.0
            self._is_closed, self.is_discarded = False, True
        self._put(self.writer.leave, is_last=True)

    # ------------------------------------------------------------ in the threads

    def _put(self, work: Work, duration: float = 0.0, *, is_last: bool = False) -> None:
        with self._lock:
            if self._is_closed or self.ended.is_set():
                return
            is_full = len(self._waiting) >= MAX_WAITING or self._waiting_seconds > MAX_WAITING_SECONDS
            if is_full and not is_last:
                is_news, self._is_lossy, self.writer.is_complete = not self._is_lossy, True, False
            else:
                is_news, self._is_closed = False, is_last
                self._waiting.append((work, duration))
                self._waiting_seconds += duration
                if not self._is_at_work:
                    self._is_at_work = self._submitted()
        if is_news:
            log.error("%s: written too slowly, and not complete any more", self._told)

    def _work(self) -> None:
        for _ in range(TURN):
            with self._lock:
                if not self._waiting:
                    self._is_at_work = False
                    if not self._is_closed:
                        return
                    break
                work, duration = self._waiting.popleft()
                self._waiting_seconds -= duration
            if not self._carried_out(work):
                break
        else:
            if self._submitted():
                return
        self._end()

    def _submitted(self) -> bool:
        """False: the server has stopped, and nothing is written any more."""
        try:
            self._threads.submit(self._work)
        except RuntimeError:
            return False
        return True

    def _carried_out(self, work: Work) -> bool:
        """False: it is over."""
        try:
            work()
        except LimitReached as limit:
            log.info("%s: %s; it ends", self._told, limit)
            self._on_trouble(str(limit))
        except OSError as error:
            self._fail(error.strerror or str(error))
        except Exception as error:  # a thread: nobody else would hear of it
            log.exception("%s: a bug", self._told)
            self._fail(type(error).__name__)
        else:
            return True
        return False

    def _fail(self, why: str) -> None:
        log.error("%s: it ends here, and the conversation goes on: %s", self._told, why)
        self._on_trouble(f"the recording ends here: {why}")
        try:
            self.writer.leave()
        except OSError:
            log.debug("%s: not closed", self._told, exc_info=True)

    def _end(self) -> None:
        with self._lock:
            self._waiting.clear()
            self._is_closed = True
        self._on_end(self)
        self.ended.set()

    @property
    def _told(self) -> str:
        return f"recording of session {shown(self.writer.name.session_id)}"
