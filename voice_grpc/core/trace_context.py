"""Which trace a conversation and its turns belong to, by the W3C's Trace Context (Level 1).

A caller that sends `traceparent` gets all of it into its own trace. Any other conversation begins one, and
each of its turns has a trace of its own, whose id follows from the conversation's: whoever writes a line
about a turn and whoever draws its spans need not ask each other.
"""

import hashlib
import re
from dataclasses import dataclass

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?")
MAX_PARENT = 256
"""Characters of `traceparent`: 55 of this version, and some for what later ones may add."""
_SAMPLED = 0x01

_MEMBER = re.compile(
    r"""(?P<key>[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})
    =[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]""",
    re.VERBOSE,
)
"""Of `tracestate` (§3.3.1.3)."""
MAX_MEMBERS = 32
MAX_STATE = 512
"""Characters of `tracestate` that are passed on: as many as §3.3.1.5 asks for."""


@dataclass(frozen=True, slots=True)
class TraceContext:
    trace_id: str
    """32 hexadecimal digits, not all of them 0."""
    parent_id: str = ""
    """The caller's span, in 16 hexadecimal digits; empty: the trace begins here."""
    is_sampled: bool = True
    """Whether the caller records it."""
    state: str = ""
    """The caller's `tracestate`."""

    def of_turn(self, turn: int) -> str:
        """The id of the trace that a turn is in."""
        if self.parent_id:
            return self.trace_id
        return hashlib.blake2b(f"{self.trace_id}/{turn}".encode(), digest_size=16).hexdigest()


def read_traceparent(text: str, state: str = "") -> TraceContext | None:
    """None for what is none: a header that cannot be read is ignored (§3.2.2.3)."""
    found = _PARENT.fullmatch(text.strip()) if len(text) <= MAX_PARENT else None
    if found is None:
        return None
    version, trace_id, parent_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(parent_id, 16):
        return None
    return TraceContext(trace_id, parent_id, bool(int(flags, 16) & _SAMPLED), _read_state(state))


def _read_state(text: str) -> str:
    """Empty for what cannot be read: the trace is gone on with all the same (§3.3.1.6)."""
    members = [member.strip() for member in text.split(",")] if len(text) <= MAX_STATE else []
    members = [member for member in members if member]
    found = [_MEMBER.fullmatch(member) for member in members]
    keys = {each["key"] for each in found if each is not None}
    return ",".join(members) if len(keys) == len(found) <= MAX_MEMBERS else ""
