"""A dictionary of what was used last, and no more of it than there is room for.

A file of its own: two stores have one.
"""

from typing import TypeVar

V = TypeVar("V")


def put_last(kept: dict[str, V], key: str, value: V, limit: int) -> None:
    """Among more than `limit` the one that was put longest ago is forgotten."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > limit:
        del kept[next(iter(kept))]
