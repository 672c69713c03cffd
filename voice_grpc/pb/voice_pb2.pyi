import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AudioEncoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO_ENCODING_UNSPECIFIED: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_PCM_S16LE: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_PCM_F32LE: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_MULAW: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_ALAW: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_OPUS_PACKET: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_OGG_OPUS: _ClassVar[AudioEncoding]

class Stage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STAGE_UNSPECIFIED: _ClassVar[Stage]
    STAGE_PROTOCOL: _ClassVar[Stage]
    STAGE_VAD: _ClassVar[Stage]
    STAGE_STT: _ClassVar[Stage]
    STAGE_LLM: _ClassVar[Stage]
    STAGE_TTS: _ClassVar[Stage]
    STAGE_SESSION: _ClassVar[Stage]
    STAGE_TURN: _ClassVar[Stage]
AUDIO_ENCODING_UNSPECIFIED: AudioEncoding
AUDIO_ENCODING_PCM_S16LE: AudioEncoding
AUDIO_ENCODING_PCM_F32LE: AudioEncoding
AUDIO_ENCODING_MULAW: AudioEncoding
AUDIO_ENCODING_ALAW: AudioEncoding
AUDIO_ENCODING_OPUS_PACKET: AudioEncoding
AUDIO_ENCODING_OGG_OPUS: AudioEncoding
STAGE_UNSPECIFIED: Stage
STAGE_PROTOCOL: Stage
STAGE_VAD: Stage
STAGE_STT: Stage
STAGE_LLM: Stage
STAGE_TTS: Stage
STAGE_SESSION: Stage
STAGE_TURN: Stage

class AudioFormat(_message.Message):
    __slots__ = ("encoding", "sample_rate_hz", "channels")
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    encoding: AudioEncoding
    sample_rate_hz: int
    channels: int
    def __init__(self, encoding: _Optional[_Union[AudioEncoding, str]] = ..., sample_rate_hz: _Optional[int] = ..., channels: _Optional[int] = ...) -> None: ...

class ConverseRequest(_message.Message):
    __slots__ = ("seq", "client_time_us", "audio", "config", "audio_end", "text", "activity", "interrupt", "pause", "resume", "playback", "config_update", "tool_result", "say", "ping", "end_session")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TIME_US_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUDIO_END_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    INTERRUPT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    PLAYBACK_FIELD_NUMBER: _ClassVar[int]
    CONFIG_UPDATE_FIELD_NUMBER: _ClassVar[int]
    TOOL_RESULT_FIELD_NUMBER: _ClassVar[int]
    SAY_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    END_SESSION_FIELD_NUMBER: _ClassVar[int]
    seq: int
    client_time_us: int
    audio: AudioInput
    config: SessionConfig
    audio_end: AudioInputEnd
    text: TextInput
    activity: UserActivity
    interrupt: Interrupt
    pause: Pause
    resume: Resume
    playback: PlaybackReport
    config_update: ConfigUpdate
    tool_result: ToolResult
    say: Say
    ping: Ping
    end_session: EndSession
    def __init__(self, seq: _Optional[int] = ..., client_time_us: _Optional[int] = ..., audio: _Optional[_Union[AudioInput, _Mapping]] = ..., config: _Optional[_Union[SessionConfig, _Mapping]] = ..., audio_end: _Optional[_Union[AudioInputEnd, _Mapping]] = ..., text: _Optional[_Union[TextInput, _Mapping]] = ..., activity: _Optional[_Union[UserActivity, _Mapping]] = ..., interrupt: _Optional[_Union[Interrupt, _Mapping]] = ..., pause: _Optional[_Union[Pause, _Mapping]] = ..., resume: _Optional[_Union[Resume, _Mapping]] = ..., playback: _Optional[_Union[PlaybackReport, _Mapping]] = ..., config_update: _Optional[_Union[ConfigUpdate, _Mapping]] = ..., tool_result: _Optional[_Union[ToolResult, _Mapping]] = ..., say: _Optional[_Union[Say, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., end_session: _Optional[_Union[EndSession, _Mapping]] = ...) -> None: ...

class SessionConfig(_message.Message):
    __slots__ = ("session_id", "resume_token", "input_audio", "output_audio", "language_codes", "persona_id", "instructions", "voice", "turn_detection", "transcription", "generation", "tools", "capabilities", "max_playout_lead", "send", "greeting", "metadata", "resume_turn", "resume_played_samples", "last_received_seq", "recording")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INPUT_AUDIO_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_AUDIO_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CODES_FIELD_NUMBER: _ClassVar[int]
    PERSONA_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    VOICE_FIELD_NUMBER: _ClassVar[int]
    TURN_DETECTION_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    MAX_PLAYOUT_LEAD_FIELD_NUMBER: _ClassVar[int]
    SEND_FIELD_NUMBER: _ClassVar[int]
    GREETING_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    RESUME_TURN_FIELD_NUMBER: _ClassVar[int]
    RESUME_PLAYED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    LAST_RECEIVED_SEQ_FIELD_NUMBER: _ClassVar[int]
    RECORDING_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resume_token: str
    input_audio: AudioFormat
    output_audio: AudioFormat
    language_codes: _containers.RepeatedScalarFieldContainer[str]
    persona_id: str
    instructions: str
    voice: VoiceConfig
    turn_detection: TurnDetection
    transcription: TranscriptionConfig
    generation: GenerationConfig
    tools: _containers.RepeatedCompositeFieldContainer[ToolDeclaration]
    capabilities: ClientCapabilities
    max_playout_lead: _duration_pb2.Duration
    send: OutputSelection
    greeting: str
    metadata: _containers.ScalarMap[str, str]
    resume_turn: int
    resume_played_samples: int
    last_received_seq: int
    recording: bool
    def __init__(self, session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., input_audio: _Optional[_Union[AudioFormat, _Mapping]] = ..., output_audio: _Optional[_Union[AudioFormat, _Mapping]] = ..., language_codes: _Optional[_Iterable[str]] = ..., persona_id: _Optional[str] = ..., instructions: _Optional[str] = ..., voice: _Optional[_Union[VoiceConfig, _Mapping]] = ..., turn_detection: _Optional[_Union[TurnDetection, _Mapping]] = ..., transcription: _Optional[_Union[TranscriptionConfig, _Mapping]] = ..., generation: _Optional[_Union[GenerationConfig, _Mapping]] = ..., tools: _Optional[_Iterable[_Union[ToolDeclaration, _Mapping]]] = ..., capabilities: _Optional[_Union[ClientCapabilities, _Mapping]] = ..., max_playout_lead: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., send: _Optional[_Union[OutputSelection, _Mapping]] = ..., greeting: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., resume_turn: _Optional[int] = ..., resume_played_samples: _Optional[int] = ..., last_received_seq: _Optional[int] = ..., recording: bool = ...) -> None: ...

class VoiceConfig(_message.Message):
    __slots__ = ("voice_id", "speaking_rate")
    VOICE_ID_FIELD_NUMBER: _ClassVar[int]
    SPEAKING_RATE_FIELD_NUMBER: _ClassVar[int]
    voice_id: str
    speaking_rate: float
    def __init__(self, voice_id: _Optional[str] = ..., speaking_rate: _Optional[float] = ...) -> None: ...

class TurnDetection(_message.Message):
    __slots__ = ("mode", "interruption", "threshold", "min_speech", "hold", "interrupt_after", "prefix_padding", "idle_timeout", "duck", "profile", "min_hold", "max_hold", "speculation", "speculation_tries", "turn_limit", "min_words", "near_field_only", "threshold_thinking", "threshold_speaking")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[TurnDetection.Mode]
        MODE_SERVER_VAD: _ClassVar[TurnDetection.Mode]
        MODE_MANUAL: _ClassVar[TurnDetection.Mode]
    MODE_UNSPECIFIED: TurnDetection.Mode
    MODE_SERVER_VAD: TurnDetection.Mode
    MODE_MANUAL: TurnDetection.Mode
    class Interruption(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INTERRUPTION_UNSPECIFIED: _ClassVar[TurnDetection.Interruption]
        INTERRUPTION_ON_SPEECH: _ClassVar[TurnDetection.Interruption]
        INTERRUPTION_DISABLED: _ClassVar[TurnDetection.Interruption]
        INTERRUPTION_YIELD: _ClassVar[TurnDetection.Interruption]
        INTERRUPTION_MIN_WORDS: _ClassVar[TurnDetection.Interruption]
    INTERRUPTION_UNSPECIFIED: TurnDetection.Interruption
    INTERRUPTION_ON_SPEECH: TurnDetection.Interruption
    INTERRUPTION_DISABLED: TurnDetection.Interruption
    INTERRUPTION_YIELD: TurnDetection.Interruption
    INTERRUPTION_MIN_WORDS: TurnDetection.Interruption
    class Profile(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PROFILE_UNSPECIFIED: _ClassVar[TurnDetection.Profile]
        PROFILE_QUICK: _ClassVar[TurnDetection.Profile]
        PROFILE_CONVERSATION: _ClassVar[TurnDetection.Profile]
        PROFILE_DICTATION: _ClassVar[TurnDetection.Profile]
    PROFILE_UNSPECIFIED: TurnDetection.Profile
    PROFILE_QUICK: TurnDetection.Profile
    PROFILE_CONVERSATION: TurnDetection.Profile
    PROFILE_DICTATION: TurnDetection.Profile
    class Speculation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SPECULATION_UNSPECIFIED: _ClassVar[TurnDetection.Speculation]
        SPECULATION_OFF: _ClassVar[TurnDetection.Speculation]
        SPECULATION_STT: _ClassVar[TurnDetection.Speculation]
        SPECULATION_LLM: _ClassVar[TurnDetection.Speculation]
        SPECULATION_TTS: _ClassVar[TurnDetection.Speculation]
    SPECULATION_UNSPECIFIED: TurnDetection.Speculation
    SPECULATION_OFF: TurnDetection.Speculation
    SPECULATION_STT: TurnDetection.Speculation
    SPECULATION_LLM: TurnDetection.Speculation
    SPECULATION_TTS: TurnDetection.Speculation
    MODE_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTION_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MIN_SPEECH_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    INTERRUPT_AFTER_FIELD_NUMBER: _ClassVar[int]
    PREFIX_PADDING_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    DUCK_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    MIN_HOLD_FIELD_NUMBER: _ClassVar[int]
    MAX_HOLD_FIELD_NUMBER: _ClassVar[int]
    SPECULATION_FIELD_NUMBER: _ClassVar[int]
    SPECULATION_TRIES_FIELD_NUMBER: _ClassVar[int]
    TURN_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MIN_WORDS_FIELD_NUMBER: _ClassVar[int]
    NEAR_FIELD_ONLY_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_THINKING_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_SPEAKING_FIELD_NUMBER: _ClassVar[int]
    mode: TurnDetection.Mode
    interruption: TurnDetection.Interruption
    threshold: float
    min_speech: _duration_pb2.Duration
    hold: _duration_pb2.Duration
    interrupt_after: _duration_pb2.Duration
    prefix_padding: _duration_pb2.Duration
    idle_timeout: _duration_pb2.Duration
    duck: bool
    profile: TurnDetection.Profile
    min_hold: _duration_pb2.Duration
    max_hold: _duration_pb2.Duration
    speculation: TurnDetection.Speculation
    speculation_tries: int
    turn_limit: _duration_pb2.Duration
    min_words: int
    near_field_only: bool
    threshold_thinking: float
    threshold_speaking: float
    def __init__(self, mode: _Optional[_Union[TurnDetection.Mode, str]] = ..., interruption: _Optional[_Union[TurnDetection.Interruption, str]] = ..., threshold: _Optional[float] = ..., min_speech: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., hold: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., interrupt_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., prefix_padding: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., idle_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., duck: bool = ..., profile: _Optional[_Union[TurnDetection.Profile, str]] = ..., min_hold: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_hold: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., speculation: _Optional[_Union[TurnDetection.Speculation, str]] = ..., speculation_tries: _Optional[int] = ..., turn_limit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., min_words: _Optional[int] = ..., near_field_only: bool = ..., threshold_thinking: _Optional[float] = ..., threshold_speaking: _Optional[float] = ...) -> None: ...

class TranscriptionConfig(_message.Message):
    __slots__ = ("prompt",)
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    def __init__(self, prompt: _Optional[str] = ...) -> None: ...

class GenerationConfig(_message.Message):
    __slots__ = ("temperature", "max_output_tokens")
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    temperature: float
    max_output_tokens: int
    def __init__(self, temperature: _Optional[float] = ..., max_output_tokens: _Optional[int] = ...) -> None: ...

class ToolDeclaration(_message.Message):
    __slots__ = ("name", "description", "parameters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    parameters: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ClientCapabilities(_message.Message):
    __slots__ = ("echo_cancellation", "playback_reports", "half_duplex", "playback_control")
    ECHO_CANCELLATION_FIELD_NUMBER: _ClassVar[int]
    PLAYBACK_REPORTS_FIELD_NUMBER: _ClassVar[int]
    HALF_DUPLEX_FIELD_NUMBER: _ClassVar[int]
    PLAYBACK_CONTROL_FIELD_NUMBER: _ClassVar[int]
    echo_cancellation: bool
    playback_reports: bool
    half_duplex: bool
    playback_control: bool
    def __init__(self, echo_cancellation: bool = ..., playback_reports: bool = ..., half_duplex: bool = ..., playback_control: bool = ...) -> None: ...

class OutputSelection(_message.Message):
    __slots__ = ("interim_transcripts", "words", "metrics")
    INTERIM_TRANSCRIPTS_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    interim_transcripts: bool
    words: bool
    metrics: bool
    def __init__(self, interim_transcripts: bool = ..., words: bool = ..., metrics: bool = ...) -> None: ...

class AudioInput(_message.Message):
    __slots__ = ("data", "offset_samples", "discontinuity")
    DATA_FIELD_NUMBER: _ClassVar[int]
    OFFSET_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DISCONTINUITY_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    offset_samples: int
    discontinuity: bool
    def __init__(self, data: _Optional[bytes] = ..., offset_samples: _Optional[int] = ..., discontinuity: bool = ...) -> None: ...

class AudioInputEnd(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TextInput(_message.Message):
    __slots__ = ("text", "interrupt", "text_only")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    INTERRUPT_FIELD_NUMBER: _ClassVar[int]
    TEXT_ONLY_FIELD_NUMBER: _ClassVar[int]
    text: str
    interrupt: bool
    text_only: bool
    def __init__(self, text: _Optional[str] = ..., interrupt: bool = ..., text_only: bool = ...) -> None: ...

class UserActivity(_message.Message):
    __slots__ = ("kind",)
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[UserActivity.Kind]
        KIND_START: _ClassVar[UserActivity.Kind]
        KIND_END: _ClassVar[UserActivity.Kind]
        KIND_CANCEL: _ClassVar[UserActivity.Kind]
    KIND_UNSPECIFIED: UserActivity.Kind
    KIND_START: UserActivity.Kind
    KIND_END: UserActivity.Kind
    KIND_CANCEL: UserActivity.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: UserActivity.Kind
    def __init__(self, kind: _Optional[_Union[UserActivity.Kind, str]] = ...) -> None: ...

class Interrupt(_message.Message):
    __slots__ = ("turn",)
    TURN_FIELD_NUMBER: _ClassVar[int]
    turn: int
    def __init__(self, turn: _Optional[int] = ...) -> None: ...

class Pause(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Resume(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PlaybackReport(_message.Message):
    __slots__ = ("turn", "state", "played_samples", "buffered_samples", "underruns")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[PlaybackReport.State]
        STATE_STARTED: _ClassVar[PlaybackReport.State]
        STATE_PROGRESS: _ClassVar[PlaybackReport.State]
        STATE_FINISHED: _ClassVar[PlaybackReport.State]
        STATE_CLEARED: _ClassVar[PlaybackReport.State]
    STATE_UNSPECIFIED: PlaybackReport.State
    STATE_STARTED: PlaybackReport.State
    STATE_PROGRESS: PlaybackReport.State
    STATE_FINISHED: PlaybackReport.State
    STATE_CLEARED: PlaybackReport.State
    TURN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PLAYED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    BUFFERED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    UNDERRUNS_FIELD_NUMBER: _ClassVar[int]
    turn: int
    state: PlaybackReport.State
    played_samples: int
    buffered_samples: int
    underruns: int
    def __init__(self, turn: _Optional[int] = ..., state: _Optional[_Union[PlaybackReport.State, str]] = ..., played_samples: _Optional[int] = ..., buffered_samples: _Optional[int] = ..., underruns: _Optional[int] = ...) -> None: ...

class ConfigUpdate(_message.Message):
    __slots__ = ("config", "update_mask")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    config: SessionConfig
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, config: _Optional[_Union[SessionConfig, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class ToolResult(_message.Message):
    __slots__ = ("call_id", "result", "error")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    result: _struct_pb2.Struct
    error: str
    def __init__(self, call_id: _Optional[str] = ..., result: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., error: _Optional[str] = ...) -> None: ...

class Say(_message.Message):
    __slots__ = ("text", "interruptible", "ssml")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIBLE_FIELD_NUMBER: _ClassVar[int]
    SSML_FIELD_NUMBER: _ClassVar[int]
    text: str
    interruptible: bool
    ssml: str
    def __init__(self, text: _Optional[str] = ..., interruptible: bool = ..., ssml: _Optional[str] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class EndSession(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConverseResponse(_message.Message):
    __slots__ = ("seq", "server_time_us", "turn", "audio", "session_started", "config_applied", "speech_event", "transcript", "turn_event", "response_text", "playback_control", "interrupted", "tool_call", "tool_call_cancelled", "notice", "turn_metrics", "pong", "go_away", "resume_update", "session_ended")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_US_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    SESSION_STARTED_FIELD_NUMBER: _ClassVar[int]
    CONFIG_APPLIED_FIELD_NUMBER: _ClassVar[int]
    SPEECH_EVENT_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    TURN_EVENT_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_TEXT_FIELD_NUMBER: _ClassVar[int]
    PLAYBACK_CONTROL_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTED_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    TURN_METRICS_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    RESUME_UPDATE_FIELD_NUMBER: _ClassVar[int]
    SESSION_ENDED_FIELD_NUMBER: _ClassVar[int]
    seq: int
    server_time_us: int
    turn: int
    audio: AudioOutput
    session_started: SessionStarted
    config_applied: ConfigApplied
    speech_event: SpeechEvent
    transcript: Transcript
    turn_event: TurnEvent
    response_text: ResponseText
    playback_control: PlaybackControl
    interrupted: Interrupted
    tool_call: ToolCall
    tool_call_cancelled: ToolCallCancelled
    notice: Notice
    turn_metrics: TurnMetrics
    pong: Pong
    go_away: GoAway
    resume_update: ResumeUpdate
    session_ended: SessionEnded
    def __init__(self, seq: _Optional[int] = ..., server_time_us: _Optional[int] = ..., turn: _Optional[int] = ..., audio: _Optional[_Union[AudioOutput, _Mapping]] = ..., session_started: _Optional[_Union[SessionStarted, _Mapping]] = ..., config_applied: _Optional[_Union[ConfigApplied, _Mapping]] = ..., speech_event: _Optional[_Union[SpeechEvent, _Mapping]] = ..., transcript: _Optional[_Union[Transcript, _Mapping]] = ..., turn_event: _Optional[_Union[TurnEvent, _Mapping]] = ..., response_text: _Optional[_Union[ResponseText, _Mapping]] = ..., playback_control: _Optional[_Union[PlaybackControl, _Mapping]] = ..., interrupted: _Optional[_Union[Interrupted, _Mapping]] = ..., tool_call: _Optional[_Union[ToolCall, _Mapping]] = ..., tool_call_cancelled: _Optional[_Union[ToolCallCancelled, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ..., turn_metrics: _Optional[_Union[TurnMetrics, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ..., resume_update: _Optional[_Union[ResumeUpdate, _Mapping]] = ..., session_ended: _Optional[_Union[SessionEnded, _Mapping]] = ...) -> None: ...

class SessionStarted(_message.Message):
    __slots__ = ("session_id", "resumed", "effective_config", "server_version", "last_turn", "last_consumed_seq", "recording")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    LAST_TURN_FIELD_NUMBER: _ClassVar[int]
    LAST_CONSUMED_SEQ_FIELD_NUMBER: _ClassVar[int]
    RECORDING_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resumed: bool
    effective_config: SessionConfig
    server_version: str
    last_turn: int
    last_consumed_seq: int
    recording: bool
    def __init__(self, session_id: _Optional[str] = ..., resumed: bool = ..., effective_config: _Optional[_Union[SessionConfig, _Mapping]] = ..., server_version: _Optional[str] = ..., last_turn: _Optional[int] = ..., last_consumed_seq: _Optional[int] = ..., recording: bool = ...) -> None: ...

class ConfigApplied(_message.Message):
    __slots__ = ("request_seq", "effective_config")
    REQUEST_SEQ_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    request_seq: int
    effective_config: SessionConfig
    def __init__(self, request_seq: _Optional[int] = ..., effective_config: _Optional[_Union[SessionConfig, _Mapping]] = ...) -> None: ...

class SpeechEvent(_message.Message):
    __slots__ = ("kind", "position_samples", "probability")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[SpeechEvent.Kind]
        KIND_STARTED: _ClassVar[SpeechEvent.Kind]
        KIND_STOPPED: _ClassVar[SpeechEvent.Kind]
        KIND_IDLE_TIMEOUT: _ClassVar[SpeechEvent.Kind]
    KIND_UNSPECIFIED: SpeechEvent.Kind
    KIND_STARTED: SpeechEvent.Kind
    KIND_STOPPED: SpeechEvent.Kind
    KIND_IDLE_TIMEOUT: SpeechEvent.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    POSITION_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    kind: SpeechEvent.Kind
    position_samples: int
    probability: float
    def __init__(self, kind: _Optional[_Union[SpeechEvent.Kind, str]] = ..., position_samples: _Optional[int] = ..., probability: _Optional[float] = ...) -> None: ...

class Transcript(_message.Message):
    __slots__ = ("segment", "revision", "text", "is_final", "stability", "start_samples", "end_samples", "language_code", "words", "stable_characters")
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    STABILITY_FIELD_NUMBER: _ClassVar[int]
    START_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    END_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CODE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    STABLE_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    segment: int
    revision: int
    text: str
    is_final: bool
    stability: float
    start_samples: int
    end_samples: int
    language_code: str
    words: _containers.RepeatedCompositeFieldContainer[WordInfo]
    stable_characters: int
    def __init__(self, segment: _Optional[int] = ..., revision: _Optional[int] = ..., text: _Optional[str] = ..., is_final: bool = ..., stability: _Optional[float] = ..., start_samples: _Optional[int] = ..., end_samples: _Optional[int] = ..., language_code: _Optional[str] = ..., words: _Optional[_Iterable[_Union[WordInfo, _Mapping]]] = ..., stable_characters: _Optional[int] = ...) -> None: ...

class WordInfo(_message.Message):
    __slots__ = ("text", "start_samples", "end_samples")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    START_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    END_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    text: str
    start_samples: int
    end_samples: int
    def __init__(self, text: _Optional[str] = ..., start_samples: _Optional[int] = ..., end_samples: _Optional[int] = ...) -> None: ...

class TurnEvent(_message.Message):
    __slots__ = ("state", "reason")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[TurnEvent.State]
        STATE_LISTENING: _ClassVar[TurnEvent.State]
        STATE_USER_SPEAKING: _ClassVar[TurnEvent.State]
        STATE_THINKING: _ClassVar[TurnEvent.State]
        STATE_SPEAKING: _ClassVar[TurnEvent.State]
        STATE_COMPLETED: _ClassVar[TurnEvent.State]
        STATE_INTERRUPTED: _ClassVar[TurnEvent.State]
        STATE_FAILED: _ClassVar[TurnEvent.State]
        STATE_DISCARDED: _ClassVar[TurnEvent.State]
    STATE_UNSPECIFIED: TurnEvent.State
    STATE_LISTENING: TurnEvent.State
    STATE_USER_SPEAKING: TurnEvent.State
    STATE_THINKING: TurnEvent.State
    STATE_SPEAKING: TurnEvent.State
    STATE_COMPLETED: TurnEvent.State
    STATE_INTERRUPTED: TurnEvent.State
    STATE_FAILED: TurnEvent.State
    STATE_DISCARDED: TurnEvent.State
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    state: TurnEvent.State
    reason: str
    def __init__(self, state: _Optional[_Union[TurnEvent.State, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class AudioOutput(_message.Message):
    __slots__ = ("data", "chunk_index", "offset_samples", "duration_samples", "segment_index", "is_last")
    DATA_FIELD_NUMBER: _ClassVar[int]
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    OFFSET_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    DURATION_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    IS_LAST_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    chunk_index: int
    offset_samples: int
    duration_samples: int
    segment_index: int
    is_last: bool
    def __init__(self, data: _Optional[bytes] = ..., chunk_index: _Optional[int] = ..., offset_samples: _Optional[int] = ..., duration_samples: _Optional[int] = ..., segment_index: _Optional[int] = ..., is_last: bool = ...) -> None: ...

class ResponseText(_message.Message):
    __slots__ = ("segment_index", "delta", "is_final")
    SEGMENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    segment_index: int
    delta: str
    is_final: bool
    def __init__(self, segment_index: _Optional[int] = ..., delta: _Optional[str] = ..., is_final: bool = ...) -> None: ...

class PlaybackControl(_message.Message):
    __slots__ = ("action", "position_samples")
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[PlaybackControl.Action]
        ACTION_DUCK: _ClassVar[PlaybackControl.Action]
        ACTION_UNDUCK: _ClassVar[PlaybackControl.Action]
        ACTION_FLUSH: _ClassVar[PlaybackControl.Action]
        ACTION_HOLD: _ClassVar[PlaybackControl.Action]
        ACTION_RESUME: _ClassVar[PlaybackControl.Action]
    ACTION_UNSPECIFIED: PlaybackControl.Action
    ACTION_DUCK: PlaybackControl.Action
    ACTION_UNDUCK: PlaybackControl.Action
    ACTION_FLUSH: PlaybackControl.Action
    ACTION_HOLD: PlaybackControl.Action
    ACTION_RESUME: PlaybackControl.Action
    ACTION_FIELD_NUMBER: _ClassVar[int]
    POSITION_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    action: PlaybackControl.Action
    position_samples: int
    def __init__(self, action: _Optional[_Union[PlaybackControl.Action, str]] = ..., position_samples: _Optional[int] = ...) -> None: ...

class Interrupted(_message.Message):
    __slots__ = ("turn", "reason", "played_samples", "heard_text", "source")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[Interrupted.Reason]
        REASON_SPEECH: _ClassVar[Interrupted.Reason]
        REASON_ACTIVITY: _ClassVar[Interrupted.Reason]
        REASON_REQUEST: _ClassVar[Interrupted.Reason]
        REASON_TEXT: _ClassVar[Interrupted.Reason]
        REASON_ENDED: _ClassVar[Interrupted.Reason]
        REASON_SERVER_LOST: _ClassVar[Interrupted.Reason]
    REASON_UNSPECIFIED: Interrupted.Reason
    REASON_SPEECH: Interrupted.Reason
    REASON_ACTIVITY: Interrupted.Reason
    REASON_REQUEST: Interrupted.Reason
    REASON_TEXT: Interrupted.Reason
    REASON_ENDED: Interrupted.Reason
    REASON_SERVER_LOST: Interrupted.Reason
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[Interrupted.Source]
        SOURCE_CLIENT_REPORTED: _ClassVar[Interrupted.Source]
        SOURCE_SERVER_ESTIMATED: _ClassVar[Interrupted.Source]
    SOURCE_UNSPECIFIED: Interrupted.Source
    SOURCE_CLIENT_REPORTED: Interrupted.Source
    SOURCE_SERVER_ESTIMATED: Interrupted.Source
    TURN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PLAYED_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    HEARD_TEXT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    turn: int
    reason: Interrupted.Reason
    played_samples: int
    heard_text: str
    source: Interrupted.Source
    def __init__(self, turn: _Optional[int] = ..., reason: _Optional[_Union[Interrupted.Reason, str]] = ..., played_samples: _Optional[int] = ..., heard_text: _Optional[str] = ..., source: _Optional[_Union[Interrupted.Source, str]] = ...) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("call_id", "name", "arguments")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    name: str
    arguments: _struct_pb2.Struct
    def __init__(self, call_id: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ToolCallCancelled(_message.Message):
    __slots__ = ("call_ids",)
    CALL_IDS_FIELD_NUMBER: _ClassVar[int]
    call_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, call_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("stage", "reason", "message", "retryable", "request_seq", "field")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_SEQ_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    stage: Stage
    reason: str
    message: str
    retryable: bool
    request_seq: int
    field: str
    def __init__(self, stage: _Optional[_Union[Stage, str]] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., retryable: bool = ..., request_seq: _Optional[int] = ..., field: _Optional[str] = ...) -> None: ...

class TurnMetrics(_message.Message):
    __slots__ = ("end_of_turn_delay", "stt_final_delay", "llm_first_token", "tts_first_audio", "voice_to_voice", "mouth_to_ear", "interrupt_stop", "audio_sent", "input_tokens", "output_tokens", "tts_characters", "hold", "end_probability", "text_end_probability", "acoustic_end_probability", "ending", "expectation", "underruns", "wasted_replies", "wasted_tokens", "wasted_characters", "wasted_audio", "echo_return_loss_enhancement_db")
    END_OF_TURN_DELAY_FIELD_NUMBER: _ClassVar[int]
    STT_FINAL_DELAY_FIELD_NUMBER: _ClassVar[int]
    LLM_FIRST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TTS_FIRST_AUDIO_FIELD_NUMBER: _ClassVar[int]
    VOICE_TO_VOICE_FIELD_NUMBER: _ClassVar[int]
    MOUTH_TO_EAR_FIELD_NUMBER: _ClassVar[int]
    INTERRUPT_STOP_FIELD_NUMBER: _ClassVar[int]
    AUDIO_SENT_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TTS_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    END_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    TEXT_END_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    ACOUSTIC_END_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    ENDING_FIELD_NUMBER: _ClassVar[int]
    EXPECTATION_FIELD_NUMBER: _ClassVar[int]
    UNDERRUNS_FIELD_NUMBER: _ClassVar[int]
    WASTED_REPLIES_FIELD_NUMBER: _ClassVar[int]
    WASTED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    WASTED_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    WASTED_AUDIO_FIELD_NUMBER: _ClassVar[int]
    ECHO_RETURN_LOSS_ENHANCEMENT_DB_FIELD_NUMBER: _ClassVar[int]
    end_of_turn_delay: _duration_pb2.Duration
    stt_final_delay: _duration_pb2.Duration
    llm_first_token: _duration_pb2.Duration
    tts_first_audio: _duration_pb2.Duration
    voice_to_voice: _duration_pb2.Duration
    mouth_to_ear: _duration_pb2.Duration
    interrupt_stop: _duration_pb2.Duration
    audio_sent: _duration_pb2.Duration
    input_tokens: int
    output_tokens: int
    tts_characters: int
    hold: _duration_pb2.Duration
    end_probability: float
    text_end_probability: float
    acoustic_end_probability: float
    ending: str
    expectation: str
    underruns: int
    wasted_replies: int
    wasted_tokens: int
    wasted_characters: int
    wasted_audio: _duration_pb2.Duration
    echo_return_loss_enhancement_db: float
    def __init__(self, end_of_turn_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., stt_final_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., llm_first_token: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., tts_first_audio: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., voice_to_voice: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., mouth_to_ear: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., interrupt_stop: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., audio_sent: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., tts_characters: _Optional[int] = ..., hold: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., end_probability: _Optional[float] = ..., text_end_probability: _Optional[float] = ..., acoustic_end_probability: _Optional[float] = ..., ending: _Optional[str] = ..., expectation: _Optional[str] = ..., underruns: _Optional[int] = ..., wasted_replies: _Optional[int] = ..., wasted_tokens: _Optional[int] = ..., wasted_characters: _Optional[int] = ..., wasted_audio: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., echo_return_loss_enhancement_db: _Optional[float] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("id", "client_time_us")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TIME_US_FIELD_NUMBER: _ClassVar[int]
    id: int
    client_time_us: int
    def __init__(self, id: _Optional[int] = ..., client_time_us: _Optional[int] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("time_left", "reason")
    TIME_LEFT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    time_left: _duration_pb2.Duration
    reason: str
    def __init__(self, time_left: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class ResumeUpdate(_message.Message):
    __slots__ = ("resume_token", "expire_time", "last_consumed_seq")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_CONSUMED_SEQ_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    expire_time: _timestamp_pb2.Timestamp
    last_consumed_seq: int
    def __init__(self, resume_token: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_consumed_seq: _Optional[int] = ...) -> None: ...

class SessionEnded(_message.Message):
    __slots__ = ("reason",)
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[SessionEnded.Reason]
        REASON_CLIENT: _ClassVar[SessionEnded.Reason]
        REASON_HALF_CLOSE: _ClassVar[SessionEnded.Reason]
        REASON_IDLE: _ClassVar[SessionEnded.Reason]
    REASON_UNSPECIFIED: SessionEnded.Reason
    REASON_CLIENT: SessionEnded.Reason
    REASON_HALF_CLOSE: SessionEnded.Reason
    REASON_IDLE: SessionEnded.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: SessionEnded.Reason
    def __init__(self, reason: _Optional[_Union[SessionEnded.Reason, str]] = ...) -> None: ...

class TranscribeRequest(_message.Message):
    __slots__ = ("audio", "config", "audio_end")
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUDIO_END_FIELD_NUMBER: _ClassVar[int]
    audio: AudioInput
    config: TranscribeConfig
    audio_end: AudioInputEnd
    def __init__(self, audio: _Optional[_Union[AudioInput, _Mapping]] = ..., config: _Optional[_Union[TranscribeConfig, _Mapping]] = ..., audio_end: _Optional[_Union[AudioInputEnd, _Mapping]] = ...) -> None: ...

class TranscribeConfig(_message.Message):
    __slots__ = ("input_audio", "language_codes", "transcription", "turn_detection", "send")
    INPUT_AUDIO_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CODES_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TURN_DETECTION_FIELD_NUMBER: _ClassVar[int]
    SEND_FIELD_NUMBER: _ClassVar[int]
    input_audio: AudioFormat
    language_codes: _containers.RepeatedScalarFieldContainer[str]
    transcription: TranscriptionConfig
    turn_detection: TurnDetection
    send: OutputSelection
    def __init__(self, input_audio: _Optional[_Union[AudioFormat, _Mapping]] = ..., language_codes: _Optional[_Iterable[str]] = ..., transcription: _Optional[_Union[TranscriptionConfig, _Mapping]] = ..., turn_detection: _Optional[_Union[TurnDetection, _Mapping]] = ..., send: _Optional[_Union[OutputSelection, _Mapping]] = ...) -> None: ...

class TranscribeResponse(_message.Message):
    __slots__ = ("transcript", "speech_event", "notice")
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    SPEECH_EVENT_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    transcript: Transcript
    speech_event: SpeechEvent
    notice: Notice
    def __init__(self, transcript: _Optional[_Union[Transcript, _Mapping]] = ..., speech_event: _Optional[_Union[SpeechEvent, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ...) -> None: ...

class SynthesizeRequest(_message.Message):
    __slots__ = ("text", "voice", "output_audio", "language_code")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VOICE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_AUDIO_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CODE_FIELD_NUMBER: _ClassVar[int]
    text: str
    voice: VoiceConfig
    output_audio: AudioFormat
    language_code: str
    def __init__(self, text: _Optional[str] = ..., voice: _Optional[_Union[VoiceConfig, _Mapping]] = ..., output_audio: _Optional[_Union[AudioFormat, _Mapping]] = ..., language_code: _Optional[str] = ...) -> None: ...

class SynthesizeResponse(_message.Message):
    __slots__ = ("audio", "segment_text")
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_TEXT_FIELD_NUMBER: _ClassVar[int]
    audio: AudioOutput
    segment_text: str
    def __init__(self, audio: _Optional[_Union[AudioOutput, _Mapping]] = ..., segment_text: _Optional[str] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "engines", "input_encodings", "output_encodings", "sample_rates_hz", "languages", "limits", "features", "use", "caller")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINES_FIELD_NUMBER: _ClassVar[int]
    INPUT_ENCODINGS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_ENCODINGS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATES_HZ_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    version: str
    engines: _containers.RepeatedCompositeFieldContainer[EngineInfo]
    input_encodings: _containers.RepeatedScalarFieldContainer[AudioEncoding]
    output_encodings: _containers.RepeatedScalarFieldContainer[AudioEncoding]
    sample_rates_hz: _containers.RepeatedScalarFieldContainer[int]
    languages: _containers.RepeatedScalarFieldContainer[str]
    limits: ServerLimits
    features: _containers.RepeatedScalarFieldContainer[str]
    use: ServerUse
    caller: CallerUse
    def __init__(self, version: _Optional[str] = ..., engines: _Optional[_Iterable[_Union[EngineInfo, _Mapping]]] = ..., input_encodings: _Optional[_Iterable[_Union[AudioEncoding, str]]] = ..., output_encodings: _Optional[_Iterable[_Union[AudioEncoding, str]]] = ..., sample_rates_hz: _Optional[_Iterable[int]] = ..., languages: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[ServerLimits, _Mapping]] = ..., features: _Optional[_Iterable[str]] = ..., use: _Optional[_Union[ServerUse, _Mapping]] = ..., caller: _Optional[_Union[CallerUse, _Mapping]] = ...) -> None: ...

class ServerUse(_message.Message):
    __slots__ = ("open_sessions", "open_streams", "takes_more", "delays")
    OPEN_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    OPEN_STREAMS_FIELD_NUMBER: _ClassVar[int]
    TAKES_MORE_FIELD_NUMBER: _ClassVar[int]
    DELAYS_FIELD_NUMBER: _ClassVar[int]
    open_sessions: int
    open_streams: int
    takes_more: bool
    delays: _containers.RepeatedCompositeFieldContainer[LoadDelay]
    def __init__(self, open_sessions: _Optional[int] = ..., open_streams: _Optional[int] = ..., takes_more: bool = ..., delays: _Optional[_Iterable[_Union[LoadDelay, _Mapping]]] = ...) -> None: ...

class LoadDelay(_message.Message):
    __slots__ = ("name", "now", "limit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    now: _duration_pb2.Duration
    limit: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., now: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., limit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CallerUse(_message.Message):
    __slots__ = ("caller", "limits", "sound_rate")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SOUND_RATE_FIELD_NUMBER: _ClassVar[int]
    caller: str
    limits: _containers.RepeatedCompositeFieldContainer[LimitUse]
    sound_rate: float
    def __init__(self, caller: _Optional[str] = ..., limits: _Optional[_Iterable[_Union[LimitUse, _Mapping]]] = ..., sound_rate: _Optional[float] = ...) -> None: ...

class LimitUse(_message.Message):
    __slots__ = ("name", "limit", "used", "free_after")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    FREE_AFTER_FIELD_NUMBER: _ClassVar[int]
    name: str
    limit: int
    used: int
    free_after: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., limit: _Optional[int] = ..., used: _Optional[int] = ..., free_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class EngineInfo(_message.Message):
    __slots__ = ("stage", "name", "location", "ready")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    stage: Stage
    name: str
    location: str
    ready: bool
    def __init__(self, stage: _Optional[_Union[Stage, str]] = ..., name: _Optional[str] = ..., location: _Optional[str] = ..., ready: bool = ...) -> None: ...

class ServerLimits(_message.Message):
    __slots__ = ("max_message_bytes", "max_audio_bytes", "max_text_characters", "max_sessions", "turn_deadline", "idle_limit", "max_session_age")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_AUDIO_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_TEXT_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    TURN_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    IDLE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSION_AGE_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_audio_bytes: int
    max_text_characters: int
    max_sessions: int
    turn_deadline: _duration_pb2.Duration
    idle_limit: _duration_pb2.Duration
    max_session_age: _duration_pb2.Duration
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_audio_bytes: _Optional[int] = ..., max_text_characters: _Optional[int] = ..., max_sessions: _Optional[int] = ..., turn_deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., idle_limit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_session_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ListVoicesRequest(_message.Message):
    __slots__ = ("language_code",)
    LANGUAGE_CODE_FIELD_NUMBER: _ClassVar[int]
    language_code: str
    def __init__(self, language_code: _Optional[str] = ...) -> None: ...

class ListVoicesResponse(_message.Message):
    __slots__ = ("voices",)
    VOICES_FIELD_NUMBER: _ClassVar[int]
    voices: _containers.RepeatedCompositeFieldContainer[Voice]
    def __init__(self, voices: _Optional[_Iterable[_Union[Voice, _Mapping]]] = ...) -> None: ...

class Voice(_message.Message):
    __slots__ = ("voice_id", "language_code", "engine", "description", "native_sample_rate_hz", "renders_ssml")
    VOICE_ID_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CODE_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    NATIVE_SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    RENDERS_SSML_FIELD_NUMBER: _ClassVar[int]
    voice_id: str
    language_code: str
    engine: str
    description: str
    native_sample_rate_hz: int
    renders_ssml: bool
    def __init__(self, voice_id: _Optional[str] = ..., language_code: _Optional[str] = ..., engine: _Optional[str] = ..., description: _Optional[str] = ..., native_sample_rate_hz: _Optional[int] = ..., renders_ssml: bool = ...) -> None: ...

class ListPersonasRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPersonasResponse(_message.Message):
    __slots__ = ("personas",)
    PERSONAS_FIELD_NUMBER: _ClassVar[int]
    personas: _containers.RepeatedCompositeFieldContainer[Persona]
    def __init__(self, personas: _Optional[_Iterable[_Union[Persona, _Mapping]]] = ...) -> None: ...

class Persona(_message.Message):
    __slots__ = ("persona_id", "name", "description", "language_code", "voice_id")
    PERSONA_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_CODE_FIELD_NUMBER: _ClassVar[int]
    VOICE_ID_FIELD_NUMBER: _ClassVar[int]
    persona_id: str
    name: str
    description: str
    language_code: str
    voice_id: str
    def __init__(self, persona_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., language_code: _Optional[str] = ..., voice_id: _Optional[str] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "owner")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    owner: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., owner: _Optional[str] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions", "next_page_token")
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    next_page_token: str
    def __init__(self, sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class DeleteSessionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Session(_message.Message):
    __slots__ = ("session_id", "create_time", "update_time", "persona_id", "last_turn", "messages", "is_live", "owner")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PERSONA_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_TURN_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    IS_LIVE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    persona_id: str
    last_turn: int
    messages: _containers.RepeatedCompositeFieldContainer[SessionMessage]
    is_live: bool
    owner: str
    def __init__(self, session_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., persona_id: _Optional[str] = ..., last_turn: _Optional[int] = ..., messages: _Optional[_Iterable[_Union[SessionMessage, _Mapping]]] = ..., is_live: bool = ..., owner: _Optional[str] = ...) -> None: ...

class SessionMessage(_message.Message):
    __slots__ = ("role", "text", "turn", "heard", "tool_uses")
    class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ROLE_UNSPECIFIED: _ClassVar[SessionMessage.Role]
        ROLE_USER: _ClassVar[SessionMessage.Role]
        ROLE_ASSISTANT: _ClassVar[SessionMessage.Role]
        ROLE_TOOLS: _ClassVar[SessionMessage.Role]
    ROLE_UNSPECIFIED: SessionMessage.Role
    ROLE_USER: SessionMessage.Role
    ROLE_ASSISTANT: SessionMessage.Role
    ROLE_TOOLS: SessionMessage.Role
    class Heard(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        HEARD_UNSPECIFIED: _ClassVar[SessionMessage.Heard]
        HEARD_WHOLE: _ClassVar[SessionMessage.Heard]
        HEARD_CLIENT_REPORTED: _ClassVar[SessionMessage.Heard]
        HEARD_SERVER_ESTIMATED: _ClassVar[SessionMessage.Heard]
    HEARD_UNSPECIFIED: SessionMessage.Heard
    HEARD_WHOLE: SessionMessage.Heard
    HEARD_CLIENT_REPORTED: SessionMessage.Heard
    HEARD_SERVER_ESTIMATED: SessionMessage.Heard
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    HEARD_FIELD_NUMBER: _ClassVar[int]
    TOOL_USES_FIELD_NUMBER: _ClassVar[int]
    role: SessionMessage.Role
    text: str
    turn: int
    heard: SessionMessage.Heard
    tool_uses: _containers.RepeatedCompositeFieldContainer[ToolUse]
    def __init__(self, role: _Optional[_Union[SessionMessage.Role, str]] = ..., text: _Optional[str] = ..., turn: _Optional[int] = ..., heard: _Optional[_Union[SessionMessage.Heard, str]] = ..., tool_uses: _Optional[_Iterable[_Union[ToolUse, _Mapping]]] = ...) -> None: ...

class ToolUse(_message.Message):
    __slots__ = ("call_id", "name", "arguments", "result")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    name: str
    arguments: _struct_pb2.Struct
    result: _struct_pb2.Struct
    def __init__(self, call_id: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., result: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
