"""Google Cloud TTS. Plain clauses of voices that stream share one stream an answer; all else is asked for
clause by clause, the next while the one before it is consumed.

    credentials.py  who calls                       voices.py     which there are, and which says it
    client.py       the service, and its quotas     request.py    how it is to be said
    stream.py       many clauses on one call        alignment.py  which sound is whose
    audio.py        samples of the service's bytes  errors.py     what went wrong

What lives here: the port, dividing an answer into streams and single clauses, and the single clauses.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeAlias

from google.cloud.texttospeech_v1 import SynthesisInput, SynthesizeSpeechRequest

from ...core.errors import EngineEmpty, EngineError
from ...core.text.duration import pieces as spoken_pieces
from ...ports import Clause, Speech, Voice, VoiceChoice
from ...ports.streaming import CancellableStream
from ..timeouts import Timeouts
from .audio import wav_sound
from .client import GoogleTtsClient, QuotaUsage
from .errors import SERVICE, StreamFate, fate_of
from .request import FASTEST, LIMIT, SLOWEST, Put, SpeechRequest, pieces
from .stream import ENOUGH, IDLE_SECONDS, Paces, SpeechStream
from .voices import VoiceCache, choose

logger = logging.getLogger(__name__)


DEFAULT_VOICE = "en-US-Chirp3-HD-Kore"

_AHEAD = 1
"""Segments of an answer that are ready to be consumed after the current one; one more is being asked for."""
_TRIAL = "Hello there, this is what I sound like."
"""Said at start: long enough to measure the pace of the voice."""

_Segment: TypeAlias = CancellableStream[Speech]
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
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
    ) -> None:
        """`credentials`: a path or the JSON itself, read when it is first needed. `endpoint`: a host, or
        `http://HOST:PORT`, which is unencrypted and is told no credentials.

        Raises `EngineMissing` for an endpoint that is none.
        """
        self._client = GoogleTtsClient(credentials, endpoint, timeouts)
        self._voice_cache = VoiceCache(self._client.voices)
        self._voice, self._timeouts = voice or DEFAULT_VOICE, timeouts
        self._paces: Paces = {}

    @property
    def name(self) -> str:
        return f"google {self._voice}"

    @property
    def location(self) -> str:
        return self._client.location

    @property
    def usage(self) -> QuotaUsage:
        """What was asked of the vendor so far."""
        return self._client.usage

    async def voices(self) -> Sequence[Voice]:
        """All voices that can be used by name. Raises `EngineError` when there never was a list."""
        return [voice.port for voice in await self._voice_cache.voices()]

    async def warm(self) -> None:
        """Fetches the voices and has one say something: a wrong key and a wrong voice are found now.

        Raises `EngineMissing`, `EngineDenied` and the other `EngineError`s.
        """
        await self._voice_cache.voices()

        async def trial() -> AsyncIterator[Clause]:
            yield Clause(0, _TRIAL)

        async for _ in self.speak(trial(), VoiceChoice()):
            pass

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        """What has no letter and no digit is passed over. Raises `EngineEmpty` when there were words to
        say and no sound came."""
        chosen = choose(await self._voice_cache.voices(), voice, self._voice)
        request = SpeechRequest(chosen, min(max(voice.rate, SLOWEST), FASTEST))
        answer = _Answer(self._client, request, self._timeouts, self._paces)
        has_sound = False
        plan = CancellableStream(partial(answer.plan, clauses), _AHEAD, tasks=self._client.tasks)
        try:
            async with answer.segments, plan as segments:
                while (segment := await segments.next()) is not None:
                    while (speech := await segment.next()) is not None:
                        has_sound = True
                        yield speech
        except ConnectionAbortedError:
            raise self._client.closed() from None
        if answer.has_words and not has_sound:
            raise EngineEmpty("tts", f"{SERVICE} gave no sound")

    async def close(self) -> None:
        await self._voice_cache.close()
        await self._client.close()


class _Answer:
    """Divides clauses into segments, each of which works from the moment it is made."""

    def __init__(
        self, client: GoogleTtsClient, request: SpeechRequest, timeouts: Timeouts, paces: Paces
    ) -> None:
        self.segments = AsyncExitStack()
        """The segments of this answer, whether they were taken or not: leaving the stack stops them."""
        self.has_words = False
        self._client, self._request, self._timeouts, self._paces = client, request, timeouts, paces

    async def plan(self, clauses: AsyncIterator[Clause], put: Callable[[_Segment], Awaitable[None]]) -> None:
        """What `clauses` raise is told after what was said before."""
        stream: SpeechStream | None = None
        try:
            async for given in clauses:
                clause = _encodable(given)
                is_marked = bool(clause.ssml) and self._request.voice.renders_ssml
                if not is_marked and not any(character.isalnum() for character in clause.text):
                    continue
                self.has_words = True
                if is_marked or not self._request.voice.streams:
                    if stream is not None:
                        stream.end()
                    stream = None
                    await put(await self._begin(partial(say, self._client, clause, self._request)))
                elif stream is None or stream.is_closed:
                    stream = self._new_stream()
                    await stream.send(clause)
                    await put(await self._begin(stream.run))
                else:
                    await stream.send(clause)
        finally:
            if stream is not None:
                stream.end()

    async def _begin(self, run: Callable[[Put], Awaitable[None]]) -> _Segment:
        return await self.segments.enter_async_context(CancellableStream(run, tasks=self._client.tasks))

    def _new_stream(self) -> SpeechStream:
        idle_seconds = ENOUGH * IDLE_SECONDS
        return SpeechStream(self._client, self._request, self._timeouts, self._paces, idle_seconds)


def _encodable(clause: Clause) -> Clause:
    """`clause` without lone surrogates, which UTF-8 has none of."""
    text, ssml = (each.encode(errors="replace").decode() for each in (clause.text, clause.ssml))
    return Clause(clause.index, text, ssml)


# ---------------------------------------------------------------- one clause by one request


PIECE_SECONDS = 15.0
"""Sound of one request, by estimate. An answer of a minute in one piece (forty groups of digits) comes after
`Timeouts.first`; a clause of words is far below it."""


async def say(client: GoogleTtsClient, clause: Clause, request: SpeechRequest, put: Put) -> None:
    """All of one clause, for a voice that cannot stream, or in SSML, which no stream takes. Raises
    `EngineError`.

    SSML that the service refuses is said as the plain text: some marks are known to some voices only.
    """
    if clause.ssml and request.voice.renders_ssml:
        if len(clause.ssml.encode()) <= LIMIT:
            try:
                await _say(client, SynthesisInput(ssml=clause.ssml), clause, request, put)
                return
            except EngineError as error:
                if fate_of(error) is not StreamFate.REJECTED:
                    raise
                logger.warning("SSML was refused for %s, its text is said: %s", request.voice.id, error)
        else:
            logger.warning("SSML of more than %d bytes: its text is said", LIMIT)
    seconds = PIECE_SECONDS * request.rate
    language = request.voice.language
    for piece in (each for part in spoken_pieces(clause.text, seconds, language) for each in pieces(part)):
        await _say(client, SynthesisInput(text=piece), clause, request, put)


async def _say(
    client: GoogleTtsClient, what: SynthesisInput, clause: Clause, request: SpeechRequest, put: Put
) -> None:
    client.usage.characters += len(what.ssml or what.text)
    wanted = SynthesizeSpeechRequest(input=what, voice=request.selection, audio_config=request.audio_config)
    answer = await client.synthesize(wanted, request.voice)
    samples, rate_hz = wav_sound(answer, request.voice.rate_hz)
    if len(samples):
        await put(Speech(clause.index, samples, rate_hz))
