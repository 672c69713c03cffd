"""What is begun before the turn is known to be over: its words scored, and an answer prepared for them.

Each action is one transition of `taker.py`. Nothing of it is heard, and nothing remembered, before the
commit.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from .. import commands as c
from .. import events as e
from ..commands import Command, ReplyKind
from ..text.endings import TextEnding, as_one_sentence, ending, word_count, words_of
from .patience import Decision, Evidence, finished, hold
from .settings import Speculation
from .state import State, TurnState, continued, has_rest, is_far, provisional_parts

Commands: TypeAlias = Iterator[Command]

WORTHWHILE = 0.3
"""Probability that the words are finished from which an answer is prepared."""

LIKELY = 0.75
"""The same, before the silence is known to be one: a stop within a word is as short."""

CLEAR = 0.1
"""Probability up to which, and from one minus which on, the words alone say whether the turn is over: the
sound would hardly move the hold, and takes a core while the answer is prepared."""


def note_interim(turn: TurnState, event: e.InterimHeard, now: float) -> Commands:
    """The user speaks on: what they said so far is scored, so that at the end little is left to be read. What
    was asked for at an earlier stop is of a beginning."""
    yield from _take_interim(turn, event)
    turn.is_asked = turn.is_asked and event.end <= turn.faded_at
    yield from ask_for_score(turn)


def take_interim(turn: TurnState, event: e.InterimHeard, now: float) -> Commands:
    """One that was begun before the silence, and may hold all words: the transcript of all takes longer."""
    if turn.awaits_transcript:
        yield from _take_interim(turn, event)
        yield from reconsider(turn, now)


def take_late_interim(turn: TurnState, event: e.InterimHeard, now: float) -> Commands:
    """The turn is over, and its transcript is being made."""
    if turn.awaits_words and turn.awaits_transcript:
        yield from _take_interim(turn, event)
        yield from prepare_unscored(turn, now)


def _take_interim(turn: TurnState, event: e.InterimHeard) -> Commands:
    """What was prepared is dropped once the user has said more, or other words."""
    turn.interim, turn.language = event, event.language or turn.language
    heard = words_of(f"{turn.carried} {turn.kept} {event.text}")
    if turn.reply is not None and words_of(turn.reply.text)[: len(heard)] != heard:
        yield from turn.cancel(e.CancelReason.SPEECH)


def ask_early(turn: TurnState, event: e.SpeechFaded, now: float) -> Commands:
    """An end is three windows; the transcript is begun at the first, and thrown away if speech goes on."""
    if not turn.is_held and turn.settings.speculation >= Speculation.STT:
        turn.faded_at = turn.silent_at = event.position
        yield turn.ask(is_early=True)
        yield from prepare_early(turn, now)


def prepare_early(turn: TurnState, now: float) -> Commands:
    """Words that were found finished while they were said need not wait for the silence to count."""
    turn.evidence = Evidence()
    note_words(turn)
    if is_scored(turn, turn.provisional) and finished(turn.evidence) >= LIKELY:
        yield from prepare_unscored(turn, now)


def take_final(turn: TurnState, event: e.Transcribed, now: float) -> Commands:
    """The words of this silence are known: what was prepared for others is dropped."""
    take_words(turn, event)
    yield from drop_other(turn)
    yield from reconsider(turn, now)


def take_words(turn: TurnState, event: e.Transcribed) -> None:
    """A revision replaces the one before it; one that failed keeps what was known."""
    text = (turn.fresh_interim or turn.spoken) if event.failed else event.text
    turn.transcript = replace(event, text=text)
    turn.language = event.language or turn.language


def drop_other(turn: TurnState) -> Commands:
    """What was prepared is dropped where it answers other words than those that are known now."""
    if turn.reply is not None and not turn.parts and not answers(turn, turn.message):
        yield from turn.cancel(e.CancelReason.SPEECH)


def answers(turn: TurnState, words: str) -> bool:
    """The reply that is alive is one to these words, case and punctuation aside."""
    return turn.reply is not None and words_of(turn.reply.text) == words_of(words)


def reconsider(turn: TurnState, now: float) -> Commands:
    """More is known of the words of this silence."""
    weigh(turn, now)
    yield from ask_for_score(turn)
    yield from prepare(turn, now)
    yield from ask_for_sound(turn)


def weigh(turn: TurnState, now: float) -> None:
    """Set the deadline of this silence by what is known of it now."""
    note_words(turn)
    settings = turn.settings
    if settings.hold is not None:
        turn.decision, held = None, settings.hold
    else:
        known = hold(turn.evidence, settings.bounds, turn.pauses)
        held = settings.bounds.max_hold if is_wordless(turn) else known
        turn.decision = Decision(turn.evidence, finished(turn.evidence), held)
    turn.deadline = max(now, turn.silent_since + held)


def is_wordless(turn: TurnState) -> bool:
    """All that was said is transcribed, to nothing: no answer can be late, and who goes on, after a word
    too short to be made out, is heard from it on. An answer that waits for the floor is not kept waiting."""
    heard = turn.transcript
    is_known = heard is not None and not heard.failed and not turn.awaits_transcript
    return is_known and not turn.message and not turn.waiting and not has_rest(turn)


def note_words(turn: TurnState) -> None:
    """What the words of this silence say, as far as they are known."""
    words = turn.provisional
    turn.evidence = replace(
        turn.evidence,
        ending=ending(words, turn.language) if words else TextEnding.UNKNOWN,
        expects=turn.expects,
        word_count=word_count(words),
        text_end=turn.score if is_scored(turn, words) else None,
    )


def ask_for_score(turn: TurnState) -> Commands:
    """Whether the words are finished, as soon as they are known well enough: once for the same words."""
    words, settings = turn.provisional, turn.settings
    least = Speculation.STT if settings.hold is None else Speculation.LLM
    is_of_use = settings.speculation >= least
    if words and is_of_use and words_of(words) != words_of(turn.scoring):
        turn.scoring, turn.is_scored = words, False
        is_early = turn.state is State.HEARING
        one = as_one_sentence(provisional_parts(turn))
        unbroken = one if one != words else ""
        yield c.ScoreWords(turn.number, words, continued(turn, words), unbroken, is_early)


def ask_for_sound(turn: TurnState) -> Commands:
    """How it sounds, once a silence: where the words leave it open, or will not be known before its end."""
    settings = turn.settings
    if settings.hold is not None or turn.is_sound_asked:
        return
    is_open = is_scored(turn, turn.provisional) and CLEAR < finished(turn.evidence) < 1 - CLEAR
    if is_open or settings.speculation < Speculation.STT:
        turn.is_sound_asked = True
        yield c.ScoreSound(turn.revision)


def is_scored(turn: TurnState, words: str) -> bool:
    """It was asked whether these words are finished, and answered."""
    return turn.is_scored and words_of(words) == words_of(turn.scoring)


def keep_score(turn: TurnState, event: e.WordsScored, now: float) -> Commands:
    """Of words that may be the last; who could not say is asked again in the silence."""
    turn.score, turn.is_scored = event.probability, event.probability is not None
    if not turn.is_scored:
        turn.scoring = ""
    yield from ()


def note_words_score(turn: TurnState, event: e.WordsScored, now: float) -> Commands:
    turn.score, turn.is_scored = event.probability, True
    yield from reconsider(turn, now)


def note_sound_score(turn: TurnState, event: e.SoundScored, now: float) -> Commands:
    turn.evidence = replace(turn.evidence, acoustic_end=event.probability)
    weigh(turn, now)
    yield from prepare(turn, now)


def prepare(turn: TurnState, now: float) -> Commands:
    """Start early: unless the words are unfinished, or were tried often enough."""
    may = not turn.judges_first or is_scored(turn, turn.provisional)
    if may and finished(turn.evidence) >= WORTHWHILE:
        yield from prepare_unscored(turn, now)


def prepare_unscored(turn: TurnState, now: float) -> Commands:
    """Whether or not the words are finished: that may be known by other means."""
    settings, words = turn.settings, turn.provisional
    if turn.hears_first and turn.awaits_transcript:
        return
    may = settings.speculation >= Speculation.LLM and not turn.is_refused and not is_far(turn, now)
    if may and words and turn.reply is None and turn.tries < settings.speculation_tries:
        turn.tries += 1
        yield turn.new_reply(ReplyKind.ANSWER, words)
