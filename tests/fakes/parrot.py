"""A server that repeats what it was told, secrets and all: in its errors, its headers and its redirects.

While it is friendly it answers as a Whisper server, as Gemini and as any OpenAI-compatible server do.
"""

import json
from contextlib import AsyncExitStack
from types import TracebackType

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from .http import serving_app

WORDS = "Hello there."
GEMINI = {"candidates": [{"content": {"role": "model", "parts": [{"text": WORDS}]}, "finishReason": "STOP"}]}
OPENAI = {"choices": [{"index": 0, "delta": {"content": WORDS}, "finish_reason": "stop"}]}


class Parrot:
    """`status` 200 is friendly; 0 says its error inside of a friendly answer."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.url = ""
        self.heard: list[str] = []
        """All that it was told."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Parrot":
        self.url = f"http://127.0.0.1:{await self._stack.enter_async_context(serving_app(self._serve))}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            await self._repeated(json.dumps(headers))(scope, receive, send)
            return
        request = Request(scope, receive)
        await request.body()
        told = json.dumps({"url": str(request.url), "headers": dict(request.headers)})
        await self._response(request.url.path, told)(scope, receive, send)

    def _response(self, path: str, told: str) -> Response:
        self.heard.append(told)
        if path.endswith("/models"):
            return JSONResponse({"data": [{"id": "parrot"}]})
        if self.status not in (0, 200):
            return self._repeated(told)
        if self.status == 0:
            chunk: object = {"error": {"code": 500, "status": "INTERNAL", "message": told}}
        elif "audio" in path:
            return JSONResponse({"text": WORDS, "language": "en"})
        else:
            chunk = GEMINI if "Generate" in path or "generate" in path else OPENAI
        return Response(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n", media_type="text/event-stream")

    def _repeated(self, told: str) -> Response:
        self.heard.append(told)
        error = {"code": self.status, "status": "UNKNOWN", "message": told}
        headers = {"location": f"{self.url}/?{told}"} if 300 <= self.status < 400 else {}
        return JSONResponse({"error": error, "detail": told}, self.status, headers)
