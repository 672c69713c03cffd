"""What the parts of a session work with: the same for all of them, from its beginning to its end.

A file of its own: every part imports it, and it imports no part that imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..core.config import LiveConfig
from ..core.events import Event
from ..ports import Engines
from .clock import ConversationClock
from .outbox import Outbox
from .precedence import Precedence
from .tool_calls import ToolCalls
from .turn_events import TurnEvents


@dataclass(frozen=True, slots=True)
class SessionContext:
    engines: Engines
    config: LiveConfig
    clock: ConversationClock
    outbox: Outbox
    turn_events: TurnEvents
    tool_calls: ToolCalls
    precedence: Precedence
    """Of all sessions of the server."""
    post: Callable[[Event], None]
    """Puts an event into the one queue of `decide`."""
    caller: str = ""
    """For whom engines work here; empty: nobody in particular."""
