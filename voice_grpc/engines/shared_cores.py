"""Whether the cores are wanted for people who are talked with: then recordings and texts of others wait.

The threads of a language model wait for each other, so that one busy neighbour on two cores makes a token
take four times as long: an answer came 2.8 and 3.0 times as late beside a Synthesize and a Transcribe that
computed all the time. Fairness within one engine (`fair_queue.py`) does not see that. Here is what all pools
of this machine have in common.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable

from ..process.cores import usable_cores

WANTED = 2
"""Cores that somebody who is talked with is taken to want: the threads of the language model, at most."""

BETWEEN_S = 0.3
"""Seconds for which work for somebody is expected to be followed by more: interims come as often, and from a
transcript to its answer it takes less."""

PARTS_WAIT_S = 2.0
"""Seconds between two parts that are begun beside people who are talked with, whoever asks for them: none
starves. Of a recording a piece of 10 s takes 0.8 s. And for which the work of a caller who holds several
conversations lets that of another go first."""

MUCH_MORE = 2
"""Pieces of work more than another caller has: nobody has as many in one conversation for long."""


class SharedCores:
    """Of all pools of a process. Asked by their threads."""

    def __init__(self, cores: int | None = None, now: Callable[[], float] = time.monotonic) -> None:
        """`cores`: None: those that this process may use. `now`: the clock of all pools."""
        self._cores, self.now = cores, now
        self._lock = threading.Lock()
        self._works: Counter[str] = Counter()
        """Pieces of work for each caller that is talked with: of one that has some."""
        self._ended: dict[str, float] = {}
        """When the last one ended, of those that have none left; forgotten after `BETWEEN_S`."""
        self._part_began = float("-inf")

    def begin(self, caller: str) -> None:
        """Somebody who is talked with waits for a piece of work from now on."""
        with self._lock:
            self._works[caller] += 1
            self._ended.pop(caller, None)

    def end(self, caller: str) -> None:
        """It is done, or was given up."""
        with self._lock:
            self._works[caller] -= 1
            if self._works[caller] <= 0:
                del self._works[caller]
                self._ended[caller] = self.now()

    def part_began(self) -> None:
        """A part is computed, whoever is talked with."""
        self._part_began = self.now()

    def may_begin(self, caller: str, asked: float) -> bool:
        """Whether a part of `caller`, who `asked` for it at that time, is begun now."""
        return max(asked, self._part_began) + PARTS_WAIT_S <= self.now() or not self.are_wanted(caller)

    def is_to_leave(self, caller: str, asked: float) -> bool:
        """Whether one that was begun while nobody was in its way gives way: once it has waited it stays."""
        return self.now() < asked + PARTS_WAIT_S and self.are_wanted(caller)

    def lets_go_first(self, caller: str, asked: float) -> bool:
        """Whether `caller`, who is talked with and `asked` at that time, has so much at work that others who
        are talked with come first: beside four conversations of one caller the fifth, of another, would have
        a fifth of the cores."""
        if self.now() >= asked + PARTS_WAIT_S or not self.are_wanted(caller):
            return False
        with self._lock:
            least = min((count for each, count in self._works.items() if each != caller), default=1)
            return self._works[caller] >= least + MUCH_MORE

    def are_wanted(self, caller: str) -> bool:
        """For others than `caller`."""
        with self._lock:
            since = self.now() - BETWEEN_S
            self._ended = {each: at for each, at in self._ended.items() if at > since}
            others = {*self._works, *self._ended} - {caller}
            if self._cores is None:
                self._cores = usable_cores()
            return bool(others) and WANTED * len(others) >= self._cores


SHARED_CORES = SharedCores()
"""Of this process: there is one machine."""
