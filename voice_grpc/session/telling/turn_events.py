"""Where a turn has got to, as the caller is told: the one place that says so.

    USER_SPEAKING → THINKING → SPEAKING → COMPLETED | INTERRUPTED | FAILED | DISCARDED

Of these a typed turn has no USER_SPEAKING, an answer that nobody came to hear has no SPEAKING, and a turn
without words ends DISCARDED right away. LISTENING belongs to no turn: nobody speaks, and nothing waits.
Each is told behind the words and the sound that were put before it, and the last one of a turn once.
"""

from collections.abc import Callable

from ...core.events import CancelReason
from ...core.responses import TurnEvent, TurnPhase
from .outbox import Outbox

_TERMINAL = (TurnPhase.COMPLETED, TurnPhase.INTERRUPTED, TurnPhase.FAILED, TurnPhase.DISCARDED)


class TurnEvents:
    def __init__(self, outbox: Outbox, on_over: Callable[[], None] = lambda: None) -> None:
        """`on_over`: called when a turn has ended."""
        self._outbox, self._on_over = outbox, on_over
        self._thinking = self._speaking = 0
        """The last turns that were said to be so."""

    def listening(self) -> None:
        self._say(0, TurnPhase.LISTENING)

    def user_speaking(self, turn: int) -> None:
        self._say(turn, TurnPhase.USER_SPEAKING)

    def thinking(self, turn: int) -> None:
        """Once a turn, however many replies it takes."""
        if self._thinking != turn:
            self._thinking = turn
            self._say(turn, TurnPhase.THINKING)

    def speaking(self, turn: int) -> None:
        """Something of the answer leaves now; said once a turn."""
        if self._speaking != turn:
            self._speaking = turn
            self._say(turn, TurnPhase.SPEAKING)

    # ------------------------------------------------------------ the end of a turn

    def completed(self, turn: int) -> None:
        """The answer played to its end."""
        self._say(turn, TurnPhase.COMPLETED)

    def interrupted(self, turn: int, reason: CancelReason) -> None:
        self._say(turn, TurnPhase.INTERRUPTED, reason.value)

    def failed(self, turn: int, reason: str = "") -> None:
        """What was heard is an apology, or not even that."""
        self._say(turn, TurnPhase.FAILED, reason)

    def discarded(self, turn: int, reason: str) -> None:
        """Nothing is answered in this turn."""
        self._say(turn, TurnPhase.DISCARDED, reason)

    def _say(self, turn: int, phase: TurnPhase, reason: str = "") -> None:
        self._outbox.put_in_order(TurnEvent(turn, phase, reason))
        if phase in _TERMINAL:
            self._on_over()
