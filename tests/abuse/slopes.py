"""Does it grow? What a process holds, sampled over time: a straight line by least squares through the second
half, when all has been loaded and everybody has come, and how much that line rises within it."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from .attacked import Cost

QUANTITIES = tuple(each.name for each in fields(Cost))

BOUNDS: Mapping[str, float] = {"memory": 10.0, "tasks": 80.0, "threads": 4.0, "descriptors": 40.0}
"""Of the rise within the second half, whatever its length. Thirty people who come and go by chance are some
250 tasks and 60 descriptors one moment and two thirds of that the next; in ten minutes the line averages
that out, and 10 MB are 2 a minute."""


@dataclass(frozen=True, slots=True)
class Slope:
    quantity: str
    first: float
    middle: float
    """Where the second half begins."""
    last: float
    a_minute: float
    rise: float
    """Of the line, within the second half."""

    @property
    def is_beyond(self) -> bool:
        return self.rise > BOUNDS[self.quantity]

    def row(self, name: str) -> str:
        """Of a table with `HEADER`."""
        figures = (self.first, self.middle, self.last, self.a_minute, self.rise, BOUNDS[self.quantity])
        shown = [f"{figure:.1f}" for figure in figures]
        return f"| {' | '.join([name, self.quantity, *shown])} |{'  BEYOND' if self.is_beyond else ''}"


HEADER = (
    "| process | of | at first | halfway | at last | slope a minute | rise of the second half | bound |\n"
    "|---|---|---|---|---|---|---|---|"
)


def slopes(times: Sequence[float], costs: Sequence[Cost]) -> list[Slope]:
    """`times` in seconds, one for each of `costs`; four at least."""
    half = len(times) // 2
    at = np.array(times[half:])
    table = np.array([astuple(cost) for cost in costs])
    found = []
    for quantity, values in zip(QUANTITIES, table.T, strict=True):
        a_second = float(np.polyfit(at - at[0], values[half:], 1)[0])
        rise = a_second * float(at[-1] - at[0])
        ends = (float(values[0]), float(values[half]), float(values[-1]))
        found.append(Slope(quantity, *ends, 60 * a_second, rise))
    return found
