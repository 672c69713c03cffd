"""Figures that are kept: each measurement has its place, and everything in it is JSON."""

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from voice_grpc.bench.results import keep, plain


class Pair(NamedTuple):
    left: float
    right: float


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    values: np.ndarray
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    inner: tuple[Inner, ...]
    shares: dict[str, float | None]


def test_everything_becomes_json() -> None:
    found = Outer(
        "a", (Inner(np.array([1.5, np.nan])),), {"x": None, "y": float("inf"), "z": np.float32(0.5).item()}
    )
    assert plain(found) == {
        "name": "a",
        "inner": [{"values": [1.5, None], "colour": "red"}],
        "shares": {"x": None, "y": None, "z": 0.5},
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [(np.int64(3), 3), (np.float64(0.5), 0.5), (True, True), ({1: (2, 3)}, {"1": [2, 3]}), (None, None)]
    + [(Pair(1.0, 2.0), {"left": 1.0, "right": 2.0})],
)
def test_numbers_of_all_makes(value: object, expected: object) -> None:
    made = plain(value)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize("value", [object(), Inner, {1, 2}, [lambda: 1]])
def test_what_is_no_figure_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is no figure"):
        plain(value)


def test_a_measurement_replaces_its_own_figures_alone(tmp_path: Path) -> None:
    path = tmp_path / "build" / "bench.json"
    keep(path, "turns", [1, 2])
    keep(path, "wer", {"a": 0.5})
    keep(path, "turns", [3])
    kept = json.loads(path.read_text())
    assert {name: entry["figures"] for name, entry in kept.items()} == {"turns": [3], "wer": {"a": 0.5}}
    assert kept["turns"].keys() == {"measured", "version", "cores", "figures"}
    assert [each.name for each in path.parent.iterdir()] == ["bench.json"]


@pytest.mark.parametrize("text", ["[]", "no json"])
def test_a_file_of_something_else_is_not_overwritten(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"bench|Expecting"):
        keep(path, "turns", [])
    assert path.read_text() == text
