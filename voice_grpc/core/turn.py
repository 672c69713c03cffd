"""Who has the floor: the one place that decides when the user's turn ends and when the answer must stop.

Two rules. Time is an argument: nothing here reads a clock, and the shell arms one timer for
`deadline`, then sends `PatienceOver`. Decide first, act afterwards: `receive` changes nothing but
its own facts and returns what is to be done, in order.

Start early, commit late: with `speculate` work on the answer starts at the first short silence
(PrepareReply), and becomes audible only once the silence has lasted (CommitReply).

    LISTENING  nobody speaks
    HEARING    the user speaks
    ENDING     a short silence: are they done?
    THINKING   the turn is over: waiting for its words, or for the first sound of the answer
    SPEAKING   the answer is audible
    YIELDING   the user speaks over it: noise or interruption?

What the table does not list is ignored on purpose. The actions are in `moves.py` and `handover.py`, the facts
in `floor.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from . import events as e
from . import handover
from . import moves as act
from .commands import Command
from .floor import Floor, State, TurnSettings

Action: TypeAlias = Callable[[Floor, Any, float], Iterator[Command]]

LISTENING, HEARING, ENDING = State.LISTENING, State.HEARING, State.ENDING
THINKING, SPEAKING, YIELDING = State.THINKING, State.SPEAKING, State.YIELDING
QUIET = {LISTENING, THINKING}
"""Where a turn that came to its end leads: THINKING when typed words were waiting."""
ANY_FLOOR = QUIET | {HEARING}
"""The same, where the user may be speaking already."""

TRANSITIONS: Mapping[State, Mapping[type[e.Event], tuple[Action, set[State]]]] = {
    LISTENING: {
        e.SpeechStarted: (act.hear, {HEARING}),
        e.SpeechEnded: (act.forget, {LISTENING}),
        e.ActivityStarted: (act.hold_floor, {HEARING}),
        e.TextReceived: (handover.answer_text, {THINKING}),
    },
    HEARING: {
        e.SpeechEnded: (act.await_end, {ENDING, HEARING}),
        e.Transcribed: (act.keep_words, {HEARING}),
        e.ActivityStarted: (act.hold_floor, {HEARING}),
        e.ActivityEnded: (act.end_at_once, {THINKING}),
        e.ActivityCancelled: (act.discard, QUIET),
        e.TextReceived: (act.add_text, {HEARING}),
    },
    ENDING: {
        e.SpeechStarted: (act.hear_on, {HEARING}),
        e.Transcribed: (act.prepare, {ENDING}),
        e.PatienceOver: (handover.commit, {THINKING, LISTENING}),
        e.ActivityStarted: (act.hold_floor, {HEARING}),
        e.ActivityEnded: (handover.commit, {THINKING, LISTENING}),
        e.ActivityCancelled: (act.discard, QUIET),
        e.TextReceived: (act.add_text, {ENDING}),
    },
    THINKING: {
        e.SpeechStarted: (act.give_words_back, {HEARING, THINKING}),
        e.SpeechEnded: (act.forget, {THINKING}),
        e.Transcribed: (handover.answer_late, {THINKING, LISTENING}),
        e.PatienceOver: (handover.apologize, ANY_FLOOR),
        e.ReplyAudible: (act.speak, {SPEAKING}),
        e.ReplyEnded: (act.finish, ANY_FLOOR),
        e.ActivityStarted: (act.hold_floor, {HEARING}),
        e.ActivityCancelled: (act.discard_unheard, QUIET),
        e.TextReceived: (act.add_or_wait, {THINKING}),
        e.StopRequested: (act.stop, ANY_FLOOR),
    },
    SPEAKING: {
        e.SpeechStarted: (act.yield_floor, {YIELDING, SPEAKING}),
        e.SpeechEnded: (act.forget, {SPEAKING}),
        e.ReplyEnded: (act.finish, ANY_FLOOR),
        e.ActivityStarted: (act.hold_floor, {HEARING}),
        e.TextReceived: (act.interrupt_by_text, {THINKING, SPEAKING}),
        e.StopRequested: (act.stop, ANY_FLOOR),
    },
    YIELDING: {
        e.SpeechEnded: (act.take_back_floor, {SPEAKING}),
        e.PatienceOver: (act.interrupt, {HEARING}),
        e.ReplyEnded: (act.finish, {HEARING}),
        e.ActivityStarted: (act.hold_floor, {HEARING}),
        e.TextReceived: (act.interrupt_by_text, {HEARING, YIELDING}),
        e.StopRequested: (act.stop, {HEARING}),
    },
}
"""Per state and event: what is done, and where it can lead."""


class TurnTaker:
    """The state machine of one session. Not for two callers at once."""

    def __init__(self, settings: TurnSettings, last_turn: int = 0) -> None:
        self._floor = Floor(settings, turn=last_turn)

    def receive(self, event: e.Event, now: float) -> list[Command]:
        """What is to be done about `event`, which happened at `now` (monotonic seconds, never falling)."""
        self._floor.note(event)
        entry = TRANSITIONS[self._floor.state].get(type(event))
        if entry is None or self._floor.is_stale(event, now):
            return []
        action, targets = entry
        commands = list(action(self._floor, event, now))
        assert self._floor.state in targets, f"{action.__name__} led to {self._floor.state}"
        return commands

    @property
    def deadline(self) -> float | None:
        """When `PatienceOver` is due; set exactly in ENDING, THINKING and YIELDING."""
        return self._floor.deadline

    @property
    def state(self) -> State:
        return self._floor.state

    @property
    def turn(self) -> int:
        """The last turn that began."""
        return self._floor.turn

    @property
    def words(self) -> str:
        """What the user said that is in no message yet: for a session that ends in mid-turn."""
        return self._floor.message

    @property
    def waiting(self) -> int:
        """Typed texts that wait for the end of an answer."""
        return len(self._floor.waiting)

    def adjust(self, settings: TurnSettings) -> None:
        """From now on; a deadline that is set stays."""
        self._floor.settings = settings
