"""What goes wrong with an engine, as the caller is told of it while the stream lives.

A file of its own: every stage of a session tells its failures, and all tell them alike.
"""

from collections.abc import Callable

from ..core.errors import EngineError, Reason
from ..core.responses import Notice
from ..ports import Fallback


class HeldNotices:
    """What is told of an answer: held until it is let out, since nobody asked for it before."""

    def __init__(self, put: Callable[[Notice], None]) -> None:
        self._put = put
        self._held: list[Notice] | None = []

    def put(self, notice: Notice) -> None:
        if self._held is None:
            self._put(notice)
        else:
            self._held.append(notice)

    def release(self) -> None:
        held, self._held = self._held or [], None
        for notice in held:
            self._put(notice)


def engine_notice(error: EngineError, turn: int = 0) -> Notice:
    return Notice(error.stage, error.reason, str(error), error.retryable, turn=turn)


def fallback_notice(fallback: Fallback, turn: int = 0) -> Notice:
    text = f"{fallback.error}; {fallback.engine} does it instead"
    return Notice(fallback.error.stage, Reason.ENGINE_FALLBACK, text, retryable=True, turn=turn)
