"""Google Cloud TTS. Plain clauses of voices that stream share one stream an answer; all else is asked for
clause by clause, the next while the one before it is consumed.

    google_credentials.py  who calls          google_channel.py    the service; google_usage.py  its quotas
    google_catalogue.py    which voices       google_voices.py     which of them says it
    google_stream.py       many clauses       google_unary.py      one clause a call
    google_manner.py       how they are said  google_alignment.py  which sound is whose
    google_watch.py        what is late       google_sound.py      samples of it; google_opus.py  of Opus
    google_errors.py       what went wrong
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeAlias

from google.cloud.texttospeech_v1 import SynthesisInput, SynthesizeSpeechRequest

from ...core.errors import EngineEmpty, EngineError, EngineMissing
from ...ports import Clause, Speech, Voice, VoiceChoice
from ...ports.streaming import CancellableStream
from ..timeouts import Timeouts
from .audio import file_sound
from .client import GoogleTtsChannel, QuotaUsage
from .errors import SERVICE, StreamFate, fate_of
from .request import ENCODINGS, FASTEST, LIMIT, SLOWEST, Put, SpeechRequest, pieces
from .stream import ENOUGH, IDLE_SECONDS, Paces, SpeechStream
from .voices import VoiceCache, choose

# ----------------------------------------------------------------
# one clause by one request: for voices that cannot stream, and for SSML, which no stream takes


logger = logging.getLogger(__name__)


async def say(channel: GoogleTtsChannel, clause: Clause, manner: SpeechRequest, put: Put) -> None:
    """All of one clause. Raises `EngineError`.

    SSML that the service refuses is said as the plain text: some marks are known to some voices only.
    """
    if clause.ssml and manner.voice.renders_ssml:
        if len(clause.ssml.encode()) <= LIMIT:
            try:
                await _say(channel, SynthesisInput(ssml=clause.ssml), clause, manner, put)
                return
            except EngineError as error:
                if fate_of(error) is not StreamFate.REJECTED:
                    raise
                logger.warning("SSML was refused for %s, its text is said: %s", manner.voice.id, error)
        else:
            logger.warning("SSML of more than %d bytes: its text is said", LIMIT)
    for piece in pieces(clause.text):
        await _say(channel, SynthesisInput(text=piece), clause, manner, put)


async def _say(
    channel: GoogleTtsChannel,
    what: SynthesisInput,
    clause: Clause,
    manner: SpeechRequest,
    put: Put,
) -> None:
    channel.usage.characters += len(what.ssml or what.text)
    request = SynthesizeSpeechRequest(input=what, voice=manner.selection, audio_config=manner.of_answer)
    answer = await channel.synthesize(request, manner.voice)
    if manner.encoding == "OGG_OPUS":
        samples, rate_hz = await asyncio.to_thread(file_sound, answer, manner.voice.rate_hz)
    else:
        samples, rate_hz = file_sound(answer, manner.voice.rate_hz)
    if len(samples):
        await put(Speech(clause.index, samples, rate_hz))


DEFAULT_VOICE = "en-US-Chirp3-HD-Kore"

_AHEAD = 1
"""Parts of an answer that are ready to be consumed after the current one; one more is being asked for."""
_TRIAL = "Hello there, this is what I sound like."
"""Said at start: long enough to measure the pace of the voice."""

_Part: TypeAlias = CancellableStream[Speech]
"""A run of clauses on one stream, or one clause by itself."""


class GoogleTts:
    """Implements `ports.Tts`."""

    is_embedded = False

    def __init__(
        self,
        credentials: str = "",
        *,
        voice: str = "",
        endpoint: str = "",
        encoding: str = "PCM",
        patience: Timeouts = Timeouts(),  # noqa: B008 - frozen
    ) -> None:
        """`credentials`: a path or the JSON itself, read when it is first needed. `endpoint`: a host, or
        `http://HOST:PORT`, which is unencrypted and is told no credentials.

        Raises `EngineMissing` for an endpoint or an encoding that is none.
        """
        if encoding not in ENCODINGS:
            raise EngineMissing(
                "tts", f"encoding {encoding[:20]!r} of {SERVICE}: accepted: {', '.join(ENCODINGS)}"
            )
        self._channel = GoogleTtsChannel(credentials, endpoint, patience)
        self._catalogue = VoiceCache(self._channel.voices)
        self._voice, self._encoding, self._patience = voice or DEFAULT_VOICE, encoding, patience
        self._paces: Paces = {}

    @property
    def name(self) -> str:
        return f"google {self._voice}"

    @property
    def location(self) -> str:
        return self._channel.location

    @property
    def usage(self) -> QuotaUsage:
        """What was asked of the vendor so far."""
        return self._channel.usage

    async def voices(self) -> Sequence[Voice]:
        """All that can be used by name. Raises `EngineError` when there never was a list."""
        return [voice.port for voice in await self._catalogue.voices()]

    async def warm(self) -> None:
        """Fetches the voices and has one say something: a wrong key and a wrong voice are found now.

        Raises `EngineMissing`, `EngineDenied` and the other `EngineError`s.
        """
        await self._catalogue.voices()

        async def trial() -> AsyncIterator[Clause]:
            yield Clause(0, _TRIAL)

        async for _ in self.speak(trial(), VoiceChoice()):
            pass

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        """What has no letter and no digit is passed over. Raises `EngineEmpty` when there were words to
        say and no sound came."""
        chosen = choose(await self._catalogue.voices(), voice, self._voice)
        manner = SpeechRequest(chosen, min(max(voice.rate, SLOWEST), FASTEST), self._encoding)
        answer = _Answer(self._channel, manner, self._patience, self._paces)
        has_sound = False
        async with answer.parts, CancellableStream(partial(answer.plan, clauses), _AHEAD) as parts:
            while (part := await parts.next()) is not None:
                while (speech := await part.next()) is not None:
                    has_sound = True
                    yield speech
        if answer.has_words and not has_sound:
            raise EngineEmpty("tts", f"{SERVICE} gave no sound")

    async def close(self) -> None:
        await self._catalogue.close()
        await self._channel.close()


class _Answer:
    """Divides clauses into parts, each of which works from the moment it is made."""

    def __init__(
        self, channel: GoogleTtsChannel, manner: SpeechRequest, patience: Timeouts, paces: Paces
    ) -> None:
        self.parts = AsyncExitStack()
        """Of this answer, whether they were taken or not: leaving it stops them."""
        self.has_words = False
        self._channel, self._manner, self._patience, self._paces = channel, manner, patience, paces

    async def plan(self, clauses: AsyncIterator[Clause], put: Callable[[_Part], Awaitable[None]]) -> None:
        """What `clauses` raise is told after what was said before."""
        stream: SpeechStream | None = None
        try:
            async for given in clauses:
                clause = _encodable(given)
                is_marked = bool(clause.ssml) and self._manner.voice.renders_ssml
                if not is_marked and not any(character.isalnum() for character in clause.text):
                    continue
                self.has_words = True
                if is_marked or not self._manner.voice.streams:
                    if stream is not None:
                        stream.end()
                    stream = None
                    await put(await self._begin(partial(say, self._channel, clause, self._manner)))
                elif stream is None or stream.is_closed:
                    stream = self._new_stream()
                    await stream.send(clause)
                    await put(await self._begin(stream.run))
                else:
                    await stream.send(clause)
        finally:
            if stream is not None:
                stream.end()

    async def _begin(self, run: Callable[[Put], Awaitable[None]]) -> _Part:
        return await self.parts.enter_async_context(CancellableStream(run))

    def _new_stream(self) -> SpeechStream:
        idle_seconds = ENOUGH * IDLE_SECONDS
        return SpeechStream(self._channel, self._manner, self._patience, self._paces, idle_seconds)


def _encodable(clause: Clause) -> Clause:
    """Without lone surrogates, which UTF-8 has none of."""
    text, ssml = (part.encode(errors="replace").decode() for part in (clause.text, clause.ssml))
    return Clause(clause.index, text, ssml)
