"""What observers are told of calls: that a conversation begins on a line and ends there, and why, or ends
while it waits for its caller; and that a call of one stage begins and ends.

A file of its own: the methods do the work, and this says that it was done.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..core.errors import ClientGone, Draining, Reason, Superseded, VoiceError
from ..core.trace_context import TraceContext
from ..ports import Observer
from ..ports.observer import CallBegan, CallIdentity, CallOver, SessionBegan, SessionOver
from ..session.session import Session
from ..session.telling.call_reports import WatchedCall

CANCELLED = "cancelled"
"""Why a call ended that was given up: the client is gone, or the server stopped at once."""

PARKED = "parked"
"""The same, of a conversation that waits for its caller."""

OVERDUE, CROWDED = "overdue", "crowded"
"""Why one ended that waited: its caller did not come back in time; too many waited."""

DONE = "done"
"""Why a call of one stage ended well."""

MAX_VALUE = 200
"""Characters of a value of the caller's that are told."""


@dataclass(slots=True)
class Ending:
    """To be filled in by who sees it."""

    why: str = CANCELLED


@contextmanager
def _ends(tell: Callable[[str, float, bool], None]) -> Iterator[Ending]:
    """Calls `tell`, whatever happens, with why the block ended, how many seconds it took, and whether it
    failed."""
    now = asyncio.get_running_loop().time
    began, ending = now(), Ending()
    why, is_failure = CANCELLED, False
    try:
        yield ending
        why = ending.why
    except VoiceError as error:
        if not isinstance(error, ClientGone):
            why, is_failure = error.reason.value, True
        raise
    except Exception:
        why, is_failure = Reason.BUG.value, True
        raise
    finally:
        tell(why, now() - began, is_failure)


class SessionWatch:
    """Of one conversation, as long as this server has it."""

    def __init__(self, observer: Observer, session: Session) -> None:
        self._observer, self._session = observer, session
        self._lines = 0
        self._left_at: float | None = None
        """When it lost its last line; None: it has one, or had none yet."""
        self.why = ""
        """Why it ends, where whoever ends it knows better than it; empty: nobody does."""

    @contextmanager
    def line(self, metadata: Mapping[str, str]) -> Iterator[None]:
        """The begin on a line and, whatever happens, the end there. `metadata`: of the caller, to be told."""
        self._observer.observe(SessionBegan(self._session.identity, metadata))
        self._lines, self._left_at = self._lines + 1, None
        with _ends(self._line_over) as ending:
            yield
            if (reason := self._session.end_reason) is not None:
                ending.why = reason.value

    def _line_over(self, why: str, seconds: float, is_failure: bool) -> None:
        self._lines -= 1
        goes_on = self._session.carriage.goes_on
        if goes_on and why == CANCELLED:
            why = PARKED
        if waits := goes_on and not self._lines:
            self._left_at = asyncio.get_running_loop().time()
        self._observer.observe(SessionOver(self._session.identity, why, seconds, is_failure, goes_on=waits))

    def over(self) -> None:
        """The conversation is, altogether. Of one that has a line that line tells."""
        if self._left_at is None:
            return
        seconds, session = asyncio.get_running_loop().time() - self._left_at, self._session
        self._left_at = None
        why, is_failure = self._why()
        self._observer.observe(SessionOver(session.identity, why, seconds, is_failure, is_carried=False))

    def _why(self) -> tuple[str, bool]:
        """That it goes on elsewhere counts before all else."""
        error, reason = self._session.carriage.failure, self._session.end_reason
        if isinstance(error, Superseded):
            return error.reason.value, False
        if self.why:
            return self.why, False
        if isinstance(error, VoiceError):
            return error.reason.value, not isinstance(error, ClientGone | Draining)
        if error is not None:
            return Reason.BUG.value, True
        return (CANCELLED if reason is None else reason.value), False


@contextmanager
def watched_call(observer: Observer, method: str, trace: TraceContext) -> Iterator[WatchedCall]:
    """The begin of a call of one stage and, whatever happens, the end."""
    identity = CallIdentity(method, trace)
    call = WatchedCall(observer, identity)

    def over(why: str, seconds: float, is_failure: bool) -> None:
        observer.observe(CallOver(identity, why, seconds, call.work, is_failure))

    observer.observe(CallBegan(identity))
    with _ends(over) as ending:
        yield call
        ending.why = DONE


def told_metadata(allowed: Iterable[str], *given: Iterable[tuple[str, str | bytes]] | None) -> dict[str, str]:
    """What the caller says of itself, as far as the operator allows it to be told: text of the keys
    `allowed`, in lower case, as much as one line bears."""
    wanted = set(allowed)
    return {
        key.lower(): "".join(letter if letter.isprintable() else "?" for letter in value[:MAX_VALUE])
        for pairs in given
        for key, value in pairs or ()
        if key.lower() in wanted and isinstance(value, str)
    }
