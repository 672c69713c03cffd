"""What becomes of a turn that is over: an answer, an apology, nothing, or the floor for who waits.

The actions of `taker.py` that lead out of the user's turn, and what the others of them end in.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from .. import commands as c
from .. import events as e
from ..commands import Command, ReplyKind
from .interruption import names
from .overlap import take_rest
from .preparation import answers, prepare_unscored, take_words
from .state import (
    State,
    TurnState,
    begin_turn_under,
    continued,
    go_on_with,
    has_rest,
    is_far,
    is_full,
    joined,
    wants_nothing,
)

Commands: TypeAlias = Iterator[Command]


def commit(turn: TurnState, event: object, now: float) -> Commands:
    """The turn is the user's no more. The transcript is asked for here, where nothing was begun early."""
    if isinstance(event, e.ActivityEnded):
        turn.decision = None
    if not turn.is_asked:
        yield turn.ask()
    if turn.awaits_transcript:
        yield from prepare_unscored(turn, now)
        think(turn, now)
    else:
        yield from settle(turn, now)


def answer_late(turn: TurnState, event: e.Transcribed, now: float) -> Commands:
    if not turn.awaits_words:
        return
    take_words(turn, event)
    if not turn.awaits_transcript:
        yield from settle_late(turn, now)


def settle_late(turn: TurnState, now: float) -> Commands:
    """The time spent waiting for the words counts against the deadline; its reserve is for an apology."""
    number, deadline = turn.number, turn.deadline or now
    yield from settle(turn, now)
    if turn.reply is not None and turn.number == number:
        is_apology = turn.reply.kind is ReplyKind.APOLOGY
        turn.deadline = deadline + (turn.settings.apology_reserve if is_apology else 0.0)


def apologize(turn: TurnState, event: object, now: float) -> Commands:
    """Too long without a sound. A second time there is nothing more to say. Where nobody could make out the
    words, the answer that they cut is owed."""
    late = turn.committed
    if late is None and not turn.message and has_rest(turn):
        yield from drop_turn(turn, now)
        return
    yield from turn.cancel(e.CancelReason.DEADLINE)
    if late is not None and late.kind is ReplyKind.APOLOGY:
        yield c.DiscardTurn(turn.number, failed=True)
        yield from hand_over(turn, now)
        return
    yield turn.new_reply(ReplyKind.APOLOGY, "", late)
    if late is None:
        yield from let_out(turn, turn.message, turn.spoken)
    else:
        yield from let_out(turn, "", None)
    turn.deadline = now + turn.settings.apology_reserve


# ---------------------------------------------------------------- from the user to the answer


def leave_out(turn: TurnState, words: str = "", seq: int | None = None) -> Commands:
    """What a message has no room for is not kept, which is told once a turn; `seq` as in `LeaveOut`."""
    if is_full(turn, words) and not turn.is_full_told:
        turn.is_full_told = True
        yield c.LeaveOut(turn.number, seq)


def settle(turn: TurnState, now: float) -> Commands:
    """The words are there: answer them, or say why not, or take it that nothing was said to us."""
    is_others = turn.spoken and is_far(turn, now) and not names(turn.spoken, turn.settings.assistant_name)
    if is_others or wants_nothing(turn):
        turn.transcript = None
    has_failed = turn.transcript is not None and turn.transcript.failed
    if turn.message:
        yield from commit_reply(turn, ReplyKind.ANSWER, now)
    elif has_failed and not has_rest(turn):
        yield from commit_reply(turn, ReplyKind.APOLOGY, now)
    else:
        yield from drop_turn(turn, now, is_others=bool(is_others))


def commit_reply(turn: TurnState, kind: ReplyKind, now: float) -> Commands:
    """The user's words become a message, once and for all unless nobody hears the answer."""
    message = turn.message
    if turn.reply is not None and not (kind is ReplyKind.ANSWER and answers(turn, message)):
        yield from turn.cancel(e.CancelReason.SPEECH)
    if turn.reply is None:
        yield turn.new_reply(kind, message)
    if turn.spoken and kind is ReplyKind.ANSWER:
        turn.user_level.learn(turn.level, now)
    yield from let_out(turn, message, turn.spoken)
    think(turn, now)


def let_out(turn: TurnState, message: str, spoken: str | None) -> Commands:
    """The reply that is alive; `message` and `spoken` as in `CommitReply`."""
    yield from leave_out(turn)
    continues = continued(turn, message)
    yield c.CommitReply(turn.reply_number, turn.number, message, spoken, continues, turn.decision)
    turn.is_committed, turn.decision = True, None
    turn.drop_words()


def think(turn: TurnState, now: float) -> None:
    turn.state = State.THINKING
    turn.deadline = now + turn.settings.turn_deadline - turn.settings.apology_reserve


def answer_text(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    """Typed words are a whole turn."""
    turn.begin_turn()
    if event.verbatim:
        message = ""
        yield turn.new_reply(ReplyKind.VERBATIM, event.text, event)
    else:
        message = joined(turn.carried, event.text)
        yield turn.new_reply(ReplyKind.ANSWER, message, event)
    yield from let_out(turn, message, None)
    think(turn, now)


def say_rest(turn: TurnState, event: e.AnswerLost, now: float) -> Commands:
    """Nobody cut it: it is said to its end, as a turn of its own, and what was not written of it follows."""
    turn.begin_turn()
    kind = ReplyKind.VERBATIM if event.is_written else ReplyKind.CONTINUATION
    turn.reply = replace(turn.new_reply(kind, event.rest, event), lost=event.turn, said=event.said)
    yield turn.reply
    yield from let_out(turn, "", None)
    think(turn, now)


# ---------------------------------------------------------------- to nobody, or to who waits


def drop_turn(turn: TurnState, now: float, *, is_others: bool = False) -> Commands:
    """There is nothing to answer. An answer that this turn cut has the floor again."""
    yield from turn.cancel(e.CancelReason.SPEECH)
    turn.drop_words()
    if (cut := take_rest(turn)) is not None:
        yield go_on_with(turn, cut)
        yield from let_out(turn, "", "")
        think(turn, now)
        return
    yield c.DiscardTurn(turn.number, is_far=is_others)
    yield from rest(turn, now)


def hand_over(turn: TurnState, now: float) -> Commands:
    """Somebody who is speaking already has it."""
    if turn.user_speaks:
        begin_turn_under(turn, now)
    else:
        yield from rest(turn, now)


def rest(turn: TurnState, now: float) -> Commands:
    """Nobody has the turn: whoever waits for it gets it."""
    turn.state, turn.deadline = State.LISTENING, None
    if turn.waiting:
        yield from answer_text(turn, turn.waiting.popleft(), now)
