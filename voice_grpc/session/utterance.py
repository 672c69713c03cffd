"""The sound of one user turn and its transcript, which grows with it.

A recogniser's time rises with the length of what it is given, so a long turn is kept in parts:
what was said before a pause and is longer than `PART_SECONDS` is transcribed once and not again.
"""

import asyncio
import logging
from dataclasses import replace

from ..core.audio import RATE_HZ, Samples, seconds
from ..core.errors import EngineError
from ..ports import Stt, SttOptions, SttStream, Transcription, Word

PART_SECONDS = 18.0
"""Whisper hears 30 s at a time; from about 20 s on its final takes longer than a pause lasts."""


CLOSE_SECONDS = 2.0
"""For a recogniser to let go of an utterance."""

log = logging.getLogger(__name__)


class _Part:
    """A recogniser that fails at once is asked no more, and that is said when its words are needed."""

    def __init__(self, stt: Stt, options: SttOptions) -> None:
        self.length = 0
        self.known: Transcription | None = None
        """Of all that was fed; None when something was fed since."""
        self._stream: SttStream | None = None
        self._error: EngineError | None = None
        try:
            self._stream = stt.open(options)
        except EngineError as error:
            self._error = error

    def feed(self, samples: Samples) -> None:
        self.length += len(samples)
        self.known = None
        if self._stream is None or self._error is not None:
            return
        try:
            self._stream.feed(samples)
        except EngineError as error:
            self._error = error

    async def interim(self) -> Transcription | None:
        return await self._stream.interim() if self._stream and not self._error else None

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.close()

    async def final(self) -> Transcription:
        if self._stream is None or self._error is not None:
            raise self._error or EngineError("stt", "no stream")
        if self.known is None:
            length = self.length
            result = await self._stream.final()
            if length != self.length:
                return result
            self.known = result
        return self.known


class Utterance:
    def __init__(self, stt: Stt, options: SttOptions, start: int) -> None:
        self.start = start
        """Of the first sample, at `RATE_HZ` since the start of the stream."""
        self.length = 0
        self._stt, self._options = stt, options
        self._parts = [_Part(stt, options)]

    @property
    def end(self) -> int:
        return self.start + self.length

    def feed(self, samples: Samples) -> None:
        self._parts[-1].feed(samples)
        self.length += len(samples)

    def pause(self) -> None:
        """A pause begins: what follows may be transcribed apart from what came before."""
        if seconds(self._parts[-1].length) > PART_SECONDS:
            self._parts.append(_Part(self._stt, self._options))

    async def final(self) -> Transcription:
        """All of it. Raises `EngineError`."""
        parts = [part for part in self._parts if part.length]
        return _join([(part, await part.final()) for part in parts])

    async def interim(self) -> Transcription | None:
        """All of it, the last part as it sounds so far; None when the engine has no room."""
        last = await self._parts[-1].interim()
        if last is None:
            return None
        earlier = [(part, part.known) for part in self._parts[:-1] if part.known is not None]
        return _join([*earlier, (self._parts[-1], last)])

    async def close(self) -> None:
        """What fails here has nothing more to do with the user."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                for part in self._parts:
                    await part.close()
        except (EngineError, TimeoutError) as error:
            log.warning("a recogniser did not let go of its utterance: %r", error)


def _join(parts: list[tuple[_Part, Transcription]]) -> Transcription:
    if not parts:
        return Transcription("")
    words: list[Word] = []
    offset = 0
    for part, heard in parts:
        shift = offset / RATE_HZ
        words += [Word(word.text, word.start + shift, word.end + shift) for word in heard.words]
        offset += part.length
    last = parts[-1][1]
    text = " ".join(heard.text for _, heard in parts if heard.text)
    language = next((heard.language for _, heard in reversed(parts) if heard.language), "")
    return replace(last, text=text, language=language, words=tuple(words))
