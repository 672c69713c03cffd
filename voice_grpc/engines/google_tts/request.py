"""How an answer is to be spoken, as the service is told, and in which pieces its text is given."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from google.cloud.texttospeech_v1 import (
    AudioConfig,
    AudioEncoding,
    StreamingAudioConfig,
    StreamingSynthesizeConfig,
    VoiceSelectionParams,
)

from ...ports import Speech
from .voices import GoogleVoice

Put: TypeAlias = Callable[[Speech], Awaitable[None]]
"""Takes sound as it comes, and may take its time."""

LIMIT = 5_000
"""Bytes of UTF-8 in one request, of text or of SSML: cloud.google.com/text-to-speech/quotas."""
SLOWEST, FASTEST = 0.25, 2.0
"""`speaking_rate` of both methods: google/cloud/texttospeech/v1/cloud_tts.proto."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """How an answer is spoken."""

    voice: GoogleVoice
    rate: float
    """1 is normal; within `SLOWEST` and `FASTEST`."""

    @property
    def selection(self) -> VoiceSelectionParams:
        return VoiceSelectionParams(language_code=self.voice.language, name=self.voice.id)

    @property
    def streaming_config(self) -> StreamingSynthesizeConfig:
        """For `StreamingSynthesize`."""
        audio = StreamingAudioConfig(
            audio_encoding=AudioEncoding.PCM,
            sample_rate_hertz=self.voice.rate_hz,
            speaking_rate=self.rate,
        )
        return StreamingSynthesizeConfig(voice=self.selection, streaming_audio_config=audio)

    @property
    def audio_config(self) -> AudioConfig:
        """For `SynthesizeSpeech`, whose answer is a WAV file."""
        return AudioConfig(
            audio_encoding=AudioEncoding.LINEAR16,
            sample_rate_hertz=self.voice.rate_hz,
            speaking_rate=self.rate,
        )


def pieces(text: str, limit: int = LIMIT) -> Iterator[str]:
    """At most `limit` bytes of UTF-8 each, cut at spaces where there are any; none of empty text."""
    text = text.strip()
    while len(text.encode()) > limit:
        fitting = text.encode()[:limit].decode(errors="ignore")
        cut = fitting.rfind(" ") if text[len(fitting)] != " " else len(fitting)
        cut = cut if cut > 0 else len(fitting)
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    if text:
        yield text
