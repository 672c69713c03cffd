"""`core.config.SessionConfig` → SessionConfig on the wire: the settings in force, as the caller is told them.

Nothing is checked here; `wire_config.py` did, when it was wished for.
"""

from google.protobuf.duration_pb2 import Duration

from .core.config import SessionConfig
from .pb import voice_pb2 as pb
from .wire_format import format_message
from .wire_tools import declaration_message


def config_message(config: SessionConfig) -> pb.SessionConfig:
    """The settings in force."""
    turns, endpoint = config.turns, config.endpoint
    message = pb.SessionConfig(
        session_id=config.session_id,
        input_audio=format_message(config.input),
        output_audio=format_message(config.output),
        language_codes=config.languages,
        persona_id=config.persona,
        instructions=config.instructions if config.has_own_instructions else "",
        voice=pb.VoiceConfig(voice_id=config.voice, speaking_rate=config.speaking_rate),
        turn_detection=pb.TurnDetection(
            mode=pb.TurnDetection.MODE_MANUAL if config.is_manual else pb.TurnDetection.MODE_SERVER_VAD,
            interruption=pb.TurnDetection.INTERRUPTION_ON_SPEECH
            if turns.interruptions
            else pb.TurnDetection.INTERRUPTION_DISABLED,
            threshold=endpoint.threshold,
            min_speech=to_duration(endpoint.min_speech),
            hold=to_duration(turns.hold),
            interrupt_after=to_duration(turns.interrupt_after),
            prefix_padding=to_duration(config.prefix_padding),
            duck=turns.duck,
        ),
        transcription=pb.TranscriptionConfig(prompt=config.prompt),
        generation=pb.GenerationConfig(max_output_tokens=config.max_tokens),
        capabilities=pb.ClientCapabilities(
            echo_cancellation=config.has_echo_cancellation,
            playback_reports=config.has_playback_reports,
            half_duplex=config.is_half_duplex,
        ),
        max_playout_lead=to_duration(config.playout_lead),
        send=pb.OutputSelection(
            interim_transcripts=config.sends_interims, words=config.sends_words, metrics=config.sends_metrics
        ),
        greeting=config.greeting,
        tools=[declaration_message(tool) for tool in config.tools],
    )
    if config.idle_timeout is not None:
        message.turn_detection.idle_timeout.CopyFrom(to_duration(config.idle_timeout))
    if config.temperature is not None:
        message.generation.temperature = config.temperature
    return message


def to_duration(seconds: float) -> Duration:
    """To the microsecond."""
    duration = Duration()
    duration.FromMicroseconds(round(seconds * 1e6))
    return duration
