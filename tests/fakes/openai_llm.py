"""OpenAI's chat completions as four kinds of server give them: OpenAI, vLLM, Ollama and llama.cpp.

    python -m tests.fakes.openai_llm --port 9002 --style ollama --profile llm-groq --between 12
    OPENAI_BASE_URL=http://127.0.0.1:9002 OPENAI_API_KEY=sk-fake-openai-key-1234567890 voice-grpc serve

What they refuse is refused (`openai_llm_rules.py`); a word is a token.
"""

import asyncio
import json
import re
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from . import command
from .http import cut, serving_app
from .openai_llm_rules import (
    EFFORTS,
    KEY,
    LOADING,
    MODELS,
    OVERLOADED,
    QUOTA,
    Json,
    Refused,
    Traits,
    check,
    denied,
)
from .script import HANG, Script, Seen, Trouble

STYLES = tuple(MODELS)


@dataclass(frozen=True, slots=True)
class ChatCall:
    """Of a function, as the model asks for it."""

    name: str
    arguments: Mapping[str, object] | str = field(default_factory=dict)
    """A string is sent as it is, whatever is in it."""
    id: str = "call_1"


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What the model makes of one request."""

    text: str = "Sure. I can help you with that, just tell me a little more."
    calls: tuple[ChatCall, ...] = ()
    """After the text."""
    calls_what_is_declared: bool = False
    """The first function of a request is called, without arguments; the text is said to its result."""
    thoughts: str = ""
    """Thought before, unless thinking is switched off; they count against the limit."""
    thinks_aloud: bool = False
    """The thoughts stand in the text between tags, as of a server that does not know the model's template."""
    always_thinks: bool = False
    """Whatever it is told about thinking."""
    finish: str = ""
    """Empty: what is right."""
    cached: int = 0
    refusal: Refused | None = None
    """Instead of an answer."""
    raw: bytes | None = None
    """A whole body, instead of all of it, with HTTP 200."""
    raw_kind: str = "text/event-stream"


@dataclass(frozen=True, slots=True)
class AskedChat:
    """One request, without its key."""

    body: Json
    path: str
    connection: int
    """The port it came from: the same for requests on one connection."""
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)


class FakeOpenAi:
    """`async with FakeOpenAi() as fake`: at `fake.url`, with what it saw in `fake.script`."""

    def __init__(
        self,
        script: Script | None = None,
        answers: Sequence[ChatReply] = (ChatReply(),),
        key: str = KEY,
        port: int = 0,
        style: str = "openai",
        traits: Traits | None = None,
    ) -> None:
        """`answers`: one a request, the last one again and again. `key`: empty asks for none."""
        self.script = script or Script()
        self.answers = list(answers)
        self.url = ""
        """As an operator would write it: without `/v1`."""
        self.listings = 0
        """How often somebody asked for the models."""
        self.cut_first = 0
        """Connections that break as a request comes, as one does that was closed while it was idle."""
        self.loading = 0
        """Requests that come before the model is there."""
        self.model_names = list(MODELS[style])
        self._key, self._port, self._style = key, port, style
        self._traits = traits or Traits()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "FakeOpenAi":
        port = await self._stack.enter_async_context(serving_app(self._serve, self._port))
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def asked(self) -> list[AskedChat]:
        return [seen.what for seen in self.script.calls if isinstance(seen.what, AskedChat)]

    # ------------------------------------------------------------ a request

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if self.cut_first:
            self.cut_first -= 1
            cut(scope)
            return
        try:
            self._admit(request)
            if request.url.path == f"{self._traits.prefix}/models" and self._traits.lists_models:
                await JSONResponse(self._listing())(scope, receive, send)
                return
            asked = self._read(request, await request.body())
        except Refused as refused:
            await self._refuse(refused)(scope, receive, send)
            return
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        with self.script.call(asked) as seen:
            response = await self._respond(scope, asked, answer, seen)
            await response(scope, receive, send)

    def _admit(self, request: Request) -> None:
        if self._key and request.headers.get("authorization") != f"Bearer {self._key}":
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            raise denied(self._style, given)
        if self.loading:
            self.loading -= 1
            raise LOADING

    def _listing(self) -> Json:
        self.listings += 1
        listed = [{"id": name, "object": "model", "owned_by": self._style} for name in self.model_names]
        return {"object": "list", "data": listed}

    def _read(self, request: Request, body: bytes) -> AskedChat:
        if request.url.path != f"{self._traits.prefix}/chat/completions" or request.method != "POST":
            raise Refused(404, f"Invalid URL ({request.method} {request.url.path})")
        try:
            said = json.loads(body)
        except ValueError:
            raise Refused(400, "We could not parse the JSON body of your request.") from None
        port = request.client.port if request.client else 0
        headers = {key: value for key, value in request.headers.items() if key != "authorization"}
        return AskedChat(said, request.url.path, port, headers)

    async def _respond(self, scope: Scope, asked: AskedChat, answer: ChatReply, seen: Seen) -> Response:
        trouble = self.script.next_trouble()
        try:
            check(asked.body, self._style, self._traits, self.model_names)
            self._stop(trouble, answer)
        except Refused as refused:
            seen.end = "refused"
            return self._refuse(refused)
        if answer.raw is not None:
            return Response(answer.raw, media_type=answer.raw_kind)
        await asyncio.sleep(HANG if trouble is Trouble.STALL_FIRST else seen.first)
        stream = self._send(scope, answer, trouble, asked, seen)
        return StreamingResponse(stream, media_type="text/event-stream")

    def _stop(self, trouble: Trouble, answer: ChatReply) -> None:
        refusals = {
            Trouble.ERROR_FIRST: OVERLOADED,
            Trouble.DENIED: denied(self._style, self._key),
            Trouble.QUOTA: QUOTA,
        }
        if trouble in refusals:
            raise refusals[trouble]
        if answer.refusal is not None:
            raise answer.refusal

    def _refuse(self, refused: Refused) -> Response:
        return JSONResponse(refused.body(self._style), refused.code)

    # ------------------------------------------------------------ an answer

    async def _send(
        self, scope: Scope, answer: ChatReply, trouble: Trouble, asked: AskedChat, seen: Seen
    ) -> AsyncIterator[bytes]:
        if self._style == "llamacpp":
            yield b":\n\n"
        if trouble is Trouble.EMPTY:
            answer = ChatReply("")
        if trouble is Trouble.BLOCKED:
            answer = ChatReply("", finish="content_filter")
        for chunk in self._chunks(answer, asked.body):
            if seen.parts > 1:
                await self._between(scope, trouble)
            if seen.parts > 1 and trouble is Trouble.ERROR_MIDDLE:
                yield _event(OVERLOADED.body(self._style))
                return
            seen.parts += 1
            yield _event(chunk)
        yield b"data: [DONE]\n\n"

    async def _between(self, scope: Scope, trouble: Trouble) -> None:
        """After the role and the first word."""
        if trouble is Trouble.CUT:
            await asyncio.sleep(0.01)
            cut(scope)
            await asyncio.sleep(HANG)
        await asyncio.sleep(HANG if trouble is Trouble.STALL_MIDDLE else self.script.between)

    def _chunks(self, answer: ChatReply, body: Json) -> Iterator[Json]:
        """A role, a word a chunk, calls, how it ended, and how many tokens that was."""
        limit = int(body.get("max_tokens") or body.get("max_completion_tokens") or 4096)
        if answer.calls_what_is_declared and "tools" in body and body["messages"][-1]["role"] == "user":
            answer = ChatReply("", (ChatCall(body["tools"][0]["function"]["name"]),))
        thoughts = _words(answer.thoughts) if answer.always_thinks or _thinks(body) else []
        words = _words(answer.text)
        thought, said = thoughts[:limit], words[: max(0, limit - len(thoughts))]
        is_cut = (thought, said) != (thoughts, words)
        yield self._chunk(body, {"role": "assistant", "content": None if self._style == "llamacpp" else ""})
        yield from self._thoughts(body, thought, answer, is_closed=thought == thoughts)
        for word in said:
            yield self._chunk(body, {"content": word})
        finish = "length" if is_cut else answer.finish
        if answer.calls and not is_cut:
            yield from self._calls(body, answer.calls)
            finish = finish or "tool_calls"
        yield self._chunk(body, {"content": ""} if self._style == "ollama" else {}, finish or "stop")
        if body.get("stream_options", {}).get("include_usage"):
            yield self._usage(body, len(thought) + len(said), answer.cached)

    def _thoughts(
        self, body: Json, thoughts: list[str], answer: ChatReply, *, is_closed: bool
    ) -> Iterator[Json]:
        if not thoughts:
            return
        if answer.thinks_aloud:
            for piece in ("<th", "ink>\n", *thoughts, *(("\n</", "think", ">\n\n") if is_closed else ())):
                yield self._chunk(body, {"content": piece})
            return
        name = "reasoning_content" if self._style == "llamacpp" else "reasoning"
        for word in thoughts:
            yield self._chunk(body, {name: word})

    def _calls(self, body: Json, calls: Sequence[ChatCall]) -> Iterator[Json]:
        """Ollama gives them whole, the others in pieces."""
        for index, call in enumerate(calls):
            written = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
            first: Json = {"index": index, "type": "function", "function": {"name": call.name}}
            if call.id:
                first["id"] = call.id
            if self._style == "ollama":
                first["function"]["arguments"] = written
                yield self._chunk(body, {"role": "assistant", "content": "", "tool_calls": [first]})
                continue
            first["function"]["arguments"] = ""
            yield self._chunk(body, {"tool_calls": [first]})
            for start in range(0, len(written), 5):
                piece = {"index": index, "function": {"arguments": written[start : start + 5]}}
                yield self._chunk(body, {"tool_calls": [piece]})

    def _chunk(self, body: Json, delta: Json, finish: str | None = None) -> Json:
        if self._style == "ollama":
            delta = {"role": "assistant", "content": ""} | delta
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": body["model"]}
        counts = {"usage": None} if self._style == "openai" and "stream_options" in body else {}
        return chunk | counts | {"choices": [choice]}

    def _usage(self, body: Json, completion: int, cached: int) -> Json:
        prompt = sum(len(message["content"].split()) for message in body["messages"])
        usage: Json = {"prompt_tokens": prompt, "completion_tokens": completion}
        usage["total_tokens"] = prompt + completion
        if self._style != "ollama":
            usage["prompt_tokens_details"] = {"cached_tokens": cached}
        return {"object": "chat.completion.chunk", "model": body["model"], "choices": [], "usage": usage}


def _thinks(body: Json) -> bool:
    """A model that has thoughts keeps them to itself only when it is told in a way that it knows."""
    template = body.get("chat_template_kwargs", {})
    off = body.get("reasoning_effort") == "none" and body["model"] in EFFORTS
    return not off and template.get("enable_thinking") is not False


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text)


def _event(body: Json) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


def main() -> None:
    description = "OpenAI's chat completions, as far as they are used here."
    flags = command.parser(description)
    flags.add_argument("--style", choices=STYLES, default="openai", help="whose server (default: openai)")
    flags.add_argument("--key", default=KEY, help=f"the key that is let in (default: {KEY}); '': anybody")
    flags.add_argument("--text", default=ChatReply().text, help="what is answered")
    flags.add_argument("--call-tools", action="store_true", help="call the first declared function first")

    def fake(script: Script, options: Namespace) -> FakeOpenAi:
        answer = ChatReply(options.text, calls_what_is_declared=options.call_tools)
        return FakeOpenAi(script, [answer], options.key, options.port, options.style)

    command.run(description, fake, flags=flags)


if __name__ == "__main__":
    main()
