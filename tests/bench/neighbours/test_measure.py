"""What is said of a flood: the figures of both, and what was not answered."""

import numpy as np

from voice_grpc.bench.load import UNANSWERED_SECONDS
from voice_grpc.bench.neighbours.measure import report, summed_up


def test_a_flood_is_summed_up_beside_its_own_hour_alone() -> None:
    alone, beside = np.full(20, 0.5), np.append(np.full(19, 0.6), UNANSWERED_SECONDS)
    found = summed_up("pings", alone, beside, UNANSWERED_SECONDS)
    assert (found.answers, found.unanswered) == (20, 1)
    assert (found.alone_p50, found.alone_p95, found.beside_p50) == (500.0, 500.0, 600.0)
    assert found.factor > 1.2
    assert report(found).startswith("| pings | 20 | 500 | 500 | 600 |")
