"""Gemini's `streamGenerateContent` as server-sent events, on the Gemini API's paths and on Vertex AI's.

    python -m tests.fakes.gemini --port 9001 --profile llm-gemini-3.5-flash-lite --between 8
    GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:9001 GEMINI_API_KEY=fake-gemini-key voice-grpc serve

Everything that Gemini refuses is refused (`gemini_rules.py`); a word is a token.
"""

import asyncio
import base64
import json
import random
import re
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from . import command
from .gemini_rules import REFUSALS, Json, Refusal, camel, check, declared, family
from .http import came_at, cut, serving_app
from .script import HANG, Script, Seen, Trouble, passing, until

KEY = "fake-gemini-key"
TOKEN = "fake-access-token"
"""Given at `/token` for the credentials of any service account; lets in on Vertex AI."""

_PATH = re.compile(
    r"/(?P<version>v1|v1beta|v1beta1)"
    r"(?P<vertex>(?:/projects/[^/]+/locations/[^/]+)?/publishers/google)?"
    r"/models/(?P<model>[^/:]+):(?P<method>\w+)"
)
_MODEL = re.compile(r"gemini-(\d.*|.*latest)|gemma-.*")


@dataclass(frozen=True, slots=True)
class GeminiCall:
    """Of a function, as the model asks for it."""

    name: str
    args: Mapping[str, object] = field(default_factory=dict)
    id: str = ""
    """Empty: none is given, as the Gemini API often does."""


@dataclass(frozen=True, slots=True)
class GeminiReply:
    """What the model makes of one request."""

    text: str = "Sure. I can help you with that, just tell me a little more."
    """`{asked}` in it is what the user said last."""
    calls: tuple[GeminiCall, ...] = ()
    """After the text, all in one chunk."""
    calls_what_is_declared: bool = False
    """The first function of a request is called, without arguments; the text is said to its result."""
    thoughts: int = 0
    """Tokens thought before, unless thinking is switched off; they count against the limit."""
    shown_thoughts: str = ""
    """Thought parts before the text, a word each."""
    finish: str = "STOP"
    cached: int = 0
    """Tokens of the prompt found in the cache."""
    refusal: Refusal | None = None
    """Instead of an answer."""
    block: str = ""
    """A reason in `promptFeedback` instead of an answer."""
    raw: bytes | None = None
    """A whole body, instead of all of it, with HTTP 200."""


@dataclass(frozen=True, slots=True)
class AskedGemini:
    """One request, without its key."""

    model: str
    version: str
    on_vertex: bool
    body: Json
    """All names in camel case, whichever way they were sent."""
    connection: int
    """The port it came from: the same for requests on one connection."""


class FakeGemini:
    """`async with FakeGemini() as fake`: at `fake.url`, with what it saw in `fake.script`."""

    def __init__(
        self,
        script: Script | None = None,
        answers: Sequence[GeminiReply] = (GeminiReply(),),
        key: str = KEY,
        port: int = 0,
    ) -> None:
        """`answers`: one a request, the last one again and again."""
        self.script = script or Script()
        self.answers = list(answers)
        self.url = ""
        self.signatures: set[bytes] = set()
        """Given out so far."""
        self.cut_first = 0
        """Connections that break as a request comes, as one does that was closed while it was idle."""
        self._key, self._port = key, port
        self._random = random.Random(0)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "FakeGemini":
        port = await self._stack.enter_async_context(serving_app(self._serve, self._port))
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def asked(self) -> list[AskedGemini]:
        return [seen.what for seen in self.script.calls if isinstance(seen.what, AskedGemini)]

    # ------------------------------------------------------------ a request

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if scope["path"] == "/token":
            token = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            await JSONResponse(token)(scope, receive, send)
            return
        try:
            asked = self._read(request, await request.body())
        except Refusal as refusal:
            await self._refuse(refusal)(scope, receive, send)
            return
        if self.cut_first:
            self.cut_first -= 1
            cut(scope)
            return
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        with self.script.call(asked) as seen:
            seen.at = came_at(scope)
            response = await self._respond(scope, asked, answer, seen)
            await response(scope, receive, send)

    async def _respond(self, scope: Scope, asked: AskedGemini, answer: GeminiReply, seen: Seen) -> Response:
        trouble = self.script.next_trouble()
        try:
            check(asked.body, asked.model, self.signatures)
            self._stop(trouble, answer)
        except Refusal as refusal:
            seen.end = "refused"
            return self._refuse(refusal)
        if answer.raw is not None:
            return Response(answer.raw, media_type="text/event-stream")
        await until(seen.at + (HANG if trouble is Trouble.STALL_FIRST else seen.first))
        return StreamingResponse(
            self._send(scope, answer, trouble, asked, seen), media_type="text/event-stream"
        )

    def _read(self, request: Request, body: bytes) -> AskedGemini:
        path = _PATH.fullmatch(request.url.path)
        if path is None or path["method"] != "streamGenerateContent" or request.method != "POST":
            raise Refusal(404, "NOT_FOUND", "Requested entity was not found.")
        if request.query_params.get("alt") != "sse" or "key" in request.query_params:
            raise Refusal(400, "INVALID_ARGUMENT", "This fake wants ?alt=sse, and the key in its header.")
        self._admit(request, on_vertex=bool(path["vertex"]))
        if not _MODEL.fullmatch(path["model"]):
            raise Refusal(
                404,
                "NOT_FOUND",
                f"models/{path['model']} is not found for API version {path['version']}, or is not supported "
                "for generateContent. Call ListModels to see the list of available models and their "
                "supported methods.",
            )
        try:
            said = camel(json.loads(body))
        except ValueError:
            raise Refusal(400, "INVALID_ARGUMENT", "Invalid JSON payload received.") from None
        port = request.client.port if request.client else 0
        return AskedGemini(path["model"], path["version"], bool(path["vertex"]), said, port)

    def _admit(self, request: Request, *, on_vertex: bool) -> None:
        key = request.headers.get("x-goog-api-key")
        if key is None and on_vertex:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                raise REFUSALS["unauthenticated"]
        elif key is None:
            raise REFUSALS["no key"]
        elif key != self._key:
            raise REFUSALS["wrong key"]

    def _stop(self, trouble: Trouble, answer: GeminiReply) -> None:
        troubles = {
            Trouble.ERROR_FIRST: "overloaded",
            Trouble.DENIED: "wrong key",
            Trouble.QUOTA: "quota",
        }
        if trouble in troubles:
            raise REFUSALS[troubles[trouble]]
        if answer.refusal is not None:
            raise answer.refusal

    def _refuse(self, refusal: Refusal) -> Response:
        named = replace(refusal, message=refusal.message.replace("{key}", self._key))
        return JSONResponse(named.body, refusal.code)

    # ------------------------------------------------------------ an answer

    async def _send(
        self, scope: Scope, answer: GeminiReply, trouble: Trouble, asked: AskedGemini, seen: Seen
    ) -> AsyncIterator[bytes]:
        chunks = [self._blocked(answer, asked)] if trouble is Trouble.BLOCKED or answer.block else []
        if trouble is Trouble.EMPTY:
            answer = GeminiReply(text="")
        for chunk in chunks or self._chunks(answer, asked):
            if seen.parts:
                await self._between(scope, trouble)
            if seen.parts and trouble is Trouble.ERROR_MIDDLE:
                yield _event(REFUSALS["overloaded"].body)
                return
            seen.parts += 1
            yield _event(chunk)

    async def _between(self, scope: Scope, trouble: Trouble) -> None:
        if trouble is Trouble.CUT:
            await asyncio.sleep(0.01)
            cut(scope)
            await asyncio.sleep(HANG)
        await passing(HANG if trouble is Trouble.STALL_MIDDLE else self.script.between)

    def _chunks(self, answer: GeminiReply, asked: AskedGemini) -> Iterator[Json]:
        """A word a chunk, never the last of an answer without saying how it ended."""
        thoughts = answer.thoughts if _thinks(asked) else 0
        limit = asked.body.get("generationConfig", {}).get("maxOutputTokens", 8192)
        if answer.calls_what_is_declared and declared(asked.body) and "text" in _last_part(asked):
            answer = GeminiReply("", (GeminiCall(declared(asked.body)[0]),))
        said_last = _last_part(asked).get("text", "") if "{asked}" in answer.text else ""
        words = re.findall(r"\s*\S+", answer.text.replace("{asked}", said_last))
        said = words[: max(0, limit - thoughts)]
        finish = "MAX_TOKENS" if thoughts + len(words) > limit else answer.finish
        calls = (
            [self._call(call, first=n == 0) for n, call in enumerate(answer.calls)] if said == words else []
        )
        for thought in answer.shown_thoughts.split():
            yield self._chunk([{"text": thought, "thought": True}], asked, answer, thoughts, 0)
        parts = [[{"text": word}] for word in said] + ([calls] if calls else [])
        for count, part in enumerate(parts[:-1], 1):
            yield self._chunk(part, asked, answer, thoughts, count)
        last = self._chunk(parts[-1] if parts else [], asked, answer, thoughts, len(said))
        last["candidates"][0]["finishReason"] = finish
        yield last

    def _chunk(
        self, parts: list[Json], asked: AskedGemini, answer: GeminiReply, thoughts: int, said: int
    ) -> Json:
        prompt = _words(asked)
        usage = {"promptTokenCount": prompt, "totalTokenCount": prompt + thoughts + said}
        counts = {
            "candidatesTokenCount": said,
            "thoughtsTokenCount": thoughts,
            "cachedContentTokenCount": answer.cached,
        }
        content = {"role": "model"} | ({"parts": parts} if parts else {})
        return {
            "candidates": [{"content": content, "index": 0}],
            "usageMetadata": usage | {key: count for key, count in counts.items() if count},
            "modelVersion": asked.model,
            "responseId": "fake",
        }

    def _blocked(self, answer: GeminiReply, asked: AskedGemini) -> Json:
        prompt = _words(asked)
        return {
            "promptFeedback": {"blockReason": answer.block or "SAFETY"},
            "usageMetadata": {"promptTokenCount": prompt, "totalTokenCount": prompt},
            "modelVersion": asked.model,
        }

    def _call(self, call: GeminiCall, *, first: bool) -> Json:
        """Only the first of calls that are made at once is signed."""
        part: Json = {"functionCall": {"name": call.name, "args": dict(call.args)}}
        if call.id:
            part["functionCall"]["id"] = call.id
        if first:
            signature = self._random.randbytes(48)
            self.signatures.add(signature)
            part["thoughtSignature"] = base64.b64encode(signature).decode()
        return part


def _thinks(asked: AskedGemini) -> bool:
    config = (asked.body.get("generationConfig") or {}).get("thinkingConfig") or {}
    return family(asked.model).thinks and config.get("thinkingBudget") != 0


def _words(asked: AskedGemini) -> int:
    return sum(
        len(part.get("text", "").split()) for content in asked.body["contents"] for part in content["parts"]
    )


def _last_part(asked: AskedGemini) -> Json:
    part: Json = asked.body["contents"][-1]["parts"][-1]
    return part


def _event(body: Json) -> bytes:
    return f"data: {json.dumps(body)}\r\n\r\n".encode()


def main() -> None:
    description = "Gemini, as far as it is used here."
    flags = command.parser(description)
    flags.add_argument("--key", default=KEY, help=f"the key that is let in (default: {KEY})")
    flags.add_argument(
        "--text", default=GeminiReply().text, help="what is answered; {asked}: what the user said last"
    )
    flags.add_argument("--call-tools", action="store_true", help="call the first declared function first")

    def fake(script: Script, options: Namespace) -> FakeGemini:
        answer = GeminiReply(options.text, calls_what_is_declared=options.call_tools)
        return FakeGemini(script, [answer], options.key, options.port)

    command.run(description, fake, flags=flags)


if __name__ == "__main__":
    main()
