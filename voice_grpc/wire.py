"""Converse messages ⇄ what the session takes and says. Pure functions, one an arm.

An empty or unknown payload is None: ignored. An unknown enum value counts as UNSPECIFIED.
"""

from collections.abc import Callable, Mapping
from typing import Any

from . import __version__
from .core import inbound as i
from .core import outbound as o
from .core.audio import RATE_HZ
from .core.config import MAX_AUDIO_BYTES, MAX_TEXT, SessionConfig
from .core.errors import BadField, CallerError
from .fields import text
from .pb import voice_pb2 as pb
from .wire_config import Catalog, config_message, not_available, to_duration, update_paths, with_changes

PRESSES = {
    pb.UserActivity.KIND_START: i.Press.START,
    pb.UserActivity.KIND_END: i.Press.END,
    pb.UserActivity.KIND_CANCEL: i.Press.CANCEL,
}
PLAYINGS = {
    pb.PlaybackReport.STATE_STARTED: i.Playing.STARTED,
    pb.PlaybackReport.STATE_PROGRESS: i.Playing.PROGRESS,
    pb.PlaybackReport.STATE_FINISHED: i.Playing.FINISHED,
    pb.PlaybackReport.STATE_CLEARED: i.Playing.CLEARED,
}
STAGES = {
    "protocol": pb.STAGE_PROTOCOL,
    "vad": pb.STAGE_VAD,
    "stt": pb.STAGE_STT,
    "llm": pb.STAGE_LLM,
    "tts": pb.STAGE_TTS,
    "session": pb.STAGE_SESSION,
}


# ---------------------------------------------------------------- from the wire


def inbound(
    request: pb.ConverseRequest, seq: int, config: SessionConfig, catalog: Catalog
) -> i.Inbound | None:
    """Raises `BadField` for what ends the call; what is skipped comes back as `Refused`."""
    arm = request.WhichOneof("payload")
    match arm:
        case None:
            return None
        case "audio":
            return audio(request.audio, seq)
        case "config":
            raise BadField(
                "config", "a second config", "config once, as the first request; then config_update"
            )
        case "config_update":
            return _update(request.config_update, seq, config, catalog)
        case "ping":
            return i.Ping(request.ping.id, request.client_time_us)
        case "tool_result":
            return i.Refused(
                "NOT_AVAILABLE", "tools are not available on this server yet", "tool_result", seq
            )
        case _:
            return _ARMS[arm](getattr(request, arm), seq)


def audio(message: pb.AudioInput, seq: int) -> i.Audio | None:
    if len(message.data) > MAX_AUDIO_BYTES:
        raise BadField(
            "audio.data", f"{len(message.data)} bytes", f"at most {MAX_AUDIO_BYTES} bytes a message"
        )
    if not message.data:
        return None
    offset = message.offset_samples if message.HasField("offset_samples") else None
    return i.Audio(message.data, offset, seq)


def _text(message: pb.TextInput, seq: int) -> i.Inbound:
    try:
        words = text(message.text, "text.text", MAX_TEXT, required=True)
    except CallerError as error:
        return _refused(error, seq)
    interrupts = message.interrupt if message.HasField("interrupt") else True
    return i.Text(words.strip(), interrupts, message.text_only, seq)


def _say(message: pb.Say, seq: int) -> i.Inbound:
    try:
        words = text(message.text, "say.text", MAX_TEXT, required=True)
    except CallerError as error:
        return _refused(error, seq)
    return i.Say(words.strip(), message.interruptible if message.HasField("interruptible") else True, seq)


def _activity(message: pb.UserActivity, seq: int) -> i.Inbound | None:
    press = PRESSES.get(message.kind)
    return None if press is None else i.Activity(press)


def _playback(message: pb.PlaybackReport, seq: int) -> i.Inbound | None:
    playing = PLAYINGS.get(message.state)
    return None if playing is None else i.Playback(message.turn, playing, message.played_samples, seq)


def _update(update: pb.ConfigUpdate, seq: int, config: SessionConfig, catalog: Catalog) -> i.Inbound:
    missing = not_available(update.config, seq)
    if missing:
        return i.Refused(missing[0].reason, missing[0].message, missing[0].field, seq)
    try:
        return i.Update(with_changes(config, update.config, update_paths(update), catalog), seq)
    except CallerError as error:
        return _refused(error, seq)


def _refused(error: CallerError, seq: int) -> i.Refused:
    return i.Refused("BAD_MESSAGE", str(error), error.field, seq)


_ARMS: Mapping[str, Callable[[Any, int], i.Inbound | None]] = {
    "audio_end": lambda message, seq: i.AudioEnd(),
    "text": _text,
    "activity": _activity,
    "interrupt": lambda message, seq: i.Interrupt(message.turn, seq),
    "pause": lambda message, seq: i.Pause(),
    "resume": lambda message, seq: i.Resume(),
    "playback": _playback,
    "say": _say,
    "end_session": lambda message, seq: i.End(),
}


# ---------------------------------------------------------------- to the wire


def outbound(message: o.Outbound, rate_hz: int) -> pb.ConverseResponse:
    """`rate_hz` is the input rate, in which positions are told."""
    return _SAID[type(message)](message, rate_hz)


def _audio_out(m: o.AudioOut, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(
        turn=m.turn,
        audio=pb.AudioOutput(
            data=m.data,
            chunk_index=m.index,
            offset_samples=m.offset,
            duration_samples=m.duration,
            segment_index=m.segment,
            is_last=m.is_last,
        ),
    )


def _started(m: o.Started, rate_hz: int) -> pb.ConverseResponse:
    started = pb.SessionStarted(
        session_id=m.config.session_id,
        resumed=m.is_resumed,
        effective_config=config_message(m.config),
        server_version=__version__,
        last_turn=m.last_turn,
    )
    return pb.ConverseResponse(session_started=started)


def _applied(m: o.Applied, rate_hz: int) -> pb.ConverseResponse:
    applied = pb.ConfigApplied(request_seq=m.seq, effective_config=config_message(m.config))
    return pb.ConverseResponse(config_applied=applied)


def _speech(m: o.SpeechHeard, rate_hz: int) -> pb.ConverseResponse:
    kinds = {
        o.Speaking.STARTED: pb.SpeechEvent.KIND_STARTED,
        o.Speaking.STOPPED: pb.SpeechEvent.KIND_STOPPED,
        o.Speaking.IDLE: pb.SpeechEvent.KIND_IDLE_TIMEOUT,
    }
    event = pb.SpeechEvent(
        kind=kinds[m.speaking], position_samples=_at(m.position, rate_hz), probability=m.probability
    )
    return pb.ConverseResponse(speech_event=event)


def transcript(m: o.TranscriptOut, rate_hz: int) -> pb.Transcript:
    return pb.Transcript(
        segment=m.segment,
        revision=m.revision,
        text=m.text,
        is_final=m.is_final,
        stability=m.stability,
        start_samples=_at(m.start, rate_hz),
        end_samples=_at(m.end, rate_hz),
        language_code=m.language,
        words=[
            pb.WordInfo(text=w.text, start_samples=_at(w.start, rate_hz), end_samples=_at(w.end, rate_hz))
            for w in m.words
        ],
    )


def _transcript(m: o.TranscriptOut, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=m.turn, transcript=transcript(m, rate_hz))


def _turn(m: o.TurnChanged, rate_hz: int) -> pb.ConverseResponse:
    event = pb.TurnEvent(state=f"STATE_{m.phase.name}", reason=m.reason)
    return pb.ConverseResponse(turn=m.turn, turn_event=event)


def _text_out(m: o.TextOut, rate_hz: int) -> pb.ConverseResponse:
    words = pb.ResponseText(segment_index=m.segment, delta=m.delta, is_final=m.is_final)
    return pb.ConverseResponse(turn=m.turn, response_text=words)


def _flush(m: o.Flush, rate_hz: int) -> pb.ConverseResponse:
    control = pb.PlaybackControl(action=pb.PlaybackControl.ACTION_FLUSH)
    return pb.ConverseResponse(turn=m.turn, playback_control=control)


def _interrupted(m: o.InterruptedOut, rate_hz: int) -> pb.ConverseResponse:
    source = "CLIENT_REPORTED" if m.is_reported else "SERVER_ESTIMATED"
    interrupted = pb.Interrupted(
        turn=m.turn,
        reason=f"REASON_{m.cut.name}",
        played_samples=m.played,
        heard_text=m.heard_text,
        source=f"SOURCE_{source}",
    )
    return pb.ConverseResponse(turn=m.turn, interrupted=interrupted)


def notice(m: o.NoticeOut) -> pb.Notice:
    return pb.Notice(
        stage=STAGES[m.stage],
        reason=m.reason,
        message=m.message,
        retryable=m.retryable,
        request_seq=m.seq,
        field=m.field,
    )


def _notice(m: o.NoticeOut, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=m.turn, notice=notice(m))


def _metrics(m: o.MetricsOut, rate_hz: int) -> pb.ConverseResponse:
    message = pb.TurnMetrics()
    for name, count in m.counts.items():
        setattr(message, name, count)
    for name, seconds in m.seconds.items():
        getattr(message, name).CopyFrom(to_duration(seconds))
    return pb.ConverseResponse(turn=m.turn, turn_metrics=message)


def _pong(m: o.PongOut, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(pong=pb.Pong(id=m.id, client_time_us=m.client_time_us))


def _go_away(m: o.GoAwayOut, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(go_away=pb.GoAway(time_left=to_duration(m.time_left), reason=m.reason))


def _ended(m: o.Ended, rate_hz: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(session_ended=pb.SessionEnded(reason=f"REASON_{m.reason.name}"))


def _at(position: int, rate_hz: int) -> int:
    """Samples at `RATE_HZ` → at the input rate."""
    return position * rate_hz // RATE_HZ


_SAID: Mapping[type[o.Outbound], Callable[[Any, int], pb.ConverseResponse]] = {
    o.AudioOut: _audio_out,
    o.Started: _started,
    o.Applied: _applied,
    o.SpeechHeard: _speech,
    o.TranscriptOut: _transcript,
    o.TurnChanged: _turn,
    o.TextOut: _text_out,
    o.Flush: _flush,
    o.InterruptedOut: _interrupted,
    o.NoticeOut: _notice,
    o.MetricsOut: _metrics,
    o.PongOut: _pong,
    o.GoAwayOut: _go_away,
    o.Ended: _ended,
}
