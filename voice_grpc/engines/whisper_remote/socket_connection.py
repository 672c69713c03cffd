"""One connection to a Whisper server, on which an utterance goes out as it is spoken.

    Sound ─▶ Line (a task: open, greet, send; listen) ─▶ Talk (what the protocol says) ─▶ Wire

What lives here: when things happen. What is said is each `SocketProtocol`'s.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...core.audio import RATE_HZ, Samples, audible_from, to_float
from ...core.errors import EngineError, EngineTimeout, EngineUnreachable
from ..timeouts import Timeouts
from ..whisper.chunking import power
from .address import WhisperAddress
from .websocket import Wire

# ----------------------------------------------------------------
# what a protocol is, to the line that it is spoken on; and the sound that goes out on it


_FRAME, _LEAST = 512, 320
"""Samples that go out in one message: 32 ms, a window of the detector; 20 ms when there are no more."""


_HOP, _AUDIBLE, _PAUSE_HOPS = RATE_HZ // 100, 0.01, 10
"""10 ms; RMS above which they are no silence (-40 dBFS, as `core.audio.audible_from`); a pause of 100 ms."""


class SocketProtocol(Protocol):
    """One protocol on one connection. What a server says to complain is raised as `EngineError`."""

    @property
    def streams(self) -> bool | None:
        """Whether text comes while the sound goes out; None before that is known."""
        ...

    @property
    def is_spent(self) -> bool:
        """It has answered, and further sound wants a new beginning."""
        ...

    @property
    def ended_early(self) -> bool:
        """The server found an end of speech by itself: `text` is of what was sent by then, and no more
        comes."""
        ...

    @property
    def text(self) -> str:
        """Of the sound so far."""
        ...

    @property
    def language(self) -> str:
        """Whisper's code, empty where the server does not say."""
        ...

    async def open(self, seconds: float) -> Wire: ...

    async def greet(self, wire: Wire) -> None:
        """All that comes before the sound."""
        ...

    async def send(self, wire: Wire, samples: Samples) -> None: ...

    async def finish(self, wire: Wire) -> None:
        """The sound is out as far as an answer is wanted."""
        ...

    def take(self, message: Any, now: float) -> None:
        """What the server says. Lookups that fail mean that it does not speak this protocol."""
        ...

    def settles(self, now: float) -> float:
        """When `text` is the answer if nothing else comes; asked after `finish`."""
        ...

    @property
    def is_usable(self) -> bool:
        """At the deadline: `text` is worth more than a failure."""
        ...

    def renew(self) -> bool:
        """Begin again on the same connection; False where the protocol cannot."""
        ...

    async def part(self, wire: Wire) -> None:
        """What is said before hanging up."""
        ...


class UtteranceAudio:
    """Of one utterance; all of it is kept, since it may have to be sent again."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self.grown: set[asyncio.Event] = set()
        """Set when there is more."""

    @property
    def length(self) -> int:
        return len(self._pcm) // 2

    def feed(self, samples: Samples) -> None:
        self._pcm += samples.astype("<i2", copy=False).tobytes()
        for event in self.grown:
            event.set()

    def cut(self, start: int, end: int) -> Samples:
        return np.frombuffer(bytes(self._pcm[2 * start : 2 * end]), "<i2")

    def is_audible(self, start: int, end: int) -> bool:
        """Whether there is anything to transcribe; of what comes first only the server can tell."""
        return start < end and (not start or audible_from(self.cut(start, end), RATE_HZ) < end - start)

    def piece(self, start: int, end: int | None) -> Samples:
        """What goes out next in one message; without an `end` the last few samples wait for more."""
        rest = (self.length if end is None else end) - start
        wanted = min(rest, _FRAME) if end is not None or rest >= _LEAST else 0
        return self.cut(start, start + max(0, wanted))


def pause_end(samples: Samples) -> int:
    """Where the longest silence after the first sound ends, which is the end of all where there is none."""
    powers = power(to_float(samples), _HOP)
    loud = np.append(np.flatnonzero(powers > _AUDIBLE * _AUDIBLE), len(powers))
    gaps = np.diff(loud)
    if not len(gaps) or gaps.max() <= _PAUSE_HOPS:
        return len(samples)
    end = int(loud[np.argmax(gaps) + 1])
    return end * _HOP if end < len(powers) else len(samples)


_PARTING_S = 0.5
"""For goodbyes."""


class Connection:
    """Its task ends with the connection; `abort` or `close` ends both."""

    def __init__(
        self, talk: SocketProtocol, sound: UtteranceAudio, patience: Timeouts, where: str, begin: int = 0
    ) -> None:
        """`where`: the address, for people; `begin`: the first sample that goes out."""
        self.talk, self.sent, self._sound, self._where = talk, begin, sound, where
        self.failure: EngineError | None = None
        self.is_ready = False
        self._end: int | None = None
        self._is_finished = False
        self._work, self._changed = asyncio.Event(), asyncio.Event()
        self._wire: Wire | None = None
        self.task = asyncio.get_running_loop().create_task(self._run(patience), name="whisper-line")

    async def ready(self, seconds: float) -> None:
        """Until the sound can go out. Raises `EngineError`."""
        await self._until(lambda: 0.0 if self.is_ready else math.inf, seconds)

    async def heard(self, seconds: float) -> bool:
        """Whether there is text within `seconds`; False at once where none comes before the end."""
        with suppress(EngineTimeout):
            await self._until(
                lambda: 0.0 if self.talk.text or self.talk.streams is False else math.inf, seconds
            )
        return bool(self.talk.text)

    async def finish(self, end: int, seconds: float) -> None:
        """Until `talk.text` is that of all samples before `end`. Raises `EngineError`."""
        self._end, self._is_finished = end, False
        self._work.set()
        try:
            await self._until(self._settles, seconds)
        except EngineTimeout:
            if not (self._is_finished and self.talk.is_usable):
                raise

    def renew(self) -> bool:
        """The same connection for the whole utterance once more; False where it cannot be."""
        if self.failure is not None or not self.talk.renew():
            return False
        self.sent, self._end, self._is_finished = 0, None, False
        self._work.set()
        return True

    def abort(self) -> None:
        """At once; what waits for it raises."""
        self._fail(EngineUnreachable("stt", f"the connection to {self._where} was given up"))
        self.task.cancel()

    async def close(self) -> None:
        """Politely where there is somebody to be polite to; everything is gone when it returns."""
        if self._wire is not None and self.failure is None and self.is_ready:
            with suppress(EngineError, TimeoutError):
                async with asyncio.timeout(_PARTING_S):
                    await self.talk.part(self._wire)
                    await self._wire.close()
        self.abort()
        await asyncio.wait([self.task])

    def _settles(self) -> float:
        if self.talk.ended_early:
            return 0.0
        return self.talk.settles(asyncio.get_running_loop().time()) if self._is_finished else math.inf

    async def _until(self, settles: Callable[[], float], seconds: float) -> None:
        """Until the loop's time has come that `settles` names; asked again whenever something changed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (at := settles()) > loop.time():
            if self.failure is not None:
                raise self.failure
            if loop.time() >= deadline:
                raise EngineTimeout("stt", f"{self._where} did not answer within {seconds:.1f} s")
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(at, deadline)):
                    await self._changed.wait()

    # ------------------------------------------------------------ the task

    async def _run(self, patience: Timeouts) -> None:
        self._sound.grown.add(self._work)
        try:
            await self._guard(self._begin(patience))
            if self._wire is not None and self.is_ready:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._guard(self._carry(self._wire)), name="whisper-carry")
                    tasks.create_task(self._guard(self._listen(self._wire)), name="whisper-listen")
        finally:
            self._sound.grown.discard(self._work)
            if self._wire is not None:
                self._wire.abort()

    async def _guard(self, work: Awaitable[None]) -> None:
        """Whatever goes wrong ends the line, and is told to whoever waits for it."""
        try:
            await work
        except EngineError as error:
            self._fail(error)
        except TimeoutError:
            self._fail(EngineTimeout("stt", f"no connection to {self._where} in time"))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            kind = type(error).__name__
            self._fail(EngineError("stt", f"{self._where} said what its protocol does not know ({kind})"))

    def _fail(self, error: EngineError) -> None:
        self.failure = self.failure or error
        if self._wire is not None:
            self._wire.abort()
        self._work.set()
        self._changed.set()

    async def _begin(self, patience: Timeouts) -> None:
        self._wire = await self.talk.open(patience.connect)
        async with asyncio.timeout(patience.first):
            await self.talk.greet(self._wire)
        self.is_ready = True
        self._changed.set()

    async def _carry(self, wire: Wire) -> None:
        while self.failure is None:
            is_ending = self._end is not None and not self._is_finished
            is_over = self.talk.is_spent or self.talk.ended_early
            piece = self._sound.piece(self.sent, self._end if is_ending else None)
            if len(piece) and not is_over:
                await self.talk.send(wire, piece)
                self.sent += len(piece)
                await asyncio.sleep(0)  # a long utterance that is sent again leaves the loop to others
            elif is_ending and not is_over:
                await self.talk.finish(wire)
                self._is_finished = True
                self._changed.set()
            else:
                self._work.clear()
                await self._work.wait()

    async def _listen(self, wire: Wire) -> None:
        while True:
            self.talk.take(await wire.receive(), asyncio.get_running_loop().time())
            self._changed.set()


# ----------------------------------------------------------------
# what the utterances of one engine share: the server's address, their connections, and room for
# interims


_LOOKS = 2
"""Interims that a server works on at once, of all sessions, where each is a request of its own."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is said of an utterance before its sound."""

    language: str = ""
    """Whisper's code; empty: the server finds out."""
    prompt: str = ""


class ConnectionPool:
    def __init__(
        self, address: WhisperAddress, patience: Timeouts, talk: Callable[[Ask], SocketProtocol]
    ) -> None:
        """`talk`: of a fresh connection."""
        self.address, self.patience = address, patience
        self.finals = self.looks = 0
        """That the server works on now."""
        self._talk = talk
        self._lines: set[Connection] = set()
        self._is_closed = False

    def line(
        self, ask: Ask, sound: UtteranceAudio, begin: int = 0, patience: Timeouts | None = None
    ) -> Connection:
        """Raises `EngineError` once closed."""
        where = self.address.location
        if self._is_closed:
            raise EngineError("stt", f"the connections to {where} are closed", retryable=False)
        line = Connection(self._talk(ask), sound, patience or self.patience, where, begin)
        self._lines.add(line)
        line.task.add_done_callback(lambda _: self._lines.discard(line))
        return line

    def has_room(self) -> bool:
        """For a request that may be left undone: no final ever waits for one."""
        return not self.finals and self.looks < _LOOKS

    async def close(self) -> None:
        self._is_closed = True
        for line in (lines := list(self._lines)):
            line.abort()
        if lines:
            await asyncio.wait([line.task for line in lines], timeout=1.0)
