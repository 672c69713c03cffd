"""JSON of a server that may be anybody's: what is not of the shape that is asked for counts as not there.

A file of its own: events, lists of models and errors of several vendors are read with it.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""An object of JSON that is being put together."""


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
