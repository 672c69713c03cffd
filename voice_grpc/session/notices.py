"""An engine's failure, as the caller is told of it."""

from ..core.errors import EngineEmpty, EngineError, EngineTimeout
from ..core.outbound import NoticeOut

_REASONS: dict[type[EngineError], str] = {EngineTimeout: "ENGINE_TIMEOUT", EngineEmpty: "ENGINE_EMPTY"}


def engine_notice(error: EngineError, turn: int = 0) -> NoticeOut:
    reason = _REASONS.get(type(error), "ENGINE_ERROR")
    return NoticeOut(error.stage, reason, str(error), error.retryable, turn=turn)
