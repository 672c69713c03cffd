"""What a caller sends on a Converse stream → what the session takes. Pure functions, one an arm.

An empty or unknown payload is None: ignored. An unknown enum value counts as UNSPECIFIED, and what the
proto says is not acted on (`discontinuity`) is left behind here. What the session says in return is
`responses.py`'s; what a config may hold is `config.py`'s.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..core import requests as i
from ..core.config import MAX_AUDIO_BYTES, MAX_TEXT, SessionConfig
from ..core.errors import BadField, CallerError, Reason
from ..pb import voice_pb2 as pb
from . import enums
from .catalog import Catalog
from .config import update_paths, with_changes
from .enums import inverse
from .fields import ssml, text
from .tools import struct_json

_ACTIVITY_KINDS = inverse(enums.ACTIVITY_KINDS)
_PLAYBACK_STATES = inverse(enums.PLAYBACK_STATES)


def inbound(
    request: pb.ConverseRequest, seq: int, config: SessionConfig, catalog: Catalog
) -> i.ConverseRequest | None:
    """Raises `BadField` for what ends the call; what is skipped comes back as `RefusedRequest`."""
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
            return i.Ping(request.ping.id, request.client_time_us, seq)
        case _:
            return _ARMS[arm](getattr(request, arm), seq)


def audio(message: pb.AudioInput, seq: int) -> i.AudioInput | None:
    if len(message.data) > MAX_AUDIO_BYTES:
        raise BadField(
            "audio.data", f"{len(message.data)} bytes", f"at most {MAX_AUDIO_BYTES} bytes a message"
        )
    if not message.data:
        return None
    offset = message.offset_samples if message.HasField("offset_samples") else None
    return i.AudioInput(message.data, offset, seq)


def _text(message: pb.TextInput, seq: int) -> i.ConverseRequest:
    try:
        words = text(message.text, "text.text", MAX_TEXT, required=True)
    except CallerError as error:
        return _refused(error, seq)
    interrupts = message.interrupt if message.HasField("interrupt") else True
    return i.TextInput(words.strip(), interrupts, message.text_only, seq)


def _say(message: pb.Say, seq: int) -> i.ConverseRequest:
    interruptible = message.interruptible if message.HasField("interruptible") else True
    try:
        if message.ssml and message.text:
            raise BadField("say.ssml", "a text beside it", "exactly one of `text` and `ssml`")
        if message.ssml:
            document = ssml(message.ssml, "say.ssml")
            return i.Say(" ".join(document.text.split()), interruptible, seq, message.ssml)
        words = text(message.text, "say.text", MAX_TEXT, required=True)
    except CallerError as error:
        return _refused(error, seq)
    return i.Say(words.strip(), interruptible, seq)


def _activity(message: pb.UserActivity, seq: int) -> i.ConverseRequest | None:
    kind = _ACTIVITY_KINDS.get(message.kind)
    return None if kind is None else i.UserActivity(kind, seq)


def _playback(message: pb.PlaybackReport, seq: int) -> i.ConverseRequest | None:
    state = _PLAYBACK_STATES.get(message.state)
    if state is None:
        return None
    told = message.played_samples, seq, message.buffered_samples, message.underruns
    return i.PlaybackReport(message.turn, state, *told)


def _update(update: pb.ConfigUpdate, seq: int, config: SessionConfig, catalog: Catalog) -> i.ConverseRequest:
    try:
        return i.ConfigUpdate(with_changes(config, update.config, update_paths(update), catalog), seq)
    except CallerError as error:
        return _refused(error, seq)


def _tool_result(message: pb.ToolResult, seq: int) -> i.ConverseRequest:
    try:
        match message.WhichOneof("outcome"):
            case "error":
                failed = text(message.error, "tool_result.error", MAX_TEXT)
                return i.ToolResult(message.call_id, json.dumps({"error": failed or "it failed"}), seq)
            case "result":
                written = struct_json(message.result, "tool_result.result")
                return i.ToolResult(message.call_id, written, seq)
        raise BadField("tool_result", "no outcome", "`result` or `error`")
    except CallerError as error:
        return _refused(error, seq)


def _refused(error: CallerError, seq: int) -> i.RefusedRequest:
    return i.RefusedRequest(Reason.BAD_MESSAGE, str(error), error.field, seq)


_ARMS: Mapping[str, Callable[[Any, int], i.ConverseRequest | None]] = {
    "audio_end": lambda message, seq: i.AudioInputEnd(seq),
    "text": _text,
    "activity": _activity,
    "interrupt": lambda message, seq: i.Interrupt(message.turn, seq),
    "pause": lambda message, seq: i.Pause(seq),
    "resume": lambda message, seq: i.Resume(seq),
    "playback": _playback,
    "say": _say,
    "tool_result": _tool_result,
    "end_session": lambda message, seq: i.EndSession(seq=seq),
}
