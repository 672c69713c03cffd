"""How far a fetch has come, for people: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable
from typing import Protocol, TextIO

BAR = 24
"""Characters of the bar."""
STEP = 0.25
"""Share of the whole after which a line is said where no bar can be."""
REDRAW_SECONDS = 0.2


class Progress(Protocol):
    def say(self, line: str) -> None: ...

    def begin(self, name: str, size: int) -> None:
        """Files of `size` bytes are about to come."""
        ...

    def advance(self, done: int, total: int) -> None:
        """So many bytes of what is fetched are here."""
        ...


class Lines:
    """A line at the beginning, at every `STEP`, and at the end."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._name, self._told, self._began = "", 0.0, 0.0

    def begin(self, name: str, size: int) -> None:
        self._name, self._told, self._began = name, 0.0, time.monotonic()
        self.say(f"fetching {name} ({size / 1e6:.0f} MB, once) …")

    def advance(self, done: int, total: int) -> None:
        share = done / total if total else 1.0
        if share >= self._told + STEP or (share >= 1.0 > self._told):
            self._told = share // STEP * STEP
            self.say(f"  {self._name}: {_figures(done, total, time.monotonic() - self._began)}")


class Bar:
    """One line that is drawn again and again."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._name, self._began, self._drawn = "", 0.0, 0.0

    def say(self, line: str) -> None:
        self._out.write(f"{line}\n")
        self._out.flush()

    def begin(self, name: str, size: int) -> None:
        self._name, self._began, self._drawn = name, time.monotonic(), 0.0

    def advance(self, done: int, total: int) -> None:
        now, is_over = time.monotonic(), done >= total
        if now - self._drawn < REDRAW_SECONDS and not is_over:
            return
        self._drawn = now
        filled = round(BAR * done / total) if total else BAR
        bar = "█" * filled + "░" * (BAR - filled)
        figures = _figures(done, total, now - self._began)
        self._out.write(f"\r  {self._name:<14} {bar} {figures}\x1b[K" + ("\n" if is_over else ""))
        self._out.flush()


def to(out: TextIO) -> Progress:
    """What fits `out`: a bar on a terminal, lines into a file."""
    if out.isatty():
        return Bar(out)

    def say(line: str) -> None:
        out.write(f"{line}\n")
        out.flush()

    return Lines(say)


def _figures(done: int, total: int, seconds: float) -> str:
    rate = done / seconds / 1e6 if seconds > 0 else 0.0
    return f"{done / 1e6:.0f} of {total / 1e6:.0f} MB, {rate:.0f} MB/s"
