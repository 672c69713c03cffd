"""One Whisper server over HTTP: which protocol and model it has, and one utterance transcribed."""

import asyncio
import struct
from dataclasses import replace

from ....core.audio import RATE_HZ, Samples, sample_count, seconds
from ....core.errors import EngineError
from ....ports import Transcription
from ...http.models import for_transcripts, listed
from ...timeouts import Timeouts
from ..address import WhisperAddress
from ..errors import BUSY, BadAnswer, Busy, bad_answer, late, missing, refusal
from ..utterance import TranscribeOptions
from .dialects import DEFAULT_MODEL, OPENAI, HttpDialect, is_there, is_whisper_cpp, places
from .responses import EVENTS, read
from .transport import HttpReply, HttpRequest, WhisperHttp

# ----------------------------------------------------------------
# sound as a file, for servers that take nothing else


HEADER_BYTES = 44
"""RIFF, `fmt ` of 16 bytes, `data`: what every reader of WAV knows, some of them nothing more."""

_PCM, _CHANNELS, _WIDTH = 1, 1, 2


def wav(samples: Samples) -> bytes:
    """`samples` as a file of 16 kHz mono s16le: what Whisper hears, so that no server has to resample."""
    data = samples.astype("<i2", copy=False).tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", HEADER_BYTES - 8 + len(data), b"WAVE"),
        *(
            b"fmt ",
            16,
            _PCM,
            _CHANNELS,
            RATE_HZ,
            RATE_HZ * _WIDTH * _CHANNELS,
            _WIDTH * _CHANNELS,
            8 * _WIDTH,
        ),
        *(b"data", len(data)),
    )
    return head + data


LOADING_SECONDS, RETRY_SECONDS = 30.0, 0.5
"""A server may listen before its model is there, or load it when it is first asked."""

SECONDS_A_SECOND = 0.1
"""Seconds more to wait for one of speech: Whisper's time rises with what it is given."""
LONGEST_SECONDS = 600.0
"""Length of the sound in one request: 19 MB of WAV, under OpenAI's 25 MB."""
SHORTEST_SECONDS = 15.0
"""Length of sound in one request: a server that takes no file of this length (0.5 MB) takes none."""
STREAMED_FROM_SECONDS = 30.0
"""Whisper's window. What is longer is transcribed window by window, and events show that it goes on; what is
shorter gains nothing by them, and the whole answers of most servers say more: language, words, silence."""


class HttpClient:
    """Made without touching the network."""

    def __init__(self, address: WhisperAddress, protocol: str, model: str, timeouts: Timeouts) -> None:
        self.address, self._protocol, self._model = address, protocol, model
        self._timeouts = timeouts
        self._http = WhisperHttp(address, timeouts)
        self._finding = asyncio.Lock()
        self.dialect: HttpDialect | None = None
        """None: not found yet."""
        self.longest = sample_count(LONGEST_SECONDS)
        """Samples in one request."""

    async def close(self) -> None:
        await self._http.close()

    # ------------------------------------------------------------ what it is

    async def find(self, loading: float = 0.0) -> HttpDialect:
        """`loading`: seconds that it is given to become ready. Raises `EngineError`."""
        async with self._finding:
            if self.dialect is None:
                self.dialect = await self._with_its_model(await self._place(loading))
            return self.dialect

    async def prove(self, samples: Samples, loading: float) -> None:
        """One real request, waited for while the server loads. Raises `EngineError`."""
        await self.find(loading)
        deadline = _now() + loading
        while True:
            try:
                await self.transcribe(
                    samples, TranscribeOptions("en"), max(self._answer_seconds, deadline - _now())
                )
                return
            except Busy:
                if _now() >= deadline:
                    raise
            await asyncio.sleep(RETRY_SECONDS)

    async def _place(self, loading: float) -> HttpDialect:
        tried = places(self.address.path, self._protocol)
        deadline = _now() + loading
        while True:
            busy: EngineError | None = None
            for protocol, path in tried:
                reply = await self._http.send(
                    HttpRequest(path, {"response_format": "json"}), self._answer_seconds
                )
                if reply.status in (401, 403) or 300 <= reply.status < 400:
                    raise self._refusal(reply)
                if reply.status in BUSY:
                    busy = self._refusal(reply)
                elif is_there(reply.status, reply.kind):
                    is_cpp = self._protocol == "auto" and is_whisper_cpp(reply.body)
                    return HttpDialect("whispercpp" if is_cpp else protocol, path)
            if busy is None:
                paths = " nor ".join(path or "/" for _, path in tried)
                text = f"{self.address.location} has neither {paths}"
                if len(tried) == 1:
                    text = f"{self.address.origin} has no {paths}"
                raise missing(f"{text}: check the address, or set WHISPER_PROTOCOL")
            if _now() >= deadline:
                raise busy
            await asyncio.sleep(RETRY_SECONDS)

    async def _with_its_model(self, dialect: HttpDialect) -> HttpDialect:
        """A key that may transcribe may not be one that may list, so that a refusal here is none."""
        if not dialect.models_path:
            return replace(
                dialect, model=self._model or (DEFAULT_MODEL if dialect.protocol == OPENAI else "")
            )
        reply = await self._http.send(HttpRequest(dialect.models_path, is_get=True), self._answer_seconds)
        found = next(iter(for_transcripts(listed(reply.body))), "") if reply.status == 200 else ""
        lists = reply.status not in (404, 405, 501)
        return replace(dialect, model=self._model or found or DEFAULT_MODEL, lists_models=lists)

    # ------------------------------------------------------------ one utterance

    async def transcribe(
        self, samples: Samples, options: TranscribeOptions, first: float | None = None
    ) -> Transcription:
        """`first`: seconds until an answer, else by the timeouts and the length. Raises `EngineError`, of
        which `TooLong` says that `longest` is known now: less of it may be taken."""
        dialect = self.dialect or await self._found()
        length = seconds(len(samples))
        first = first or self._answer_seconds + SECONDS_A_SECOND * length
        is_streamed = bool(options.language) and length > STREAMED_FROM_SECONDS
        body = wav(samples)

        async def ask(wanted: HttpDialect) -> HttpReply:
            fields = wanted.fields(options, is_streamed=is_streamed and wanted.streams)
            return await self._http.send(HttpRequest(wanted.path, fields, body), first, first + length)

        reply = await ask(dialect)
        if reply.status in (400, 422):
            for simpler in dialect.simpler(is_streamed=is_streamed and dialect.streams):
                if (again := await ask(simpler)).status == 200:
                    self.dialect = dialect = simpler
                    reply = again
                    break
        if is_streamed and dialect.streams and reply.status == 200 and reply.kind != EVENTS:
            self.dialect = replace(dialect, streams=False)
        return self._transcription(reply, samples)

    def _transcription(self, reply: HttpReply, samples: Samples) -> Transcription:
        if reply.status == 200:
            try:
                return read(reply.kind, reply.body)
            except BadAnswer as bad:
                raise bad_answer(self.address, bad) from None
        if reply.status == 413 and len(samples) > sample_count(SHORTEST_SECONDS):
            self.longest = min(self.longest, len(samples) // 2)
        if reply.status == 404:  # it was started again with another model
            self.dialect = None
        raise self._refusal(reply)

    async def _found(self) -> HttpDialect:
        """Who was not warm asks now, and gives it no time to load."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await self.find()
        except TimeoutError:
            raise late(self.address, "it is still looked for") from None

    def _refusal(self, reply: HttpReply) -> EngineError:
        return refusal(self.address, reply.status, reply.body, reply.retry_after)

    @property
    def _answer_seconds(self) -> float:
        return self._timeouts.connect + self._timeouts.first


def _now() -> float:
    return asyncio.get_running_loop().time()
