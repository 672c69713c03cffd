"""How many connections the limit on open files leaves room for.

A file of its own: it knows the system, and nothing of what listens.
"""

import resource

MOST_CONNECTIONS = 4_096
"""Where the limit on open files is higher; each costs some 30 KB."""

SPARE_FILES = 64
"""Of the process itself: libraries, models, logs, the loop, the way to the server behind."""


def connections_that_fit(wanted: int = 0) -> int:
    """Half of the open files that the process may have: a caller may cost another one, such as a port for
    WebRTC or an upload on disk. `wanted` is the most there are to be; 0 leaves it to the system."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, (files - SPARE_FILES) // 2)
    return min(wanted or MOST_CONNECTIONS, room)
