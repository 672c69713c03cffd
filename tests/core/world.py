"""A small world around one TurnTaker: it carries the commands out, keeps the books, and checks them.

What happens in it is `test_turn_properties.py`'s to choose.
"""

from collections import deque
from dataclasses import dataclass, field

from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind
from voice_grpc.core.turn import TurnTaker
from voice_grpc.core.turn_state import State, TurnSettings

TIMED = {State.ENDING, State.THINKING, State.YIELDING}
ANSWERING = {State.THINKING, State.SPEAKING, State.YIELDING}
USERS = {State.HEARING, State.ENDING}


@dataclass
class Ledger:
    """What became of each turn and each word, as the session would see it."""

    reply: c.PrepareReply | None = None
    is_committed: bool = False
    last_number: int = 0
    history: dict[int, str] = field(default_factory=dict)
    """The user's messages, by turn."""
    ends: dict[int, list[str]] = field(default_factory=dict)
    """How each turn ended."""
    waiting: deque[str] = field(default_factory=deque)
    """Typed and said texts; said ones as nothing, since they are not the user's words."""
    words: set[str] = field(default_factory=set)
    """Of the user, known and not deliberately discarded."""
    discarded: set[str] = field(default_factory=set)

    def end(self, turn: int, how: str) -> None:
        self.ends.setdefault(turn, []).append(how)

    def carry_out(self, commands: list[c.Command]) -> None:
        for n, command in enumerate(commands):
            match command:
                case c.PrepareReply():
                    assert self.reply is None
                    assert command.number > self.last_number
                    self.reply, self.is_committed, self.last_number = command, False, command.number
                case c.CommitReply():
                    self._commit(command)
                case c.CancelReply():
                    self._cancel(command, commands[n + 1 :])
                case c.DiscardTurn(turn, failed):
                    assert self.reply is None
                    assert failed == (n > 0 and isinstance(commands[n - 1], c.CancelReply) and self.was_late)
                    self.end(turn, "discarded")
                case c.Duck(number) | c.Unduck(number):
                    assert self.reply is not None
                    assert self.reply.number == number

    was_late: bool = False
    """The last reply that was cancelled was an apology that came too late."""

    def _commit(self, command: c.CommitReply) -> None:
        assert self.reply is not None
        assert (self.reply.number, self.reply.turn) == (command.number, command.turn)
        assert not self.is_committed
        self.is_committed = True
        if self.reply.kind is ReplyKind.ANSWER:
            assert command.message == self.reply.text
        if command.message:
            assert command.turn not in self.history
            self.history[command.turn] = command.message

    def _cancel(self, command: c.CancelReply, rest: list[c.Command]) -> None:
        reply = self.reply
        assert reply is not None
        assert reply.number == command.number
        self.reply = None
        self.was_late = command.reason is e.CancelReason.DEADLINE and reply.kind is ReplyKind.APOLOGY
        if command.returns_words:
            assert self.is_committed
            assert self.history.pop(reply.turn) == reply.text
            self.end(reply.turn, "given back")
        elif command.reason is e.CancelReason.DEADLINE and not self.was_late:
            prepared, committed = rest
            assert isinstance(prepared, c.PrepareReply)
            assert (prepared.kind, prepared.turn) == (ReplyKind.APOLOGY, reply.turn)
            assert isinstance(committed, c.CommitReply)
        elif self.is_committed and not self.was_late:
            self.end(reply.turn, "cancelled")


class World:
    """A user, a recogniser and a session around one TurnTaker."""

    def __init__(self, turn_settings: TurnSettings) -> None:
        self.taker = TurnTaker(lambda: turn_settings)
        self.ledger = Ledger()
        self.now = 0.0
        self.count = 0
        self.is_speaking = self.is_held = False
        self.sound: list[str] | None = None
        """Words in the utterance that is kept; None: nothing is kept."""
        self.asked: dict[int, list[str]] = {}
        """Transcripts that are being made."""
        self.newest: tuple[int, int] = (0, 0)
        """The last revision that was asked for, and in which turn."""
        self.known: list[str] = []
        """Of the turn, by its last transcript."""
        self.is_exact = False
        """The newest transcript came, and did not fail."""
        self.is_audible = False
        self.said = 0

    def new_word(self) -> str:
        self.said += 1
        return f"w{self.said}"

    def receive(self, event: e.Event) -> list[c.Command]:
        self.count += 1
        before, turn = self.taker.state, self.taker.turn
        awaited = before is State.THINKING and self.ledger.reply is None
        if isinstance(event, e.Transcribed) and (event.revision, turn) == self.newest:
            self.learn(event, is_wanted=before in USERS or awaited)
        if isinstance(event, e.ActivityCancelled) and (before in USERS or awaited):
            self.ledger.words -= set(self.known)
            self.ledger.discarded |= set(self.known)
        if isinstance(event, e.ReplyEnded) and before in ANSWERING and self.is_alive(event.number):
            assert self.ledger.is_committed
            self.ledger.end(turn, "ended")
            self.ledger.reply = None
        commands = self.taker.receive(event, self.now)
        self.check_commit(event, commands)
        self.ledger.carry_out(commands)
        self.keep_sound(commands, is_new=before is not State.HEARING or turn != self.taker.turn)
        self.count_waiting(event)
        self.check(turn)
        return commands

    def is_alive(self, number: int) -> bool:
        return self.ledger.reply is not None and self.ledger.reply.number == number

    def learn(self, event: e.Transcribed, *, is_wanted: bool) -> None:
        if is_wanted and not event.failed:
            self.ledger.words -= set(self.known)
            self.known = event.text.split()
            self.ledger.words |= set(self.known)
        self.is_exact = is_wanted and not event.failed

    def check_commit(self, event: e.Event, commands: list[c.Command]) -> None:
        """An answer is to all that was said since the turn began, unless no transcript could tell."""
        for command in commands:
            if isinstance(command, c.AskTranscript):
                self.newest, self.is_exact = (command.revision, self.taker.turn), False
                self.asked[command.revision] = list(self.sound or [])
            if isinstance(command, c.CommitReply) and command.spoken is not None:
                by_user = isinstance(event, e.ActivityCancelled | e.StopRequested)
                assert by_user or not self.is_exact or command.spoken.split() == (self.sound or [])

    def keep_sound(self, commands: list[c.Command], *, is_new: bool) -> None:
        for command in commands:
            match command:
                case c.CommitReply(spoken=spoken) if spoken is not None:
                    self.sound, self.known = None, []
                case c.Forget() | c.DiscardTurn(failed=False):
                    self.sound, self.known = None, []
        if self.taker.state is State.HEARING and is_new:
            self.sound = self.sound or []
        if not self.is_alive_now or self.taker.state not in (State.SPEAKING, State.YIELDING):
            self.is_audible = False

    @property
    def is_alive_now(self) -> bool:
        return self.ledger.reply is not None and self.ledger.is_committed

    def count_waiting(self, event: e.Event) -> None:
        waiting = self.ledger.waiting
        if isinstance(event, e.TextReceived):
            if self.taker.waiting > len(waiting):
                waiting.append("" if event.verbatim else event.text)
        elif self.taker.waiting < len(waiting):
            waiting.popleft()
        assert self.taker.waiting == len(waiting)

    def check(self, turn_before: int) -> None:
        taker, ledger = self.taker, self.ledger
        state, turn = taker.state, taker.turn
        assert (taker.deadline is not None) == (state in TIMED)
        is_awaiting = state is State.THINKING and ledger.reply is None
        assert self.is_alive_now == (state in ANSWERING and not is_awaiting)
        assert ledger.reply is None or self.is_alive_now or state is State.ENDING
        assert not is_awaiting or (self.newest[1] == turn and not self.is_exact)
        assert state is not State.HEARING or self.is_speaking or self.is_held
        assert state is not State.ENDING or not self.is_held
        assert turn_before <= turn <= turn_before + 1
        ends = [len(ledger.ends.get(n, [])) for n in range(1, turn + 1)]
        assert ends[:-1] == [1] * len(ends[:-1])
        assert not ends or ends[-1] == (state is State.LISTENING)
        assert not taker.waiting or state is not State.LISTENING
        self.check_words()

    def check_words(self) -> None:
        messages = " ".join([*self.ledger.history.values(), self.taker.words, *self.ledger.waiting]).split()
        awaits = self.taker.state is State.THINKING and self.ledger.reply is None
        assert self.taker.state in USERS or awaits or self.taker.words == ""
        assert not self.ledger.discarded.intersection(messages)
        found = [word for word in messages if word in self.ledger.words]
        assert sorted(found) == sorted(self.ledger.words), "a word was lost, or is in two places"
