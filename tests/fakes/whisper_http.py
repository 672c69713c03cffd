"""Whisper servers over HTTP: OpenAI's transcriptions in the manners of five servers, and whisper.cpp.

    python -m tests.fakes.whisper_http --port 9003 --style openai --hear "question {n}" --profile stt-deepgram
    WHISPER_SERVER_URL=http://127.0.0.1:9003 voice-grpc serve

What a real one refuses is refused (`whisper_http_rules.py`): a field that is missing or not known, a body
that is no WAV, a wrong path, method or key.
"""

import asyncio
import json
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from voice_grpc.core.audio import Samples, to_float

from . import command
from .http import came_at, cut, serving_app
from .script import HANG, Script, Seen, Trouble, until
from .spoken import Ear, Spoken
from .whisper_http_rules import HEADER_BYTES, NAMES, PROXY_REFUSAL, STYLES, Refusal, refused

Hear: TypeAlias = Callable[[Samples], str]

_LISTENS_SECONDS = 0.02
"""Of sound at a time, as a stream would bring it."""


@dataclass(frozen=True, slots=True)
class Heard:
    text: str
    fields: Mapping[str, str]
    seconds: float


@dataclass
class FakeWhisperHttp:
    """`async with` gives the running fake."""

    script: Script = field(default_factory=Script)
    style: str = "openai"
    key: str = ""
    """Bearer token, or a whole `Authorization` header."""
    hear: str | Hear = ""
    """What is said; `{n}` in it counts the requests. Empty: words as the sound goes on (`Spoken`)."""
    port: int = 0
    speaks: str = "en"
    """The language that is heard where none is told."""
    path: str = ""
    """Another one than the style's."""
    words: bool = False
    """Verbose JSON has them, half a second each."""
    proxy_limit: int = 0
    """Bytes of a body that a proxy before it lets through; 0: any."""
    is_loading: bool = False
    url: str = ""
    requests: list[str] = field(default_factory=list)
    """Methods and paths."""
    callers: set[Any] = field(default_factory=set)
    """One a connection."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _mutex: asyncio.Lock = field(default_factory=asyncio.Lock)
    _count: int = 0

    async def __aenter__(self) -> "FakeWhisperHttp":
        self.rules = STYLES[self.style]
        app = Starlette(routes=[Route("/{path:path}", self._any, methods=["GET", "POST", "PUT", "DELETE"])])
        port = await self._stack.enter_async_context(serving_app(app, self.port))
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    # ------------------------------------------------------------ routes

    async def _any(self, request: Request) -> Response:
        method, path = request.method, request.url.path
        self.requests.append(f"{method} {path}")
        self.callers.add(request.client)
        place = self.path or self.rules.path
        if path == "/health" and method == "GET":
            status = "loading model" if self.is_loading else "ok"
            return JSONResponse({"status": status}, 503 if self.is_loading else 200)
        if path == "/v1/models" and method == "GET" and self.rules.models:
            return self._denied(request) or JSONResponse({"object": "list", "data": list(self.rules.models)})
        if path == place and method == "POST":
            return await self._transcribe(request)
        if self.style == "whispercpp":  # cpp-httplib knows no 405
            return Response(status_code=404)
        return self._error(Refusal(405, "Method Not Allowed") if path == place else Refusal(404, "Not Found"))

    async def _transcribe(self, request: Request) -> Response:
        if self.is_loading:
            return self._error(Refusal(503, "loading model"))
        if (denied := self._denied(request)) is not None:
            return denied
        if self.proxy_limit and int(request.headers.get("content-length", "0")) > self.proxy_limit:
            return PROXY_REFUSAL
        async with request.form() as form:
            file = form.get("file")
            wav = await file.read() if isinstance(file, UploadFile) else None
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
        refusal = refused(self.rules, fields, wav)
        if refusal is not None or wav is None:
            return self._error(refusal or Refusal(400, "no file"))
        return await self._work(request, fields, np.frombuffer(wav[HEADER_BYTES:], "<i2"))

    async def _work(self, request: Request, fields: dict[str, str], samples: Samples) -> Response:
        trouble = self.script.next_trouble()
        if trouble not in _REFUSALS and self._is_streamed(fields):
            return StreamingResponse(
                self._streamed(request, fields, samples, trouble), media_type="text/event-stream"
            )
        with self.script.call(fields) as seen:
            seen.at = came_at(request.scope)
            if trouble in _REFUSALS:
                seen.end = "refused"
                refusal, headers = _REFUSALS[trouble]
                return refusal.response(self.rules, headers)
            async with self._mutex if self.style == "whispercpp" else AsyncExitStack():
                heard = await self._listened(seen, fields, samples, trouble)
            seen.parts = 1
            if trouble is Trouble.ERROR_MIDDLE:
                return self._error(Refusal(500, "CUDA out of memory"))
            if trouble is Trouble.STALL_MIDDLE:
                await asyncio.sleep(HANG)
            return self._cut(request) if trouble is Trouble.CUT else self._answer(heard)

    async def _listened(
        self, seen: Seen, fields: Mapping[str, str], samples: Samples, trouble: Trouble
    ) -> Heard:
        if trouble is Trouble.STALL_FIRST:
            await asyncio.sleep(HANG)
        await until(seen.at + seen.first)
        self._count += 1
        text = seen.said = "" if trouble is Trouble.EMPTY else self._hear(samples)
        return Heard(text, fields, len(samples) / 16_000)

    def _denied(self, request: Request) -> Response | None:
        given = request.headers.get("authorization", "")
        if not self.key or given in (f"Bearer {self.key}", self.key):
            return None
        said = f"Incorrect API key provided: {given}. You can find your API key elsewhere."
        return self._error(Refusal(401, said, code="invalid_api_key"))

    def _error(self, refusal: Refusal) -> Response:
        return refusal.response(self.rules)

    # ------------------------------------------------------------ answers

    def _hear(self, samples: Samples) -> str:
        if isinstance(self.hear, str):
            texts = self.hear.split("|")
            text = texts[self._count % len(texts)].replace("{n}", str(self._count))
            return text if self.hear else _words(samples)
        return self.hear(samples)

    def _is_streamed(self, fields: Mapping[str, str]) -> bool:
        """OpenAI ignores it for whisper-1."""
        is_asked = fields.get("stream") == "true" and bool(self.rules.events)
        return is_asked and not (self.style == "openai" and fields.get("model") == "whisper-1")

    def _answer(self, heard: Heard) -> Response:
        text, wanted = heard.text, heard.fields.get("response_format", "json")
        if wanted == "text":
            kind = "text/html" if self.style == "whispercpp" else "text/plain"
            return PlainTextResponse(f"{text}\n", media_type=kind)
        if wanted != "verbose_json":
            return JSONResponse({"text": f" {text}"})
        language = heard.fields.get("language", "en" if self.style == "whispercpp" else self.speaks)
        language = self.speaks if language == "auto" else language
        segment = {"id": 0, "start": 0.0, "end": heard.seconds, "text": f" {text}", "tokens": [1, 2]}
        sure = {"temperature": 0.0, "avg_logprob": -0.2, "no_speech_prob": 0.01, "compression_ratio": 1.1}
        duration: Any = str(heard.seconds) if self.style == "vllm" else heard.seconds
        told = NAMES.get(language, language) if self.rules.names_languages else language
        segments = [] if self.style == "whisperlive" else [segment | sure]
        whole = {"task": "transcribe", "language": told, "duration": duration, "text": f" {text}"}
        spoken = [
            {"word": word, "start": number / 2, "end": (number + 1) / 2}
            for number, word in enumerate(text.split())
        ]
        return JSONResponse({**whole, "segments": segments, **({"words": spoken} if self.words else {})})

    async def _streamed(
        self, request: Request, fields: Mapping[str, str], samples: Samples, trouble: Trouble
    ) -> AsyncIterator[bytes]:
        with self.script.call(fields) as seen:
            seen.at = came_at(request.scope)
            heard = await self._listened(seen, fields, samples, trouble)
            for number, event in enumerate(self._events(heard)):
                if number:
                    await asyncio.sleep(self.script.between)
                yield event
                seen.parts += 1
                if trouble is Trouble.ERROR_MIDDLE:
                    yield _event({"error": {"message": "CUDA out of memory"}})
                    return
                if trouble is Trouble.CUT:
                    cut(request.scope)
                if trouble is Trouble.STALL_MIDDLE:
                    await asyncio.sleep(HANG)

    def _events(self, heard: Heard) -> list[bytes]:
        words = heard.text.split(" ")
        pieces = [word if not number else f" {word}" for number, word in enumerate(words)]
        match self.rules.events:
            case "types":
                deltas = [_event({"type": "transcript.text.delta", "delta": piece}) for piece in pieces]
                return [*deltas, _event({"type": "transcript.text.done", "text": heard.text})]
            case "choices":
                chunks = [
                    {"object": "transcription.chunk", "choices": [{"delta": {"content": p}}]} for p in pieces
                ]
                return [*map(_event, chunks), b"data: [DONE]\n\n"]
        half = (len(words) + 1) // 2
        texts = [" ".join(part) for part in (words[:half], words[half:]) if part]
        return [*(_event({"id": i, "text": text}) for i, text in enumerate(texts)), b"data: [DONE]\n\n"]

    def _cut(self, request: Request) -> Response:
        async def body() -> AsyncIterator[bytes]:
            yield b'{"text": "I wo'
            cut(request.scope)
            yield b""

        return StreamingResponse(body(), media_type="application/json")


def _event(said: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(said)}\n\n".encode()


def _words(samples: Samples) -> str:
    ear, hop = Ear(Spoken()), round(_LISTENS_SECONDS * 16_000)
    floats = to_float(samples)
    for at in range(0, len(floats), hop):
        ear.hear(floats[at : at + hop])
    return ear.text()


_REFUSALS: dict[Trouble, tuple[Refusal, dict[str, str]]] = {
    Trouble.ERROR_FIRST: (Refusal(503, "the model is overloaded"), {}),
    Trouble.DENIED: (Refusal(401, "invalid api key"), {}),
    Trouble.QUOTA: (Refusal(429, "Rate limit reached", code="rate_limit_exceeded"), {"Retry-After": "7"}),
}


def main() -> None:
    flags = command.parser(__doc__ or "")
    flags.add_argument("--style", choices=STYLES, default="openai")
    flags.add_argument("--key", default="", help="bearer token to ask for")
    flags.add_argument(
        "--hear",
        default="",
        metavar="TEXT",
        help="what everybody says, of several texts with | between them one after the other; {n} counts",
    )

    def open_fake(script: Script, options: Namespace) -> FakeWhisperHttp:
        return FakeWhisperHttp(
            script, style=options.style, key=options.key, hear=options.hear, port=options.port
        )

    command.run(__doc__ or "", open_fake, flags=flags)


if __name__ == "__main__":
    main()
