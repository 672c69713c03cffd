"""The `start` of the simple dialect → the config of a session: every key checked, every default filled in."""

from collections.abc import Mapping
from typing import Any

from voice_grpc.pb import voice_pb2 as pb

from .closing import bad_message

RATE_HZ = 16_000
RATES_HZ = (8_000, 16_000, 24_000, 48_000)

TEXTS = ("session", "token", "persona", "voice", "instructions", "greeting")
KEYS = ("sample_rate", "output_sample_rate", "language", *TEXTS)


def session_config(start: Mapping[str, Any]) -> pb.SessionConfig:
    """Raises `Refused`. The token is not part of it."""
    for key in start:
        if key not in (*KEYS, "type"):
            raise bad_message(f"start: got the key {key!r:.40}, accepted: {', '.join(KEYS)}", key[:40])
    rate_hz = _rate(start, "sample_rate", RATE_HZ)
    texts = {key: _text(start, key) for key in TEXTS}
    config = pb.SessionConfig(
        session_id=texts["session"],
        persona_id=texts["persona"],
        instructions=texts["instructions"],
        language_codes=_languages(start.get("language", [])),
        voice=pb.VoiceConfig(voice_id=texts["voice"]),
        input_audio=_pcm(rate_hz),
        output_audio=_pcm(_rate(start, "output_sample_rate", rate_hz)),
    )
    if "greeting" in start:
        config.greeting = texts["greeting"]
    return config


def _pcm(rate_hz: int) -> pb.AudioFormat:
    return pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=rate_hz, channels=1)


def _rate(start: Mapping[str, Any], key: str, default: int) -> int:
    rate_hz = start.get(key, default)
    if isinstance(rate_hz, bool) or rate_hz not in RATES_HZ:
        raise bad_message(f"{key}: got {rate_hz!r:.40}, accepted: {', '.join(map(str, RATES_HZ))}", key)
    return int(rate_hz)


def _text(start: Mapping[str, Any], key: str) -> str:
    text = start.get(key, "")
    if not isinstance(text, str):
        raise bad_message(f"{key}: got {text!r:.40}, accepted: text", key)
    return text


def _languages(given: Any) -> list[str]:
    tags = [given] if isinstance(given, str) else given
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise bad_message(
            f"language: got {given!r:.40}, accepted: a BCP 47 tag, or a list of them", "language"
        )
    return tags
