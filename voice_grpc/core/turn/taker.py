"""Who has the turn: the one place that decides when the user's turn ends and when the answer must stop.

Two rules. Time is an argument: nothing here reads a clock, and the shell arms one timer for
`deadline`, then sends `PatienceOver`. Decide first, act afterwards: `receive` changes nothing but
its own facts and returns what is to be done, in order.

Start early, commit late: work on the answer starts at the first short silence (AskTranscript, ScoreWords,
PrepareReply), and becomes audible only once the silence has lasted (CommitReply) for as long as the evidence
asks (`patience.py`).

    LISTENING  nobody speaks
    HEARING    the user speaks
    ENDING     a short silence: are they done?
    THINKING   the turn is over: waiting for its words, or for the first sound of the answer
    SPEAKING   the answer is audible
    YIELDING   a voice is over it, and it waits: noise, a listener, or an interruption?

What the table does not list is ignored on purpose. The facts are in `state.py`, the actions that change
them in `actions.py`, those that start early in `preparation.py`, those about a voice over the answer in
`overlap.py`, and those that end the turn in `conclusion.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from .. import events as e
from ..commands import Command
from ..text.endings import words_of
from . import actions as act
from . import conclusion as end
from . import overlap as over
from . import preparation as early
from .settings import TurnSettings
from .state import TIMER_SLACK, State, TurnState

Action: TypeAlias = Callable[[TurnState, Any, float], Iterator[Command]]

LISTENING, HEARING, ENDING = State.LISTENING, State.HEARING, State.ENDING
THINKING, SPEAKING, YIELDING = State.THINKING, State.SPEAKING, State.YIELDING
QUIET = {LISTENING, THINKING}
"""Where a turn that came to its end leads: THINKING when typed words were waiting."""
USERS = {HEARING, ENDING}
"""Where a turn is the user's."""
QUIET_OR_HEARING = QUIET | {HEARING}
"""The same, where the user may be speaking already."""

TRANSITIONS: Mapping[State, Mapping[type[e.Event], tuple[Action, set[State]]]] = {
    LISTENING: {
        e.SpeechStarted: (act.hear, {HEARING}),
        e.SpeechEnded: (act.forget, {LISTENING}),
        e.TurnLimitReached: (act.forget, {LISTENING}),
        e.ActivityStarted: (act.start_activity, {HEARING}),
        e.TextReceived: (end.answer_text, {THINKING}),
        e.AnswerLost: (end.say_rest, {THINKING}),
    },
    HEARING: {
        e.SpeechFaded: (early.ask_early, {HEARING}),
        e.SpeechEnded: (act.await_end, {ENDING, HEARING}),
        e.Transcribed: (act.keep_words, {HEARING}),
        e.InterimHeard: (early.note_interim, {HEARING}),
        e.WordsScored: (early.keep_score, {HEARING}),
        e.TurnLimitReached: (act.split_or_end, {HEARING, THINKING}),
        e.PartTranscribed: (act.keep_part, {HEARING}),
        e.ActivityStarted: (act.start_activity, {HEARING}),
        e.ActivityEnded: (act.end_at_once, {THINKING}),
        e.ActivityCancelled: (act.discard, QUIET),
        e.TextReceived: (act.add_text, {HEARING}),
    },
    ENDING: {
        e.SpeechStarted: (act.hear_on, {HEARING}),
        e.Transcribed: (early.take_final, {ENDING}),
        e.InterimHeard: (early.take_interim, {ENDING}),
        e.WordsScored: (early.note_words_score, {ENDING}),
        e.SoundScored: (early.note_sound_score, {ENDING}),
        e.TurnLimitReached: (act.split_later, {ENDING}),
        e.PartTranscribed: (act.keep_part, {ENDING}),
        e.PatienceOver: (end.commit, {THINKING, LISTENING}),
        e.ActivityStarted: (act.start_activity, {HEARING}),
        e.ActivityEnded: (end.commit, {THINKING, LISTENING}),
        e.ActivityCancelled: (act.discard, QUIET),
        e.TextReceived: (act.add_text, {ENDING}),
    },
    THINKING: {
        e.SpeechStarted: (act.give_words_back, {HEARING, THINKING}),
        e.SpeechEnded: (act.forget, {THINKING}),
        e.TurnLimitReached: (act.forget, {THINKING}),
        e.Transcribed: (end.answer_late, {THINKING, LISTENING}),
        e.InterimHeard: (early.take_late_interim, {THINKING}),
        e.PartTranscribed: (act.keep_part, QUIET),
        e.PatienceOver: (end.apologize, QUIET_OR_HEARING),
        e.ReplyAudible: (act.speak, {SPEAKING}),
        e.ReplyEnded: (act.finish, QUIET_OR_HEARING),
        e.ActivityStarted: (act.start_activity, {HEARING}),
        e.ActivityCancelled: (act.discard_unheard, QUIET),
        e.TextReceived: (act.add_or_wait, {THINKING}),
        e.StopRequested: (act.stop, QUIET_OR_HEARING),
    },
    SPEAKING: {
        e.SpeechHinted: (over.duck_early, {SPEAKING}),
        e.InterimHeard: (over.hear_name, {SPEAKING, HEARING}),
        e.SpeechDismissed: (over.unduck, {SPEAKING}),
        e.SpeechStarted: (over.start_yielding, {YIELDING, SPEAKING}),
        e.SpeechEnded: (act.forget, {SPEAKING}),
        e.TurnLimitReached: (act.forget, {SPEAKING}),
        e.ReplyEnded: (act.finish, QUIET_OR_HEARING),
        e.ActivityStarted: (act.start_activity, {HEARING}),
        e.TextReceived: (act.interrupt_by_text, {THINKING, SPEAKING}),
        e.StopRequested: (act.stop, QUIET_OR_HEARING),
    },
    YIELDING: {
        e.LevelHeard: (over.leave_to_others, {SPEAKING, YIELDING}),
        e.SpeechFaded: (over.ask_words_early, {YIELDING}),
        e.TurnLimitReached: (over.forget_beginning, {YIELDING}),
        e.SpeechStarted: (over.speak_on, {YIELDING, SPEAKING}),
        e.SpeechEnded: (over.end_voice, {SPEAKING, YIELDING} | USERS),
        e.InterimHeard: (over.hear_words, {YIELDING} | USERS),
        e.EchoHeard: (over.hear_echo, {SPEAKING}),
        e.Transcribed: (over.take_words, {SPEAKING, YIELDING} | USERS),
        e.PatienceOver: (over.wait_longer, {SPEAKING, YIELDING} | USERS),
        e.ReplyEnded: (over.finish_under_voice, USERS),
        e.ActivityStarted: (act.start_activity, {HEARING}),
        e.TextReceived: (act.interrupt_by_text, {YIELDING} | USERS),
        e.StopRequested: (act.stop, QUIET_OR_HEARING),
    },
}
"""Per state and event: what is done, and where it can lead."""


class TurnTaker:
    """The state machine of one session. Not for two callers at once."""

    def __init__(
        self,
        settings: Callable[[], TurnSettings],
        last_turn: int = 0,
        *,
        judges_first: bool = True,
        hears_first: bool = False,
    ) -> None:
        """`settings` gives those in force, whenever one is needed; the others are as in `TurnState`."""
        self._turn = TurnState(settings, judges_first=judges_first, hears_first=hears_first, number=last_turn)

    def receive(self, event: e.Event, now: float) -> list[Command]:
        """What is to be done about `event`, which happened at `now` (monotonic seconds, never falling)."""
        self._note(event)
        entry = TRANSITIONS[self._turn.state].get(type(event))
        if entry is None or self._is_stale(event, now):
            return []
        action, targets = entry
        commands = list(action(self._turn, event, now))
        assert self._turn.state in targets, f"{action.__name__} led to {self._turn.state}"
        return commands

    @property
    def deadline(self) -> float | None:
        """When `PatienceOver` is due; set exactly in ENDING, THINKING and YIELDING."""
        return self._turn.deadline

    @property
    def state(self) -> State:
        return self._turn.state

    @property
    def turn(self) -> int:
        """The last turn that began."""
        return self._turn.number

    @property
    def hears_user(self) -> bool:
        """What is heard now belongs to `turn`."""
        return self._turn.state in (HEARING, ENDING) or self._turn.awaits_words

    @property
    def words(self) -> str:
        """What the user said in the turn that goes on, as its message would be: for a session that ends."""
        return self._turn.message

    @property
    def carried(self) -> str:
        """Of these, the ones that an earlier turn gave back, or that were typed: they are heard no more."""
        return self._turn.carried

    @property
    def waiting(self) -> int:
        """Typed texts that wait for the end of an answer."""
        return len(self._turn.waiting)

    @property
    def waiting_texts(self) -> tuple[e.TextReceived, ...]:
        return tuple(self._turn.waiting)

    def _note(self, event: e.Event) -> None:
        """What is true whatever the state."""
        if isinstance(event, e.SpeechStarted):
            self._turn.user_speaks = True
        elif isinstance(event, e.SpeechEnded):
            self._turn.user_speaks = False
        elif isinstance(event, e.ActivityStarted | e.ActivityEnded):
            self._turn.is_held = isinstance(event, e.ActivityStarted)
        elif isinstance(event, e.SpeculationRefused):
            self._turn.is_refused = True
        elif isinstance(event, e.LevelHeard):
            self._turn.level = event.db if self._turn.level is None else max(event.db, self._turn.level)
        elif isinstance(event, e.AnswerCut):
            over.keep_rest(self._turn, event)

    def _is_stale(self, event: e.Event, now: float) -> bool:
        """About a reply that is dead or not let out, words nobody awaits, a deadline that was overtaken."""
        match event:
            case e.ReplyAudible(number) | e.ReplyEnded(number):
                return self._turn.committed is None or self._turn.committed.number != number
            case e.Transcribed(revision):
                return revision == 0 or revision != self._turn.asked or self._turn.has_newest
            case e.SoundScored(revision):
                return revision != self._turn.revision
            case e.WordsScored(words):
                return self._turn.is_scored or words_of(words) != words_of(self._turn.scoring)
            case e.PartTranscribed():
                return not self._turn.parts
            case e.PatienceOver():
                return self._turn.deadline is None or now < self._turn.deadline - TIMER_SLACK
        return False
