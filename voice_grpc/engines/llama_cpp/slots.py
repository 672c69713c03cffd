"""Which slot of llama.cpp a prompt is computed in: where most of it is computed already, and least is lost.

llama.cpp's own choice looks at how much of the new prompt a slot holds, and not at what of the slot is lost:
who begins a conversation like somebody else's takes that one's slot, and 700 tokens of it are computed anew
when it goes on, for 5 s. So there are more slots than generations at once, and the choice is made here. What
is kept of beginnings (`beginnings.py`) counts as read in every slot, and is put into the one that is chosen.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from .beginnings import Beginnings, common

ALIVE_SECONDS = 120.0
"""For which a conversation is expected to go on: longer than an answer and a question take."""


_READ = 0.9
"""Share of a beginning that is all of it but for its end: in which language to answer is known with the first
words."""


@dataclass(slots=True)
class _Slot:
    number: int
    text: str = ""
    """The prompt that it holds, and what was written behind it."""
    used: float = float("-inf")
    is_free: bool = True


@dataclass(slots=True)
class Held:
    """A slot while somebody computes in it."""

    number: int
    text: str
    """What it will hold when it is given back."""


class Slots:
    """Asked by the threads of the pool, of which there are no more than slots."""

    def __init__(
        self,
        count: int,
        now: Callable[[], float] = time.monotonic,
        beginnings: Beginnings | None = None,
    ) -> None:
        self._now = now
        self.beginnings = beginnings or Beginnings()
        self._lock = threading.Lock()
        self._slots = [_Slot(number) for number in range(count)]

    @contextmanager
    def held(self, text: str) -> Iterator[Held]:
        """The slot that `text` is computed in, which nobody else gets meanwhile."""
        kept = self.beginnings.closest(text)
        with self._lock:
            taken = max(self._free(), key=self._preference(text, kept))
            taken.is_free = False
        with self._holding(taken, text, kept) as held:
            yield held

    @contextmanager
    def spare(self, text: str, *, is_to_keep: bool = False) -> Iterator[Held | None]:
        """One for the beginning of a conversation, of which nobody will miss anything; None: there is none,
        or who begins with `text` will find it read, and it is not `is_to_keep`."""
        kept = self.beginnings.closest(text)
        with self._lock:
            prefers, now = self._preference(text, kept), self._now()
            best = max(self._slots, key=prefers)
            is_read = max(common(best.text, text), common(kept, text)) >= _READ * len(text)
            wants = is_to_keep or not is_read
            spare = [slot for slot in self._free() if not _lost(slot, text, now)] if wants else []
            taken = max(spare, key=prefers, default=None)
            if taken is not None:
                taken.is_free = False
        if taken is None:
            yield None
            return
        with self._holding(taken, text, kept) as held:
            yield held

    def _free(self) -> list[_Slot]:
        return [slot for slot in self._slots if slot.is_free]

    def _preference(self, text: str, kept: str) -> Callable[[_Slot], tuple[int, int, float]]:
        """The most of it read and the least lost, else where it is already, else the one that was idle for
        longest."""
        now, put = self._now(), common(kept, text)

        def preference(slot: _Slot) -> tuple[int, int, float]:
            own = common(slot.text, text)
            return max(own, put) - _lost(slot, text, now), own, -slot.used

        return preference

    @contextmanager
    def _holding(self, taken: _Slot, text: str, kept: str) -> Iterator[Held]:
        held = Held(taken.number, text)
        try:
            if common(kept, text) > common(taken.text, text):
                self.beginnings.put(kept, taken.number)
            yield held
        finally:
            with self._lock:
                taken.text, taken.used, taken.is_free = held.text, self._now(), True


def _lost(slot: _Slot, text: str, now: float) -> int:
    """Characters of it that somebody will compute again."""
    return len(slot.text) - common(slot.text, text) if now - slot.used < ALIVE_SECONDS else 0


def read_of(text: str, progress: Mapping[str, int]) -> str:
    """As much of a prompt as is computed, by what llama.cpp tells between two batches of it."""
    done = max(progress.get("cache", 0), progress.get("processed", 0))
    return text[: len(text) * done // max(1, progress["total"])]
