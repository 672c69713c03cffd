"""What became of an answer while a voice was over it, in words: lowered, held, gone on with or cut.

Pure: `lowered`, `held` and how it ended, each at its moment (monotonic seconds), as PlaybackControl tells.
"""

from .audio import OUTPUT_HZ


class Overlaps:
    """One at a time: the answer that is playing."""

    def __init__(self) -> None:
        self._turn = 0
        self._what = ""
        """`lowered` or `held`; empty: nothing is over it."""
        self._since = 0.0

    def lowered(self, turn: int, now: float) -> None:
        if (self._turn, self._what) != (turn, "held"):
            self._begin(turn, "lowered", now)

    def held(self, turn: int, now: float) -> None:
        if (self._turn, self._what) != (turn, "held"):
            self._begin(turn, "held", now)

    def went_on(self, turn: int, now: float, again: int = 0) -> str:
        """`again`: samples that are heard a second time."""
        return self._end(turn, now, f"went on from {again / OUTPUT_HZ:.1f} s before" if again else "went on")

    def cut(self, turn: int, now: float) -> str:
        return self._end(turn, now, "then cut")

    def _begin(self, turn: int, what: str, now: float) -> None:
        self._turn, self._what, self._since = turn, what, now

    def _end(self, turn: int, now: float, how: str) -> str:
        """Empty where nothing had been done to it."""
        if not self._what or turn != self._turn:
            return ""
        what, self._what = self._what, ""
        return f"{what} {now - self._since:.1f} s, {how}"
