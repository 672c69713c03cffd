"""How many connections the limit on open files leaves room for."""

import resource

import pytest

from voice_grpc.net.open_files import MOST_CONNECTIONS, SPARE_FILES, connections_that_fit


def test_connections_fit_into_the_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, wanted, fit in (
        (1_024, 0, (1_024 - SPARE_FILES) // 2),
        (1_024, 100, 100),
        (1_024, 5_000, (1_024 - SPARE_FILES) // 2),
        (1_000_000, 0, MOST_CONNECTIONS),
        (1_000_000, 5_000, 5_000),
        (resource.RLIM_INFINITY, 0, MOST_CONNECTIONS),
        (10, 0, 1),
    ):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert connections_that_fit(wanted) == fit
