"""When to leave a server that said GoAway: `Departure`. Pure; time is an argument, monotonic seconds.

Between two sentences, so that nobody hears it: while neither the user nor the answer speaks. A conversation
without such a moment moves all the same, shortly before the server ends it.
"""

from ..pb import voice_pb2 as pb

LAST_MOMENT = 2.0
"""Seconds before the end: enough to connect, and to try twice."""
AGAIN_AFTER = 1.0
"""Seconds from an attempt that came to nothing to the next."""

_State = pb.TurnEvent.State
_BUSY = frozenset({_State.STATE_USER_SPEAKING, _State.STATE_THINKING, _State.STATE_SPEAKING})
_Speech = pb.SpeechEvent.Kind

LEAVING = ("drain", "max_age")
"""Reasons of GoAway that end the server's side alone. `idle` ends the conversation."""


class Departure:
    """Tell it each response; `is_due` says when."""

    def __init__(self) -> None:
        self._ends_at: float | None = None
        """When the server ends the stream; None: it does not, or there is no way out."""
        self._not_before = 0.0
        self._is_busy = False
        """A turn is under way."""
        self._is_voiced = False
        """The user's voice is heard, whatever the turn."""

    def receive(self, response: pb.ConverseResponse, now: float) -> None:
        match response.WhichOneof("payload"):
            case "go_away" if response.go_away.reason in LEAVING:
                self._ends_at = now + response.go_away.time_left.ToTimedelta().total_seconds()
            case "turn_event":
                self._is_busy = response.turn_event.state in _BUSY
            case "speech_event":
                self._is_voiced = response.speech_event.kind == _Speech.KIND_STARTED

    def is_due(self, now: float) -> bool:
        if self._ends_at is None or now < self._not_before:
            return False
        return not (self._is_busy or self._is_voiced) or now >= self._ends_at - LAST_MOMENT

    def put_off(self, now: float) -> None:
        """The attempt came to nothing."""
        self._not_before = now + AGAIN_AFTER

    def cancel(self) -> None:
        """There is nothing to leave any more, or nowhere to go."""
        self._ends_at = None
