"""One utterance on a server that takes whole files: what is known by now goes up again, whole, each time.

An interim is given up when the final is asked for, and an answer is kept with how much was fed when it was
asked for: one that is late for its revision has nowhere to go.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from ...core.audio import Samples, sample_count, seconds, to_float
from ...core.errors import EngineError, EngineTimeout
from ...ports import Transcription, Word
from ..whisper.chunking import CUT_HOP, is_silent, quiet_place
from ..whisper.languages import iso_code
from ..whisper.local_agreement import INTERIM_AT_LEAST_S, agreement
from .errors import Busy, Throttled, TooLong
from .http_client import HttpClient
from .http_dialects import TranscribeOptions

# ----------------------------------------------------------------
# room for interims on one server that many utterances share: a final never waits behind one


LOOKS = 32
"""Interims at once, of all sessions: half of the connections, so that a final finds one."""
PAUSE_SECONDS = 10.0
"""Without interims when the server has had too many requests and does not say for how long."""


class InterimLimiter:
    def __init__(self, is_serial: Callable[[], bool]) -> None:
        """`is_serial`: the server works on one request at a time."""
        self._is_serial = is_serial
        self._looks: set[asyncio.Timeout] = set()
        self._finals = 0
        self._again_at = 0.0

    def has_room(self) -> bool:
        if asyncio.get_running_loop().time() < self._again_at:
            return False
        if self._is_serial():
            return not self._looks and not self._finals
        return len(self._looks) < LOOKS

    def pause(self, seconds: float) -> None:
        """The server counts requests: what it still takes is for finals."""
        self._again_at = asyncio.get_running_loop().time() + (seconds or PAUSE_SECONDS)

    @contextmanager
    def look(self, limit: asyncio.Timeout) -> Iterator[None]:
        """An interim is under way, inside of `limit`."""
        self._looks.add(limit)
        try:
            yield
        finally:
            self._looks.discard(limit)

    @contextmanager
    def final(self) -> Iterator[None]:
        self._finals += 1
        if self._is_serial():
            for look in self._looks:
                give_up(look)
        try:
            yield
        finally:
            self._finals -= 1


def give_up(limit: asyncio.Timeout) -> None:
    """What goes on inside of it ends now."""
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


_CUT_WITHIN_S = 5.0
"""What is too long for one request is cut at its quietest place, this close to the limit."""
_CONTEXT = 200
"""Characters of the part before that go up with the next one, as Whisper goes on by itself (224 tokens)."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Of an utterance too long for one request: settled, and not sent again."""

    start: int
    end: int
    heard: Transcription


class HttpStream:
    """Implements `ports.SttStream`."""

    def __init__(
        self, service: HttpClient, traffic: InterimLimiter, languages: tuple[str, ...], prompt: str
    ) -> None:
        """`languages`: Whisper's codes; one is told, of several one is found out."""
        self._service, self._traffic = service, traffic
        self._languages, self._prompt = tuple(map(iso_code, languages)), prompt
        self._asked = languages[0] if len(languages) == 1 else ""
        self._pcm = bytearray()
        self._parts: list[_Part] = []
        self._known: tuple[int, Transcription] | None = None
        """The last answer, with how many samples were fed when it was asked for."""
        self._shown = ""
        """The last interim text."""
        self._under_way: set[asyncio.Timeout] = set()
        self._look: asyncio.Timeout | None = None
        self._is_audible = self._is_closed = False

    def feed(self, samples: Samples) -> None:
        self._pcm += samples.astype("<i2", copy=False).tobytes()

    async def interim(self) -> Transcription | None:
        """None while one is on its way, and while the server has no time for it: never queued."""
        end = self._fed
        if self._known is not None and self._known[0] == end:
            return self._known[1]
        if self._look is not None or end < sample_count(INTERIM_AT_LEAST_S) or not self._traffic.has_room():
            return None
        try:
            async with asyncio.timeout(None) as self._look:
                with self._traffic.look(self._look):
                    heard = await self._transcribed(end)
        except (TimeoutError, EngineTimeout, Busy):
            return None  # a final goes before it, or the server is slower than the speech
        except Throttled as error:
            self._traffic.pause(error.again)
            return None
        finally:
            self._look = None
        stability, self._shown = agreement(self._shown, heard.text), heard.text
        self._known = end, heard
        return replace(heard, stability=stability)

    async def final(self) -> Transcription:
        end = self._fed
        if self._known is not None and self._known[0] == end:
            return self._known[1]
        if self._look is not None:
            give_up(self._look)
        limit = asyncio.timeout(None)
        self._under_way.add(limit)
        try:
            async with limit:
                with self._traffic.final():
                    heard = await self._transcribed(end)
        except TimeoutError:
            raise self._closed() from None
        finally:
            self._under_way.discard(limit)
        self._known = end, heard
        return heard

    async def close(self) -> None:
        """What is on its way is broken off; nothing is held any more."""
        self._is_closed = True
        for limit in (*self._under_way, *([self._look] if self._look is not None else [])):
            give_up(limit)
        self._pcm = bytearray()
        self._parts.clear()
        self._known = None

    # ------------------------------------------------------------ how

    @property
    def _fed(self) -> int:
        return len(self._pcm) // 2

    async def _transcribed(self, end: int) -> Transcription:
        """All samples before `end`."""
        if self._is_closed:
            raise self._closed()
        if not self._is_audible:
            self._is_audible = not is_silent(to_float(self._samples(0, end)))
        if not self._is_audible:
            return Transcription("", self._only)
        while True:
            start = self._parts[-1].end if self._parts else 0
            samples = self._samples(start, end)
            if len(samples) > self._service.longest:
                samples = samples[: _cut(samples, self._service.longest)]
            try:
                heard = await self._service.transcribe(samples, self._question())
            except TooLong:
                if self._service.longest >= len(samples):
                    raise
                continue
            part = _Part(start, start + len(samples), heard)
            if part.end == end:
                return self._joined([*self._parts, part])
            if start == (self._parts[-1].end if self._parts else 0):
                self._parts.append(part)

    def _samples(self, start: int, end: int) -> Samples:
        """A copy: a view would not let the utterance grow."""
        with memoryview(self._pcm) as pcm:
            return np.frombuffer(bytes(pcm[2 * start : 2 * end]), "<i2")

    def _question(self) -> TranscribeOptions:
        before = self._parts[-1].heard.text[-_CONTEXT:] if self._parts else ""
        return TranscribeOptions(self._asked, " ".join(filter(None, (self._prompt, before))))

    def _joined(self, parts: list[_Part]) -> Transcription:
        language = next((p.heard.language for p in reversed(parts) if p.heard.language), "") or self._only
        if self._languages and language not in self._languages:
            language = ""
        words = tuple(
            Word(word.text, word.start + seconds(part.start), word.end + seconds(part.start))
            for part in parts
            for word in part.heard.words
        )
        return Transcription(" ".join(p.heard.text for p in parts if p.heard.text), language, words=words)

    @property
    def _only(self) -> str:
        """The language that was told; what is said in it, is said in it."""
        return iso_code(self._asked)

    def _closed(self) -> EngineError:
        return EngineError("stt", "the utterance is closed", retryable=False)


def _cut(samples: Samples, longest: int) -> int:
    """How many of `samples` go up first where only `longest` may: to a quiet place near that."""
    start = longest - min(sample_count(_CUT_WITHIN_S), longest // 2) // CUT_HOP * CUT_HOP
    return start + quiet_place(to_float(samples[start:longest]))
