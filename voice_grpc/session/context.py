"""What the parts of a session work with: the same for all of them, from its beginning to its end.

A file of its own: every part imports it, and it imports no part that imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..core.config import LiveConfig
from ..core.events import Event
from ..core.playout.lead import PlayoutLead
from ..core.quota import Account
from ..core.resume_token import ResumeTokens
from ..ports import NOBODY_LOOKS, Engines, Observer, Recorder, SessionIdentity
from .answering.precedence import Precedence
from .answering.tool_calls import ToolCalls
from .clock import ConversationClock
from .hearing.echo import EchoPath
from .lines.lifetime import SessionLimits
from .playout_taps import PlayoutTaps
from .recording_tap import RecordingTap
from .telling.outbox import Outbox
from .telling.turn_events import TurnEvents


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sessions of a server have in common."""

    engines: Engines
    limits: SessionLimits
    precedence: Precedence = field(default_factory=Precedence)
    observer: Observer = NOBODY_LOOKS
    """Whoever looks on."""
    recorder: Recorder | None = None
    """None: no conversation is recorded, whatever its caller allows."""
    tokens: ResumeTokens | None = None
    """With which a caller comes back; None: nobody can."""


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
    identity: SessionIdentity
    observer: Observer
    echo: EchoPath
    """What left, as far as the microphone may hear it."""
    recording: RecordingTap
    """What is recorded of the conversation, where it is."""
    post: Callable[[Event], None]
    """Puts an event into the one queue of `decide`."""
    lead: PlayoutLead = field(default_factory=PlayoutLead)
    """How far ahead of the ear its answers are sent."""

    @property
    def playout_taps(self) -> PlayoutTaps:
        """Who is told of what is played."""
        return PlayoutTaps(self.echo, self.recording)

    @property
    def caller(self) -> str:
        """Whose conversation it is: a name that limits and shares go by (`rpc/callers.py`)."""
        return self.account.name
