"""Tools: functions that the model may have the caller run, and what is remembered of a run.

What lives here: the facts. What must not: when a call is made or given up
(`session/answering/tool_calls.py`). A file of its own: the conversation, the configuration and the wire all
speak of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_RESULTS = 131_072
"""Characters of what tools return in one turn, all together: the model reads them with every further step,
and some 30,000 tokens are as much as most of them read at all."""


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    name: str
    """1 to 64 of A-Z a-z 0-9 _ -."""
    description: str
    parameters: Mapping[str, object]
    """JSON Schema of an object; empty: no arguments."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call and what came of it. The texts are JSON, so that a use is a value that can be kept."""

    id: str
    """Ours, unique in the conversation."""
    name: str
    arguments: str
    """A JSON object."""
    result: str
    """A JSON object; of a call that failed `{"error": …}`."""
    vendor_id: str = ""
    """The model's own, where it has one."""
    signature: str = ""
    """What the model's vendor wants back unchanged with the call."""
