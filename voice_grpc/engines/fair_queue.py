"""What waits for an engine, and who is next: the most urgent first, and among equals one caller after the
other, whoever asks most.

What lives here: the order, and what happens at its bounds. What must not: threads, locks and clocks; time is
counted in pieces of work. `worker_pool.py` is the shell.

- Within an urgency the caller is next who was served longest ago; of one caller what came first.
- What is less urgent is not starved: at the latest every `TURNS`th piece is the one that waits longest
  of all that was passed over.
- What gave way is the next of its urgency, and has lost nothing but time.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..ports import Claim

T = TypeVar("T")

TURNS = 8
"""Pieces of work of which one is of what is less urgent, where that waits. With pieces of a tenth of a second
to a second each, a Transcribe goes on every few seconds while others keep an engine busy."""

REMEMBERED = 1024
"""Callers of whom it is known when they were served last. Of more, those served longest ago are taken for
new, which is to their advantage for one piece of work."""


@dataclass(frozen=True, slots=True, eq=False)
class Waiting(Generic[T]):
    """One piece of work."""

    claim: Claim
    item: T
    number: int
    """In the order in which they came."""
    gave_way: int = 0
    """Times that it was left undone for what is more urgent."""
    is_first: bool = False
    """It gave way just now, and goes before its equals."""


class FairQueue(Generic[T]):
    """Not for several threads at once: whoever has them holds a lock."""

    def __init__(self, is_wanted: Callable[[T], bool], most: int) -> None:
        """`is_wanted`: somebody still waits for it; what nobody waits for is forgotten, and costs nothing.
        `most`: that wait for one caller."""
        self._is_wanted, self._most = is_wanted, most
        self._waiting: list[Waiting[T]] = []
        self._number = self._passed = 0
        """How many came; and how many in a row were taken before less urgent ones."""
        self._served: OrderedDict[str, None] = OrderedDict()
        """Callers, in the order in which they were served last."""

    def put(self, claim: Claim, item: T) -> bool:
        """False: too many wait for this caller already, and this one does not."""
        self._forget()
        if sum(each.claim.caller == claim.caller for each in self._waiting) >= self._most:
            return False
        self._number += 1
        self._waiting.append(Waiting(claim, item, self._number))
        return True

    def put_back(self, waiting: Waiting[T], item: T, *, is_first: bool) -> None:
        """It was taken and gave way; `item` is what is left of it. First: it gave way to what is more urgent,
        and is the next of its equals; else it has had its time, and they have theirs."""
        gave_way = waiting.gave_way + is_first
        self._waiting.append(Waiting(waiting.claim, item, waiting.number, gave_way, is_first=is_first))

    def take(self, may_run: Callable[[Waiting[T]], bool] = lambda waiting: True) -> Waiting[T] | None:
        """The next one of those that `may_run`; None: there is none."""
        self._forget()
        waiting = [(each.claim.urgency, each) for each in self._waiting]
        ready = [(urgency, each) for urgency, each in waiting if may_run(each)]
        if not ready:
            return None
        most_urgent = min(urgency for urgency, _ in ready)
        passed_over = [each for urgency, each in ready if urgency > most_urgent]
        if all(urgency <= most_urgent for urgency, _ in waiting):
            self._passed = 0
        elif passed_over:  # else what is less urgent waits for another thread
            self._passed += 1
        if self._passed >= TURNS:
            self._passed = 0
            taken = min(passed_over, key=lambda each: each.number)
        else:
            places = {caller: place for place, caller in enumerate(self._served)}
            equals = [each for urgency, each in ready if urgency == most_urgent]
            taken = min(
                equals, key=lambda each: (not each.is_first, places.get(each.claim.caller, -1), each.number)
            )
        self._waiting.remove(taken)
        self._serve(taken.claim.caller)
        return taken

    def count(self, is_counted: Callable[[Claim], bool] = lambda claim: True) -> int:
        """Of those that are wanted."""
        self._forget()
        return sum(is_counted(each.claim) for each in self._waiting)

    @property
    def remembered(self) -> int:
        """Callers of whom it is known when they were served."""
        return len(self._served)

    def clear(self) -> list[T]:
        """Everything that waited."""
        left = [each.item for each in self._waiting]
        self._waiting.clear()
        return left

    def _forget(self) -> None:
        self._waiting = [each for each in self._waiting if self._is_wanted(each.item)]

    def _serve(self, caller: str) -> None:
        self._served[caller] = None
        self._served.move_to_end(caller)
        if len(self._served) > REMEMBERED:
            self._served.popitem(last=False)
