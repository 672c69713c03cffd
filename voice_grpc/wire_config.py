"""SessionConfig on the wire ⇄ `core.config.SessionConfig`: every wish checked, every default filled in."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from . import fields
from .core.config import RATES_HZ, AudioFormat, Encoding, SessionConfig
from .core.endpoint import EndpointSettings
from .core.errors import BadField
from .core.floor import TurnSettings
from .core.outbound import NoticeOut
from .pb import voice_pb2 as pb
from .personas import Persona
from .ports import Voice

SESSION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
MAX_INSTRUCTIONS = 8_000
MAX_PROMPT = 1_000
MAX_LANGUAGES = 8
MAX_METADATA, MAX_LABEL = 16, 128
HOUR = 3600.0

ENCODINGS: Mapping[pb.AudioEncoding, Encoding] = {
    pb.AUDIO_ENCODING_PCM_S16LE: Encoding.PCM_S16LE,
    pb.AUDIO_ENCODING_PCM_F32LE: Encoding.PCM_F32LE,
    pb.AUDIO_ENCODING_MULAW: Encoding.MULAW,
    pb.AUDIO_ENCODING_ALAW: Encoding.ALAW,
}
_ON_THE_WIRE = {encoding: value for value, encoding in ENCODINGS.items()}

UPDATABLE = (
    "voice",
    "language_codes",
    "persona_id",
    "instructions",
    "turn_detection",
    "transcription",
    "generation",
    "max_playout_lead",
    "send",
)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What this server has to choose from."""

    personas: Mapping[str, Persona]
    voices: Mapping[str, Voice]
    languages: frozenset[str]
    """ISO 639-1."""
    turn_deadline: float = 8.0

    @property
    def spoken(self) -> frozenset[str]:
        """ISO 639-1: what the voices speak."""
        return frozenset(fields.primary(voice.language) for voice in self.voices.values())


# ---------------------------------------------------------------- from the wire


def session_config(message: pb.SessionConfig, catalog: Catalog) -> SessionConfig:
    """Raises `BadField`."""
    session_id = message.session_id or secrets.token_urlsafe(18)
    if not SESSION_ID.fullmatch(session_id):
        raise BadField("config.session_id", session_id, "1 to 128 of A-Z a-z 0-9 . _ - :")
    capabilities = message.capabilities
    config = SessionConfig(
        session_id,
        input=audio_format(message, "config.input_audio", 16_000),
        output=audio_format(message, "config.output_audio", 24_000),
        turns=TurnSettings(turn_deadline=catalog.turn_deadline),
        has_echo_cancellation=capabilities.echo_cancellation,
        has_playback_reports=capabilities.playback_reports,
        is_half_duplex=capabilities.half_duplex,
        metadata=_metadata(message.metadata),
    )
    config = with_changes(config, message, UPDATABLE, catalog)
    greeting = message.greeting if message.HasField("greeting") else catalog.personas[config.persona].greeting
    return replace(config, greeting=fields.text(greeting, "config.greeting", MAX_PROMPT).strip())


def with_changes(
    config: SessionConfig, message: pb.SessionConfig, paths: Iterable[str], catalog: Catalog
) -> SessionConfig:
    """`config` with the fields of `message` that `paths` name. Raises `BadField`."""
    for path in paths:
        if path not in UPDATABLE:
            raise BadField("config_update.update_mask", path, ", ".join(UPDATABLE))
    chosen = set(paths)
    if "persona_id" in chosen:
        config = _persona(config, message.persona_id or "default", catalog)
    if "instructions" in chosen and (message.instructions or "persona_id" not in chosen):
        given = fields.text(message.instructions, "config.instructions", MAX_INSTRUCTIONS)
        config = replace(config, instructions=given or catalog.personas[config.persona].instructions)
    if "language_codes" in chosen and message.language_codes:
        config = replace(config, languages=_languages(message.language_codes, catalog))
    if "voice" in chosen:
        config = _voice(config, message.voice, catalog, keep="persona_id" in chosen)
    if "turn_detection" in chosen:
        config = turn_detection(config, message.turn_detection)
    if "transcription" in chosen:
        prompt = fields.text(message.transcription.prompt, "config.transcription.prompt", MAX_PROMPT)
        config = replace(config, prompt=prompt)
    if "generation" in chosen:
        config = _generation(config, message.generation)
    if "max_playout_lead" in chosen:
        lead = fields.duration(message, "max_playout_lead", "config", (0.1, 0.4), 0.2)
        config = replace(config, playout_lead=lead)
    return output_selection(config, message.send) if "send" in chosen else config


def update_paths(update: pb.ConfigUpdate) -> list[str]:
    """What an update is about: its mask, else what is set."""
    if update.update_mask.paths:
        return list(update.update_mask.paths)
    return [field.name for field, _ in update.config.ListFields()]


def audio_format(message: Message, path: str, rate_hz: int) -> AudioFormat:
    """The AudioFormat field of `message` that `path` ends in; `rate_hz` is the default."""
    name = path.rpartition(".")[2]
    if not message.HasField(name):
        return AudioFormat(rate_hz=rate_hz)
    given = getattr(message, name)
    encoding = ENCODINGS.get(given.encoding)
    if encoding is None:
        accepted = ", ".join(pb.AudioEncoding.Name(value) for value in ENCODINGS)
        raise BadField(f"{path}.encoding", _encoding_name(given.encoding), accepted)
    rate_hz = given.sample_rate_hz or rate_hz
    if rate_hz not in RATES_HZ:
        raise BadField(f"{path}.sample_rate_hz", rate_hz, ", ".join(map(str, RATES_HZ)))
    if given.channels not in (0, 1, 2):
        raise BadField(f"{path}.channels", given.channels, "1 or 2")
    return AudioFormat(encoding, rate_hz, given.channels or 1)


def turn_detection(config: SessionConfig, given: pb.TurnDetection) -> SessionConfig:
    path = "config.turn_detection"
    default, turns = EndpointSettings(), TurnSettings()
    idle = fields.duration(given, "idle_timeout", path, (1.0, HOUR), 0.0)
    return replace(
        config,
        is_manual=given.mode == pb.TurnDetection.MODE_MANUAL,
        endpoint=EndpointSettings(
            threshold=fields.number(given, "threshold", path, (0.05, 0.95), default.threshold),
            min_speech=fields.duration(given, "min_speech", path, (0.03, 1.0), default.min_speech),
        ),
        turns=replace(
            config.turns,
            hold=fields.duration(given, "hold", path, (0.1, 5.0), turns.hold),
            interrupt_after=fields.duration(
                given, "interrupt_after", path, (0.06, 3.0), turns.interrupt_after
            ),
            interruptions=given.interruption != pb.TurnDetection.INTERRUPTION_DISABLED,
        ),
        prefix_padding=fields.duration(given, "prefix_padding", path, (0.0, 1.0), 0.3),
        idle_timeout=idle or None,
    )


def output_selection(config: SessionConfig, given: pb.OutputSelection) -> SessionConfig:
    return replace(
        config,
        sends_interims=given.interim_transcripts if given.HasField("interim_transcripts") else True,
        sends_words=given.words,
        sends_metrics=given.metrics if given.HasField("metrics") else True,
    )


def not_available(message: pb.SessionConfig, seq: int) -> list[NoticeOut]:
    """What of the contract is asked for and is not there yet."""
    asked = {
        "config.tools": bool(message.tools),
        "config.resume_token": bool(message.resume_token),
        "config.turn_detection.duck": message.turn_detection.duck,
    }
    text = "{} is not available on this server yet"
    return [
        NoticeOut("protocol", "NOT_AVAILABLE", text.format(path), seq=seq, field=path)
        for path, is_asked in asked.items()
        if is_asked
    ]


def session_notices(
    message: pb.SessionConfig, config: SessionConfig, seq: int, catalog: Catalog
) -> list[NoticeOut]:
    """What a session must be told as it begins: what is not there, a voice of another language."""
    notices = not_available(message, seq)
    spoken = catalog.spoken
    if config.languages and fields.primary(config.languages[0]) not in spoken:
        text = f"no voice speaks {config.languages[0]!r}; voices speak: {', '.join(sorted(spoken))}"
        notices.append(NoticeOut("tts", "VOICE_LANGUAGE", text, field="config.language_codes", seq=seq))
    return notices


def _persona(config: SessionConfig, id: str, catalog: Catalog) -> SessionConfig:
    fields.one_of(id, "config.persona_id", catalog.personas, f"one of {', '.join(sorted(catalog.personas))}")
    persona = catalog.personas[id]
    languages = (persona.language,) if persona.language else ()
    return replace(
        config, persona=id, instructions=persona.instructions, voice=persona.voice, languages=languages
    )


def _voice(config: SessionConfig, given: pb.VoiceConfig, catalog: Catalog, *, keep: bool) -> SessionConfig:
    id = given.voice_id or (config.voice if keep else catalog.personas[config.persona].voice)
    if id:
        listed = f"one of {', '.join(sorted(catalog.voices))}"
        fields.one_of(id, "config.voice.voice_id", catalog.voices, listed)
    rate = fields.number(given, "speaking_rate", "config.voice", (0.5, 2.0), 1.0)
    return replace(config, voice=id, speaking_rate=rate)


def _generation(config: SessionConfig, given: pb.GenerationConfig) -> SessionConfig:
    path = "config.generation"
    temperature = fields.number(given, "temperature", path, (0.0, 2.0), -1.0)
    tokens = fields.number(given, "max_output_tokens", path, (1, 4096), 256)
    return replace(config, temperature=None if temperature < 0 else temperature, max_tokens=int(tokens))


def _languages(tags: Iterable[str], catalog: Catalog) -> tuple[str, ...]:
    languages = tuple(fields.language(tag, "config.language_codes", catalog.languages) for tag in tags)
    if len(languages) > MAX_LANGUAGES:
        raise BadField("config.language_codes", f"{len(languages)} tags", f"at most {MAX_LANGUAGES}")
    return languages


def _metadata(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    longest = max((len(text) for entry in given.items() for text in entry), default=0)
    if len(given) > MAX_METADATA or longest > MAX_LABEL:
        got = f"{len(given)} entries, the longest of {longest} characters"
        accepted = f"at most {MAX_METADATA} entries, keys and values of at most {MAX_LABEL} characters"
        raise BadField("config.metadata", got, accepted)
    return tuple(sorted(given.items()))


def _encoding_name(value: int) -> str:
    known = value in pb.AudioEncoding.values()
    return pb.AudioEncoding.Name(value) if known else str(value)


# ---------------------------------------------------------------- to the wire


def config_message(config: SessionConfig) -> pb.SessionConfig:
    """The settings in force."""
    turns, endpoint = config.turns, config.endpoint
    message = pb.SessionConfig(
        session_id=config.session_id,
        input_audio=_format_message(config.input),
        output_audio=_format_message(config.output),
        language_codes=config.languages,
        persona_id=config.persona,
        instructions=config.instructions,
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


def _format_message(format: AudioFormat) -> pb.AudioFormat:
    return pb.AudioFormat(
        encoding=_ON_THE_WIRE[format.encoding], sample_rate_hz=format.rate_hz, channels=format.channels
    )
