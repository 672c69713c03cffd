"""Ports on which nobody listens now, for what cannot be told to take port 0.

They lie below those that Linux gives by itself (32,768 on, `ip_local_port_range`), and each worker of pytest
has its own: one that is free stays so, although others call and listen meanwhile.
"""

import itertools
import os
import socket

FIRST = 20_000
OF_A_WORKER = 1_000
WORKERS = 12

_drawn = itertools.count(os.getpid())


def free_port() -> int:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    for number in itertools.islice(_drawn, OF_A_WORKER):
        port = FIRST + worker * OF_A_WORKER + number % OF_A_WORKER
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
