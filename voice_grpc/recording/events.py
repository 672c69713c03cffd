"""What happened in a conversation, as JSON Lines: one object a line, each with its name and its place.

    {"event": "transcript", "seconds": 3.25, "samples": 156000, "turn": 1, "text": "…", …}

Names and fields are those of the session (`core/requests.py`, `core/responses.py`); what a client may ask of
an answer's times is TurnMetrics' to say, and is in there too. Sound is in the other file.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from ..core.audio import sample_count
from ..core.config import SessionConfig
from ..ports import RecordedMessage, SpokenAt
from .sound import RECORDED_HZ

_BREAKS = {ord(each): f"\\u{ord(each):04x}" for each in "\x85\u2028\u2029"}
"""What JSON allows within a text, and some readers take for the end of a line."""

_WORD = re.compile(r"(?<!^)(?=[A-Z])")

_SHOWN_OF_CONFIG = ("session_id", "persona", "languages", "voice", "is_recorded")
"""A config holds instructions and tools besides, which are the caller's and say nothing of what was heard."""


def line(event: str, at: float, told: Mapping[str, Any]) -> bytes:
    """`at`: seconds since the recording began."""
    place = {"event": event, "seconds": round(at, 6), "samples": sample_count(at, RECORDED_HZ)}
    text = json.dumps(place | dict(told), ensure_ascii=False)
    return text.translate(_BREAKS).encode("utf-8", "replace") + b"\n"


def message_line(at: float, message: RecordedMessage, spoken: SpokenAt | None) -> bytes:
    told = _plain(message)
    if spoken is not None:
        told |= {"spoken_from_seconds": round(spoken.start, 6), "spoken_to_seconds": round(spoken.end, 6)}
    return line(_WORD.sub("_", type(message).__name__).lower(), at, told)


def _plain(value: Any) -> Any:
    """As JSON has it."""
    match value:
        case SessionConfig():
            return {name: _plain(getattr(value, name)) for name in _SHOWN_OF_CONFIG}
        case Enum():
            return value.value
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case tuple() | list() | frozenset():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
