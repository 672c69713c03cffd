"""What the service accepts, in its own words, and some of the voices that it lists."""

import re
import xml.etree.ElementTree as ElementTree
from typing import TypeAlias

import grpc
from google.cloud.texttospeech_v1 import (
    AudioEncoding,
    StreamingSynthesizeConfig,
    StreamingSynthesizeRequest,
    SynthesizeSpeechRequest,
    Voice,
    VoiceSelectionParams,
)

from .script import Trouble

Code: TypeAlias = grpc.StatusCode

IDLE = (
    "Stream aborted due to long duration elapsed without input sent. "
    "Input must be sent continuously, at least every 5s seconds."
)
LIMIT = 5_000
"""Bytes of UTF-8 of one text, or of one SSML."""
STREAMING: set[int] = {AudioEncoding.PCM, AudioEncoding.MULAW, AudioEncoding.ALAW, AudioEncoding.OGG_OPUS}
UNARY: set[int] = STREAMING | {AudioEncoding.LINEAR16, AudioEncoding.MP3}
OPUS_RATES = {8_000, 12_000, 16_000, 24_000, 48_000}

CHIRP3 = ("Achernar", "Aoede", "Charon", "Fenrir", "Kore", "Leda", "Orus", "Puck", "Zephyr")
WOMEN = {"Achernar", "Aoede", "Kore", "Leda", "Zephyr", "A", "C", "E", "F"}
FAMILIES = {
    "Chirp3-HD": (
        *("cmn-CN", "de-DE", "en-AU", "en-GB", "en-IN", "en-US", "es-ES", "es-US", "fr-CA", "fr-FR"),
        *("hi-IN", "it-IT", "ja-JP", "ko-KR", "nb-NO", "nl-NL", "pl-PL", "pt-BR", "ru-RU", "uk-UA"),
    ),
    "Neural2": ("de-DE", "en-GB", "en-US", "es-ES", "es-US", "fr-FR", "ja-JP", "pt-BR"),
    "Wavenet": ("cmn-CN", "de-DE", "en-GB", "en-US", "es-ES", "es-US", "fr-FR", "ja-JP", "pt-PT", "sv-SE"),
    "Standard": ("cmn-TW", "de-DE", "en-GB", "en-US", "es-ES", "es-US", "eu-ES", "fr-FR", "is-IS", "ja-JP"),
    "Studio": ("en-GB", "en-US"),
    "Chirp-HD": ("en-US",),
}
"""Some of those that ListVoices gives, by what they can."""


def default_voices() -> list[Voice]:
    """Also a bare name, which is Gemini's and wants a model."""
    found = [Voice(language_codes=["en-US"], name="Kore", ssml_gender=2, natural_sample_rate_hertz=24_000)]
    for family, languages in FAMILIES.items():
        names = CHIRP3 if family == "Chirp3-HD" else ("A", "B", "C", "D")
        found += [
            Voice(
                language_codes=[language],
                name=f"{language}-{family}-{name}",
                ssml_gender=2 if name in WOMEN else 1,
                natural_sample_rate_hertz=24_000,
            )
            for language in languages
            for name in names
        ]
    return found


class Refusal(Exception):
    """A call ends with this status."""

    def __init__(self, code: Code, details: str) -> None:
        super().__init__(details)
        self.code, self.details = code, details


TROUBLES = {
    Trouble.ERROR_FIRST: Refusal(Code.UNAVAILABLE, "The service is currently unavailable."),
    Trouble.ERROR_MIDDLE: Refusal(Code.INTERNAL, "Internal error encountered."),
    Trouble.DENIED: Refusal(
        Code.UNAUTHENTICATED,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential.",
    ),
    Trouble.QUOTA: Refusal(
        Code.RESOURCE_EXHAUSTED,
        "Quota exceeded for quota metric 'Chirp3 requests' and limit 'Chirp3 requests per minute' of service "
        "'texttospeech.googleapis.com' for consumer 'project_number:123456789'.",
    ),
    Trouble.BLOCKED: Refusal(
        Code.INVALID_ARGUMENT, "The input text contains content that violates our policies."
    ),
}


def chosen(voices: list[Voice], selection: VoiceSelectionParams) -> Voice:
    found = next((voice for voice in voices if voice.name == selection.name), None)
    if found is None:
        raise invalid(f"Voice '{selection.name}' does not exist. Is it misspelled?")
    code = found.language_codes[0]
    if selection.language_code.lower() not in [each.lower() for each in found.language_codes]:
        raise invalid(
            f"Requested language code '{selection.language_code}' doesn't match the voice '{found.name}''s "
            f"language code '{code}'. Supported language codes for voice '{found.name}' are '{code}'."
        )
    if "-" not in found.name:
        raise invalid("This voice requires a model name to be specified.")
    return found


def check_config(config: StreamingSynthesizeConfig) -> None:
    if not any(family in config.voice.name for family in ("Chirp3-HD", "Journey")):
        raise invalid("Currently, only Chirp 3: HD voices are supported for streaming synthesis.")
    audio = config.streaming_audio_config
    _check_audio(audio.audio_encoding, STREAMING, audio.sample_rate_hertz, audio.speaking_rate)


def check_input(request: StreamingSynthesizeRequest) -> str:
    """The text of a request after the first."""
    if "streaming_config" in request:
        raise invalid("Only the first request of a stream may hold streaming_config.")
    if "text" not in request.input:
        raise invalid("Either `input.text` or `input.markup` needs to be set.")
    text = request.input.text
    if len(text.encode()) > LIMIT:
        raise invalid(f"Input text is longer than the limit of {LIMIT} bytes.")
    if re.search(r"<\s*/?\s*(speak|break|prosody|emphasis|say-as)\b", text):
        raise invalid("SSML is not supported for streaming synthesis.")
    return text


def check_unary(request: SynthesizeSpeechRequest, voice: Voice, *, refuses_ssml: bool) -> None:
    given = [part for part in (request.input.text, request.input.ssml) if part]
    if len(given) != 1:
        raise invalid("Exactly one of `input.text` and `input.ssml` must be set.")
    if len(given[0].encode()) > LIMIT:
        raise invalid(f"Either `input.text` or `input.ssml` is longer than the limit of {LIMIT} bytes.")
    if request.input.ssml:
        if refuses_ssml or any(family in voice.name for family in ("-Chirp-HD-", "-Journey-")):
            raise invalid("This voice does not support SSML.")
        plain(request.input.ssml)
    audio = request.audio_config
    _check_audio(audio.audio_encoding, UNARY, audio.sample_rate_hertz, audio.speaking_rate)
    if audio.pitch and "Chirp" in voice.name:
        raise invalid("This voice does not support pitch parameters at this time.")
    if not -20 <= audio.pitch <= 20 or not -96 <= audio.volume_gain_db <= 16:
        raise invalid("Pitch or volume gain is out of range.")


def plain(ssml: str) -> str:
    """The words of a document."""
    try:
        root = ElementTree.fromstring(ssml)
    except ElementTree.ParseError:
        raise invalid("Invalid SSML. Newer voices like Neural2 require valid SSML.") from None
    if root.tag.rpartition("}")[2] != "speak":
        raise invalid("Invalid SSML. Newer voices like Neural2 require valid SSML.")
    return " ".join("".join(root.itertext()).split())


def invalid(details: str) -> Refusal:
    return Refusal(Code.INVALID_ARGUMENT, details)


def _check_audio(encoding: int, accepted: set[int], rate_hz: int, speaking_rate: float) -> None:
    if encoding not in accepted:
        raise invalid("Unsupported audio encoding.")
    if speaking_rate and not 0.25 <= speaking_rate <= 2.0:
        raise invalid(f"Invalid speaking_rate: {speaking_rate}. It must be between 0.25 and 2.0.")
    if rate_hz and not 8_000 <= rate_hz <= 48_000:
        raise invalid(f"Invalid sample rate: {rate_hz}.")
    if encoding == AudioEncoding.OGG_OPUS and rate_hz and rate_hz not in OPUS_RATES:
        raise invalid(f"Sample rate {rate_hz} is not supported for OGG_OPUS.")
