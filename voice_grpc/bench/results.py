"""Every figure that is printed, kept in one JSON file: a key for each measurement, the last run of each.

What a measurement found is given as it is; dataclasses, arrays and enums become what JSON has.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__

RESULTS = Path("build/bench.json")
"""Where they are kept unless another file is named."""


def keep(path: Path, measurement: str, figures: object) -> None:
    """Put `figures` in the place of those that the last run of `measurement` left; others stay.

    Raises `OSError`, and `ValueError` when the file that is there holds something else.
    """
    kept = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if not isinstance(kept, dict):
        raise ValueError(f"{path} holds no figures of a bench")
    kept[measurement] = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "cores": os.cpu_count(),
        "figures": plain(figures),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
    new.replace(path)


def plain(value: Any) -> Any:
    """As JSON has it; a number that is none (`nan`) is null. Raises `TypeError` for what has no such form."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is no figure")
