"""Every enumeration of ours that the proto has too: one table each, and the same table read backwards.

Ours stands left. A value that a table lacks, such as one of a newer client, counts as unspecified.
"""

from collections.abc import Mapping
from typing import TypeVar

from ..core import requests as i
from ..core import responses as o
from ..core.config import Encoding
from ..core.conversation import Heard, Role
from ..core.events import CancelReason
from ..core.turn.interruption import Interruption
from ..core.turn.patience import Profile
from ..core.turn.settings import Speculation
from ..pb import voice_pb2 as pb

A = TypeVar("A")
B = TypeVar("B")


def inverse(table: Mapping[A, B]) -> dict[B, A]:
    return {theirs: ours for ours, theirs in table.items()}


ENCODINGS = {
    Encoding.PCM_S16LE: pb.AUDIO_ENCODING_PCM_S16LE,
    Encoding.PCM_F32LE: pb.AUDIO_ENCODING_PCM_F32LE,
    Encoding.MULAW: pb.AUDIO_ENCODING_MULAW,
    Encoding.ALAW: pb.AUDIO_ENCODING_ALAW,
    Encoding.OPUS_PACKET: pb.AUDIO_ENCODING_OPUS_PACKET,
    Encoding.OGG_OPUS: pb.AUDIO_ENCODING_OGG_OPUS,
}
ACTIVITY_KINDS = {
    i.ActivityKind.START: pb.UserActivity.KIND_START,
    i.ActivityKind.END: pb.UserActivity.KIND_END,
    i.ActivityKind.CANCEL: pb.UserActivity.KIND_CANCEL,
}
PLAYBACK_STATES = {
    i.PlaybackState.STARTED: pb.PlaybackReport.STATE_STARTED,
    i.PlaybackState.PROGRESS: pb.PlaybackReport.STATE_PROGRESS,
    i.PlaybackState.FINISHED: pb.PlaybackReport.STATE_FINISHED,
    i.PlaybackState.CLEARED: pb.PlaybackReport.STATE_CLEARED,
}
SPEECH_KINDS = {
    o.SpeechKind.STARTED: pb.SpeechEvent.KIND_STARTED,
    o.SpeechKind.STOPPED: pb.SpeechEvent.KIND_STOPPED,
    o.SpeechKind.IDLE: pb.SpeechEvent.KIND_IDLE_TIMEOUT,
}
TURN_STATES = {
    o.TurnPhase.LISTENING: pb.TurnEvent.STATE_LISTENING,
    o.TurnPhase.USER_SPEAKING: pb.TurnEvent.STATE_USER_SPEAKING,
    o.TurnPhase.THINKING: pb.TurnEvent.STATE_THINKING,
    o.TurnPhase.SPEAKING: pb.TurnEvent.STATE_SPEAKING,
    o.TurnPhase.COMPLETED: pb.TurnEvent.STATE_COMPLETED,
    o.TurnPhase.INTERRUPTED: pb.TurnEvent.STATE_INTERRUPTED,
    o.TurnPhase.FAILED: pb.TurnEvent.STATE_FAILED,
    o.TurnPhase.DISCARDED: pb.TurnEvent.STATE_DISCARDED,
}
PLAYBACK_ACTIONS = {
    o.PlaybackAction.DUCK: pb.PlaybackControl.ACTION_DUCK,
    o.PlaybackAction.UNDUCK: pb.PlaybackControl.ACTION_UNDUCK,
    o.PlaybackAction.FLUSH: pb.PlaybackControl.ACTION_FLUSH,
    o.PlaybackAction.HOLD: pb.PlaybackControl.ACTION_HOLD,
    o.PlaybackAction.RESUME: pb.PlaybackControl.ACTION_RESUME,
}
CANCEL_REASONS = {
    CancelReason.SPEECH: pb.Interrupted.REASON_SPEECH,
    CancelReason.ACTIVITY: pb.Interrupted.REASON_ACTIVITY,
    CancelReason.REQUEST: pb.Interrupted.REASON_REQUEST,
    CancelReason.TEXT: pb.Interrupted.REASON_TEXT,
    CancelReason.ENDED: pb.Interrupted.REASON_ENDED,
    CancelReason.SERVER_LOST: pb.Interrupted.REASON_SERVER_LOST,
}
END_REASONS = {
    o.EndReason.CLIENT: pb.SessionEnded.REASON_CLIENT,
    o.EndReason.HALF_CLOSE: pb.SessionEnded.REASON_HALF_CLOSE,
    o.EndReason.IDLE: pb.SessionEnded.REASON_IDLE,
}
INTERRUPTIONS = {
    Interruption.YIELD: pb.TurnDetection.INTERRUPTION_YIELD,
    Interruption.ON_SPEECH: pb.TurnDetection.INTERRUPTION_ON_SPEECH,
    Interruption.MIN_WORDS: pb.TurnDetection.INTERRUPTION_MIN_WORDS,
    Interruption.DISABLED: pb.TurnDetection.INTERRUPTION_DISABLED,
}
PROFILES = {
    Profile.QUICK: pb.TurnDetection.PROFILE_QUICK,
    Profile.CONVERSATION: pb.TurnDetection.PROFILE_CONVERSATION,
    Profile.DICTATION: pb.TurnDetection.PROFILE_DICTATION,
}
SPECULATIONS = {
    Speculation.OFF: pb.TurnDetection.SPECULATION_OFF,
    Speculation.STT: pb.TurnDetection.SPECULATION_STT,
    Speculation.LLM: pb.TurnDetection.SPECULATION_LLM,
    Speculation.TTS: pb.TurnDetection.SPECULATION_TTS,
}
STAGES = {
    "protocol": pb.STAGE_PROTOCOL,
    "vad": pb.STAGE_VAD,
    "stt": pb.STAGE_STT,
    "llm": pb.STAGE_LLM,
    "tts": pb.STAGE_TTS,
    "session": pb.STAGE_SESSION,
    "turn": pb.STAGE_TURN,
}
ROLES = {
    Role.USER: pb.SessionMessage.ROLE_USER,
    Role.ASSISTANT: pb.SessionMessage.ROLE_ASSISTANT,
    Role.TOOLS: pb.SessionMessage.ROLE_TOOLS,
}
HEARD = {
    Heard.WHOLE: pb.SessionMessage.HEARD_WHOLE,
    Heard.REPORTED: pb.SessionMessage.HEARD_CLIENT_REPORTED,
    Heard.ESTIMATED: pb.SessionMessage.HEARD_SERVER_ESTIMATED,
}
