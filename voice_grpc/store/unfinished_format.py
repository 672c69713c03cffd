"""What is unfinished in a conversation, as JSON: the stores that outlive a process write it alike.

    turn              the last one then
    consumed          seq, acted and received, as `core/consumption.py` has them
    unrecorded        true where the caller took back that it may be recorded
    carried, waiting  the user's words that wait; of a text also verbatim, interrupts, text_only,
                      interruptible and ssml where they are not as usual
    answer            turn, rate_hz, shown, played, and where they are true is_reported, is_written, is_over,
                      text_only and is_protected (nobody may interrupt it); clauses: a list for each, of its
                      text, first sample, length in samples, 1 where all its sound was made, and samples of
                      silence at its head and its end

A reader ignores what it does not know, and takes what it cannot read for nothing: the messages are there
all the same. Pure ASCII, so that half a character is kept as it is.
"""

import json
import logging
from typing import Any

from ..core.consumption import Consumed
from ..core.events import TextReceived
from ..core.playout.heard_text import SpokenClause
from ..core.unfinished import UnderWay, UnfinishedAnswer

log = logging.getLogger(__name__)


def unfinished_json(unfinished: UnderWay | None) -> str:
    """Empty: there is nothing."""
    if unfinished is None:
        return ""
    consumed = unfinished.consumed
    told: dict[str, Any] = {
        "turn": unfinished.turn,
        "consumed": [consumed.seq, consumed.acted, consumed.received],
    }
    if unfinished.carried:
        told["carried"] = unfinished.carried
    if unfinished.waiting:
        told["waiting"] = [_text(text) for text in unfinished.waiting]
    if unfinished.answer is not None:
        told["answer"] = _answer(unfinished.answer)
    if unfinished.is_recording_withdrawn:
        told["unrecorded"] = True
    return json.dumps(told, separators=(",", ":"))


def unfinished_of(text: str | None) -> UnderWay | None:
    if not text:
        return None
    try:
        return _read(json.loads(text))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        kind = type(error).__name__  # the value in it may be somebody's words
        log.warning("what was unfinished in a conversation cannot be read, and is left: %s", kind)
        return None


def _read(told: dict[str, Any]) -> UnderWay:
    answer = told.get("answer")
    return UnderWay(
        told["turn"],
        Consumed(*told["consumed"][:3]),
        told.get("carried", ""),
        tuple(_text_of(text) for text in told.get("waiting", ())),
        None if answer is None else _answer_of(answer),
        bool(told.get("unrecorded", False)),
    )


# ---------------------------------------------------------------- texts that wait

_USUAL = TextReceived("")
_TEXT_FIELDS = tuple(TextReceived.__dataclass_fields__)


def _text(text: TextReceived) -> dict[str, Any]:
    told = {name: getattr(text, name) for name in _TEXT_FIELDS}
    return {name: value for name, value in told.items() if value != getattr(_USUAL, name)}


def _text_of(told: dict[str, Any]) -> TextReceived:
    return TextReceived(**{"text": "", **{name: told[name] for name in _TEXT_FIELDS if name in told}})


# ---------------------------------------------------------------- the answer


def _answer(answer: UnfinishedAnswer) -> dict[str, Any]:
    flags = {
        "is_reported": answer.is_reported,
        "is_written": answer.is_written,
        "is_over": answer.is_over,
        "text_only": answer.text_only,
        "is_protected": not answer.interruptible,
    }
    return {
        "turn": answer.turn,
        "rate_hz": answer.rate_hz,
        "shown": answer.shown,
        "played": answer.played,
        "clauses": [[c.text, c.start, c.length, int(c.is_whole), c.lead_in, c.tail] for c in answer.clauses],
        **{name: True for name, is_so in flags.items() if is_so},
    }


def _answer_of(told: dict[str, Any]) -> UnfinishedAnswer:
    clauses = (
        SpokenClause(index, text, start, length, bool(is_whole), *silences[:2])
        for index, (text, start, length, is_whole, *silences) in enumerate(told["clauses"])
    )
    return UnfinishedAnswer(
        told["turn"],
        tuple(clauses),
        told["shown"],
        told["rate_hz"],
        told["played"],
        told.get("is_reported", False),
        told.get("is_written", False),
        told.get("is_over", False),
        told.get("text_only", False),
        not told.get("is_protected", False),
    )
