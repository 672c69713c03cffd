"""Cores that may be computed on: what the kernel says of a container, in either version."""

import math
import os
from pathlib import Path

import pytest

from voice_grpc.process.cores import quota, usable_cores


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("max 100000\n", math.inf), ("150000 100000\n", 1.5), ("50000 100000", 0.5), ("nonsense", math.inf)],
)
def test_the_quota_of_version_2(tmp_path: Path, limit: str, cores: float) -> None:
    (tmp_path / "cpu.max").write_text(limit)
    assert quota(tmp_path) == cores


@pytest.mark.parametrize(("granted", "cores"), [("-1\n", math.inf), ("400000\n", 4.0)])
def test_the_quota_of_version_1(tmp_path: Path, granted: str, cores: float) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(granted)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert quota(tmp_path) == cores


def test_the_smaller_limit_counts_and_one_core_is_always_there(tmp_path: Path) -> None:
    here = len(os.sched_getaffinity(0))
    assert usable_cores(tmp_path) == here
    (tmp_path / "cpu.max").write_text("6400000 100000")
    assert usable_cores(tmp_path) == min(here, 64)
    (tmp_path / "cpu.max").write_text("10000 100000")
    assert usable_cores(tmp_path) == 1
