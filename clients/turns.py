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
    def is_cut_by_loss(self) -> bool:
        """Of its server."""
        return self.cut is not None and self.cut.reason == pb.Interrupted.REASON_SERVER_LOST

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
        self._base = 0
        """Added to the server's numbers: the last one of the conversation before."""

    def restart(self) -> None:
        """Another conversation goes on in the place of this one, and counts anew. What was not answered to
        its end has failed."""
        self._base, self.user_speaks, self._unclaimed = self.last, False, ""
        for turn in self.all.values():
            turn.state = turn.state if turn.has_ended else State.STATE_FAILED

    @property
    def is_quiet(self) -> bool:
        """Nobody speaks and nothing is being answered, or is about to be: the rest of an answer whose server
        went away is the next turn's."""
        has_rest = self.last > self._base and self.all[self.last].is_cut_by_loss
        return not (self.user_speaks or has_rest) and all(turn.has_ended for turn in self.all.values())

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
        number = response.turn and response.turn + self._base
        match response.WhichOneof("payload"):
            case "turn_event":
                self._move(number, response.turn_event.state)
            case "transcript" if response.transcript.is_final:
                self._transcribed(number, response.transcript.text)
            case "response_text":
                self._turn(number).answer += response.response_text.delta
            case "interrupted":
                cut = response.interrupted
                self._turn((cut.turn or response.turn) + self._base).cut = cut
            case "turn_metrics":
                self._turn(number).metrics = response.turn_metrics
            case "notice" if response.turn:
                self._turn(number).notices.append(response.notice)

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
