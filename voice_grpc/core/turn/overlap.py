"""What is done about a voice over the answer: it is lowered, waits, and goes on or stops.

Each action is one transition of `taker.py`, of SPEAKING and YIELDING. What a voice means is for
`interruption.py` to say. Until there is a verdict no turn begins: a backchannel makes none.

    SPEAKING   first sound of a voice          Duck; Unduck if it was a click
    YIELDING   `HOLD_AFTER` of voice           HoldReply
               the answer's own words          ResumeReply
               words, or the voice goes on     verdict
               the voice ended                 its words, then the verdict; without any by `WORDS_WITHIN`
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from .. import commands as c
from .. import events as e
from ..audio import seconds
from ..commands import Command, ReplyKind
from .interruption import (
    CERTAIN_AFTER,
    HOLD_AFTER,
    LISTENER_AFTER,
    WORDS_WITHIN,
    Interruption,
    Overlap,
    OverlapVerdict,
    names,
    verdict,
    without_words,
)
from .patience import Evidence
from .preparation import reconsider
from .settings import Speculation
from .state import TIMER_SLACK, Rest, State, TurnState, VoiceOver, is_far

Commands: TypeAlias = Iterator[Command]

TOO_EARLY = 0.7
"""Seconds of an answer within which somebody who goes on was not done."""


def may_yield(turn: TurnState) -> bool:
    reply, mode = turn.reply, turn.settings.interruption
    return reply is not None and reply.interruptible and mode is not Interruption.DISABLED


def duck_early(turn: TurnState, event: e.SpeechHinted, now: float) -> Commands:
    if may_yield(turn) and turn.settings.duck and turn.reply is not None:
        turn.voice = VoiceOver(now - event.speech, event.position, is_ducked=True)
        yield c.Duck(turn.reply.number)


def unduck(turn: TurnState, event: e.SpeechDismissed, now: float) -> Commands:
    voice, turn.voice = turn.voice, None
    if voice is not None and voice.is_ducked and turn.reply is not None:
        yield c.Unduck(turn.reply.number)


def start_yielding(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    reply, settings = turn.reply, turn.settings
    if reply is None or not may_yield(turn):
        return
    was_ducked = turn.voice is not None and turn.voice.is_ducked
    turn.state, turn.asked, turn.is_asked, turn.faded_at = State.YIELDING, 0, False, -1
    turn.level = None
    turn.voice = voice = VoiceOver(now - event.speech, event.position, is_ducked=settings.duck or was_ducked)
    after = settings.interrupt_after if settings.interruption is Interruption.ON_SPEECH else HOLD_AFTER
    turn.deadline = max(now, voice.since + after)
    if settings.duck and not was_ducked:
        yield c.Duck(reply.number)


def speak_on(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    """The voice comes again before there is a verdict on it."""
    voice = turn.voice
    assert voice is not None
    if not voice.heard.is_over:
        return
    voice.heard = replace(voice.heard, is_over=False, are_final=False)
    turn.is_asked, turn.faded_at = False, -1
    turn.deadline = max(now, voice.since + CERTAIN_AFTER)
    yield from ()


def wait_longer(turn: TurnState, event: e.PatienceOver, now: float) -> Commands:
    """The deadline of this step passed: on to the next one."""
    voice, reply, settings = turn.voice, turn.reply, turn.settings
    assert voice is not None
    assert reply is not None
    if settings.interruption is Interruption.ON_SPEECH:
        yield from interrupt(turn, now)
    elif voice.heard.is_over:
        yield from _act(turn, without_words(voice.heard), now)
    elif settings.interruption is Interruption.YIELD and not voice.is_held:
        voice.is_held = True
        turn.deadline = voice.since + CERTAIN_AFTER
        yield c.HoldReply(reply.number)
    else:
        voice.heard = replace(voice.heard, voiced=now - voice.since + TIMER_SLACK)
        found = _verdict(turn)
        turn.deadline = max(now + CERTAIN_AFTER / 2, voice.since + LISTENER_AFTER)
        if found is not None:
            yield from _act(turn, found, now)


def leave_to_others(turn: TurnState, event: e.LevelHeard, now: float) -> Commands:
    """Somebody far away speaks, to somebody else."""
    if is_far(turn, now):
        yield from go_on(turn)


def hear_name(turn: TurnState, event: e.InterimHeard, now: float) -> Commands:
    """Who is far away means the assistant if they say its name."""
    if may_yield(turn) and is_far(turn, now) and names(event.text, turn.settings.assistant_name):
        heard = Overlap(0.0, is_over=False, words=event.text, language=event.language)
        turn.voice = VoiceOver(now, event.end, heard, interim=event)
        yield from interrupt(turn, now)


def hear_words(turn: TurnState, event: e.InterimHeard, now: float) -> Commands:
    voice = turn.voice
    assert voice is not None
    voice.interim = event
    if not voice.heard.are_final:
        voiced = max(voice.heard.voiced, now - voice.since) if not voice.heard.is_over else voice.heard.voiced
        voice.heard = replace(voice.heard, voiced=voiced, words=event.text, language=event.language)
        yield from _judge(turn, now)


def hear_echo(turn: TurnState, event: e.EchoHeard, now: float) -> Commands:
    """The voice is the answer's own, so that the answer goes on."""
    yield from go_on(turn)


def ask_words_early(turn: TurnState, event: e.SpeechFaded, now: float) -> Commands:
    """An end is three windows; the words are asked for at the first."""
    if turn.settings.interruption is not Interruption.ON_SPEECH:
        turn.faded_at = event.position
        yield turn.ask(is_early=True)


def end_voice(turn: TurnState, event: e.SpeechEnded, now: float) -> Commands:
    """A click or a cough ends before the answer waited for it; of anything longer the words tell. It is as
    long as its positions say: sound that comes all at once, behind a stall of the line, leaves a clock no
    time."""
    voice, settings = turn.voice, turn.settings
    assert voice is not None
    since, voiced = now - event.silence, seconds(event.position - voice.at)
    on_speech = settings.interruption is Interruption.ON_SPEECH
    if voiced < (settings.interrupt_after if on_speech else HOLD_AFTER) and not voice.is_held:
        yield from go_on(turn)
        return
    voice.heard = replace(voice.heard, voiced=voiced, is_over=True)
    turn.silent_since, turn.silent_at = since, event.position
    turn.deadline = max(now, since + WORDS_WITHIN)
    if on_speech:
        yield from interrupt(turn, now)
        return
    if turn.faded_at != event.position:
        yield turn.ask()
    elif voice.transcript is not None and voice.transcript.revision == turn.asked:
        yield from take_words(turn, voice.transcript, now)


def take_words(turn: TurnState, event: e.Transcribed, now: float) -> Commands:
    """All that was said so far. Where nobody could tell, it is as if nothing was."""
    voice = turn.voice
    assert voice is not None
    voice.transcript = event
    words = None if event.failed and not voice.heard.is_over else event.text
    voice.heard = replace(
        voice.heard,
        words=words,
        are_final=voice.heard.is_over,
        language=event.language or voice.heard.language,
    )
    yield from _judge(turn, now)


def forget_beginning(turn: TurnState, event: e.TurnLimitReached, now: float) -> Commands:
    """Somebody talks on and on without a verdict: no more of it is kept than of a turn."""
    voice = turn.voice
    assert voice is not None
    voice.interim = voice.transcript = None
    voice.heard = replace(voice.heard, words=None, are_final=False)
    turn.asked, turn.is_asked, turn.faded_at = 0, False, -1
    yield c.Forget()


def finish_under_voice(turn: TurnState, event: e.ReplyEnded, now: float) -> Commands:
    """The answer came to its end meanwhile: whoever speaks has the turn."""
    turn.reply, turn.audible_at = None, None
    yield from open_turn(turn, now)


def interrupt(turn: TurnState, now: float) -> Commands:
    """Somebody who goes on as soon as the answer began was not done: it came too early."""
    reply, audible_at, voice = turn.reply, turn.audible_at, turn.voice
    assert voice is not None
    yield from turn.cancel(e.CancelReason.SPEECH)
    turn.voice = voice
    yield from open_turn(turn, now)
    is_early = audible_at is not None and voice.since <= audible_at + TOO_EARLY
    if is_early and reply is not None and reply.kind is ReplyKind.ANSWER:
        turn.continues = reply.turn


def go_on(turn: TurnState, spoken: str = "") -> Commands:
    """The answer does: it was a cough, or "uh-huh"."""
    voice, turn.voice = turn.voice, None
    turn.state, turn.deadline = State.SPEAKING, None
    turn.asked, turn.is_asked, turn.faded_at = 0, False, -1
    if turn.reply is not None and voice is not None:
        if voice.is_held:
            yield c.ResumeReply(turn.reply.number)
        elif voice.is_ducked:
            yield c.Unduck(turn.reply.number)
    yield c.Forget(spoken)


def keep_rest(turn: TurnState, event: e.AnswerCut) -> None:
    """In case nothing was said by whoever cut the answer."""
    if event.rest and turn.number > event.turn:
        turn.rest = Rest(turn.number, event.rest)


def has_rest(turn: TurnState) -> bool:
    """This turn cut an answer that was not heard to its end."""
    return turn.rest is not None and turn.rest.turn == turn.number


def take_rest(turn: TurnState) -> str:
    """What was not heard of the answer that this turn cut; asked once."""
    text = turn.rest.text if turn.rest is not None and has_rest(turn) else ""
    turn.rest = None
    return text


def _verdict(turn: TurnState) -> OverlapVerdict | None:
    voice, settings = turn.voice, turn.settings
    assert voice is not None
    least = settings.min_words if settings.interruption is Interruption.MIN_WORDS else 0
    return verdict(voice.heard, name=settings.assistant_name, min_words=least)


def _judge(turn: TurnState, now: float) -> Commands:
    found = None if turn.settings.interruption is Interruption.ON_SPEECH else _verdict(turn)
    if found is not None:
        yield from _act(turn, found, now)


def _act(turn: TurnState, found: OverlapVerdict, now: float) -> Commands:
    voice = turn.voice
    assert voice is not None
    if found is OverlapVerdict.INTERRUPTION:
        yield from interrupt(turn, now)
    else:
        yield from go_on(turn, voice.heard.words or "")


def open_turn(turn: TurnState, now: float) -> Commands:
    """The voice becomes a turn, with what is known of it. One that has ended is waited for as ever."""
    voice, asked, is_asked, level = turn.voice, turn.asked, turn.is_asked, turn.level
    silent_since, silent_at = turn.silent_since, turn.silent_at
    turn.voice = None
    turn.begin_turn()
    turn.level = level
    if voice is None:
        return
    turn.interim, turn.language = voice.interim, voice.heard.language or turn.language
    turn.asked, turn.transcript = asked, voice.transcript
    if not voice.heard.is_over:
        return
    turn.state, turn.silent_since, turn.silent_at = State.ENDING, silent_since, silent_at
    turn.evidence, turn.is_sound_asked = Evidence(), False
    turn.is_asked = is_asked
    if not is_asked and turn.settings.speculation >= Speculation.STT:
        yield turn.ask()
    yield from reconsider(turn, now)
