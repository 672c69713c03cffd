"""What goes wrong with an engine, and what is more than is kept, as the caller is told while the stream
lives.

Every stage of a session tells its failures and its bounds, and all tell them alike.
"""

from collections.abc import Callable

from ...core.conversation import MAX_CHARACTERS, MAX_MESSAGES, MAX_UNANSWERED
from ...core.errors import EngineError, Reason
from ...core.responses import Notice
from ...core.turn.state import MAX_MESSAGE, MAX_SPLITS
from ...ports import Fallback

MAX_TRANSCRIPT = 20_000
"""Characters of one utterance, by its recogniser; more is not of somebody who speaks for the longest
`turn_limit`. Beyond `MAX_MESSAGE`, so that words which a turn has no room for are still seen to be left
out."""


class HeldNotices:
    """What is told of an answer: held until it is let out, since nobody asked for it before."""

    def __init__(self, put: Callable[[Notice], None]) -> None:
        self._put = put
        self._held: list[Notice] | None = []

    def put(self, notice: Notice) -> None:
        if self._held is None:
            self._put(notice)
        else:
            self._held.append(notice)

    def release(self) -> None:
        held, self._held = self._held or [], None
        for notice in held:
            self._put(notice)


def engine_notice(error: EngineError, turn: int = 0) -> Notice:
    return Notice(error.stage, error.reason, str(error), error.retryable, turn=turn)


def fallback_notice(fallback: Fallback, turn: int = 0) -> Notice:
    text = f"{fallback.error}; {fallback.engine} does it instead"
    return Notice(fallback.error.stage, Reason.ENGINE_FALLBACK, text, retryable=True, turn=turn)


# ---------------------------------------------------------------- more than is kept


def left_out_notice(turn: int, seq: int | None) -> Notice:
    """`seq` as in `LeaveOut`."""
    accepted = f"accepted: at most {MAX_MESSAGE} characters of the user's words in one turn"
    if seq is None:
        text = f"the turn is too long: what was said last is left out; {accepted}"
        return Notice("turn", Reason.TURN_LIMIT, text, turn=turn)
    text = f"text.text: got more words for a turn that is not answered yet; {accepted}; wait for an answer"
    return Notice("turn", Reason.TOO_MANY, text, retryable=True, seq=seq, field="text.text", turn=turn)


def split_notice(limit: float, turn: int) -> Notice:
    """`limit` is `turn_limit`."""
    text = f"{limit:g} s of speech in one turn: what was said so far is a message, and the turn goes on"
    return Notice("turn", Reason.TURN_LIMIT, text, turn=turn)


def button_notice(limit: float, turn: int) -> Notice:
    """As in `GiveUpButton`."""
    longest = f"{MAX_SPLITS + 1} times {limit:g} s (`turn_limit`)"
    text = f"activity: got no END within {longest}, the most that a turn lasts: it is over, and answered"
    return Notice("turn", Reason.TURN_LIMIT, text, field="activity", turn=turn)


def dictation_notice(limit: float) -> Notice:
    text = f"{limit:g} s of speech in one utterance: it is told in parts, each with a final transcript"
    return Notice("turn", Reason.TURN_LIMIT, text)


def transcript_notice() -> Notice:
    text = f"a recogniser gave more than {MAX_TRANSCRIPT} characters for one utterance: the rest is left out"
    return Notice("stt", Reason.TOO_MANY, text)


def forgotten_notice() -> Notice:
    text = (
        "the conversation is longer than is kept of one: the oldest turns gave way, and will again; "
        f"at most {MAX_CHARACTERS} characters and {MAX_MESSAGES} messages"
    )
    return Notice("session", Reason.TOO_MANY, text)


def unanswered_notice() -> Notice:
    text = (
        f"more was said since the last answer than the model is told of, {MAX_UNANSWERED} characters: the "
        "oldest turns of it are in the history and not in the prompt"
    )
    return Notice("session", Reason.TOO_MANY, text)
