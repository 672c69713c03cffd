"""Which slot of llama.cpp a prompt is computed in: where most of it is computed already, and least is lost.

llama.cpp's own choice looks at how much of the new prompt a slot holds, and not at what of the slot is lost:
who begins a conversation like somebody else's takes that one's slot, and 700 tokens of it are computed anew
when it goes on, for 5 s. So there are more slots than generations at once, and the choice is made here. What
is kept of beginnings (`beginnings.py`) counts as read in every slot, and is put into the one that is chosen.
A slot whose holder is about to leave is waited for where another one would have to read much more.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from .beginnings import Beginnings, common

ALIVE_SECONDS = 120.0
"""For which a conversation is expected to go on: longer than an answer and a question take."""

_LEAVE_S, _WORTH_IT = 0.3, 16
"""Seconds that a slot is waited for, a token or a batch of a prompt on busy cores; and characters that it has
to hold more than others: four tokens, which take as long as a token and a short batch."""

_READ = 0.9
"""Share of a beginning that is all of it but for its end: in which language to answer is known with the first
words."""


@dataclass(slots=True)
class _Slot:
    number: int
    text: str = ""
    """The prompt that it holds, and what was written behind it."""
    used: float = float("-inf")
    holder: "Held | None" = None


@dataclass(slots=True)
class Held:
    """A slot while somebody computes in it."""

    number: int
    text: str
    """What it will hold when it is given back."""
    is_left: Callable[[], bool]
    """Nobody wants what is computed in it any more, so that it is given back after the next batch."""


def _never() -> bool:
    """It is held to its end."""
    return False


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
        self._changed = threading.Condition()
        self._slots = [_Slot(number) for number in range(count)]

    @contextmanager
    def held(self, text: str, is_left: Callable[[], bool] = _never) -> Iterator[Held]:
        """The slot that `text` is computed in, which nobody else gets meanwhile. `is_left` as in `Held`."""
        kept = self.beginnings.closest(text)
        with self._changed:
            taken = self._best(text, kept)
            taken.holder = held = Held(taken.number, text, is_left)
        with self._holding(taken, held, text, kept):
            yield held

    @contextmanager
    def spare(
        self, text: str, is_left: Callable[[], bool] = _never, *, is_to_keep: bool = False
    ) -> Iterator[Held | None]:
        """One for the beginning of a conversation, of which nobody will miss anything; None: there is none,
        or who begins with `text` will find it read, and it is not `is_to_keep`."""
        kept, held = self.beginnings.closest(text), None
        with self._changed:
            prefers, now = self._preference(text, kept), self._now()
            best = max(self._slots, key=prefers)
            is_read = max(common(best.text, text), common(kept, text)) >= _READ * len(text)
            wants = is_to_keep or not is_read
            spare = [slot for slot in self._free() if not _lost(slot, text, now)] if wants else []
            taken = max(spare, key=prefers, default=None)
            if taken is not None:
                taken.holder = held = Held(taken.number, text, is_left)
        if taken is None or held is None:
            yield None
            return
        with self._holding(taken, held, text, kept):
            yield held

    def _best(self, text: str, kept: str) -> _Slot:
        """The best of the free ones, once a better one is free that is being left, or takes too long."""
        until = time.monotonic() + _LEAVE_S
        while True:
            prefers = self._preference(text, kept)
            free = max(self._free(), key=prefers)
            left = [slot for slot in self._slots if slot.holder is not None and slot.holder.is_left()]
            gained = max((prefers(slot)[0] for slot in left), default=0) - prefers(free)[0]
            seconds = until - time.monotonic()
            if gained < _WORTH_IT or seconds <= 0:
                return free
            self._changed.wait(seconds)

    def _free(self) -> list[_Slot]:
        return [slot for slot in self._slots if slot.holder is None]

    def _preference(self, text: str, kept: str) -> Callable[[_Slot], tuple[int, int, float]]:
        """The most of it read and the least lost, else where it is already, else the one that was idle for
        longest."""
        now, put = self._now(), common(kept, text)

        def preference(slot: _Slot) -> tuple[int, int, float]:
            own = max(common(slot.text, text), common(slot.holder.text, text) if slot.holder else 0)
            return max(own, put) - _lost(slot, text, now), own, -slot.used

        return preference

    @contextmanager
    def _holding(self, taken: _Slot, held: Held, text: str, kept: str) -> Iterator[None]:
        try:
            if common(kept, text) > common(taken.text, text):
                self.beginnings.put(kept, taken.number)
            yield
        finally:
            with self._changed:
                taken.text, taken.used, taken.holder = held.text, self._now(), None
                self._changed.notify_all()


def _lost(slot: _Slot, text: str, now: float) -> int:
    """Characters of it that somebody will compute again."""
    return len(slot.text) - common(slot.text, text) if now - slot.used < ALIVE_SECONDS else 0


def read_of(text: str, progress: Mapping[str, int]) -> str:
    """As much of a prompt as is computed, by what llama.cpp tells between two batches of it."""
    done = max(progress.get("cache", 0), progress.get("processed", 0))
    return text[: len(text) * done // max(1, progress["total"])]
