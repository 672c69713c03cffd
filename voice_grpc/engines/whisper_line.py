"""One connection to a Whisper server, on which an utterance goes out as it is spoken.

    Sound ─▶ Line (a task: open, greet, send; listen) ─▶ Talk (what the protocol says) ─▶ Wire

What lives here: when things happen. What is said is each `Talk`'s.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ..core.errors import EngineError, EngineTimeout, EngineUnreachable
from .patience import Patience
from .whisper_socket import Wire
from .whisper_talk import Sound, Talk

_PARTING_S = 0.5
"""For goodbyes."""


class Line:
    """Its task ends with the connection; `abort` or `close` ends both."""

    def __init__(self, talk: Talk, sound: Sound, patience: Patience, where: str, begin: int = 0) -> None:
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

    async def _run(self, patience: Patience) -> None:
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

    async def _begin(self, patience: Patience) -> None:
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
