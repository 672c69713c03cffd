"""A small world around one TurnTaker: it carries the commands out, keeps the books, and checks them.

What happens in it is `test_turn_properties.py`'s to choose.
"""

from collections import deque
from dataclasses import dataclass, field

from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind
from voice_grpc.core.text.endings import words_of
from voice_grpc.core.turn.settings import Speculation, TurnSettings
from voice_grpc.core.turn.state import State
from voice_grpc.core.turn.taker import TurnTaker

TIMED = {State.ENDING, State.THINKING, State.YIELDING}
ANSWERING = {State.THINKING, State.SPEAKING, State.YIELDING}
USERS = {State.HEARING, State.ENDING}

UNFINISHED = 0.0
"""A score of words that nothing an acoustic model says makes up for."""


@dataclass
class Ledger:
    """What became of each turn and each word, as the session would see it."""

    reply: c.PrepareReply | None = None
    is_committed: bool = False
    last_number: int = 0
    history: dict[int, str] = field(default_factory=dict)
    """The user's messages, by turn."""
    kept: int = 0
    """The turn that goes on and has a message already; 0: none."""
    ends: dict[int, list[str]] = field(default_factory=dict)
    """How each turn ended."""
    waiting: deque[str] = field(default_factory=deque)
    """Typed and said texts; said ones as nothing, since they are not the user's words."""
    words: set[str] = field(default_factory=set)
    """Of the user, known and not deliberately discarded."""
    discarded: set[str] = field(default_factory=set)

    @property
    def committed(self) -> c.PrepareReply | None:
        return self.reply if self.is_committed else None

    def end(self, turn: int, how: str) -> None:
        self.ends.setdefault(turn, []).append(how)

    def carry_out(self, commands: list[c.Command]) -> None:
        for n, command in enumerate(commands):
            match command:
                case c.PrepareReply():
                    assert self.reply is None
                    assert command.number > self.last_number
                    assert 0 <= command.continues < command.turn
                    self.reply, self.is_committed, self.last_number = command, False, command.number
                case c.KeepPart(turn, message, spoken):
                    assert turn not in self.history or self.kept == turn
                    assert message.endswith(spoken)
                    self.history[turn], self.kept = message, turn
                case c.CommitReply():
                    self._commit(command)
                case c.CancelReply():
                    self._cancel(command, commands[n + 1 :])
                case c.DiscardTurn(turn, failed):
                    assert self.reply is None
                    assert failed == (n > 0 and isinstance(commands[n - 1], c.CancelReply) and self.was_late)
                    self._discard(turn)
                case c.Duck(number) | c.Unduck(number):
                    assert self.is_alone(number)
                    assert not self.is_held
                case c.HoldReply(number) | c.ResumeReply(number):
                    assert self.is_alone(number)
                    assert self.is_held is isinstance(command, c.ResumeReply)
                    self.is_held = not self.is_held

    is_held: bool = False
    """The answer waits."""
    cut: int = 0
    """Turn of the last answer that speech cut; 0: none was."""

    def is_alone(self, number: int) -> bool:
        """It is the one that was let out."""
        return self.committed is not None and self.committed.number == number

    was_late: bool = False
    """The last reply that was cancelled was an apology that came too late."""

    def _commit(self, command: c.CommitReply) -> None:
        assert self.reply is not None
        assert (self.reply.number, self.reply.turn) == (command.number, command.turn)
        assert not self.is_committed
        self.is_committed = True
        if self.reply.kind is ReplyKind.ANSWER:
            assert words_of(command.message) == words_of(self.reply.text)
            assert command.continues == self.reply.continues
        if command.message:
            assert command.turn not in self.history or self.kept == command.turn
            self.history[command.turn] = command.message
        self.kept = 0

    def _discard(self, turn: int) -> None:
        if self.kept == turn:
            del self.history[turn]
        self.kept = 0
        self.end(turn, "discarded")

    def _cancel(self, command: c.CancelReply, rest: list[c.Command]) -> None:
        reply = self.reply
        assert reply is not None
        assert reply.number == command.number
        self.reply, self.is_held = None, False
        self.was_late = (
            self.is_committed
            and command.reason is e.CancelReason.DEADLINE
            and reply.kind is ReplyKind.APOLOGY
        )
        if command.returns_words:
            assert self.is_committed
            assert words_of(self.history.pop(reply.turn)) == words_of(reply.text)
            self.end(reply.turn, "given back")
        elif command.reason is e.CancelReason.DEADLINE and not self.was_late:
            prepared, committed = rest
            assert isinstance(prepared, c.PrepareReply)
            assert (prepared.kind, prepared.turn) == (ReplyKind.APOLOGY, reply.turn)
            assert isinstance(committed, c.CommitReply)
        elif self.is_committed and not self.was_late:
            self.end(reply.turn, "cancelled")
            self.cut = reply.turn if command.reason is e.CancelReason.SPEECH else 0


class World:
    """A user, a recogniser, judges and a session around one TurnTaker."""

    def __init__(self, turn_settings: TurnSettings) -> None:
        self.settings = turn_settings
        self.taker = TurnTaker(lambda: turn_settings)
        self.ledger = Ledger()
        self.now = 0.0
        self.count = 0
        self.is_speaking = self.is_held = False
        self.faded: int | None = None
        """Where the voice faded that has not come back."""
        self.faded_last = 0
        """Where it faded last."""
        self.sound: list[str] | None = None
        """Words in the utterance that is kept; None: nothing is kept."""
        self.asked: dict[int, list[str]] = {}
        """Transcripts that are being made."""
        self.newest: tuple[int, int] = (0, 0)
        """The last revision that was asked for, and in which turn."""
        self.known: list[str] = []
        """Of the turn since it was last split, by its last transcript."""
        self.interim: list[str] = []
        """Of the utterance, by the last interim transcript."""
        self.parts: deque[tuple[list[str], list[str]]] = deque()
        """Beginnings of the turn that are being transcribed: their words, and those that were known."""
        self.dead_parts = 0
        """Those of turns that are over."""
        self.kept: list[str] = []
        """Of the turn, by the parts that came."""
        self.over: list[str] = []
        """Of the voice over an answer, by its last transcript."""
        self.is_exact = False
        """The newest transcript came, and did not fail."""
        self.scoring: dict[str, c.ScoreWords | c.ScoreSound] = {}
        """What judges are asked, by who is."""
        self.scores: dict[tuple[str, ...], float | None] = {}
        """Of words of the user."""
        self.tries: dict[int, int] = {}
        """Replies that were prepared early, by turn."""
        self.is_refused = False
        self.is_audible = False
        self.said = 0

    # ------------------------------------------------------------ what happens

    def new_word(self) -> str:
        self.said += 1
        return f"w{self.said}"

    def utter(self) -> None:
        self.sound = [*(self.sound or []), self.new_word()]

    @property
    def is_alive_now(self) -> bool:
        return self.ledger.committed is not None

    @property
    def is_awaiting(self) -> bool:
        return self.taker.state is State.THINKING and not self.is_alive_now

    def is_alive(self, number: int) -> bool:
        return self.ledger.reply is not None and self.ledger.reply.number == number

    def receive(self, event: e.Event) -> list[c.Command]:
        self.count += 1
        before, turn = self.taker.state, self.taker.turn
        is_users = before in USERS or self.is_awaiting
        is_newest = isinstance(event, e.Transcribed) and (event.revision, turn) == self.newest
        if isinstance(event, e.Transcribed) and is_newest:
            self.learn(event, is_wanted=is_users)
        self.note(event, is_users=is_users)
        if isinstance(event, e.ReplyEnded) and before in ANSWERING and self.is_alive(event.number):
            assert self.is_alive_now
            self.ledger.end(turn, "ended")
            self.ledger.reply, self.ledger.is_held = None, False
        commands = self.taker.receive(event, self.now)
        self.learn_over(event, before)
        self.learn_late(event, commands, is_wanted=is_users and is_newest)
        self.check_early(event, commands)
        self.check_commit(event, commands)
        self.ledger.carry_out(commands)
        self.keep_sound(commands, is_new=before is not State.HEARING or turn != self.taker.turn)
        self.count_waiting(event)
        self.check(turn)
        return commands

    def note(self, event: e.Event, *, is_users: bool) -> None:
        """What the books must know before the machine does."""
        match event:
            case e.WordsScored(text=text, probability=probability):
                self.scores[tuple(words_of(text))] = probability
            case e.InterimHeard(text=text) if self.taker.state in (State.HEARING, State.YIELDING):
                self.interim = words_of(text)
            case e.PartTranscribed(text=text) if self.parts:
                _, known = self.parts.popleft()
                words = words_of(text) or known
                self.kept += words
                self.ledger.words |= set(words)
            case e.SpeculationRefused():
                self.is_refused = True
            case e.ActivityCancelled() if is_users:
                meant = {*self.known, *self.kept, *(word for _, known in self.parts for word in known)}
                self.ledger.words -= meant
                self.ledger.discarded |= meant

    def learn(self, event: e.Transcribed, *, is_wanted: bool) -> None:
        if is_wanted and not event.failed:
            self.ledger.words -= set(self.known)
            self.known = words_of(event.text)
            self.ledger.words |= set(self.known)
        self.is_exact = is_wanted and not event.failed

    def learn_over(self, event: e.Event, before: State) -> None:
        """What was heard over an answer is the user's once it makes a turn."""
        if before is not State.YIELDING:
            self.over = []
            if self.taker.state is State.YIELDING:
                self.newest = 0, 0  # what was asked before is not awaited any more
            return
        if isinstance(event, e.Transcribed) and event.revision == self.newest[0] and not event.failed:
            self.over, self.is_exact = words_of(event.text), True
        if isinstance(event, e.TurnLimitReached):
            self.over, self.newest = [], (0, 0)
        elif isinstance(event, e.ActivityStarted | e.StopRequested):
            self.over, self.newest = [], (0, 0)  # the next transcript holds these words too
        elif self.taker.state in USERS:
            self.known, self.over = self.over, []
            self.ledger.words |= set(self.known)
            self.newest = self.newest[0], self.taker.turn

    def learn_late(self, event: e.Event, commands: list[c.Command], *, is_wanted: bool) -> None:
        """A transcript that fails may be made up for by an interim one, which knew at least as much."""
        if isinstance(event, e.Transcribed) and event.failed and is_wanted:
            messages = [command.message for command in commands if isinstance(command, c.CommitReply)]
            told = words_of(" ".join([*messages, self.taker.words]))
            if len(self.interim) > len(self.known) and set(self.interim) <= set(told):
                assert self.interim[: len(self.known)] == self.known
                self.known = self.interim
                self.ledger.words |= set(self.known)

    # ------------------------------------------------------------ what is to be done

    def check_early(self, event: e.Event, commands: list[c.Command]) -> None:
        """What is begun before the turn is over is wanted, worth it, and not too often."""
        level = self.settings.speculation
        for n, command in enumerate(commands):
            after = commands[n + 1] if n + 1 < len(commands) else None
            match command:
                case c.AskTranscript(is_early=is_early):
                    is_late = self.taker.state is State.THINKING and not is_early
                    assert level >= Speculation.STT or is_late or self.taker.state is State.YIELDING
                case c.ScoreSound():
                    assert self.settings.hold is None
                    self.scoring["sound"] = command
                case c.ScoreWords():
                    assert level >= (Speculation.STT if self.settings.hold is None else Speculation.LLM)
                    self.scoring["words"] = command
                case c.PrepareReply(number=number) if not (
                    isinstance(after, c.CommitReply) and after.number == number
                ):
                    assert level >= Speculation.LLM
                    assert not self.is_refused
                    is_over = self.taker.state is State.THINKING
                    assert is_over or self.scores[tuple(words_of(command.text))] != UNFINISHED
                    self.tries[command.turn] = self.tries.get(command.turn, 0) + 1
                    assert self.tries[command.turn] <= self.settings.speculation_tries

    def check_commit(self, event: e.Event, commands: list[c.Command]) -> None:
        """An answer is to all that was said since the turn began, unless no transcript could tell."""
        for command in commands:
            if isinstance(command, c.AskTranscript):
                self.newest, self.is_exact = (command.revision, self.taker.turn), False
                self.asked[command.revision] = list(self.sound or [])
            if isinstance(command, c.CommitReply):
                assert command.decision is None or self.settings.hold is None
                assert command.decision is None or not isinstance(event, e.TextReceived | e.ActivityEnded)
            if isinstance(command, c.CommitReply) and command.spoken is not None:
                by_user = isinstance(event, e.ActivityCancelled | e.StopRequested)
                assert by_user or not self.is_exact or words_of(command.spoken) == (self.sound or [])

    def keep_sound(self, commands: list[c.Command], *, is_new: bool) -> None:
        for command in commands:
            match command:
                case c.SplitUtterance():
                    self.parts.append((self.sound or [], self.known))
                    self.sound, self.known, self.interim = [], [], []
                    self.newest, self.is_exact = (0, 0), False
                case c.CommitReply(spoken=spoken) if spoken is not None:
                    self.let_go()
                case c.DiscardTurn(failed=False):
                    self.let_go()
                case c.Forget():
                    self.sound, self.known, self.interim = None, [], []
                case c.GiveUpButton():
                    self.is_held = False
        if self.taker.state is State.HEARING and is_new:
            self.sound = self.sound or []
        if not self.is_alive_now or self.taker.state not in (State.SPEAKING, State.YIELDING):
            self.is_audible = False

    def let_go(self) -> None:
        self.sound, self.known, self.interim, self.kept = None, [], [], []
        self.dead_parts += len(self.parts)
        self.parts.clear()

    def count_waiting(self, event: e.Event) -> None:
        waiting = self.ledger.waiting
        if isinstance(event, e.TextReceived):
            if self.taker.waiting > len(waiting):
                waiting.append("" if event.verbatim else event.text)
        elif self.taker.waiting < len(waiting):
            waiting.popleft()
        assert self.taker.waiting == len(waiting)

    # ------------------------------------------------------------ what must be true

    def check(self, turn_before: int) -> None:
        taker, ledger = self.taker, self.ledger
        state, turn = taker.state, taker.turn
        assert (taker.deadline is not None) == (state in TIMED)
        assert self.is_alive_now == (state in ANSWERING and not self.is_awaiting)
        assert ledger.reply is None or self.is_alive_now or state in USERS or self.is_awaiting
        is_unknown = self.newest[1] == turn and not self.is_exact
        assert not self.is_awaiting or is_unknown or self.parts
        assert state is not State.HEARING or self.is_speaking or self.is_held
        assert state is not State.ENDING or not self.is_held
        assert turn_before <= turn <= turn_before + 1
        ends = [len(ledger.ends.get(n, [])) for n in range(1, turn + 1)]
        assert ends[:-1] == [1] * len(ends[:-1])
        assert not ends or ends[-1] == (state is State.LISTENING)
        assert not taker.waiting or state is not State.LISTENING
        self.check_words()

    def check_words(self) -> None:
        history = dict(self.ledger.history)
        kept = words_of(history.pop(self.ledger.kept, ""))
        words = words_of(self.taker.words)
        assert set(kept) <= set(words)
        messages = [*words_of(" ".join([*history.values(), *self.ledger.waiting])), *words]
        assert self.taker.state in USERS or self.is_awaiting or words == []
        assert not self.ledger.discarded.intersection(messages)
        found = [word for word in messages if word in self.ledger.words]
        assert sorted(found) == sorted(self.ledger.words), "a word was lost, or is in two places"
