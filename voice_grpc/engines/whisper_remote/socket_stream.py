"""A Whisper server with a socket, whichever its protocol, and one utterance on it: when a connection is
opened, and when another one.

    whisper_live, realtime, wyoming ─▶ SocketStt ─▶ SocketStream ─▶ Connection

The connection is opened when the utterance begins, so that nobody waits for it at the end. When it breaks,
the whole utterance goes out once more on a fresh one; when an answer is given up, it is closed at once.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ...core.audio import Samples, sample_count
from ...core.errors import EngineError, EngineUnreachable
from ...ports import SttOptions, Transcription
from ...ports.stt import INTERIM_AT_LEAST_S
from ..timeouts import Timeouts
from ..whisper.languages import iso_code, iso_codes, whisper_codes
from .address import WhisperAddress
from .socket_connection import Connection, ConnectionPool, SocketProtocol
from .utterance import TranscribeOptions, UtteranceAudio, pause_end

_LOADING_S = 30.0
"""Seconds that a server may take to load its model when it is asked for the first time."""


class SocketStream:
    """Implements `ports.SttStream`."""

    def __init__(self, pool: ConnectionPool, options: TranscribeOptions) -> None:
        self._pool, self._options = pool, options
        self._audio = UtteranceAudio()
        self._connection = pool.connect(options, self._audio)
        self._begin, self._settled = 0, ""
        """How many samples a server ended by itself, and their text."""
        self._ended: Connection | None = None
        """The connection on which a server did so last."""
        self._final: tuple[int, Transcription] | None = None
        """The last one, with how many samples were fed when it was asked for."""
        self._interim = ""
        """Text of the last one that was given."""
        self._interim_connection: Connection | None = None
        self._is_at_interim = self._is_closed = False

    def feed(self, samples: Samples) -> None:
        self._audio.feed(samples)

    async def interim(self) -> Transcription | None:
        """None also while there is too little to tell, and while a connection is made anew."""
        if self._is_at_interim or self._audio.length - self._begin < sample_count(INTERIM_AT_LEAST_S):
            return None
        self._is_at_interim = True
        try:
            found = await self._interim_transcription()
        except EngineError:
            return None  # if it lasts, the final says so
        finally:
            self._is_at_interim = False
        if not found.text or _lags(found.text, self._interim):
            return None
        self._interim = found.text
        return found

    async def final(self) -> Transcription:
        end = self._audio.length
        if self._final is None or self._final[0] != end:
            self._give_up_interim()
            with self._pool.limiter.final():
                self._final = end, await self._transcribe(end)
            self._interim = self._final[1].text
        return self._final[1]

    async def close(self) -> None:
        self._is_closed = True
        self._give_up_interim()
        await self._connection.close()

    def _give_up_interim(self) -> None:
        """A server may have time for one request only."""
        if self._interim_connection is not None:
            self._interim_connection.abort()

    # ------------------------------------------------------------ how

    async def _transcribe(self, end: int) -> Transcription:
        timeouts, loop = self._pool.timeouts, asyncio.get_running_loop()
        deadline = loop.time() + timeouts.connect + timeouts.first
        may_retry = True
        self._revive()
        while self._audio.is_audible(self._begin, end):
            connection = self._connection
            seconds = timeouts.first + (0.0 if connection.is_ready else timeouts.connect)
            with _given_up_with(connection):
                try:
                    await connection.finish(end, max(0.0, min(seconds, deadline - loop.time())))
                except EngineUnreachable as error:
                    if not (may_retry and error.retryable):
                        raise
                    may_retry = False
                    self._renew()
                    continue
            if not connection.protocol.ended_early:
                return self._transcription(connection)
            self._settle(connection)
        return Transcription(self._settled, iso_code(self._options.language))

    async def _interim_transcription(self) -> Transcription:
        """What is known on the way; where a server tells nothing before the end, by a request of its own."""
        self._revive()
        timeouts, connection = self._pool.timeouts, self._connection
        if await connection.has_text(timeouts.between) or connection.protocol.streams is not False:
            return self._transcription(connection)
        if not self._pool.limiter.has_room():
            return Transcription("")
        self._interim_connection = fresh = self._pool.connect(self._options, self._audio, self._begin)
        try:
            with self._pool.limiter.interim(fresh.abort):
                await fresh.finish(self._audio.length, timeouts.connect + timeouts.first)
            return self._transcription(fresh)
        finally:
            fresh.abort()

    def _transcription(self, connection: Connection) -> Transcription:
        new = "" if connection is self._ended else connection.protocol.text
        text = " ".join([*self._settled.split(), *new.split()])
        return Transcription(text, iso_code(connection.protocol.language or self._options.language))

    def _settle(self, connection: Connection) -> None:
        """The server ended the utterance at a pause; what follows is another one to it. At which pause it
        does not say: the longest in what was sent is taken for it, and the server dropped what follows."""
        if connection is not self._ended:
            if connection.sent <= self._begin:
                raise EngineError("stt", f"{self._pool.address.location} ended an utterance before it began")
            self._ended, self._settled = connection, self._transcription(connection).text
            self._begin += pause_end(self._audio.cut(self._begin, connection.sent))
        if self._audio.is_audible(self._begin, self._audio.length):
            self._renew()

    def _revive(self) -> None:
        """A connection that can be asked, in place of one that broke, has answered or was ended. Raises why
        there is none."""
        connection = self._connection
        if connection.protocol.ended_early:
            self._settle(connection)
        elif connection.failure is not None and not connection.failure.retryable:
            raise connection.failure
        elif connection.failure is not None or (connection.protocol.is_spent and not connection.renew()):
            self._renew()

    def _renew(self) -> None:
        if self._is_closed:
            raise EngineError("stt", "the utterance is closed", retryable=False)
        self._connection.abort()
        self._connection = self._pool.connect(self._options, self._audio, self._begin)


@contextmanager
def _given_up_with(connection: Connection) -> Iterator[None]:
    """Whoever waits no longer, for whatever reason, wants the work to end at the far end too."""
    try:
        yield
    except BaseException:
        connection.abort()
        raise


def _lags(text: str, known: str) -> bool:
    """Whether `text` is the beginning of what is `known` already: the sound goes out once more."""
    return len(text) < len(known) and known.startswith(text)


class SocketStt(ABC):
    """Implements `ports.Stt` but for its protocol."""

    is_embedded = False

    name: str
    codes: frozenset[str]
    """Whisper's codes of the languages that the server understands."""

    def __init__(self, address: WhisperAddress, timeouts: Timeouts) -> None:
        self.address, self.timeouts = address, timeouts
        self._pool = ConnectionPool(address, timeouts, self.new_protocol)

    @abstractmethod
    def new_protocol(self, options: TranscribeOptions) -> SocketProtocol:
        """That of a fresh connection."""

    @property
    def location(self) -> str:
        return self.address.location

    @property
    def languages(self) -> frozenset[str]:
        return iso_codes(self.codes)

    async def warm(self) -> None:
        """Connect once and hear that the server is ready. Raises `EngineError`."""
        connection = self._pool.connect(
            TranscribeOptions(), UtteranceAudio(), timeouts=replace(self.timeouts, first=_LOADING_S)
        )
        try:
            await connection.ready(self.timeouts.connect + _LOADING_S)
        finally:
            await connection.close()

    def has_room(self) -> bool:
        return False

    def is_alone(self) -> bool:
        return False

    def open(self, options: SttOptions) -> SocketStream:
        """Raises `EngineError` when it understands none of the languages."""
        codes = whisper_codes(options.languages, self.codes)
        language = codes[0] if len(codes) == 1 else ""
        return SocketStream(self._pool, TranscribeOptions(language, options.prompt))

    async def close(self) -> None:
        await self._pool.close()
