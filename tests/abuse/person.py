"""People as they are: they ask, listen, talk over the answer, press stop, vanish, and come back."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from .attacked import STRANGER, Attacked
from .lines import LINES
from .talk import Talk, Unanswered, talking

HABITS = ("listens", "talks over it", "murmurs", "presses stop", "vanishes")
"""What somebody does once an answer is heard."""


@dataclass
class Person:
    """Always of the same session. What happens by chance is `number`'s; when, is the clock's."""

    number: int
    way: str
    """Of `LINES`."""
    most_questions: int = 4
    """Of one visit."""
    patience: float = 1.0
    """By which all rests are multiplied."""
    delays: list[float] = field(default_factory=list)
    """Seconds to each answer."""
    visits: int = 0
    vanished: int = 0
    """Visits that ended without a word."""
    murmurs: int = 0
    """Over an answer that went on, or was cut."""
    failures: list[str] = field(default_factory=list)
    """What should not have been: no answer, one that waited for ever, a line that ended, a session that was
    not known any more."""

    async def live(self, where: Attacked, is_enough: Callable[[], bool]) -> None:
        """Visit after visit."""
        chance = random.Random(self.number)
        while not is_enough():
            async with LINES[self.way](where, STRANGER) as line, talking(line) as talk:
                try:
                    await self._visit(talk, chance)
                except Unanswered as unanswered:
                    self._complain(str(unanswered))
            self.visits += 1
            await asyncio.sleep(self.patience * chance.uniform(0.1, 1.0))

    async def _visit(self, talk: Talk, chance: random.Random) -> None:
        """Raises `Unanswered`."""
        started = await talk.begin(f"person-{self.number}")
        if started.resumed != bool(self.delays):
            self._complain(f"resumed is {started.resumed} after {len(self.delays)} answers")
        for _ in range(chance.randint(1, self.most_questions)):
            self.delays.append(await talk.ask())
            match chance.choice(HABITS):
                case "listens":
                    await talk.rest(self.patience * chance.uniform(0.5, 6.0))
                case "murmurs":
                    await talk.rest(self.patience * chance.uniform(0.1, 2.0))
                    await talk.murmur()
                    self.murmurs += 1
                case "presses stop":
                    await talk.rest(self.patience * chance.uniform(0.1, 1.0))
                    await talk.interrupt()
                    await talk.rest(0.5)
                case "vanishes":
                    self.vanished += 1
                    return
        if chance.random() < 0.5:
            await talk.end()
        else:
            self.vanished += 1

    def _complain(self, what: str) -> None:
        self.failures.append(f"person {self.number} by {self.way}, visit {self.visits + 1}: {what}")
