"""A TurnTaker to talk to, and what its tests say: the states, the words, the times.

Nothing is asserted about `turn.py` here but that a talk was brought where its test begins.
"""

from tests.script import Part, ended, events, spans, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind
from voice_grpc.core.turn.settings import Speculation, TurnSettings
from voice_grpc.core.turn.state import State
from voice_grpc.core.turn.taker import TurnTaker

LISTENING, HEARING, ENDING = State.LISTENING, State.HEARING, State.ENDING
THINKING, SPEAKING, YIELDING = State.THINKING, State.SPEAKING, State.YIELDING
AWAITING = "thinking, and the words are not known yet"

START, END, CANCEL = e.ActivityStarted(), e.ActivityEnded(), e.ActivityCancelled()
OVER, STOP = e.PatienceOver(), e.StopRequested()

HOLD, INTERRUPT = 0.404, 0.186
"""What is left of 0.5 and 0.25 s when silence and speech are noticed."""
TO_APOLOGY = 6.5
"""turn_deadline less apology_reserve."""


class Talk:
    """A TurnTaker, and what it said when."""

    def __init__(self, settings: TurnSettings | None = None) -> None:
        self.settings = settings or TurnSettings(hold=0.5)
        self.taker = TurnTaker(lambda: self.settings)
        self.log: list[tuple[float, c.Command]] = []

    def at(self, now: float, event: e.Event) -> list[c.Command]:
        commands = self.taker.receive(event, now)
        self.log += [(round(now, 6), command) for command in commands]
        return commands

    @property
    def state(self) -> State:
        return self.taker.state

    @property
    def deadline(self) -> float | None:
        """To the microsecond."""
        return None if self.taker.deadline is None else round(self.taker.deadline, 6)

    def play(self, *script: Part, words_after: float = 0.1) -> None:
        """The script, its transcripts `words_after` they are asked for, and every deadline on time."""
        due = events(script)
        since = 0.0
        while due:
            due.sort(key=lambda item: item[0])
            now, event = due[0]
            if self.taker.deadline is not None and self.taker.deadline <= now:
                now, event = self.taker.deadline, OVER
            else:
                due.pop(0)
            for command in self.at(now, event):
                if isinstance(command, c.AskTranscript):
                    text = " ".join(s.words for s in spans(script) if since <= s.start and s.end <= now)
                    due.append((now + words_after, e.Transcribed(command.revision, text)))
                elif isinstance(command, c.CommitReply):
                    since = now


def talk_in(state: State | str, settings: TurnSettings | None = None) -> Talk:
    """Brought there by one turn, "hello", from 0 s on. SPEAKING begins at 2 s, YIELDING at 3 s."""
    talk = Talk(settings)
    steps: list[tuple[State | str, float, e.Event]] = [
        (HEARING, 0.0, started()),
        (ENDING, 1.0, ended()),
        (THINKING, 1.1, e.Transcribed(1, "hello")),
        (THINKING, 1.404, OVER),
        (SPEAKING, 2.0, e.ReplyAudible(1)),
        (YIELDING, 3.0, started(3.0)),
    ]
    if state == AWAITING:
        steps = [*steps[:2], (AWAITING, 1.404, OVER)]
    if state is LISTENING:
        return talk
    for reached, at, event in steps:
        if talk.state is not state or reached in (state, AWAITING):
            talk.at(at, event)
    talk.log.clear()
    assert state in (talk.state, AWAITING)
    return talk


def speaking(settings: TurnSettings, event: e.TextReceived) -> Talk:
    """Something typed is being answered, or said, audibly from 1 s on."""
    talk = Talk(settings)
    talk.at(0.0, event)
    talk.at(1.0, e.ReplyAudible(1))
    talk.log.clear()
    return talk


def typed(text: str, *, interrupts: bool = True) -> e.TextReceived:
    return e.TextReceived(text, interrupts=interrupts)


def say(text: str, *, interruptible: bool = True) -> e.TextReceived:
    return e.TextReceived(text, verbatim=True, interrupts=False, interruptible=interruptible)


def score(turn: int, text: str, *, is_early: bool = False) -> c.ScoreWords:
    return c.ScoreWords(turn, text, is_early=is_early)


def scored(text: str, probability: float | None = 0.9) -> e.WordsScored:
    return e.WordsScored(text, probability)


def prepare(number: int, turn: int, text: str, kind: ReplyKind = ReplyKind.ANSWER) -> c.PrepareReply:
    return c.PrepareReply(number, turn, kind, text)


def given_back(number: int, why: e.CancelReason = e.CancelReason.SPEECH) -> c.CancelReply:
    return c.CancelReply(number, why, returns_words=True)


EAGER = TurnSettings(hold=0.5, speculation=Speculation.LLM)
"""Answers are prepared at the first short silence."""

ANSWER_HELLO = [prepare(1, 1, "hello"), c.CommitReply(1, 1, "hello", "hello")]

PATIENT = TurnSettings(speculation=Speculation.LLM)
"""The evidence says how long a silence must last."""
SILENT = 0.904
"""Since when, where its end is noticed at 1 s."""


def silent(settings: TurnSettings = PATIENT) -> Talk:
    """The user spoke, and does not since 0.904 s, which is noticed at 1 s."""
    talk = Talk(settings)
    talk.at(0.0, started())
    talk.at(1.0, ended(1.0))
    return talk


def answering(words: str) -> Talk:
    """Turn 1 said `words`, and reply 1 is audible from 3 s on."""
    talk = silent()
    talk.at(1.1, e.Transcribed(1, words, language="en"))
    talk.at(2.9, OVER)
    talk.at(3.0, e.ReplyAudible(1))
    assert talk.state is SPEAKING
    return talk
