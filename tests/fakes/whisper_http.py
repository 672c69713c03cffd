"""Whisper servers over HTTP: OpenAI's transcriptions in the manners of five servers, and whisper.cpp.

    python -m tests.fakes.whisper_http --port 9003 --style openai --hear "question {n}" --profile stt-deepgram
    WHISPER_SERVER_URL=http://127.0.0.1:9003 voice-grpc serve

What a real one refuses is refused: a missing field, a body that is no WAV, a wrong path, method or key.
"""

import asyncio
import io
import json
import wave
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from . import command
from .http import cut, serving_app
from .script import HANG, Script, Trouble
from .spoken import Ear, Spoken

STYLES = ("openai", "speaches", "vllm", "whisperlive", "whispercpp", "faster-whisper-server")
MAX_BYTES = 25 * 1024 * 1024
MODEL = "whisper-large-v3"


class FakeWhisperHttp:
    """`hear`: what is said; empty: words as the sound goes on (`Spoken`). `{n}` in it counts the requests."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        style: str = "openai",
        key: str = "",
        hear: str = "",
        port: int = 0,
    ) -> None:
        assert style in STYLES, style
        self.script = script or Script()
        self.style, self.key, self.hear = style, key, hear
        self.is_loading = False
        self.url = ""
        self._port, self._count = port, 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "FakeWhisperHttp":
        routes = [Route("/health", self._health)]
        if self.style == "whispercpp":
            routes.append(Route("/inference", self._transcribe, methods=["POST"]))
        else:
            routes.append(Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]))
            routes.append(Route("/v1/models", self._models))
        port = await self._stack.enter_async_context(serving_app(Starlette(routes=routes), self._port))
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    # ------------------------------------------------------------ routes

    async def _health(self, request: Request) -> Response:
        return JSONResponse(
            {"status": "loading model" if self.is_loading else "ok"}, 503 if self.is_loading else 200
        )

    async def _models(self, request: Request) -> Response:
        if not self._is_let_in(request):
            return self._error(401, "invalid api key")
        if self.style in ("whisperlive", "faster-whisper-server"):
            return self._error(404, "Not Found")
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def _transcribe(self, request: Request) -> Response:
        if self.is_loading:
            return self._error(503, "loading model")
        if not self._is_let_in(request):
            return self._error(401, f"Incorrect API key provided: {request.headers.get('authorization')}")
        async with request.form() as given:
            refusal, samples = await self._checked(given)
            form = {key: str(value) for key, value in given.items() if key != "file"}
        return refusal or await self._worked(request, form, samples)

    async def _worked(self, request: Request, form: dict[str, str], samples: bytes) -> Response:
        trouble = self.script.next_trouble()
        with self.script.call(form) as seen:
            if trouble in _REFUSALS:
                seen.end = "refused"
                return self._error(*_REFUSALS[trouble])
            if trouble is Trouble.STALL_FIRST:
                await asyncio.sleep(HANG)
            await asyncio.sleep(seen.first)
            self._count += 1
            text = "" if trouble is Trouble.EMPTY else self._heard(samples)
            if trouble in (Trouble.CUT, Trouble.STALL_MIDDLE, Trouble.ERROR_MIDDLE):
                return await self._broken(request, trouble)
            seen.parts = 1
            return self._answer(text, form)

    async def _checked(self, form: Any) -> tuple[Response | None, bytes]:
        file = form.get("file")
        if file is None or isinstance(file, str):
            return self._error(400, "[{'loc': ('body', 'file'), 'msg': 'field required'}]"), b""
        body = await file.read()
        if len(body) > MAX_BYTES:
            return self._error(413, "Maximum content size limit (26214400) exceeded"), b""
        name = {"faster-whisper-server": "model_name", "whispercpp": "", "whisperlive": ""}.get(
            self.style, "model"
        )
        if name and not form.get(name):
            return self._error(400, f"you must provide a {name} parameter"), b""
        wanted = form.get("response_format", "json")
        if self.style == "faster-whisper-server" and wanted not in ("json", "verbose_json"):
            return self._error(400, "Invalid response format"), b""
        if self.style == "vllm" and wanted == "verbose_json" and form.get("stream") == "true":
            return self._error(400, "verbose_json does not stream"), b""
        try:
            with wave.open(io.BytesIO(body)) as wav:
                shape = (wav.getnchannels(), wav.getsampwidth(), wav.getframerate())
                samples = wav.readframes(wav.getnframes())
        except (wave.Error, EOFError):
            return self._error(400, "Invalid file format."), b""
        assert shape == (1, 2, 16_000), f"not what Whisper hears best: {shape}"
        return None, samples

    def _is_let_in(self, request: Request) -> bool:
        return not self.key or request.headers.get("authorization") in (f"Bearer {self.key}", self.key)

    # ------------------------------------------------------------ answers

    def _heard(self, samples: bytes) -> str:
        import numpy as np

        if self.hear:
            return self.hear.replace("{n}", str(self._count))
        ear = Ear(Spoken())
        floats = np.frombuffer(samples, "<i2").astype(np.float32) / 32768
        for at in range(0, len(floats), 320):
            ear.hear(floats[at : at + 320])
        return ear.text()

    def _answer(self, text: str, form: Any) -> Response:
        match self.style:
            case "whisperlive":
                return self._events([{"id": 0, "start": 0.0, "end": 1.0, "text": text}])
            case "vllm" if form.get("stream") == "true":
                return self._events(
                    [{"object": "transcription.chunk", "choices": [{"delta": {"content": text}}]}]
                )
            case "speaches" | "openai" if form.get("stream") == "true":
                done = {"type": "transcript.text.done", "text": text}
                return self._events([{"type": "transcript.text.delta", "delta": text}, done])
        if form.get("response_format") == "text":
            return PlainTextResponse(f"{text}\n")
        if form.get("response_format") != "verbose_json":
            return JSONResponse({"text": f" {text}"})
        duration: Any = "2.5" if self.style == "vllm" else 2.5
        segment = {
            "id": 0,
            "start": 0.0,
            "end": 2.5,
            "text": f" {text}",
            "avg_logprob": -0.2,
            "no_speech_prob": 0.01,
        }
        return JSONResponse(
            {
                "task": "transcribe",
                "language": "english",
                "duration": duration,
                "text": f" {text}",
                "segments": [segment],
            }
        )

    def _events(self, events: list[dict[str, Any]]) -> Response:
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        return Response(body, media_type="text/event-stream")

    async def _broken(self, request: Request, trouble: Trouble) -> Response:
        if trouble is Trouble.ERROR_MIDDLE:
            return self._events(
                [{"type": "transcript.text.delta", "delta": "I"}, {"error": {"message": "out of memory"}}]
            )

        async def body() -> AsyncIterator[bytes]:
            yield b'{"text": "I wo'
            if trouble is Trouble.STALL_MIDDLE:
                await asyncio.sleep(HANG)
            cut(request.scope)
            yield b""

        if trouble is Trouble.STALL_MIDDLE:
            await asyncio.sleep(HANG)
        return StreamingResponse(body(), media_type="application/json")

    def _error(self, status: int, message: str) -> Response:
        """An object for OpenAI and its likes, a text for whisper.cpp, `detail` for FastAPI's."""
        match self.style:
            case "whispercpp":
                return JSONResponse({"error": message}, status)
            case "faster-whisper-server" | "speaches" | "whisperlive":
                return JSONResponse({"detail": message}, status)
        return JSONResponse(
            {"error": {"message": message, "type": "invalid_request_error", "code": None}}, status
        )


_REFUSALS = {
    Trouble.ERROR_FIRST: (503, "the model is overloaded"),
    Trouble.DENIED: (401, "invalid api key"),
    Trouble.QUOTA: (429, "Rate limit reached"),
}


def main() -> None:
    flags = command.parser(__doc__ or "")
    flags.add_argument("--style", choices=STYLES, default="openai")
    flags.add_argument("--key", default="", help="bearer token to ask for")
    flags.add_argument("--hear", default="", metavar="TEXT", help="what everybody says; {n} counts")

    def open_fake(script: Script, options: Namespace) -> FakeWhisperHttp:
        return FakeWhisperHttp(
            script, style=options.style, key=options.key, hear=options.hear, port=options.port
        )

    command.run(__doc__ or "", open_fake, flags=flags)


if __name__ == "__main__":
    main()
