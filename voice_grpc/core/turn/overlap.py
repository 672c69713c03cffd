"""What is done about a voice over the answer: it is lowered, waits, and goes on or stops.

Each action is one transition of `taker.py`, of SPEAKING and YIELDING. What a voice means is for
`interruption.py` to say. Until there is a verdict no turn begins: a backchannel makes none.

    SPEAKING   first sound of a voice          Duck; Unduck if it was a click
    YIELDING   `HOLD_AFTER` of voice           HoldReply
               the answer's own words          ResumeReply
               words, or the voice goes on     verdict
               the voice ended                 its words, then the verdict
               a listener, by an interim       ResumeReply, though the words may still stop it
               `VERDICT_WITHIN` of its end     the same, until `WORDS_WITHIN`
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
    COVERING,
    HOLD_AFTER,
    LISTENER_AFTER,
    VERDICT_WITHIN,
    WORDS_WITHIN,
    Interruption,
    Overlap,
    OverlapVerdict,
    is_listening,
    names,
    verdict,
)
from .patience import Evidence
from .preparation import reconsider
from .settings import Speculation
from .state import (
    TIMER_SLACK,
    Rest,
    State,
    TurnState,
    VoiceOver,
    begin_turn_under,
    end_told,
    has_rest,
    is_far,
)

Commands: TypeAlias = Iterator[Command]

TOO_EARLY = 0.7
"""Seconds of an answer within which somebody who goes on was not done."""


def may_yield(turn: TurnState) -> bool:
    reply, mode = turn.reply, turn.settings.interruption
    return reply is not None and reply.interruptible and mode is not Interruption.DISABLED


def duck_early(turn: TurnState, event: e.SpeechHinted, now: float) -> Commands:
    if may_yield(turn) and turn.settings.duck and turn.reply is not None:
        turn.voice = VoiceOver(now - event.speech, event.position, turn.settings, is_ducked=True)
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
    is_again = turn.voice is not None and turn.voice.is_let_on
    turn.state, turn.asked, turn.is_asked, turn.faded_at = State.YIELDING, 0, False, -1
    turn.level = None
    is_ducked = settings.duck or was_ducked
    turn.voice = voice = VoiceOver(
        now - event.speech, event.position, settings, is_ducked=is_ducked, is_again=is_again
    )
    after = settings.interrupt_after if settings.interruption is Interruption.ON_SPEECH else HOLD_AFTER
    turn.deadline = max(now, voice.since + after)
    if settings.duck and not was_ducked:
        yield c.Duck(reply.number)


def speak_on(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    """The voice comes again before there is a verdict on it: the words that were late count still. Where
    nothing may interrupt any more, there will be none."""
    voice = turn.voice
    assert voice is not None
    if not voice.heard.is_over:
        return
    if voice.is_let_on and not may_yield(turn):
        yield from go_on(turn)
        return
    if voice.is_let_on:
        asked = turn.asked
        yield from start_yielding(turn, event, now)
        turn.asked = asked
        return
    voice.heard = replace(voice.heard, is_over=False, are_final=False)
    turn.is_asked, turn.faded_at = False, -1
    turn.deadline = max(now, voice.since + CERTAIN_AFTER)


def wait_longer(turn: TurnState, event: e.PatienceOver, now: float) -> Commands:
    """The deadline of this step passed: on to the next one."""
    voice, reply = turn.voice, turn.reply
    assert voice is not None
    assert reply is not None
    settings = voice.settings
    if settings.interruption is Interruption.ON_SPEECH:
        yield from interrupt(turn, now)
    elif voice.is_let_on:
        yield from go_on(turn)
    elif voice.heard.is_over:
        yield from let_on(turn, now)
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


def let_on(turn: TurnState, now: float) -> Commands:
    """Its words are late. The answer goes on meanwhile: what is lost by a wrong guess is a word of it, and
    not the rest."""
    voice = turn.voice
    assert voice is not None
    turn.deadline = max(now, turn.silent_since + WORDS_WITHIN)
    yield from _raised(turn, voice)
    voice.is_let_on, voice.is_held, voice.is_ducked = True, False, False


def let_listener_on(turn: TurnState, now: float) -> Commands:
    """A voice that is over, and was no interruption as far as an interim transcript of all of it knows."""
    voice = turn.voice
    assert voice is not None
    is_over = voice.heard.is_over and not voice.is_let_on
    is_covered = voice.interim is not None and seconds(turn.silent_at - voice.interim.end) <= COVERING
    if is_over and is_covered and is_listening(voice.heard):
        yield from let_on(turn, now)


def leave_to_others(turn: TurnState, event: e.LevelHeard, now: float) -> Commands:
    """Somebody far away speaks, to somebody else."""
    if is_far(turn, now):
        yield from go_on(turn)


def hear_name(turn: TurnState, event: e.InterimHeard, now: float) -> Commands:
    """Who is far away means the assistant if they say its name."""
    if may_yield(turn) and is_far(turn, now) and names(event.text, turn.settings.assistant_name):
        heard = Overlap(0.0, is_over=False, words=event.text, language=event.language)
        turn.voice = VoiceOver(now, event.end, turn.settings, heard, interim=event)
        yield from interrupt(turn, now)


def hear_words(turn: TurnState, event: e.InterimHeard, now: float) -> Commands:
    voice = turn.voice
    assert voice is not None
    voice.interim = event
    if not voice.heard.are_final:
        voiced = max(voice.heard.voiced, now - voice.since) if not voice.heard.is_over else voice.heard.voiced
        voice.heard = replace(voice.heard, voiced=voiced, words=event.text, language=event.language)
        yield from _judge(turn, now)
    if turn.state is State.YIELDING:
        yield from let_listener_on(turn, now)


def hear_echo(turn: TurnState, event: e.EchoHeard, now: float) -> Commands:
    """The voice is the answer's own, so that the answer goes on."""
    yield from go_on(turn)


def ask_words_early(turn: TurnState, event: e.SpeechFaded, now: float) -> Commands:
    """An end is three windows; the words are asked for at the first."""
    assert turn.voice is not None
    if turn.voice.settings.interruption is not Interruption.ON_SPEECH:
        turn.faded_at = event.position
        yield turn.ask(is_early=True)


def end_voice(turn: TurnState, event: e.SpeechEnded, now: float) -> Commands:
    """A click or a cough ends before the answer waited for it; of anything longer the words tell. It is as
    long as its positions say: sound that comes all at once, behind a stall of the line, leaves a clock no
    time."""
    voice = turn.voice
    assert voice is not None
    settings = voice.settings
    since, voiced = now - event.silence, seconds(event.position - voice.at)
    on_speech = settings.interruption is Interruption.ON_SPEECH
    if voiced < (settings.interrupt_after if on_speech else HOLD_AFTER) and not (
        voice.is_held or voice.is_again
    ):
        yield from go_on(turn)
        return
    voice.heard = replace(voice.heard, voiced=voiced, is_over=True)
    turn.silent_since, turn.silent_at = since, event.position
    turn.deadline = max(now, since + VERDICT_WITHIN)
    if on_speech:
        yield from interrupt(turn, now)
        return
    is_early = turn.faded_at == event.position
    if is_early and voice.transcript is not None and voice.transcript.revision == turn.asked:
        yield from take_words(turn, voice.transcript, now)
        return
    if not is_early:
        yield turn.ask()
    yield from let_listener_on(turn, now)


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
    end_told(turn, event.text, now)
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
    if voice is not None:
        yield from _raised(turn, voice)
    yield c.Forget(spoken)


def _raised(turn: TurnState, voice: VoiceOver) -> Commands:
    """The answer is heard again, at full volume."""
    if turn.reply is not None and voice.is_held:
        yield c.ResumeReply(turn.reply.number)
    elif turn.reply is not None and voice.is_ducked:
        yield c.Unduck(turn.reply.number)


def keep_rest(turn: TurnState, event: e.AnswerCut) -> None:
    """In case nothing was said by whoever cut the answer."""
    if (event.rest or not event.is_whole) and turn.number > event.turn:
        turn.rest = Rest(turn.number, event.rest, event.is_whole, event.turn, event.said)


def take_rest(turn: TurnState) -> Rest | None:
    """What was not heard of the answer that this turn cut; asked once."""
    found = turn.rest if has_rest(turn) else None
    turn.rest = None
    return found


def _verdict(turn: TurnState) -> OverlapVerdict | None:
    voice = turn.voice
    assert voice is not None
    settings = voice.settings
    least = settings.min_words if settings.interruption is Interruption.MIN_WORDS else 0
    heard = replace(voice.heard, softer=turn.user_level.below(turn.level))
    return verdict(heard, name=settings.assistant_name, min_words=least)


def _judge(turn: TurnState, now: float) -> Commands:
    assert turn.voice is not None
    on_speech = turn.voice.settings.interruption is Interruption.ON_SPEECH
    found = None if on_speech else _verdict(turn)
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
    begin_turn_under(turn, now if voice is None else voice.since)
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
