"""What a server does with a conversation that another one had: told to the caller, put right in the memory,
and what is to happen next.

The answer that was cut ends in its turn, as far as it was heard; the rest is the next turn's. The user's
words that waited for an answer still do; what was only half said comes again with the caller's sound.
A turn that the caller heard of and the store did not is over: its request comes again, as the next turn.
"""

from ...core.conversation import Heard, Role
from ...core.events import AnswerLost, CancelReason, Event, TextReceived
from ...core.requests import ComeBack
from ...core.responses import Interrupted, PlaybackAction, PlaybackControl
from ...core.unfinished import EarPosition, UnderWay, UnfinishedAnswer, ear_of
from ..context import SessionContext
from ..memory import Memory

MAX_LOST_TURNS = 1_000
"""That a caller may know and the store not, which was away: a claim of more is not believed."""


def taken_over(memory: Memory, come_back: ComeBack | None) -> UnderWay | None:
    """What is under way in a conversation that was taken from the store, for a caller who comes back to it.

    None: nothing that still counts; or the caller opens it by its id, as a new stream (`come_back` is
    None). Then the user's words that waited are remembered, and nothing else of it goes on.
    """
    kept, memory.kept = memory.kept, None
    if kept is None or kept.turn < memory.last_turn:
        return None
    memory.last_turn = kept.turn
    if come_back is not None:
        memory.kept = kept
        return kept
    words = [kept.carried, *(text.text for text in kept.waiting if not text.verbatim)]
    if any(words):
        memory.user_said(kept.turn + 1, " ".join(filter(None, words)))
    return None


def lost_turn(memory: Memory, come_back: ComeBack | None) -> int:
    """The last turn that the caller heard of, where the store never did; 0: there is none. Its number is not
    given again: the sound of two turns would be one to the caller."""
    turn = come_back.turn if come_back is not None and memory.is_resumed else 0
    if not memory.last_turn < turn <= memory.last_turn + MAX_LOST_TURNS:
        return 0
    memory.last_turn = turn
    return turn


class Restoring:
    def __init__(self, context: SessionContext, memory: Memory, come_back: ComeBack) -> None:
        self._context, self._memory, self._come_back = context, memory, come_back

    def events(self, kept: UnderWay | None, lost: int) -> list[Event]:
        """What happens first on this server; `lost`: as of `lost_turn`. What was under way before that turn
        was over by then."""
        found: list[Event] = []
        if kept is not None and kept.answer is not None:
            cut = self._cut(kept.answer)
            found += [] if lost else cut
        if lost:
            self._tell_cut(
                lost, EarPosition(self._come_back.played or 0, self._come_back.played is not None), ""
            )
        if kept is None:
            return found
        if kept.carried:
            found.append(TextReceived(kept.carried))
        return [*found, *kept.waiting]

    def _cut(self, answer: UnfinishedAnswer) -> list[Event]:
        known = EarPosition(answer.played, answer.is_reported)
        ear = ear_of(answer.turn, known, self._come_back)
        if answer.is_over and not (self._come_back.played is not None and ear.is_reported):
            return []
        heard = answer.heard(ear.played)
        rest = answer.rest(heard)
        is_whole = answer.is_written and not rest
        if not (answer.is_over and is_whole):
            self._tell(answer, ear, heard, is_whole=is_whole)
        if is_whole:
            return []
        return [
            AnswerLost(
                answer.turn, answer.text, rest, answer.is_written, answer.text_only, answer.interruptible
            )
        ]

    def _tell(self, answer: UnfinishedAnswer, ear: EarPosition, heard: str, *, is_whole: bool) -> None:
        turn, context = answer.turn, self._context
        how = Heard.REPORTED if ear.is_reported else Heard.ESTIMATED
        self._memory.conversation.assistant_said(turn, heard, Heard.WHOLE if is_whole else how)
        self._memory.changed()
        for message in self._memory.conversation.messages:
            if message.turn == turn and message.role is Role.TOOLS:
                context.tool_calls.adopt(turn, message.uses)
        if answer.is_over:
            return
        if is_whole:
            context.turn_events.completed(turn)
            return
        self._tell_cut(turn, ear, heard)

    def _tell_cut(self, turn: int, ear: EarPosition, heard: str) -> None:
        outbox = self._context.outbox
        outbox.put(Interrupted(turn, CancelReason.SERVER_LOST, ear.played, heard, ear.is_reported))
        outbox.put(PlaybackControl(turn, PlaybackAction.FLUSH))
        self._context.turn_events.interrupted(turn, CancelReason.SERVER_LOST)
