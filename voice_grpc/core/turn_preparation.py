"""What is begun before the turn is known to be over: its words scored, and an answer prepared for them.

Each action is one transition of `turn.py`. Nothing of it is heard, and nothing remembered, before the commit.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from . import commands as c
from . import events as e
from .commands import Command, ReplyKind
from .patience import finished
from .text.endings import words_of
from .turn_state import Speculation, TurnState

Commands: TypeAlias = Iterator[Command]

WORTHWHILE = 0.3
"""Probability that the words are finished from which an answer is prepared."""


def note_interim(turn: TurnState, event: e.InterimHeard, now: float) -> Commands:
    """What was prepared is dropped once the user has said more, or other words."""
    turn.interim, turn.language = event, event.language or turn.language
    heard = words_of(f"{turn.carried} {event.text}")
    if turn.reply is not None and words_of(turn.reply.text)[: len(heard)] != heard:
        yield from turn.cancel(e.CancelReason.SPEECH)


def ask_early(turn: TurnState, event: e.SpeechFaded, now: float) -> Commands:
    """An end is three windows; the transcript is begun at the first, and thrown away if speech goes on."""
    if not turn.is_held and turn.settings.speculation >= Speculation.STT:
        turn.faded_at = event.position
        yield turn.ask(is_early=True)


def take_final(turn: TurnState, event: e.Transcribed, now: float) -> Commands:
    """The words of this silence are known: what was prepared for others is dropped."""
    turn.take_words(event)
    if turn.reply is not None and not turn.says_the_same(turn.message):
        yield from turn.cancel(e.CancelReason.SPEECH)
    turn.weigh(now)
    yield from ask_for_score(turn)
    yield from prepare(turn)


def ask_for_score(turn: TurnState) -> Commands:
    """Whether the words are finished, as soon as they are known well enough: once for the same words."""
    words, settings = turn.provisional, turn.settings
    is_of_use = settings.hold is None or settings.speculation >= Speculation.LLM
    if words and is_of_use and words_of(words) != words_of(turn.scoring):
        turn.scoring, turn.is_scored = words, False
        turn.evidence = replace(turn.evidence, text_end=None)
        yield c.ScoreWords(turn.revision, turn.number, words, turn.continued(words))


def note_words_score(turn: TurnState, event: e.WordsScored, now: float) -> Commands:
    if words_of(event.text) == words_of(turn.provisional):
        turn.is_scored = True
        turn.weigh(now, text_end=event.probability)
        yield from prepare(turn)


def note_sound_score(turn: TurnState, event: e.SoundScored, now: float) -> Commands:
    turn.weigh(now, acoustic_end=event.probability)
    yield from prepare(turn)


def prepare(turn: TurnState) -> Commands:
    """Start early: unless the words are unfinished, or were tried often enough."""
    settings, words = turn.settings, turn.provisional
    may = settings.speculation >= Speculation.LLM and not turn.is_refused
    if not may or not words or turn.reply is not None or not turn.is_scored:
        return
    if turn.tries < settings.speculation_tries and finished(turn.evidence) >= WORTHWHILE:
        turn.tries += 1
        yield turn.new_reply(ReplyKind.ANSWER, words)
