"""One conversation from a person's side: asks by voice, in real time, and hears whether an answer comes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np

from voice_grpc.core.audio import rms, to_pcm16
from voice_grpc.pb import voice_pb2 as pb

from .lines import Line, LineEnded

FRAME_SECONDS = 0.04
FRAME = 640
"""Samples at 16 kHz."""

QUESTION_SECONDS = 0.64

MURMUR_SECONDS = 0.28
"""Of a listener's word: long enough for the answer to wait."""

AUDIBLE = 0.01
"""RMS from which a chunk is heard: -40 dBFS."""

WITHIN = 60.0
"""Seconds for an answer to be heard. The server apologises after 8 at most (`--turn-deadline`)."""

ENDS = (
    pb.TurnEvent.STATE_COMPLETED,
    pb.TurnEvent.STATE_INTERRUPTED,
    pb.TurnEvent.STATE_FAILED,
    pb.TurnEvent.STATE_DISCARDED,
)

TONE = to_pcm16(0.3 * np.sin(2 * np.pi * 200 * np.arange(FRAME) / 16_000)).astype("<i2").tobytes()
SILENCE = bytes(len(TONE))


class Unanswered(Exception):
    """A question that nothing was heard of; its text says what there was instead."""


class Talk:
    """Made by `talking`. Its microphone runs while something is asked, or awaited by `rest`."""

    def __init__(self, line: Line) -> None:
        self.started: pb.SessionStarted | None = None
        self.heard = 0
        """The last turn of which something was audible."""
        self.over = 0
        """The last turn that came to its end, or was cut."""
        self.notices: list[str] = []
        """Reasons, the last few."""
        self._line = line
        self._over = ""
        """How it ended; empty: it goes on."""
        self._changed = asyncio.Event()

    async def begin(self, session_id: str = "") -> pb.SessionStarted:
        """Raises `Unanswered`."""
        config = pb.SessionConfig(session_id=session_id, greeting="")
        await self._line.send(pb.ConverseRequest(config=config))
        await self._until(lambda: self.started is not None, "a start")
        assert self.started is not None
        return self.started

    async def ask(self) -> float:
        """Seconds from the last sound of a question to the first of an answer of its own.

        Also over an answer that is heard just now: that one is interrupted. Raises `Unanswered`.
        """
        loop, before = asyncio.get_running_loop(), self.heard
        await self._listen_and(TONE, QUESTION_SECONDS, lambda: False)
        end = loop.time()
        await self._listen_and(SILENCE, WITHIN, lambda: self.heard > before)
        if self.heard == before:
            raise Unanswered(f"nothing within {WITHIN:g} s, last notices: {self.notices}")
        return loop.time() - end

    async def murmur(self) -> None:
        """ "Yeah", over the answer, which goes on to its end, or is cut: it waits for nothing.

        Raises `Unanswered`.
        """
        turn = self.heard
        await self._listen_and(TONE, MURMUR_SECONDS, lambda: False)
        await self._listen_and(SILENCE, WITHIN, lambda: self.over >= turn)
        if self.over < turn:
            raise Unanswered(f"turn {turn} waits {WITHIN:g} s after a murmur, last notices: {self.notices}")

    async def rest(self, seconds: float) -> None:
        """Says nothing. Raises `Unanswered` when the line ends meanwhile."""
        await self._listen_and(SILENCE, seconds, lambda: False)

    async def interrupt(self) -> None:
        await self._line.send(pb.ConverseRequest(interrupt=pb.Interrupt()))

    async def end(self) -> None:
        """As one should: what is being said is heard out. Raises `Unanswered`."""
        await self._line.send(pb.ConverseRequest(end_session=pb.EndSession()))
        await self._until(lambda: self._over == ENDED, "the end")

    async def hear(self) -> None:
        """Until the line ends."""
        try:
            while (response := await self._line.receive()) is not None:
                self._take(response)
                self._changed.set()
            self._over = ENDED
        except LineEnded as ended:
            self._over = str(ended)
        self._changed.set()

    def _take(self, response: pb.ConverseResponse) -> None:
        match response.WhichOneof("payload"):
            case "session_started":
                self.started = response.session_started
            case "session_ended":
                self._over = ENDED
            case "audio":
                if response.turn > self.heard and rms(np.frombuffer(response.audio.data, "<i2")) > AUDIBLE:
                    self.heard = response.turn
            case "turn_event" if response.turn_event.state in ENDS:
                self.over = max(self.over, response.turn)
            case "notice":
                self.notices = [*self.notices[-4:], response.notice.reason]

    async def _listen_and(self, frame: bytes, seconds: float, is_enough: Callable[[], bool]) -> None:
        """Frames leave by the clock: one that was late is made up for."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number in range(round(seconds / FRAME_SECONDS)):
            if is_enough():
                return
            if self._over:
                raise Unanswered(f"the line ended: {self._over}")
            await self._line.send(pb.ConverseRequest(audio=pb.AudioInput(data=frame)))
            await asyncio.sleep(max(0.0, start + (number + 1) * FRAME_SECONDS - loop.time()))

    async def _until(self, found: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                while not found():
                    if self._over:
                        raise Unanswered(f"the line ended before {what}: {self._over}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise Unanswered(f"{what} did not come within {WITHIN:g} s") from None


ENDED = "well"


@asynccontextmanager
async def talking(line: Line) -> AsyncIterator[Talk]:
    """Heard until the block ends."""
    talk = Talk(line)
    async with asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(talk.hear(), name="hear")
        try:
            yield talk
        finally:
            hearing.cancel()
