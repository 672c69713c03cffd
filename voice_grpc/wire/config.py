"""SessionConfig on the wire ⇄ `core.config.SessionConfig`, and what a caller is told about its own.

Read: every field checked, every default filled in; what is wrong is a `BadField`. Told: a Notice for what is
accepted all the same, but is not there yet or does not fit; and the settings in force, whole.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

from ..core.config import SessionConfig
from ..core.errors import BadField, Reason, shown
from ..core.languages import primary
from ..core.requests import ComeBack
from ..core.responses import Notice
from ..core.turn.settings import TurnSettings
from ..pb import voice_pb2 as pb
from . import fields
from .audio_format import audio_format, format_message
from .catalog import Catalog
from .fields import to_duration
from .tools import declaration_message, declarations
from .turn_detection import turn_detection, turn_detection_message

SESSION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
MAX_INSTRUCTIONS = 8_000
MAX_PROMPT = 1_000
MAX_LANGUAGES = 8
MAX_METADATA, MAX_LABEL = 16, 128

UPDATABLE = (
    "voice",
    "language_codes",
    "persona_id",
    "instructions",
    "turn_detection",
    "transcription",
    "generation",
    "tools",
    "max_playout_lead",
    "send",
    "recording",
)

# ---------------------------------------------------------------- read


def new_session_id() -> str:
    """One that nobody guesses."""
    return secrets.token_urlsafe(18)


def come_back(message: pb.SessionConfig, *, is_numbered: bool = True) -> ComeBack | None:
    """What a caller says that comes back; None: it is a new one. `is_numbered`: the message has a number."""
    if not message.resume_token:
        return None
    played = message.resume_played_samples if message.HasField("resume_played_samples") else None
    told = (message.resume_token, message.resume_turn, played, message.last_received_seq)
    return ComeBack(*told, is_numbered)


def session_config(message: pb.SessionConfig, catalog: Catalog) -> SessionConfig:
    """Raises `BadField`."""
    session_id = message.session_id or new_session_id()
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
        has_playback_control=capabilities.playback_control,
        is_half_duplex=capabilities.half_duplex,
        metadata=_metadata(message.metadata),
        is_recorded=message.recording,
    )
    config = with_changes(config, message, UPDATABLE, catalog)
    greeting = message.greeting if message.HasField("greeting") else catalog.personas[config.persona].greeting
    greeting = fields.text(greeting, "config.greeting", MAX_PROMPT).strip()
    if greeting.startswith("<speak"):
        fields.ssml(greeting, "config.greeting")
    return replace(config, greeting=greeting)


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
        instructions = given or catalog.personas[config.persona].instructions
        config = replace(config, instructions=instructions, has_own_instructions=bool(given))
    if "language_codes" in chosen and message.language_codes:
        config = replace(config, languages=_languages(message.language_codes, catalog))
    if "voice" in chosen:
        config = _voice(config, message.voice, catalog, keep="persona_id" in chosen)
    if "turn_detection" in chosen:
        config = turn_detection(config, message.turn_detection, catalog.speculation)
    if "transcription" in chosen:
        prompt = fields.text(message.transcription.prompt, "config.transcription.prompt", MAX_PROMPT)
        config = replace(config, prompt=prompt)
    if "generation" in chosen:
        config = _generation(config, message.generation)
    if "tools" in chosen:
        config = replace(config, tools=declarations(message.tools))
    return _with_client_changes(config, message, chosen)


def _with_client_changes(config: SessionConfig, message: pb.SessionConfig, chosen: Set[str]) -> SessionConfig:
    """As `with_changes`, of what has nothing to do with how the assistant hears, thinks and speaks."""
    if "max_playout_lead" in chosen:
        lead = fields.duration(message, "max_playout_lead", "config", (0.1, 0.4), 0.2)
        config = replace(config, playout_lead=lead)
    if "recording" in chosen:
        config = _recording(config, allows=message.recording)
    return output_selection(config, message.send) if "send" in chosen else config


def update_paths(update: pb.ConfigUpdate) -> list[str]:
    """What an update is about: its mask, else what is set."""
    if update.update_mask.paths:
        return list(update.update_mask.paths)
    return [field.name for field, _ in update.config.ListFields()]


def output_selection(config: SessionConfig, given: pb.OutputSelection) -> SessionConfig:
    return replace(
        config,
        sends_interims=given.interim_transcripts if given.HasField("interim_transcripts") else True,
        sends_words=given.words,
        sends_metrics=given.metrics if given.HasField("metrics") else True,
    )


def _persona(config: SessionConfig, id: str, catalog: Catalog) -> SessionConfig:
    fields.one_of(id, "config.persona_id", catalog.personas, f"one of {', '.join(sorted(catalog.personas))}")
    persona = catalog.personas[id]
    languages = (persona.language,) if persona.language else ()
    return replace(
        config,
        persona=id,
        instructions=persona.instructions,
        has_own_instructions=False,
        voice=persona.voice,
        speaking_rate=persona.speaking_rate,
        pitch=persona.pitch,
        volume=persona.volume,
        languages=languages,
        turns=replace(config.turns, assistant_name=persona.name),
    )


def _voice(config: SessionConfig, given: pb.VoiceConfig, catalog: Catalog, *, keep: bool) -> SessionConfig:
    id = given.voice_id or (config.voice if keep else catalog.personas[config.persona].voice)
    if given.voice_id:
        fields.one_of(id, "config.voice.voice_id", catalog.voices, catalog.listed_voices)
    own = catalog.personas[config.persona].speaking_rate
    rate = fields.number(given, "speaking_rate", "config.voice", (0.5, 2.0), own)
    return replace(config, voice=id, speaking_rate=rate)


def _recording(config: SessionConfig, *, allows: bool) -> SessionConfig:
    """It can be taken back, and not be given: a recording begins with its conversation."""
    if allows and not config.is_recorded:
        accepted = "false, since the conversation is not recorded, and a recording begins with it"
        raise BadField("config_update.config.recording", True, accepted)
    return replace(config, is_recorded=allows)


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


# ---------------------------------------------------------------- told: what is not as asked for


def session_notices(config: SessionConfig, seq: int, catalog: Catalog) -> list[Notice]:
    """What a session must be told as it begins: what is not there, a voice of another language."""
    notices: list[Notice] = []
    if config.tools and not catalog.calls_tools:
        text = "config.tools: the language model of this server calls no tools; it is not told of them"
        notices.append(Notice("llm", Reason.NOT_AVAILABLE, text, seq=seq, field="config.tools"))
    if config.languages and primary(config.languages[0]) not in catalog.spoken:
        text = f"no voice speaks {shown(config.languages[0])}; voices speak: {catalog.listed_spoken}"
        notices.append(Notice("tts", Reason.VOICE_LANGUAGE, text, field="config.language_codes", seq=seq))
    return notices


# ---------------------------------------------------------------- told: the settings in force


def config_message(config: SessionConfig) -> pb.SessionConfig:
    """The settings in force, as a config that asks for the same."""
    message = pb.SessionConfig(
        session_id=config.session_id,
        input_audio=format_message(config.input),
        output_audio=format_message(config.output),
        language_codes=config.languages,
        persona_id=config.persona,
        instructions=config.instructions if config.has_own_instructions else "",
        voice=pb.VoiceConfig(voice_id=config.voice, speaking_rate=config.speaking_rate),
        turn_detection=turn_detection_message(config),
        transcription=pb.TranscriptionConfig(prompt=config.prompt),
        generation=pb.GenerationConfig(max_output_tokens=config.max_tokens),
        capabilities=pb.ClientCapabilities(
            echo_cancellation=config.has_echo_cancellation,
            playback_reports=config.has_playback_reports,
            playback_control=config.has_playback_control,
            half_duplex=config.is_half_duplex,
        ),
        max_playout_lead=to_duration(config.playout_lead),
        send=pb.OutputSelection(
            interim_transcripts=config.sends_interims, words=config.sends_words, metrics=config.sends_metrics
        ),
        greeting=config.greeting,
        tools=[declaration_message(tool) for tool in config.tools],
        recording=config.is_recorded,
    )
    if config.temperature is not None:
        message.generation.temperature = config.temperature
    return message
