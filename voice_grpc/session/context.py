"""What the parts of a session work with: the same for all of them, from its beginning to its end.

A file of its own: every part imports it, and it imports no part that imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..core.config import LiveConfig
from ..core.events import Event
from ..core.quota import Account
from ..ports import Engines, Observer
from .answering.precedence import Precedence
from .answering.tool_calls import ToolCalls
from .clock import ConversationClock
from .hearing.echo import EchoPath
from .lifetime import SessionLimits
from .outbox import Outbox
from .turn_events import TurnEvents


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sessions of a server have in common."""

    engines: Engines
    limits: SessionLimits
    precedence: Precedence = field(default_factory=Precedence)
    observer: Observer | None = None
    """Whoever looks on while turns are taken."""


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
    account: Account
    """What its caller may use, and has used."""
    observer: Observer | None
    """Whoever looks on while turns are taken."""
    echo: EchoPath
    """What left, as far as the microphone may hear it."""
    post: Callable[[Event], None]
    """Puts an event into the one queue of `decide`."""

    @property
    def caller(self) -> str:
        """Whose conversation it is: a name that limits and shares go by (`rpc/callers.py`)."""
        return self.account.name
