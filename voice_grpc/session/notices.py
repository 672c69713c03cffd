"""What goes wrong with an engine, as the caller is told of it while the stream lives.

A file of its own: every stage of a session tells its failures, and all tell them alike.
"""

from ..core.errors import EngineError, Reason
from ..core.responses import Notice
from ..ports import Fallback


def engine_notice(error: EngineError, turn: int = 0) -> Notice:
    return Notice(error.stage, error.reason, str(error), error.retryable, turn=turn)


def fallback_notice(fallback: Fallback, turn: int = 0) -> Notice:
    text = f"{fallback.error}; {fallback.engine} does it instead"
    return Notice(fallback.error.stage, Reason.ENGINE_FALLBACK, text, retryable=True, turn=turn)
