"""The list of voices, fetched once and then now and then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..core.errors import EngineError
from .google_voices import GoogleVoice

REFRESH_SECONDS = 3600.0
"""New voices come a few times a year; asking more often is of no use."""

logger = logging.getLogger(__name__)


class Catalogue:
    """The first who asks waits for it; a refresh goes on beside whoever asks, and may fail."""

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
