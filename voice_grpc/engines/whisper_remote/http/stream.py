"""One utterance on a server that takes whole files: what is known by now goes up again, whole, each time.

An interim is given up when the final is asked for, and an answer is kept with how much was fed when it was
asked for: one that is late for its revision has nowhere to go.
"""

import asyncio
from dataclasses import dataclass
from functools import partial

from ....core.audio import Samples, sample_count, seconds, to_float
from ....core.errors import EngineError, EngineTimeout
from ....ports import Transcription, Word
from ....ports.stt import INTERIM_AT_LEAST_S
from ...whisper.chunking import CUT_HOP, is_silent, quiet_place
from ...whisper.languages import iso_code
from ..errors import Busy, Throttled, TooLong
from ..interims import InterimLimiter, InterimRoom
from ..utterance import TranscribeOptions, UtteranceAudio
from .client import HttpClient
from .dialects import CPP

PARALLEL = InterimRoom(most=32, is_beside_finals=True)
"""Half of the connections, so that a final finds one."""

SERIAL = InterimRoom(most=1, is_beside_finals=False, is_freed_by_giving_up=True)
"""whisper.cpp has one mutex; whoever hangs up gives it free."""

_CUT_WITHIN_S = 5.0
"""What is too long for one request is cut at its quietest place, this close to the limit."""
_CONTEXT = 200
"""Characters of the chunk before that go up with the next one, as Whisper goes on by itself (224 tokens)."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The samples from `start` to `end` and their text; those of an utterance too long for one request are
    settled one after the other, and not sent again."""

    start: int
    end: int
    transcription: Transcription


class HttpStream:
    """Implements `ports.SttStream`."""

    def __init__(
        self, client: HttpClient, limiter: InterimLimiter, languages: tuple[str, ...], prompt: str
    ) -> None:
        """`languages`: Whisper's codes; one is told, of several one is found out."""
        self._client, self._limiter = client, limiter
        self._languages, self._prompt = tuple(map(iso_code, languages)), prompt
        self._language = languages[0] if len(languages) == 1 else ""
        self._audio = UtteranceAudio()
        self._settled: list[_Chunk] = []
        self._known: tuple[int, Transcription] | None = None
        """The last answer, with how many samples were fed when it was asked for."""
        """The last one that was given."""
        self._finals: set[asyncio.Timeout] = set()
        """Those under way."""
        self._interim: asyncio.Timeout | None = None
        """The one under way."""
        self._is_audible = self._is_closed = False

    def feed(self, samples: Samples) -> None:
        self._audio.feed(samples)

    async def interim(self) -> Transcription | None:
        """None while one is on its way, and while the server has no time for it: never queued."""
        end = self._fed
        if self._known is not None and self._known[0] == end:
            return self._known[1]
        if self._interim is not None or not self._may_ask_for_interim(end):
            return None
        try:
            async with asyncio.timeout(None) as self._interim:
                with self._limiter.interim(partial(_give_up, self._interim)):
                    transcription = await self._transcribed(end)
        except (TimeoutError, EngineTimeout, Busy):
            return None  # a final goes before it, or the server is slower than the speech
        except Throttled as error:
            self._limiter.pause(error.again)
            return None
        finally:
            self._interim = None
        self._known = end, transcription
        return transcription

    async def final(self) -> Transcription:
        end = self._fed
        if self._known is not None and self._known[0] == end:
            return self._known[1]
        if self._interim is not None:
            _give_up(self._interim)
        limit = asyncio.timeout(None)
        self._finals.add(limit)
        try:
            async with limit:
                with self._limiter.final():
                    transcription = await self._transcribed(end)
        except TimeoutError:
            raise self._closed() from None
        finally:
            self._finals.discard(limit)
        self._known = end, transcription
        return transcription

    async def close(self) -> None:
        """What is on its way is broken off; nothing is held any more."""
        self._is_closed = True
        for limit in (*self._finals, *([self._interim] if self._interim is not None else [])):
            _give_up(limit)
        self._audio.clear()
        self._settled.clear()
        self._known = None

    # ------------------------------------------------------------ how

    @property
    def _fed(self) -> int:
        return self._audio.length

    def _may_ask_for_interim(self, end: int) -> bool:
        return end >= sample_count(INTERIM_AT_LEAST_S) and self._limiter.has_room()

    async def _transcribed(self, end: int) -> Transcription:
        """All samples before `end`."""
        if self._is_closed:
            raise self._closed()
        if not self._is_audible:
            self._is_audible = not is_silent(to_float(self._audio.cut(0, end)))
        if not self._is_audible:
            return Transcription("", self._told_language)
        while True:
            start = self._settled_end
            samples = self._audio.cut(start, end)
            if len(samples) > self._client.longest:
                samples = samples[: _cut(samples, self._client.longest)]
            try:
                transcription = await self._client.transcribe(samples, self._options())
            except TooLong:
                if self._client.longest >= len(samples):
                    raise
                continue
            chunk = _Chunk(start, start + len(samples), transcription)
            if chunk.end == end:
                return self._joined([*self._settled, chunk])
            if start == self._settled_end:  # else another call settled the same samples meanwhile
                self._settled.append(chunk)

    @property
    def _settled_end(self) -> int:
        return self._settled[-1].end if self._settled else 0

    def _options(self) -> TranscribeOptions:
        before = self._settled[-1].transcription.text[-_CONTEXT:] if self._settled else ""
        return TranscribeOptions(self._language, " ".join(filter(None, (self._prompt, before))))

    def _joined(self, chunks: list[_Chunk]) -> Transcription:
        transcriptions = [chunk.transcription for chunk in chunks]
        language = next((each.language for each in reversed(transcriptions) if each.language), "")
        language = language or self._told_language
        if self._languages and language not in self._languages:
            language = ""
        words = tuple(
            Word(word.text, word.start + seconds(chunk.start), word.end + seconds(chunk.start))
            for chunk in chunks
            for word in chunk.transcription.words
        )
        segments = tuple(
            segment.later(seconds(chunk.start))
            for chunk in chunks
            for segment in chunk.transcription.segments
        )
        text = " ".join(each.text for each in transcriptions if each.text)
        return Transcription(text, language, words=words, segments=segments)

    @property
    def _told_language(self) -> str:
        """The language that the server was told, which it then need not find; ISO 639-1."""
        return iso_code(self._language)

    def _closed(self) -> EngineError:
        return EngineError("stt", "the utterance is closed", retryable=False)


def interim_limiter(client: HttpClient) -> InterimLimiter:
    """One for all utterances of `client`, whose protocol may be found out later."""

    def room() -> InterimRoom:
        return SERIAL if client.dialect is not None and client.dialect.protocol == CPP else PARALLEL

    return InterimLimiter(room)


def _give_up(limit: asyncio.Timeout) -> None:
    """What goes on inside of it ends now."""
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


def _cut(samples: Samples, longest: int) -> int:
    """How many of `samples` go up first where only `longest` may: to a quiet place near that."""
    start = longest - min(sample_count(_CUT_WITHIN_S), longest // 2) // CUT_HOP * CUT_HOP
    return start + quiet_place(to_float(samples[start:longest]))
