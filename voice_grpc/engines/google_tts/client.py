"""One gRPC channel to the service, its three methods, and how much of the quotas they use.

The methods are those of the vendor's transport, not of its client: the client's `streaming_synthesize`
waits for the connection before it gives the call out, so that a call that is cancelled there cannot be
ended, and goes on at the far end.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias
from urllib.parse import urlsplit

import grpc
from google.api_core.gapic_v1.client_info import ClientInfo
from google.cloud.texttospeech_v1 import ListVoicesRequest, ListVoicesResponse, SynthesizeSpeechRequest
from google.cloud.texttospeech_v1.services.text_to_speech.transports import TextToSpeechGrpcAsyncIOTransport

from ...core.errors import EngineError, EngineMissing, EngineTimeout, EngineUnreachable
from ...net.addresses import host_port
from ...net.proxy import grpc_options, grpc_through
from ...ports.streaming import TaskSet
from ..timeouts import Timeouts
from .credentials import Headers, Tokens, load
from .errors import BREAKS, SERVICE, StreamFate, fate_of, translated
from .voices import GoogleVoice, known, parsed

CONCURRENT_STREAMS = 100
"""`ConcurrentStreamingSessionsPerProject`: cloud.google.com/text-to-speech/quotas."""
CHIRP3_REQUESTS_A_MINUTE = 200
"""`Chirp3RequestsPerMinutePerProject`: the same page."""


@dataclass(slots=True)
class QuotaUsage:
    """What this process asked of the service; the quotas are those of the whole project."""

    streams_open: int = 0
    streams: int = 0
    requests: int = 0
    """Unary requests."""
    characters: int = 0
    """Characters sent to be spoken: what is billed."""
    _chirp3: deque[float] = field(default_factory=deque)

    def count(self, voice: GoogleVoice) -> None:
        """A stream or a request with this voice begins now."""
        if voice.family == "Chirp3-HD":
            self._chirp3.append(_now())

    @property
    def chirp3_last_minute(self) -> int:
        while self._chirp3 and self._chirp3[0] < _now() - 60:
            self._chirp3.popleft()
        return len(self._chirp3)

    @property
    def said(self) -> str:
        return (
            f"this process has {self.streams_open} streams open (of {CONCURRENT_STREAMS} a project) and "
            f"made {self.chirp3_last_minute} Chirp 3 requests in the last minute "
            f"(of {CHIRP3_REQUESTS_A_MINUTE}); raise the quota in the Cloud console, or spread the load"
        )


def _now() -> float:
    return asyncio.get_running_loop().time()


HOST = "texttospeech.googleapis.com"
OPTIONS = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.bdp_probe", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),  # the default of 120 s outlasts any outage
    ("grpc.max_receive_message_length", 16 << 20),
)

SynthesisCall: TypeAlias = "grpc.aio.StreamStreamCall[Any, Any]"

_GENDERS = {1: "male", 2: "female"}
"""By `SsmlVoiceGender` of the service's proto."""
_CLIENT: tuple[str, str] = ClientInfo().to_grpc_metadata()  # type: ignore[no-untyped-call]
"""The versions of everything, as the vendor's client tells them."""

# With its debug log on, the vendor's transport writes down each call's headers, the token among them.
logging.getLogger(TextToSpeechGrpcAsyncIOTransport.__module__).setLevel(logging.INFO)


class GoogleTtsClient:
    """The service as the engine sees it. Belongs to the event loop in which it is first used."""

    def __init__(self, credentials: str, endpoint: str, timeouts: Timeouts) -> None:
        """Raises `EngineMissing` for an endpoint that is none."""
        self._credentials, self._timeouts = credentials, timeouts
        self.target, self.is_plain = _address(endpoint)
        self.usage = QuotaUsage()
        self.tasks = TaskSet()
        """Those of all answers, which `close` ends."""
        self._tokens: Tokens | None = None
        self._transport: TextToSpeechGrpcAsyncIOTransport | None = None
        self._opening = asyncio.Lock()
        self._is_closed = False

    @property
    def location(self) -> str:
        return f"http://{self.target}" if self.is_plain else self.target

    @property
    def _through(self) -> str:
        """For a message: the proxy on the way; empty without one."""
        return grpc_through(self.target, is_encrypted=not self.is_plain)

    async def voices(self) -> list[GoogleVoice]:
        """All voices that can be used by name. Raises `EngineError`."""
        transport, headers = await self._ready()
        call = transport.list_voices(ListVoicesRequest(), metadata=headers)
        answer = await self._answered(call, self._timeouts.connect + self._timeouts.first)
        voices = ListVoicesResponse.pb(answer).voices  # proto-plus takes 50 ms over 2,000 voices
        return known(
            parsed(
                voice.name,
                list(voice.language_codes),
                _GENDERS.get(voice.ssml_gender, ""),
                voice.natural_sample_rate_hertz,
            )
            for voice in voices
        )

    async def synthesize(self, request: SynthesizeSpeechRequest, voice: GoogleVoice) -> bytes:
        """The sound of a unary request, a WAV file. Raises `EngineError`."""
        for _ in range(BREAKS):
            try:
                return await self._synthesize(request, voice)
            except EngineError as error:
                if fate_of(error) is not StreamFate.BROKEN:
                    raise
        return await self._synthesize(request, voice)

    async def open_stream(self, voice: GoogleVoice) -> SynthesisCall:
        """A call that is connected; whoever has it ends it with `end_stream`. Raises `EngineError`."""
        transport, headers = await self._ready()
        call: SynthesisCall = transport.streaming_synthesize(metadata=headers)
        self.usage.streams += 1
        self.usage.streams_open += 1
        self.usage.count(voice)
        try:
            async with asyncio.timeout(self._timeouts.connect):
                await call.wait_for_connection()
        except TimeoutError:
            self.end_stream(call)
            text = f"{SERVICE}: no connection to {self.target} within {self._timeouts.connect:g} s"
            raise EngineUnreachable("tts", f"{text}{self._through}") from None
        except (grpc.RpcError, asyncio.CancelledError) as error:
            self.end_stream(call)
            self.fail(error)
        return call

    def end_stream(self, call: SynthesisCall) -> None:
        """Ends `call`, whatever it does: the far end is told at once, unless it had ended the call itself."""
        call.cancel()
        self.usage.streams_open -= 1

    def fail(self, error: BaseException) -> NoReturn:
        """Raise what a call raised, as ours. That it was cancelled is passed on, unless it was by `close`."""
        if isinstance(error, grpc.RpcError):
            secrets = self._tokens.secrets if self._tokens is not None else ()
            raise translated(error, self._through, advice=self.usage.said, secrets=secrets) from error
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and (task is None or not task.cancelling()):
            raise self.closed() from None
        raise error

    def closed(self) -> EngineError:
        return EngineError("tts", f"{SERVICE}: the engine is closed", retryable=False)

    async def close(self) -> None:
        self._is_closed = True
        async with self._opening:
            if self._tokens is not None:
                self._tokens.close()
            if self._transport is not None:
                await self._transport.grpc_channel.close(0)
                self._transport = None
        await self.tasks.close()

    async def _synthesize(self, request: SynthesizeSpeechRequest, voice: GoogleVoice) -> bytes:
        transport, headers = await self._ready()
        self.usage.requests += 1
        self.usage.count(voice)
        call = transport.synthesize_speech(request, metadata=headers)
        answer = await self._answered(call, self._timeouts.first)
        return bytes(answer.audio_content)

    async def _answered(self, call: Any, seconds: float) -> Any:
        """The answer of a unary call; cancelling this cancels the call."""
        try:
            async with asyncio.timeout(seconds):
                return await call
        except TimeoutError:
            late = f"{SERVICE} did not answer within {seconds:g} s{self._through}"
            raise EngineTimeout("tts", late) from None
        except (grpc.RpcError, asyncio.CancelledError) as error:
            self.fail(error)

    async def _ready(self) -> tuple[Any, Headers]:
        """The transport, made at the first call, and what to say who calls. Raises `EngineError`.

        Its methods are gRPC's own callables; the vendor's types name them as if they were the client's.
        """
        async with self._opening:
            if self._is_closed:
                raise self.closed()
            if self._transport is None:
                if not self.is_plain:
                    self._tokens = Tokens(await asyncio.to_thread(load, self._credentials))
                self._transport = TextToSpeechGrpcAsyncIOTransport(channel=self._channel())
        headers = await self._tokens.headers() if self._tokens is not None else ()
        return self._transport, (*headers, _CLIENT)

    def _channel(self) -> grpc.aio.Channel:
        options = (*OPTIONS, *grpc_options(self.target, is_encrypted=not self.is_plain))
        if self.is_plain:
            return grpc.aio.insecure_channel(self.target, options=options)
        return grpc.aio.secure_channel(self.target, grpc.ssl_channel_credentials(), options=options)


def _address(endpoint: str) -> tuple[str, bool]:
    """Host and port of `endpoint`, and whether it is unencrypted."""
    text = endpoint.strip()
    try:
        url = urlsplit(text if "://" in text else f"https://{text or HOST}")
        host, port = url.hostname, url.port
        is_bare = not (url.username or url.password or url.query or url.path.strip("/"))
    except ValueError:
        host, port, is_bare = None, None, False
    is_plain = is_bare and url.scheme == "http"
    if not host or not is_bare or url.scheme not in ("http", "https") or (is_plain and port is None):
        raise EngineMissing(
            "tts",
            "GOOGLE_TTS_ENDPOINT is not usable; accepted: nothing, a host such as "
            "eu-texttospeech.googleapis.com, or http://HOST:PORT without credentials",
        )
    return host_port(host, port or 443), is_plain
