"""Who is asked whether the user has finished, in one silence: the sound, and the words.

Each answer is an event of `decide`, also where there is nobody to ask. A judge that hangs or fails is left
out for a while, and that is told once: the words alone decide then.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.audio import RATE_HZ, Samples
from ...core.errors import EngineError, EngineTimeout
from ...core.events import SoundScored, WordsScored
from ...ports import Claim, Engine, Prompt, Urgency
from ..context import SessionContext
from ..telling.notices import engine_notice

KEPT_SECONDS = 8.0
"""Sound of the turn that an acoustic model hears (Smart Turn's window)."""

ANSWER_SECONDS = 0.5
"""For a judge: a silence lasts hardly longer."""

LEFT_OUT_SECONDS = 30.0
"""Without a judge that failed."""

LATE_TIMES = 3
"""In a row: then it is stuck, and not only slow on a busy machine."""


class _Judge:
    """One of those who are asked: with a limit, and left out while it fails."""

    def __init__(self, engine: Engine | None, context: SessionContext) -> None:
        self._engine, self._context = engine, context
        self._left_out_until = 0.0
        self._late = 0
        self._is_told = False

    @property
    def is_there(self) -> bool:
        return self._engine is not None and self._context.clock.now() >= self._left_out_until

    async def answer(self, asked: Awaitable[float | None]) -> float | None:
        """None: it has no room, failed, or took too long."""
        assert self._engine is not None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await asked
            self._late = 0
            return answer
        except TimeoutError:
            self._late += 1
            if self._late >= LATE_TIMES:
                text = f"{self._engine.name} did not answer in {ANSWER_SECONDS:g} s, {self._late} times"
                self._fail(EngineTimeout("turn", text))
        except EngineError as error:
            self._fail(error)
        return None

    def _fail(self, error: EngineError) -> None:
        self._late = 0
        self._left_out_until = self._context.clock.now() + LEFT_OUT_SECONDS
        if not self._is_told:
            self._is_told = True
            self._context.outbox.put(engine_notice(error))


class EndOfTurnScores:
    """Asks the judges of one session. A question is dropped when the next one of its kind is asked."""

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._claim = Claim.of(context.caller, Urgency.FINAL)
        self._sound = _Judge(context.engines.acoustic_end, context)
        self._words = _Judge(context.engines.text_end, context)
        self._heard: deque[Samples] = deque()
        self._length = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # ------------------------------------------------------------ the sound of the turn

    def hear(self, samples: Samples) -> None:
        """The next sound of the turn; what is older than the window is let go."""
        if self._context.engines.acoustic_end is None:
            return
        self._heard.append(samples)
        self._length += len(samples)
        while self._length - len(self._heard[0]) >= KEPT_SECONDS * RATE_HZ:
            self._length -= len(self._heard.popleft())

    def forget(self) -> None:
        """The turn is over."""
        self._heard.clear()
        self._length = 0

    # ------------------------------------------------------------ asked

    def read_ahead(self, prompt: Prompt, tasks: asyncio.TaskGroup) -> None:
        """Whoever judges the words has time for what they will stand behind."""
        if self._words.is_there:
            self._ask("ahead", self._read_ahead(prompt), tasks)

    def ask_sound(self, revision: int, tasks: asyncio.TaskGroup) -> None:
        if self._sound.is_there and self._heard:
            self._ask("sound", self._score_sound(revision, np.concatenate(self._heard)), tasks)
        else:
            self._context.post(SoundScored(revision, None))

    def ask_words(
        self, text: str, prompt: Prompt, tasks: asyncio.TaskGroup, *, is_early: bool = False
    ) -> None:
        """Early ones are left out while others talk, too: their answers need the same cores."""
        may = not is_early or self._context.engines.stt.is_alone()
        if self._words.is_there and may:
            self._ask("words", self._score_words(text, prompt), tasks)
        else:
            self._context.post(WordsScored(text, None))

    def close(self) -> None:
        """Nothing is asked any more."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    def _ask(self, kind: str, work: Coroutine[Any, Any, None], tasks: asyncio.TaskGroup) -> None:
        if (running := self._tasks.get(kind)) is not None:
            running.cancel()
        self._tasks[kind] = tasks.create_task(work, name=f"score-{kind}")

    async def _read_ahead(self, prompt: Prompt) -> None:
        """What fails here fails again when it is asked, and is told then."""
        judge = self._context.engines.text_end
        assert judge is not None
        claim = Claim.of(self._context.caller, Urgency.PREPARED)
        with suppress(EngineError):
            await judge.read_ahead(replace(prompt, claim=claim))

    async def _score_sound(self, revision: int, heard: Samples) -> None:
        acoustic = self._context.engines.acoustic_end
        assert acoustic is not None
        probability = await self._sound.answer(acoustic.probability(heard, self._claim))
        self._context.post(SoundScored(revision, probability))

    async def _score_words(self, text: str, prompt: Prompt) -> None:
        judge = self._context.engines.text_end
        assert judge is not None
        probability = await self._words.answer(judge.probability(replace(prompt, claim=self._claim)))
        self._context.post(WordsScored(text, probability))
