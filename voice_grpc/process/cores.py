"""How many cores this process may compute on: by its affinity, and by the quota of its container.

A file of its own: the server and the Whisper server plan by it.
"""

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
"""Where the limits of this container are (cgroups(7)), of version 2 and of version 1."""


def usable_cores(cgroups: Path = CGROUPS) -> int:
    """At least 1. A quota of CPU time counts as its whole cores."""
    can_tell = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1
    return max(1, math.floor(min(cores, quota(cgroups))))


def quota(cgroups: Path) -> float:
    """Cores' worth of CPU time; infinite where there is no limit, or none that can be read."""
    for read in (_version_2, _version_1):
        try:
            microseconds, period = read(cgroups)
        except (OSError, ValueError):
            continue
        return microseconds / period if microseconds > 0 and period > 0 else math.inf
    return math.inf


def _version_2(cgroups: Path) -> tuple[int, int]:
    """`cpu.max`: a quota and its period in microseconds; `max`, which is no number, where there is none."""
    granted, period = (cgroups / "cpu.max").read_text().split()
    return int(granted), int(period)


def _version_1(cgroups: Path) -> tuple[int, int]:
    """The same in two files; the quota is -1 where there is none."""
    granted, period = ((cgroups / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    return int(granted), int(period)
