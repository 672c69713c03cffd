"""What the session says → the messages of a Converse stream. Pure functions, one an arm.

Nothing is chosen or left out here: every message of the session becomes one of the wire.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .. import __version__
from ..core import responses as o
from ..core.audio import RATE_HZ
from ..pb import voice_pb2 as pb
from . import enums
from .config import config_message
from .fields import to_duration
from .tools import to_struct


def outbound(message: o.ConverseResponse, rate_hz: int) -> pb.ConverseResponse:
    """`rate_hz` is the input rate, in which positions are told."""
    return _ARMS[type(message)](message, rate_hz)


def audio_message(m: o.AudioOutput) -> pb.AudioOutput:
    return pb.AudioOutput(
        data=m.data,
        chunk_index=m.index,
        offset_samples=m.offset,
        duration_samples=m.duration,
        segment_index=m.segment,
        is_last=m.is_last,
    )


def _audio(m: o.AudioOutput, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=m.turn, audio=audio_message(m))


def _session_started(m: o.SessionStarted, rate_hz: int) -> pb.ConverseResponse:
    started = pb.SessionStarted(
        session_id=m.config.session_id,
        resumed=m.is_resumed,
        effective_config=config_message(m.config),
        server_version=__version__,
        last_turn=m.last_turn,
        recording=m.config.is_recorded,
        last_consumed_seq=m.last_consumed,
    )
    return pb.ConverseResponse(session_started=started)


def _resume_update(m: o.ResumeUpdate, rate_hz: int) -> pb.ConverseResponse:
    update = pb.ResumeUpdate(resume_token=m.token, last_consumed_seq=m.last_consumed)
    update.expire_time.FromMicroseconds(round(m.expires_at * 1e6))
    return pb.ConverseResponse(resume_update=update)


def _config_applied(m: o.ConfigApplied, rate_hz: int) -> pb.ConverseResponse:
    applied = pb.ConfigApplied(request_seq=m.seq, effective_config=config_message(m.config))
    return pb.ConverseResponse(config_applied=applied)


def speech_event(m: o.SpeechEvent, rate_hz: int) -> pb.SpeechEvent:
    return pb.SpeechEvent(
        kind=enums.SPEECH_KINDS[m.speaking],
        position_samples=_at(m.position, rate_hz),
        probability=m.probability,
    )


def _speech_event(m: o.SpeechEvent, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(speech_event=speech_event(m, rate_hz))


def transcript(m: o.Transcript, rate_hz: int) -> pb.Transcript:
    return pb.Transcript(
        segment=m.segment,
        revision=m.revision,
        text=m.text,
        is_final=m.is_final,
        stability=m.stability,
        stable_characters=m.stable_characters,
        start_samples=_at(m.start, rate_hz),
        end_samples=_at(m.end, rate_hz),
        language_code=m.language,
        words=[
            pb.WordInfo(text=w.text, start_samples=_at(w.start, rate_hz), end_samples=_at(w.end, rate_hz))
            for w in m.words
        ],
    )


def _transcript(m: o.Transcript, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=m.turn, transcript=transcript(m, rate_hz))


def _turn_event(m: o.TurnEvent, rate_hz: int) -> pb.ConverseResponse:
    event = pb.TurnEvent(state=enums.TURN_STATES[m.phase], reason=m.reason)
    return pb.ConverseResponse(turn=m.turn, turn_event=event)


def _response_text(m: o.ResponseText, rate_hz: int) -> pb.ConverseResponse:
    words = pb.ResponseText(segment_index=m.segment, delta=m.delta, is_final=m.is_final)
    return pb.ConverseResponse(turn=m.turn, response_text=words)


def _playback_control(m: o.PlaybackControl, rate_hz: int) -> pb.ConverseResponse:
    control = pb.PlaybackControl(action=enums.PLAYBACK_ACTIONS[m.action], position_samples=m.position)
    return pb.ConverseResponse(turn=m.turn, playback_control=control)


def _interrupted(m: o.Interrupted, rate_hz: int) -> pb.ConverseResponse:
    reported, estimated = pb.Interrupted.SOURCE_CLIENT_REPORTED, pb.Interrupted.SOURCE_SERVER_ESTIMATED
    interrupted = pb.Interrupted(
        turn=m.turn,
        reason=enums.CANCEL_REASONS[m.reason],
        played_samples=m.played,
        heard_text=m.heard_text,
        source=reported if m.is_reported else estimated,
    )
    return pb.ConverseResponse(turn=m.turn, interrupted=interrupted)


def _tool_call(m: o.ToolCall, rate_hz: int) -> pb.ConverseResponse:
    call = pb.ToolCall(call_id=m.call_id, name=m.name, arguments=to_struct(m.arguments))
    return pb.ConverseResponse(turn=m.turn, tool_call=call)


def _tool_call_cancelled(m: o.ToolCallCancelled, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=m.turn, tool_call_cancelled=pb.ToolCallCancelled(call_ids=m.call_ids))


def notice(m: o.Notice) -> pb.Notice:
    return pb.Notice(
        stage=enums.STAGES[m.stage],
        reason=m.reason,
        message=m.message,
        retryable=m.retryable,
        request_seq=m.seq,
        field=m.field,
    )


def _notice(m: o.Notice, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=m.turn, notice=notice(m))


def _turn_metrics(m: o.TurnMetrics, rate_hz: int) -> pb.ConverseResponse:
    message = pb.TurnMetrics()
    for name, count in m.counts.items():
        setattr(message, name, count)
    for name, seconds in m.seconds.items():
        getattr(message, name).CopyFrom(to_duration(seconds))
    if (decision := m.decision) is not None:
        evidence = decision.evidence
        message.ending, message.expectation = evidence.ending.value, evidence.expects.value
        message.end_probability = decision.finished
        if evidence.text_end is not None:
            message.text_end_probability = evidence.text_end
        if evidence.acoustic_end is not None:
            message.acoustic_end_probability = evidence.acoustic_end
    if m.echo_loss is not None:
        message.echo_return_loss_enhancement_db = m.echo_loss
    return pb.ConverseResponse(turn=m.turn, turn_metrics=message)


def _pong(m: o.Pong, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(pong=pb.Pong(id=m.id, client_time_us=m.client_time_us))


def _go_away(m: o.GoAway, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(go_away=pb.GoAway(time_left=to_duration(m.time_left), reason=m.reason))


def _session_ended(m: o.SessionEnded, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(session_ended=pb.SessionEnded(reason=enums.END_REASONS[m.reason]))


def _at(position: int, rate_hz: int) -> int:
    """Samples at `RATE_HZ` → at the input rate."""
    return position * rate_hz // RATE_HZ


_ARMS: Mapping[type[o.ConverseResponse], Callable[[Any, int], pb.ConverseResponse]] = {
    o.AudioOutput: _audio,
    o.SessionStarted: _session_started,
    o.ResumeUpdate: _resume_update,
    o.ConfigApplied: _config_applied,
    o.SpeechEvent: _speech_event,
    o.Transcript: _transcript,
    o.TurnEvent: _turn_event,
    o.ResponseText: _response_text,
    o.PlaybackControl: _playback_control,
    o.Interrupted: _interrupted,
    o.ToolCall: _tool_call,
    o.ToolCallCancelled: _tool_call_cancelled,
    o.Notice: _notice,
    o.TurnMetrics: _turn_metrics,
    o.Pong: _pong,
    o.GoAway: _go_away,
    o.SessionEnded: _session_ended,
}
