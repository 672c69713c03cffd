"""Failures of engines as the caller is told of them.

A file of its own: every part of a session tells of failures, and in the same words.
"""

from ..core import errors as e
from ..core.errors import EngineError
from ..core.responses import Notice
from ..ports import Fallback

_REASONS: dict[type[EngineError], str] = {
    e.EngineTimeout: "ENGINE_TIMEOUT",
    e.EngineEmpty: "ENGINE_EMPTY",
    e.EngineDenied: "ENGINE_DENIED",
    e.EngineQuota: "ENGINE_QUOTA",
    e.EngineBlocked: "ENGINE_BLOCKED",
    e.EngineUnreachable: "ENGINE_UNREACHABLE",
}


def engine_notice(error: EngineError, turn: int = 0) -> Notice:
    reason = _REASONS.get(type(error), "ENGINE_ERROR")
    return Notice(error.stage, reason, str(error), error.retryable, turn=turn)


def fallback_notice(fallback: Fallback, turn: int = 0) -> Notice:
    text = f"{fallback.error}; {fallback.engine} does it instead"
    return Notice(fallback.error.stage, "ENGINE_FALLBACK", text, retryable=True, turn=turn)
