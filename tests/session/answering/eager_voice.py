"""A voice that takes clauses as fast as they are given, as vendors' streams do, and notes what it took and
made.

Nothing is asserted here.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from voice_grpc.engines.scripted import RATE_HZ, SECONDS_A_CHARACTER, ScriptedTts, tone
from voice_grpc.ports import Clause, Speech, VoiceChoice
from voice_grpc.ports.streaming import CancellableStream

from ..harness import Recording

PIECE = 0.2
"""Seconds of sound in one piece."""


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Account:
    """What was given to a voice and made by it, each with its time."""

    given: list[tuple[float, str]] = field(default_factory=list)
    made: list[tuple[float, float]] = field(default_factory=list)
    """Seconds of sound."""

    def characters(self, until: float) -> int:
        return sum(len(text) for at, text in self.given if at <= until)

    def seconds(self, until: float) -> float:
        return sum(seconds for at, seconds in self.made if at <= until)

    def furthest_ahead(self, talk: Recording, turn: int = 1) -> tuple[float, float]:
        """The most sound that was made and not played at any time, and the most that was given and not
        played, as the sound that it lasts; in seconds, for a client that plays all it has at once."""
        played = _played(talk, turn)
        sound = max(self.seconds(at) - played(at) for at, _ in self.made)
        text = max(self.characters(at) * SECONDS_A_CHARACTER - played(at) for at, _ in self.given)
        return sound, text


def _played(talk: Recording, turn: int) -> Callable[[float], float]:
    chunks = [(at, chunk.duration / RATE_HZ) for at, chunk in talk.audio(turn)]

    def played(until: float) -> float:
        ends = total = 0.0
        for at, seconds in chunks:
            if at > until:
                break
            ends = max(ends, at) + seconds
            total += seconds
        return total - max(0.0, ends - until)

    return played


class WholeClauses(ScriptedTts):
    """Makes each clause in one piece, in a tenth of the time that it lasts."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account()

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        async for clause in clauses:
            self.account.given.append((_now(), clause.text))
            seconds = len(clause.text) * SECONDS_A_CHARACTER
            await asyncio.sleep(seconds / 10)
            self.account.made.append((_now(), seconds))
            yield Speech(clause.index, tone(seconds), RATE_HZ)


class EagerVoice(ScriptedTts):
    """Takes clauses as fast as they are given, and says them in pieces, faster than they last."""

    def __init__(self, *, says_nothing_of: str = "", hangs: bool = False, pace: float = 10.0) -> None:
        """`says_nothing_of`: a clause that has it makes no sound; `hangs`: none does; `pace`: how much faster
        than it lasts a piece is made."""
        super().__init__()
        self.account = Account()
        self.left = asyncio.Event()
        """Nobody wants to hear it any more, or all of it was said."""
        self._silent, self._hangs, self._pace = says_nothing_of, hangs, pace

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        taking = CancellableStream(partial(self._take, clauses), ahead=1_000)
        async with taking, CancellableStream(partial(self._say, taking), ahead=1) as sounds:
            try:
                while (sound := await sounds.next()) is not None:
                    yield sound
            finally:
                self.left.set()

    async def _take(self, clauses: AsyncIterator[Clause], put: Callable[[Clause], Awaitable[None]]) -> None:
        async for clause in clauses:
            self.account.given.append((_now(), clause.text))
            await put(clause)

    async def _say(self, taking: CancellableStream[Clause], put: Callable[[Speech], Awaitable[None]]) -> None:
        while (clause := await taking.next()) is not None:
            if self._silent and self._silent in clause.text:
                continue
            if self._hangs:
                await asyncio.Event().wait()
            left = len(clause.text) * SECONDS_A_CHARACTER
            while left > 1e-9:
                seconds = min(PIECE, left)
                left -= seconds
                await asyncio.sleep(seconds / self._pace)
                self.account.made.append((_now(), seconds))
                await put(Speech(clause.index, tone(seconds), RATE_HZ))
