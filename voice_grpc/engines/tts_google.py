"""Google Cloud TTS. Plain clauses of voices that stream share one stream an answer; all else is asked for
clause by clause, the next while the one before it is consumed.

    google_credentials.py  who calls          google_channel.py    the service; google_usage.py  its quotas
    google_catalogue.py    which voices       google_voices.py     which of them says it
    google_stream.py       many clauses       google_unary.py      one clause a call
    google_manner.py       how they are said  google_alignment.py  which sound is whose
    google_watch.py        what is late       google_sound.py      samples of it; google_opus.py  of Opus
    google_errors.py       what went wrong
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeAlias

from ..core.errors import EngineEmpty, EngineMissing
from ..ports import Clause, Speech, Voice, VoiceChoice
from .google_catalogue import Catalogue
from .google_channel import Channel
from .google_errors import SERVICE
from .google_manner import ENCODINGS, FASTEST, SLOWEST, Manner, Put
from .google_stream import ENOUGH, IDLE_SECONDS, Paces, Stream
from .google_unary import say
from .google_usage import Usage
from .google_voices import choose
from .patience import Patience
from .pump import Pump

DEFAULT_VOICE = "en-US-Chirp3-HD-Kore"

_AHEAD = 1
"""Parts of an answer that are ready to be consumed after the current one; one more is being asked for."""
_TRIAL = "Hello there, this is what I sound like."
"""Said at start: long enough to measure the pace of the voice."""

_Part: TypeAlias = Pump[Speech]
"""A run of clauses on one stream, or one clause by itself."""


class GoogleTts:
    """Implements `ports.Tts`."""

    def __init__(
        self,
        credentials: str = "",
        *,
        voice: str = "",
        endpoint: str = "",
        encoding: str = "PCM",
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        """`credentials`: a path or the JSON itself, read when it is first needed. `endpoint`: a host, or
        `http://HOST:PORT`, which is unencrypted and is told no credentials.

        Raises `EngineMissing` for an endpoint or an encoding that is none.
        """
        if encoding not in ENCODINGS:
            raise EngineMissing(
                "tts", f"encoding {encoding[:20]!r} of {SERVICE}: accepted: {', '.join(ENCODINGS)}"
            )
        self._channel = Channel(credentials, endpoint, patience)
        self._catalogue = Catalogue(self._channel.voices)
        self._voice, self._encoding, self._patience = voice or DEFAULT_VOICE, encoding, patience
        self._paces: Paces = {}

    @property
    def name(self) -> str:
        return f"google {self._voice}"

    @property
    def location(self) -> str:
        return self._channel.location

    @property
    def usage(self) -> Usage:
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
        manner = Manner(chosen, min(max(voice.rate, SLOWEST), FASTEST), self._encoding)
        answer = _Answer(self._channel, manner, self._patience, self._paces)
        has_sound = False
        async with answer.parts, Pump(partial(answer.plan, clauses), _AHEAD) as parts:
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

    def __init__(self, channel: Channel, manner: Manner, patience: Patience, paces: Paces) -> None:
        self.parts = AsyncExitStack()
        """Of this answer, whether they were taken or not: leaving it stops them."""
        self.has_words = False
        self._channel, self._manner, self._patience, self._paces = channel, manner, patience, paces

    async def plan(self, clauses: AsyncIterator[Clause], put: Callable[[_Part], Awaitable[None]]) -> None:
        """What `clauses` raise is told after what was said before."""
        stream: Stream | None = None
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
        return await self.parts.enter_async_context(Pump(run))

    def _new_stream(self) -> Stream:
        idle_seconds = ENOUGH * IDLE_SECONDS
        return Stream(self._channel, self._manner, self._patience, self._paces, idle_seconds)


def _encodable(clause: Clause) -> Clause:
    """Without lone surrogates, which UTF-8 has none of."""
    text, ssml = (part.encode(errors="replace").decode() for part in (clause.text, clause.ssml))
    return Clause(clause.index, text, ssml)
