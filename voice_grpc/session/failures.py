"""Failures: as they come out of a TaskGroup, and as the caller is told of them."""

from typing import TypeVar

from ..core.errors import EngineEmpty, EngineError, EngineTimeout
from ..core.outbound import NoticeOut

E = TypeVar("E", bound=Exception)

_REASONS: dict[type[EngineError], str] = {EngineTimeout: "ENGINE_TIMEOUT", EngineEmpty: "ENGINE_EMPTY"}


def engine_notice(error: EngineError, turn: int = 0) -> NoticeOut:
    reason = _REASONS.get(type(error), "ENGINE_ERROR")
    return NoticeOut(error.stage, reason, str(error), error.retryable, turn=turn)


def first(group: BaseExceptionGroup[E]) -> E:
    """One that made the group fail; the others came of it, or came too late."""
    error: BaseExceptionGroup[E] | E = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
