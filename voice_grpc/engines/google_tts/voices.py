"""Which voices Google has, and which of them says a clause.

`choose` and what it needs are pure functions over the list that `ListVoices` gives; `VoiceCache` keeps it.

A name says what a voice is: `<language>-<family>-<name>`, such as en-US-Chirp3-HD-Kore or
es-ES-Neural2-A (cloud.google.com/text-to-speech/docs/list-voices-and-types). Bare names (`Kore`) are
Gemini's, which want a model beside them; they are left out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from ...core.errors import EngineError, shown
from ...core.languages import primary
from ...ports import Voice, VoiceChoice

STREAMING = frozenset({"Chirp3-HD", "Journey"})
"""Families that `StreamingSynthesize` takes; it refuses all others."""
UNMARKED = frozenset({"Chirp-HD", "Journey"})
"""Families that refuse SSML. Chirp3-HD knows say-as, sub, phoneme, p and s of it; it ignores the rest."""
FAMILIES = ("Chirp3-HD", "Chirp-HD", "Neural2", "Studio", "Wavenet", "Standard")
"""The best first, where nothing else decides; others come last."""

_REGIONS = {
    **{"ar": "XA", "bn": "IN", "cmn": "CN", "cs": "CZ", "da": "DK", "el": "GR", "en": "US", "et": "EE"},
    **{"gu": "IN", "he": "IL", "hi": "IN", "ja": "JP", "kn": "IN", "ko": "KR", "ml": "IN", "mr": "IN"},
    **{"nb": "NO", "pa": "IN", "pt": "BR", "sl": "SI", "sr": "RS", "sv": "SE", "sw": "KE", "ta": "IN"},
    **{"te": "IN", "uk": "UA", "ur": "IN", "vi": "VN", "yue": "HK"},
}
"""Where a language is spoken when no region is told; of the others the region is named as the language
(de-DE, es-ES, fr-FR)."""
_ALIASES = {"zh": "cmn", "no": "nb", "iw": "he", "in": "id", "tl": "fil", "jw": "jv"}
"""What others (ISO 639-1, Whisper) call a language, and what Google does."""
_NAMED = 4
"""Voices that an error names of those there are."""


@dataclass(frozen=True, slots=True)
class GoogleVoice:
    id: str
    language: str
    """BCP 47 as Google spells it: cmn-CN."""
    family: str
    name: str
    gender: str
    """`female`, `male` or empty."""
    rate_hz: int

    @property
    def streams(self) -> bool:
        return self.family in STREAMING

    @property
    def renders_ssml(self) -> bool:
        return self.family not in UNMARKED

    @property
    def port(self) -> Voice:
        description = ", ".join(part for part in (self.gender, self.family) if part)
        return Voice(self.id, self.language, "google", description, self.rate_hz, self.renders_ssml)


def parsed(name: str, languages: Sequence[str], gender: str, rate_hz: int) -> GoogleVoice | None:
    """None for a voice that cannot be used by its name alone."""
    for language in languages:
        if name.lower().startswith(f"{language.lower()}-"):
            family, dash, last = name[len(language) + 1 :].rpartition("-")
            if dash:
                return GoogleVoice(name, language, family, last, gender, rate_hz or 24_000)
    return None


def choose(voices: Sequence[GoogleVoice], choice: VoiceChoice, default: str) -> GoogleVoice:
    """The voice of `choice`, else `default`, in the language of `choice`.

    Raises `EngineError` for a voice that is not there and for a language that none speaks.
    """
    wanted = _named(voices, choice.id or default)
    if not choice.language:
        return wanted
    language, region = _tag(choice.language)
    own_language, own_region = _tag(wanted.language)
    if language == own_language and region in ("", own_region):
        return wanted
    speaking = [voice for voice in voices if _tag(voice.language)[0] == language]
    if not speaking:
        raise EngineError("tts", f"no Google voice speaks {shown(choice.language)}", retryable=False)
    if region and all(_tag(voice.language)[1] != region for voice in speaking) and language == own_language:
        return wanted
    return min(speaking, key=lambda voice: _distance(voice, wanted, region))


def _distance(voice: GoogleVoice, wanted: GoogleVoice, region: str) -> tuple[object, ...]:
    """Less is better: the asked for region, then the same voice, its family, a good family, the usual
    region, the same gender."""
    language, own_region = _tag(voice.language)
    usual = _REGIONS.get(language, language.upper())
    if language == "es" and region not in ("", "ES"):
        usual = "US"  # of the two that there are, the one that all of Latin America is nearer to
    return (
        bool(region) and own_region != region,
        (voice.family, voice.name) != (wanted.family, wanted.name),
        voice.family != wanted.family,
        _quality(voice.family),
        own_region != usual,
        voice.gender != wanted.gender,
        voice.id,
    )


def _quality(family: str) -> int:
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)


def _named(voices: Sequence[GoogleVoice], id: str) -> GoogleVoice:
    for voice in voices:
        if voice.id.lower() == id.lower():
            return voice
    language = "-".join(id.split("-")[:2]).lower()
    near = [voice for voice in voices if voice.language.lower() == language] or voices
    ranked = sorted(near, key=lambda voice: (_quality(voice.family), voice.id))
    named = ", ".join(voice.id for voice in ranked[:_NAMED])
    raise EngineError(
        "tts", f"no voice {shown(id)}; there are {len(voices)}, such as {named or 'none'}", retryable=False
    )


def _tag(language: str) -> tuple[str, str]:
    """`zh-Hans-TW` is ("cmn", "TW"): language and region as Google has them, empty where there is none."""
    rest = language.replace("_", "-").split("-")[1:]
    region = next((part.upper() for part in rest if len(part) == 2 or part.isdigit()), "")
    code = _ALIASES.get(primary(language), primary(language))
    return ("yue", region) if (code, region) == ("cmn", "HK") else (code, region)


def known(voices: Iterable[GoogleVoice | None]) -> list[GoogleVoice]:
    return sorted((voice for voice in voices if voice is not None), key=lambda voice: voice.id)


# ---------------------------------------------------------------- the list, fetched now and then

REFRESH_SECONDS = 3600.0
"""New voices come a few times a year; asking more often is of no use."""

logger = logging.getLogger(__name__)


class VoiceCache:
    """The list of voices: the first who asks waits for it; a refresh goes on beside whoever asks, and may
    fail."""

    def __init__(
        self, fetch: Callable[[], Awaitable[list[GoogleVoice]]], refresh_seconds: float = REFRESH_SECONDS
    ) -> None:
        self._fetch, self._refresh_seconds = fetch, refresh_seconds
        self._voices: list[GoogleVoice] = []
        self._asked_at = 0.0
        self._first = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def voices(self) -> list[GoogleVoice]:
        """Raises `EngineError` while there is none."""
        now = asyncio.get_running_loop().time()
        if not self._voices:
            async with self._first:
                if not self._voices:
                    self._voices = await self._fetch()
                    self._asked_at = asyncio.get_running_loop().time()
                    if not self._voices:
                        raise EngineError("tts", "Google Cloud TTS lists no voices")
        elif now - self._asked_at >= self._refresh_seconds and not self._is_refreshing:
            self._asked_at = now
            loop = asyncio.get_running_loop()
            self._refreshing = loop.create_task(self._refresh(), name="google-voices")
        return self._voices

    @property
    def _is_refreshing(self) -> bool:
        return self._refreshing is not None and not self._refreshing.done()

    async def close(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])

    async def _refresh(self) -> None:
        try:
            self._voices = await self._fetch() or self._voices
        except EngineError as error:
            logger.warning("the list of voices could not be refreshed and stays as it was: %s", error)
