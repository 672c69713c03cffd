"""How the floor changes hands: from the user to the answer, and from it to whoever waits.

The first three are actions of `turn.py`'s table; the steps below them are shared with `moves.py`.
"""

from collections.abc import Iterator
from typing import TypeAlias

from .commands import Command, CommitReply, DiscardTurn, Kind
from .events import TextReceived, Transcribed, Why
from .floor import Floor, State

Commands: TypeAlias = Iterator[Command]


# ---------------------------------------------------------------- the turn is over


def commit(floor: Floor, event: object, now: float) -> Commands:
    """The turn is the user's no more."""
    if floor.awaits_transcript:
        floor.think(now)
    else:
        yield from settle(floor, now)


def answer_late(floor: Floor, event: Transcribed, now: float) -> Commands:
    """The time spent waiting for the words counts against the deadline; its reserve is for an apology."""
    if not floor.awaits_words:
        return
    floor.take_words(event)
    turn, deadline = floor.turn, floor.deadline or now
    yield from settle(floor, now)
    if floor.reply is not None and floor.turn == turn:
        is_apology = floor.reply.kind is Kind.APOLOGY
        floor.deadline = deadline + (floor.settings.apology_reserve if is_apology else 0.0)


def apologize(floor: Floor, event: object, now: float) -> Commands:
    """Too long without a sound. A second time there is nothing more to say."""
    late = floor.reply
    yield from cancel(floor, Why.DEADLINE)
    if late is not None and late.kind is Kind.APOLOGY:
        yield DiscardTurn(floor.turn, failed=True)
        yield from give_floor(floor, now)
        return
    spoken = None if late else floor.transcript.text if floor.transcript else ""
    yield floor.new_reply(Kind.APOLOGY, "", late)
    yield CommitReply(floor.number, floor.turn, floor.message, spoken)
    floor.carried, floor.transcript = "", None
    floor.deadline = now + floor.settings.apology_reserve


# ---------------------------------------------------------------- from the user to the answer


def settle(floor: Floor, now: float) -> Commands:
    """The words are there: answer them, or say why not, or take it that nothing was said."""
    if floor.message:
        yield from commit_reply(floor, Kind.ANSWER, now)
    elif floor.transcript is not None and floor.transcript.failed:
        yield from commit_reply(floor, Kind.APOLOGY, now)
    else:
        yield from drop_turn(floor, now)


def commit_reply(floor: Floor, kind: Kind, now: float) -> Commands:
    """The user's words become a message, once and for all unless nobody hears the answer."""
    message, spoken = floor.message, floor.transcript.text if floor.transcript else ""
    if floor.reply is None:
        yield floor.new_reply(kind, message)
    yield CommitReply(floor.number, floor.turn, message, spoken)
    floor.carried, floor.transcript = "", None
    floor.think(now)


def answer_text(floor: Floor, event: TextReceived, now: float) -> Commands:
    """Typed words are a whole turn."""
    floor.begin_turn()
    if event.verbatim:
        message = ""
        yield floor.new_reply(Kind.VERBATIM, event.text, event)
    else:
        message, floor.carried = f"{floor.carried} {event.text}".strip(), ""
        yield floor.new_reply(Kind.ANSWER, message, event)
    yield CommitReply(floor.number, floor.turn, message, None)
    floor.think(now)


# ---------------------------------------------------------------- to nobody, or to who waits


def cancel(floor: Floor, why: Why, *, returns_words: bool = False) -> Commands:
    command = floor.drop_reply(why, returns_words=returns_words)
    if command is not None:
        yield command


def drop_turn(floor: Floor, now: float) -> Commands:
    """There is nothing to answer."""
    floor.transcript = None
    yield DiscardTurn(floor.turn)
    yield from rest(floor, now)


def give_floor(floor: Floor, now: float) -> Commands:
    """Somebody who is speaking already has it."""
    if floor.user_speaks:
        floor.begin_turn()
    else:
        yield from rest(floor, now)


def rest(floor: Floor, now: float) -> Commands:
    """Nobody has the floor: whoever waits for it gets it."""
    floor.state, floor.deadline = State.LISTENING, None
    if floor.waiting:
        yield from answer_text(floor, floor.waiting.popleft(), now)
