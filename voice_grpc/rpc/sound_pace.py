"""How fast the sound of a stream is read: faster than real time only while nobody else is heard.

Flow control, no refusal: who sends faster waits, by gRPC's own window, until the server reads on. A burst of
`BURST_SECONDS` is always read at once, since a client that comes back sends what it kept. Somebody else is
another caller whose sound came in lately, or a conversation: a caller's recordings do not hinder each other.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.quota import BURST_SECONDS, Account, TokenBucket
from ..session.clock import TICK

HEARD_SECONDS = 10.0
"""After its last sound a stream is still one that is heard: between two presses of a button, for one."""

LOOK_SECONDS = 0.5
"""Between two looks whether somebody else is still heard."""


class SoundPace:
    """One stream's. `wait` after each message, with all the sound that came so far, `before` included."""

    def __init__(
        self, account: Account, is_conversation: bool, others: "HeardStreams", before: float = 0.0
    ) -> None:
        """`before`: seconds of sound that came on the streams before this one."""
        self.account, self.is_conversation = account, is_conversation
        self.heard_at: float | None = None
        """The loop's time of its last sound; None: there was none."""
        self._others = others
        self._bucket = TokenBucket(BURST_SECONDS, _now())
        self._seconds = before

    async def wait(self, seconds: float) -> None:
        """`seconds`: of sound so far, in all. Returns when the next may be read."""
        came, self._seconds = seconds - self._seconds, seconds
        rate = self.account.limits.sound_rate
        if came <= 0:
            return
        self.heard_at = _now()
        if not rate:
            return
        self._bucket.take(came, rate, _now())
        self.account.sound.take(came, self._rate_of_all, _now())
        others = self._others
        while (debt := self._debt(rate)) > TICK and others.are_heard_beside(self):  # noqa: ASYNC110 - time pays
            await asyncio.sleep(min(debt, LOOK_SECONDS))
        self._bucket.forgive()
        self.account.sound.forgive()

    def _debt(self, rate: float) -> float:
        """Seconds until both its own bucket and its caller's are out of debt."""
        return max(self._bucket.wait(rate, _now()), self.account.sound.wait(self._rate_of_all, _now()))

    @property
    def _rate_of_all(self) -> float:
        return self.account.limits.sound_rate * max(1, self.account.streams)


class HeardStreams:
    """The streams that may bring sound, of all callers."""

    def __init__(self) -> None:
        self._paces: set[SoundPace] = set()

    @contextmanager
    def joined(self, account: Account, *, is_conversation: bool, before: float = 0.0) -> Iterator[SoundPace]:
        """`before` as `SoundPace` has it."""
        pace = SoundPace(account, is_conversation, self, before)
        self._paces.add(pace)
        try:
            yield pace
        finally:
            self._paces.remove(pace)

    def are_heard_beside(self, one: SoundPace) -> bool:
        """Asked only of a stream that sends faster than real time: it looks at them all."""
        since = _now() - HEARD_SECONDS
        return any(
            pace.heard_at is not None
            and pace.heard_at > since
            and (pace.is_conversation or pace.account is not one.account)
            for pace in self._paces
            if pace is not one
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
