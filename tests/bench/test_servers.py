"""What processes computed, read from the kernel: the server's, and that of everybody else."""

import os
import time

from voice_grpc.bench.servers import cpu_of_all, cpu_seconds


def compute(seconds: float) -> None:
    """Keeps this thread busy for so long, by its own processor time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        sum(range(1000))


def test_a_process_that_computes_is_seen_to() -> None:
    before = cpu_seconds(os.getpid())
    compute(0.2)
    assert cpu_seconds(os.getpid()) - before >= 0.18


def test_server_others_and_this_process_are_all_there_is() -> None:
    def everything() -> float:
        return sum(cpu_of_all(os.getppid())) + time.process_time()

    before, own = everything(), time.process_time()
    compute(0.3)
    assert everything() - before >= time.process_time() - own - 0.05
