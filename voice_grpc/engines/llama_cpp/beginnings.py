"""What conversations begin with, computed once and kept for all that begin alike: instructions, and examples.

A hundred tokens take a second, more while the user's first words are being heard, and 2 ms to be put into a
slot where they were kept. Nothing that anybody said is kept.
"""

import itertools
import logging
import threading
from typing import Protocol

from .slot_states import SlotStateLost

MOST_BYTES = 64_000_000
"""Of files, in all: forty of a hundred tokens of half a billion parameters, five of three billion."""

_log = logging.getLogger(__name__)


class States(Protocol):
    """What slots hold, as files: `slot_states.SlotStates`."""

    def save(self, slot: int, name: str) -> int: ...

    def restore(self, slot: int, name: str) -> None: ...

    def remove(self, name: str) -> None: ...


class Beginnings:
    """Asked by the threads of the pool."""

    def __init__(self, states: States | None = None, most_bytes: int = MOST_BYTES) -> None:
        """`states`: None: nothing is kept."""
        self._states, self._most_bytes = states, most_bytes
        self._lock = threading.Lock()
        self._files: dict[str, tuple[str, int]] = {}
        """Name and bytes of each text's file; the one that was used last is last."""
        self._numbers = itertools.count()

    def has(self, text: str) -> bool:
        with self._lock:
            return text in self._files

    def takes(self, text: str) -> bool:
        """It is not kept, and can be."""
        with self._lock:
            return self._states is not None and text not in self._files

    def closest(self, text: str) -> str:
        """The one that has the most in common with the beginning of `text`; empty: there is none."""
        with self._lock:
            return max(self._files, key=lambda kept: common(kept, text), default="")

    def keep(self, text: str, slot: int) -> None:
        """It is what `slot` holds, no more and no less."""
        states = self._states
        if states is None or not self.takes(text):
            return
        name = f"{next(self._numbers)}.bin"
        try:
            size = states.save(slot, name)
        except SlotStateLost as lost:
            self._give_up(lost)
            return
        with self._lock:
            self._files[text] = name, size
            leaving = self._overdue()
        for each in leaving:
            states.remove(each)

    def put(self, text: str, slot: int) -> bool:
        """Whether `slot` holds it now."""
        with self._lock:
            found = self._files.pop(text, None)
            if found is not None:
                self._files[text] = found
        if found is None or self._states is None:
            return False
        try:
            self._states.restore(slot, found[0])
        except SlotStateLost as lost:
            self._give_up(lost)
            return False
        return True

    def _overdue(self) -> list[str]:
        """Files to be removed: of those that were not used for longest."""
        leaving = []
        while sum(size for _, size in self._files.values()) > self._most_bytes:
            name, _ = self._files.pop(next(iter(self._files)))
            leaving.append(name)
        return leaving

    def _give_up(self, lost: SlotStateLost) -> None:
        """Prompts are read as they come from now on: said once."""
        with self._lock:
            was_used, self._states = self._states is not None, None
            self._files.clear()
        if was_used:
            _log.warning("beginnings of conversations are not kept, the first answers come later: %s", lost)


def common(one: str, other: str) -> int:
    """Characters with which both begin."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
