"""Google Cloud TTS as far as we use it, over real gRPC, with the service's own rules and messages.

    python -m tests.fakes.google_tts --port 9002 --profile tts-cartesia --speech espeak

Streams: the configuration first and once; a voice that streams; an encoding that streams; text, never
SSML; 5,000 bytes a request; aborted after 5 s without text. Requests: exactly one of text and SSML, SSML
well-formed, a voice that exists, ranges. Quotas of a project: streams at once, Chirp 3 requests a minute.
`ListVoices` is no call of the script; of its troubles it knows those that are `always` and come first.
"""

import argparse
import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeAlias

import grpc
from google.cloud.texttospeech_v1 import (
    AudioEncoding,
    ListVoicesRequest,
    ListVoicesResponse,
    StreamingSynthesizeConfig,
    StreamingSynthesizeRequest,
    StreamingSynthesizeResponse,
    SynthesizeSpeechRequest,
    SynthesizeSpeechResponse,
    Voice,
    VoiceSelectionParams,
)

from voice_grpc.core.audio import Samples

from .command import parser, run
from .google_tts_relay import Relay, relaying
from .google_tts_rules import (
    IDLE,
    TROUBLES,
    Code,
    Refusal,
    check_config,
    check_input,
    check_unary,
    chosen,
    default_voices,
    invalid,
    plain,
)
from .google_tts_sound import Speaker, StreamEncoder, encoded, espeak, piper, tone
from .script import HANG, Script, Seen, Trouble, until

SERVICE = "google.cloud.texttospeech.v1.TextToSpeech"
ON_ITS_WAY = 0.1
"""Seconds before a connection breaks: gRPC throws away what of a broken one was not yet taken."""
REMEMBERED = 100
PART = 0.2  # seconds of sound in one response

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True, slots=True)
class Said:
    """One text that reached the service."""

    voice: str
    text: str  # or the SSML
    is_ssml: bool = False
    is_stream: bool = False
    call: int = 0
    """Which of the script's calls."""
    rate: float = 1.0
    language: str = ""


@cache
def _keep_grpc() -> None:
    """Until the process ends: with its last object gRPC would stop a thread, wherever garbage happens to be
    collected, and the vendor's transport is garbage that only the collector finds."""
    grpc.aio.init_grpc_aio()


def _last() -> deque[Any]:
    return deque(maxlen=REMEMBERED)


@dataclass
class FakeGoogleTts:
    """`async with FakeGoogleTts() as fake`: then `fake.url` is the endpoint."""

    script: Script = field(default_factory=Script)
    voices: list[Voice] = field(default_factory=default_voices)
    port: int = 0
    idle_seconds: float = 5.0
    streams_at_once: int = 100
    chirp3_a_minute: int = 200
    holds_back: bool = False
    """A text is said only once its sentence has ended, or the stream has."""
    refuses_ssml: bool = False
    """All of it, as if it held a mark that the voice does not know."""
    speaker: Speaker = tone
    said: deque[Said] = field(default_factory=_last)
    metadata: deque[dict[str, str]] = field(default_factory=_last)
    """Of each call, ListVoices included. Of this and its like the last `REMEMBERED` are kept."""
    configs: deque[StreamingSynthesizeConfig] = field(default_factory=_last)
    requests: deque[SynthesizeSpeechRequest] = field(default_factory=_last)
    listings: int = 0
    """How often the voices were asked for."""
    streams_open: int = 0
    _chirp3: deque[float] = field(default_factory=deque)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _relay: Relay | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "FakeGoogleTts":
        _keep_grpc()
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((self._handlers(),))
        inner_port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self._stack.push_async_callback(server.stop, 0)
        try:
            self._relay = await self._stack.enter_async_context(relaying(inner_port, self.port))
        except BaseException:
            await self._stack.aclose()
            raise
        self.port = self._relay.port
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def came_at(self) -> float:
        """When the last bytes of anybody came: gRPC does not tell whose."""
        return self._relay.came_at if self._relay is not None else 0.0

    def cut_all(self) -> None:
        """Every connection breaks."""
        assert self._relay is not None, "open"
        self._relay.cut()

    # ------------------------------------------------------------ the three methods

    def _handlers(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "ListVoices": grpc.unary_unary_rpc_method_handler(
                    self._list, ListVoicesRequest.deserialize, ListVoicesResponse.serialize
                ),
                "SynthesizeSpeech": grpc.unary_unary_rpc_method_handler(
                    self._unary, SynthesizeSpeechRequest.deserialize, SynthesizeSpeechResponse.serialize
                ),
                "StreamingSynthesize": grpc.stream_stream_rpc_method_handler(
                    self._streaming,
                    StreamingSynthesizeRequest.deserialize,
                    StreamingSynthesizeResponse.serialize,
                ),
            },
        )

    async def _list(self, request: ListVoicesRequest, context: Context) -> ListVoicesResponse:
        self._note(context)
        self.listings += 1
        trouble = self.script.always
        if trouble is Trouble.STALL_FIRST:
            await self.come_to(trouble, context, is_middle=False)
        if trouble in TROUBLES and trouble not in (Trouble.ERROR_MIDDLE, Trouble.BLOCKED):
            await context.abort(TROUBLES[trouble].code, TROUBLES[trouble].details)
        wanted = request.language_code.lower()
        found = [
            voice
            for voice in self.voices
            if any(
                code.lower() == wanted or code.lower().startswith(f"{wanted}-")
                for code in voice.language_codes
            )
        ]
        return ListVoicesResponse(voices=found if wanted else self.voices)

    async def _unary(self, request: SynthesizeSpeechRequest, context: Context) -> SynthesizeSpeechResponse:
        self._note(context)
        self.requests.append(request)
        text = request.input.ssml or request.input.text
        with self.script.call({"method": "unary", "voice": request.voice.name, "text": text}) as seen:
            try:
                return await self._answer(request, seen, context)
            except Refusal as refusal:
                seen.end = "refused"
                await context.abort(refusal.code, refusal.details)

    async def _answer(
        self, request: SynthesizeSpeechRequest, seen: Seen, context: Context
    ) -> SynthesizeSpeechResponse:
        voice = chosen(self.voices, request.voice)
        check_unary(request, voice, refuses_ssml=self.refuses_ssml)
        self.count(voice.name)
        trouble = self.script.next_trouble()
        await asyncio.sleep(seen.first)
        if trouble is Trouble.EMPTY:
            return SynthesizeSpeechResponse()
        await self.come_to(trouble, context, is_middle=False)
        await self.come_to(trouble, context, is_middle=True)
        text = plain(request.input.ssml) if request.input.ssml else request.input.text
        rate_hz = request.audio_config.sample_rate_hertz or voice.natural_sample_rate_hertz
        rate = request.audio_config.speaking_rate or 1.0
        self.note_said(
            Said(voice.name, request.input.ssml or text, bool(request.input.ssml), rate=rate), request.voice
        )
        sound = await self.speaker(text, request.voice.language_code, rate_hz, rate)
        seen.parts = 1
        data = encoded(sound, request.audio_config.audio_encoding, rate_hz, is_file=True)
        return SynthesizeSpeechResponse(audio_content=data)

    async def _streaming(self, requests: AsyncIterator[StreamingSynthesizeRequest], context: Context) -> None:
        self._note(context)
        what = {"method": "streaming", "voice": "", "texts": []}
        with self.script.call(what) as seen:
            self.streams_open += 1
            try:
                async with asyncio.TaskGroup() as tasks:
                    stream = _Stream(self, what, seen, context)
                    reading = tasks.create_task(stream.read(requests))
                    await stream.speak()
                    reading.cancel()
            except* Refusal as group:
                seen.end = "refused"
                refusal = group.exceptions[0]
                assert isinstance(refusal, Refusal), "flat"
                await context.abort(refusal.code, refusal.details)
            finally:
                self.streams_open -= 1

    # ------------------------------------------------------------ rules and memory

    def _note(self, context: Context) -> None:
        self.metadata.append({str(name): str(value) for name, value in context.invocation_metadata() or ()})

    def note_said(self, said: Said, selection: VoiceSelectionParams) -> None:
        self.said.append(replace(said, call=len(self.script.calls) - 1, language=selection.language_code))

    def count(self, voice: str) -> None:
        """Raises when a quota of the project is used up."""
        now = asyncio.get_running_loop().time()
        while self._chirp3 and self._chirp3[0] < now - 60:
            self._chirp3.popleft()
        if "Chirp3" in voice:
            if len(self._chirp3) >= self.chirp3_a_minute:
                raise TROUBLES[Trouble.QUOTA]
            self._chirp3.append(now)
        if self.streams_open > self.streams_at_once:
            raise Refusal(
                Code.RESOURCE_EXHAUSTED,
                "Quota exceeded for quota metric 'Concurrent streaming sessions' and limit 'Concurrent "
                "streaming sessions per project' of service 'texttospeech.googleapis.com'.",
            )

    async def come_to(self, trouble: Trouble, context: Context, *, is_middle: bool) -> None:
        """Before the first part of an answer, and after it."""
        if trouble is (Trouble.STALL_MIDDLE if is_middle else Trouble.STALL_FIRST):
            await asyncio.sleep(HANG)
        if trouble is Trouble.CUT and is_middle:
            assert self._relay is not None, "open"
            await asyncio.sleep(ON_ITS_WAY)
            self._relay.cut(int(context.peer().rpartition(":")[2]))
            await asyncio.sleep(HANG)
        if trouble in TROUBLES and is_middle == (trouble is Trouble.ERROR_MIDDLE):
            raise TROUBLES[trouble]


class _Stream:
    """One streaming call: its texts are read while their sound is made."""

    def __init__(self, fake: FakeGoogleTts, what: dict[str, Any], seen: Seen, context: Context) -> None:
        self._fake, self._what, self._seen, self._context = fake, what, seen, context
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        self._config = StreamingSynthesizeConfig()
        self._configured = asyncio.Event()
        self._has_begun = False

    async def read(self, requests: AsyncIterator[StreamingSynthesizeRequest]) -> None:
        """Until the caller half-closes. A stream that says nothing for too long is aborted."""
        source = aiter(requests)
        while True:
            try:
                async with asyncio.timeout(self._fake.idle_seconds):
                    request = await anext(source, None)
            except TimeoutError:
                raise Refusal(Code.ABORTED, IDLE) from None
            if request is None:
                break
            await self._take(request)
        if not self._configured.is_set():
            raise invalid("The first request of a stream must hold streaming_config.")
        await self._texts.put(None)

    async def _take(self, request: StreamingSynthesizeRequest) -> None:
        if self._configured.is_set():
            text = check_input(request)
            self._what["texts"].append(text)
            await self._texts.put(text)
            return
        if "streaming_config" not in request:
            raise invalid("The first request of a stream must hold streaming_config.")
        self._config = request.streaming_config
        self._what["voice"] = self._config.voice.name
        self._fake.configs.append(self._config)
        chosen(self._fake.voices, self._config.voice)
        check_config(self._config)
        self._fake.count(self._config.voice.name)
        self._configured.set()

    async def speak(self) -> None:
        """Sound of each text as it comes, in parts."""
        await self._configured.wait()
        audio = self._config.streaming_audio_config
        encoder = StreamEncoder(audio.audio_encoding, audio.sample_rate_hertz or 24_000)
        trouble = self._fake.script.next_trouble()
        async for text in self._utterances():
            if not self._has_begun:
                self._has_begun = True
                await until(self._fake.came_at + self._seen.first)
                await self._fake.come_to(trouble, self._context, is_middle=False)
            if text.strip() and trouble is not Trouble.EMPTY:
                await self._send(encoder.feed(await self._sound(text)), trouble)
        await self._send(encoder.finish(), trouble)

    async def _utterances(self) -> AsyncIterator[str]:
        """The texts as they come; with `holds_back` whole sentences, or what there is at the end."""
        held = ""
        while (text := await self._texts.get()) is not None:
            held += text
            if not self._fake.holds_back or held.rstrip().endswith((".", "!", "?")):
                yield held
                held = ""
        yield held

    async def _sound(self, text: str) -> Samples:
        audio, voice = self._config.streaming_audio_config, self._config.voice
        rate_hz, rate = audio.sample_rate_hertz or 24_000, audio.speaking_rate or 1.0
        self._fake.note_said(Said(voice.name, text.strip(), is_stream=True, rate=rate), voice)
        return await self._fake.speaker(text, voice.language_code, rate_hz, rate)

    async def _send(self, data: bytes, trouble: Trouble) -> None:
        audio = self._config.streaming_audio_config
        for part in parts(data, audio.audio_encoding, audio.sample_rate_hertz or 24_000):
            await self._context.write(StreamingSynthesizeResponse(audio_content=part))
            self._seen.parts += 1
            if self._seen.parts == 1:
                await self._fake.come_to(trouble, self._context, is_middle=True)
            await asyncio.sleep(self._fake.script.between)


def parts(data: bytes, encoding: int, rate_hz: int) -> list[bytes]:
    """Of `PART` seconds; of an odd length, since the service cuts where it likes. Opus by the kilobyte."""
    width = 2 if encoding == AudioEncoding.PCM else 1
    size = 1_000 if encoding == AudioEncoding.OGG_OPUS else round(PART * rate_hz) * width + 1
    return [data[at : at + size] for at in range(0, len(data), size)]


@asynccontextmanager
async def _open(script: Script, options: argparse.Namespace) -> AsyncIterator[FakeGoogleTts]:
    async with AsyncExitStack() as stack:
        speaker: Speaker = tone if options.speech == "tone" else espeak
        if options.speech == "piper":
            speaker = await stack.enter_async_context(piper())
        fake = FakeGoogleTts(
            script,
            port=options.port,
            idle_seconds=options.idle_seconds,
            streams_at_once=options.streams_at_once,
            chirp3_a_minute=options.chirp3_a_minute,
            speaker=speaker,
        )
        yield await stack.enter_async_context(fake)


def command() -> None:
    flags = parser("Google Cloud TTS as a fake: GOOGLE_TTS_ENDPOINT is the URL it prints.")
    flags.add_argument(
        "--speech",
        choices=("tone", "espeak", "piper"),
        default="tone",
        help="what it sounds like (default: tone)",
    )
    flags.add_argument(
        "--idle-seconds", type=float, default=5.0, help="a stream without text is aborted after"
    )
    flags.add_argument("--streams-at-once", type=int, default=100, help="quota of the project")
    flags.add_argument("--chirp3-a-minute", type=int, default=200, help="quota of the project")
    run(flags.description or "", _open, flags=flags)


if __name__ == "__main__":
    command()
