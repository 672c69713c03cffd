"""What happened in each turn, gathered from the responses: who said what, how it ended, what it took.

Pure: `receive` a response, then look.
"""

from dataclasses import dataclass, field

from voice_grpc.pb import voice_pb2 as pb

State = pb.TurnEvent.State
ENDS = frozenset({State.STATE_COMPLETED, State.STATE_INTERRUPTED, State.STATE_FAILED, State.STATE_DISCARDED})


@dataclass(slots=True)
class Turn:
    number: int
    transcript: str = ""
    """The user's words, as understood."""
    answer: str = ""
    """As far as it was sent."""
    state: State = State.STATE_THINKING
    metrics: pb.TurnMetrics | None = None
    cut: pb.Interrupted | None = None
    notices: list[pb.Notice] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        return self.state in ENDS

    @property
    def is_answered(self) -> bool:
        """An answer has begun, or there will be none."""
        return self.state == State.STATE_SPEAKING or bool(self.answer) or self.has_ended


class Turns:
    def __init__(self) -> None:
        self.all: dict[int, Turn] = {}
        """By number, oldest first."""
        self.user_speaks = False
        """The server hears a turn of the user that it has not decided on yet."""
        self._unclaimed = ""

    @property
    def is_quiet(self) -> bool:
        """Nobody speaks and nothing is being answered."""
        return not self.user_speaks and all(turn.has_ended for turn in self.all.values())

    @property
    def last(self) -> int:
        """The number of the latest turn; 0 before the first."""
        return max(self.all, default=0)

    def since(self, number: int) -> list[Turn]:
        """The turns after that one, oldest first, without those that came to nothing."""
        return [
            turn for turn in self.all.values() if turn.number > number and turn.state != State.STATE_DISCARDED
        ]

    def receive(self, response: pb.ConverseResponse) -> None:
        match response.WhichOneof("payload"):
            case "turn_event":
                self._move(response.turn, response.turn_event.state)
            case "transcript" if response.transcript.is_final:
                self._transcribed(response.turn, response.transcript.text)
            case "response_text":
                self._turn(response.turn).answer += response.response_text.delta
            case "interrupted":
                self._turn(response.interrupted.turn or response.turn).cut = response.interrupted
            case "turn_metrics":
                self._turn(response.turn).metrics = response.turn_metrics
            case "notice" if response.turn:
                self._turn(response.turn).notices.append(response.notice)

    def _move(self, number: int, state: State) -> None:
        if state == State.STATE_USER_SPEAKING:
            self.user_speaks = True
            return
        if state in (State.STATE_LISTENING, State.STATE_THINKING) or state == State.STATE_DISCARDED:
            self.user_speaks = False
        if number and state != State.STATE_LISTENING:
            turn = self._turn(number)
            turn.state = state if not turn.has_ended else turn.state
            if state == State.STATE_THINKING and not turn.transcript:
                turn.transcript, self._unclaimed = self._unclaimed, ""

    def _transcribed(self, number: int, text: str) -> None:
        """A final that comes before its turn has a number waits for it."""
        if not text:
            self.user_speaks = False
        elif number:
            turn = self._turn(number)
            turn.transcript = f"{turn.transcript} {text}".strip()
        else:
            self._unclaimed = f"{self._unclaimed} {text}".strip()

    def _turn(self, number: int) -> Turn:
        return self.all.setdefault(number, Turn(number))
