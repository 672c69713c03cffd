"""One utterance on a Whisper server with a socket: when a connection is opened, and when another one.

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
from ..timeouts import Timeouts
from ..whisper.languages import iso_code, iso_codes, whisper_codes
from ..whisper.local_agreement import INTERIM_AT_LEAST_S, agreement
from .address import WhisperAddress
from .socket_connection import Ask, Connection, ConnectionPool, SocketProtocol, UtteranceAudio, pause_end


class SocketStream:
    """Implements `ports.SttStream`."""

    def __init__(self, desk: ConnectionPool, ask: Ask) -> None:
        self._desk, self._ask = desk, ask
        self._sound = UtteranceAudio()
        self._line = desk.line(ask, self._sound)
        self._begin, self._settled = 0, ""
        """What a server ended by itself: so many samples, and their text."""
        self._ended: Connection | None = None
        """On which it did so last."""
        self._final: tuple[int, Transcription] | None = None
        """With how much was fed when it was asked for."""
        self._interim = ""
        self._request: Connection | None = None
        """Of an interim."""
        self._is_looking = self._is_closed = False

    def feed(self, samples: Samples) -> None:
        self._sound.feed(samples)

    async def interim(self) -> Transcription | None:
        """None also while there is too little to tell, and while a connection is made anew."""
        if self._is_looking or self._sound.length - self._begin < sample_count(INTERIM_AT_LEAST_S):
            return None
        self._is_looking = True
        try:
            heard = await self._look()
        except EngineError:
            return None  # if it lasts, the final says so
        finally:
            self._is_looking = False
        if not heard.text or _lags(heard.text, self._interim):
            return None
        stability = agreement(self._interim, heard.text)
        self._interim = heard.text
        return replace(heard, stability=stability)

    async def final(self) -> Transcription:
        end = self._sound.length
        if self._final is None or self._final[0] != end:
            self._stop_looking()
            self._desk.finals += 1
            try:
                self._final = end, await self._transcribe(end)
                self._interim = self._final[1].text
            finally:
                self._desk.finals -= 1
        return self._final[1]

    async def close(self) -> None:
        self._is_closed = True
        self._stop_looking()
        await self._line.close()

    def _stop_looking(self) -> None:
        """A server may have time for one request only."""
        if self._request is not None:
            self._request.abort()

    # ------------------------------------------------------------ how

    async def _transcribe(self, end: int) -> Transcription:
        patience, loop = self._desk.patience, asyncio.get_running_loop()
        deadline = loop.time() + patience.connect + patience.first
        may_retry = True
        self._revive()
        while self._sound.is_audible(self._begin, end):
            line = self._line
            seconds = patience.first + (0.0 if line.is_ready else patience.connect)
            with _given_up_with(line):
                try:
                    await line.finish(end, max(0.0, min(seconds, deadline - loop.time())))
                except EngineUnreachable as error:
                    if not (may_retry and error.retryable):
                        raise
                    may_retry = False
                    self._renew()
                    continue
            if not line.talk.ended_early:
                return self._heard(line)
            self._settle(line)
        return Transcription(self._settled, iso_code(self._ask.language))

    async def _look(self) -> Transcription:
        """What is known on the way; where a server tells nothing before the end, by a request of its own."""
        self._revive()
        patience, line = self._desk.patience, self._line
        if await line.heard(patience.between) or line.talk.streams is not False:
            return self._heard(line)
        if not self._desk.has_room():
            return Transcription("")
        self._desk.looks += 1
        self._request = look = self._desk.line(self._ask, self._sound, self._begin)
        try:
            await look.finish(self._sound.length, patience.connect + patience.first)
            return self._heard(look)
        finally:
            self._desk.looks -= 1
            look.abort()

    def _heard(self, line: Connection) -> Transcription:
        text = " ".join(
            [*self._settled.split(), *(line.talk.text.split() if line is not self._ended else ())]
        )
        return Transcription(text, iso_code(line.talk.language or self._ask.language))

    def _settle(self, line: Connection) -> None:
        """The server ended the utterance at a pause; what follows is another one to it. It does not say at
        which: it is taken for the longest of what was sent, of which it dropped the rest."""
        if line is not self._ended:
            if line.sent <= self._begin:
                raise EngineError("stt", f"{self._desk.address.location} ended an utterance before it began")
            self._ended, self._settled = line, self._heard(line).text
            self._begin += pause_end(self._sound.cut(self._begin, line.sent))
        if self._sound.is_audible(self._begin, self._sound.length):
            self._renew()

    def _revive(self) -> None:
        """A line that can be asked, in place of one that broke, has answered or was ended. Raises why there
        is none."""
        line = self._line
        if line.talk.ended_early:
            self._settle(line)
        elif line.failure is not None and not line.failure.retryable:
            raise line.failure
        elif line.failure is not None or (line.talk.is_spent and not line.renew()):
            self._renew()

    def _renew(self) -> None:
        if self._is_closed:
            raise EngineError("stt", "the utterance is closed", retryable=False)
        self._line.abort()
        self._line = self._desk.line(self._ask, self._sound, self._begin)


@contextmanager
def _given_up_with(line: Connection) -> Iterator[None]:
    """Whoever waits no longer, for whatever reason, wants the work to end at the far end too."""
    try:
        yield
    except BaseException:
        line.abort()
        raise


def _lags(text: str, known: str) -> bool:
    """It is what was told already, but its end: the sound goes out once more."""
    return len(text) < len(known) and known.startswith(text)


# ----------------------------------------------------------------
# a Whisper server with a socket, whichever its protocol
# whisper_live, whisper_realtime, whisper_wyoming ─▶ SocketStt ─▶ SocketStream ─▶ Line


_LOADING_S = 30.0
"""That a server may take for its model when it is asked for the first time."""


class SocketStt(ABC):
    """Implements `ports.Stt` but for its protocol."""

    name: str
    codes: frozenset[str]
    """Whisper's codes of the languages that the server understands."""

    def __init__(self, address: WhisperAddress, patience: Timeouts) -> None:
        self.address, self.patience = address, patience
        self._desk = ConnectionPool(address, patience, self.talk)

    @abstractmethod
    def talk(self, ask: Ask) -> SocketProtocol:
        """Of a fresh connection."""

    @property
    def location(self) -> str:
        return self.address.location

    @property
    def languages(self) -> frozenset[str]:
        return iso_codes(self.codes)

    async def warm(self) -> None:
        """Connect once and hear that the server is ready. Raises `EngineError`."""
        line = self._desk.line(Ask(), UtteranceAudio(), patience=replace(self.patience, first=_LOADING_S))
        try:
            await line.ready(self.patience.connect + _LOADING_S)
        finally:
            await line.close()

    def open(self, options: SttOptions) -> SocketStream:
        """Raises `EngineError` when it understands none of the languages."""
        codes = whisper_codes(options.languages, self.codes)
        return SocketStream(self._desk, Ask(codes[0] if len(codes) == 1 else "", options.prompt))

    async def close(self) -> None:
        await self._desk.close()
