"""The cloud configuration on fakes of this machine: settings and variables for servers and tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.fakes.gemini import FakeGemini
from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.openai_llm import FakeOpenAi
from tests.fakes.whisper_http import FakeWhisperHttp
from voice_grpc.settings import Settings
from voice_grpc.settings.environment import VARIABLES

GEMINI_KEY = "fake-gemini-key"


@dataclass
class Cloud:
    whisper: FakeWhisperHttp = field(default_factory=lambda: FakeWhisperHttp(hear="what is the time"))
    gemini: FakeGemini = field(default_factory=lambda: FakeGemini(key=GEMINI_KEY))
    openai: FakeOpenAi = field(default_factory=FakeOpenAi)
    google: FakeGoogleTts = field(default_factory=FakeGoogleTts)

    @property
    def variables(self) -> dict[str, str]:
        """What an operator of all three vendors sets, and the address of the fake Gemini."""
        return {
            "WHISPER_SERVER_URL": self.whisper.url,
            "GEMINI_API_KEY": GEMINI_KEY,
            "GOOGLE_GEMINI_BASE_URL": self.gemini.url,
            "GOOGLE_TTS_ENDPOINT": self.google.url,
        }


@asynccontextmanager
async def clouds(cloud: Cloud | None = None) -> AsyncIterator[Cloud]:
    cloud = cloud or Cloud()
    async with cloud.whisper, cloud.gemini, cloud.openai, cloud.google:
        yield cloud


def clear(patch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's settings counts."""
    for name, field_ in Settings.model_fields.items():
        alias = field_.validation_alias
        patch.delenv(alias if isinstance(alias, str) else f"VOICE_{name}".upper(), raising=False)
    for name in VARIABLES:
        patch.delenv(name, raising=False)


def settings(patch: pytest.MonkeyPatch, variables: dict[str, str], **given: object) -> Settings:
    """Settings that come of `variables` in the environment and of `given`, without any `.env`. Nobody hears
    whether a turn is over unless they say who: whether its model is here differs from machine to machine."""
    for name, value in {"TURN_MODEL": "off", **variables}.items():
        patch.setenv(name, value)
    return Settings(_env_file=None, port=0, store="memory", **given)  # type: ignore[call-arg, arg-type]
