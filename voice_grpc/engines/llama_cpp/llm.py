"""A GGUF model through llama.cpp's native server, inside this process.

One thread of our pool waits for each generation; llama.cpp batches the generations of all slots.
What a slot computed stays there, and what leaves it stays in memory for a while: a prompt that only
grew costs its new tokens. `prompt` keeps prompts growing at their end.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from ...core.conversation import Message, Role
from ...core.errors import EngineError
from ...model_files.cache import model_path
from ...model_files.catalog import MODELS
from ...ports import CallRequest, Prompt, TextDelta, Usage
from . import prompt as transcript_prompt
from . import server as llama_server
from .answer import LocalAnswer
from .prompt import ChatLayout
from .server import SLOT_TOKENS, SLOTS

_CLOSE_S = 2.0

_LEAVE_S = 0.15
"""For an answer that nobody wants any more to leave its slot: a token, or a batch of its prompt."""

_TAIL = 160
"""Characters in which a model that says the same thing over and over is noticed."""

_SMALL = 800_000_000
"""Bytes of a file, about a billion parameters, below which a model calls tools without a reason."""

_Event: TypeAlias = str | EngineError | None


class _Generation:
    """One answer on its way from llama.cpp's thread to the loop; None ends it.

    The queue has no bound of its own: `max_tokens` bounds what one answer can put there.
    """

    def __init__(self) -> None:
        self.is_unwanted = False
        self.ended = asyncio.Event()
        """llama.cpp has let go of its slot."""
        self._items: asyncio.Queue[_Event] = asyncio.Queue()
        self._tail = ""
        self.usage = Usage(0, 0)
        """As far as it came: llama.cpp counts only the answers that it ends itself."""
        self._loop = asyncio.get_running_loop()

    async def next(self) -> str | None:
        """A piece of the answer; None at the end. Raises what went wrong."""
        item = await self._items.get()
        if isinstance(item, EngineError):
            raise item
        return item

    def receive(self, event: dict[str, Any]) -> bool:
        """Called in the generating thread for every token; True ends the generation."""
        if not self.is_unwanted:
            self._read(event)
        return self.is_unwanted or transcript_prompt.is_loop(self._tail)

    def _read(self, event: dict[str, Any]) -> None:
        if "error" in event:
            reason = event["error"].get("message", "no reason given")
            self._put(EngineError("llm", f"the local model refused: {reason}"))
        if progress := event.get("prompt_progress"):
            self.usage = Usage(progress["total"], 0, progress["cache"])
        if usage := event.get("usage"):
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            self.usage = Usage(usage["prompt_tokens"], usage["completion_tokens"], cached)
        if text := "".join(map(_text, event.get("choices", ()))):
            self.usage = replace(self.usage, output_tokens=self.usage.output_tokens + 1)
            self._tail = (self._tail + text)[-_TAIL:]
            self._put(text)

    def finish(self, job: "Future[None]") -> None:
        """Called once, in whichever thread ended or cancelled the job."""
        if not job.cancelled() and (error := job.exception()) is not None:
            self._put(EngineError("llm", f"the local model failed: {error}"))
        self._put(None)
        self._call(self.ended.set)

    def _put(self, item: _Event) -> None:
        self._call(self._items.put_nowait, item)

    def _call(self, function: Callable[..., object], *given: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *given)
        except RuntimeError:  # the loop is closed: nobody listens any more
            self.is_unwanted = True


class _Running:
    """Generations that hold a slot of llama.cpp or wait for one, also those that nobody wants any more."""

    def __init__(self) -> None:
        self._alive: set[_Generation] = set()

    def __len__(self) -> int:
        return len(self._alive)

    def add(self, generation: _Generation, job: "Future[None]") -> None:
        """Until `job` ends."""
        self._alive.add(generation)
        job.add_done_callback(lambda _: self._alive.discard(generation))
        job.add_done_callback(generation.finish)

    def drop(self) -> None:
        for generation in tuple(self._alive):
            generation.is_unwanted = True

    async def leave(self) -> None:
        """Until those that nobody wants have left. A slot that one still holds has the beginning of the next
        prompt: taking another one would compute all of it."""
        try:
            async with asyncio.timeout(_LEAVE_S):
                for generation in [each for each in self._alive if each.is_unwanted]:
                    await generation.ended.wait()
        except TimeoutError:
            return


DEFAULT_MODEL = "qwen-0.5b"


class LocalLlm:
    """Implements `ports.Llm`.

    Gemma is a base model and continues a transcript. Any other GGUF that carries a chat template is taken for
    an instruction-tuned one and gets chat messages.
    """

    is_embedded = True

    def __init__(
        self, model: Path | str = DEFAULT_MODEL, *, threads: int = 2, speaks_chat: bool | None = None
    ) -> None:
        """`model`: one of `model_files.catalog.MODELS` by name, or the path of a GGUF. `speaks_chat`: None
        decides by the file; False continues a transcript whatever it holds."""
        self._model = model
        self._threads = threads
        self._speaks_chat = speaks_chat
        self._layout: ChatLayout | None = None
        """How messages are marked, where that is known and the model is tuned."""
        self._calls_tools = self._is_small = False
        self._server: Any = None
        self._running = _Running()
        self._pool = ThreadPoolExecutor(SLOTS, thread_name_prefix="llm")

    @property
    def name(self) -> str:
        return self._model.stem if isinstance(self._model, Path) else Path(MODELS[self._model].entry).stem

    @property
    def calls_tools(self) -> bool:
        """Where the file's template has a place for tools; known once it is warm."""
        return self._calls_tools

    @property
    def location(self) -> str:
        return "in process"

    @property
    def busy(self) -> int:
        """Generations that run or wait for a slot, those included that nobody wants any more."""
        return len(self._running)

    async def warm(self) -> None:
        """Load, and compute the prefix that all sessions share.

        Raises `EngineMissing` without the extra or the file, `EngineError` when it cannot be read.
        """
        if self._server is None:
            await asyncio.to_thread(self._load)
        greeting = Prompt("", (Message(Role.USER, "Hello.", 0),), max_tokens=4)
        for slot in range(SLOTS):
            request = {**self._request(greeting, 0), "id_slot": slot}
            answer = LocalAnswer(greeting, greeting.max_tokens)
            async with aclosing(self._answer(request, answer)) as items:
                async for _ in items:
                    pass

    def open_turn(self, prompt: Prompt) -> str:
        """The text of `prompt` as the model sees it, up to the last word of its last message."""
        if self._layout is not None:
            return transcript_prompt.open_chat(prompt, SLOT_TOKENS, self._layout)
        request = transcript_prompt.transcript_request(prompt, SLOT_TOKENS, 0)
        return str(request["prompt"]).removesuffix("Assistant:").rstrip("\n")

    async def complete(self, request: dict[str, Any]) -> dict[str, Any]:
        """All that llama.cpp answers to a completion that is not streamed. Raises `EngineError`."""
        await self._running.leave()
        if self._server is None:
            raise EngineError("llm", f"{self.name} is closed or was never warmed", retryable=False)
        answer = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._server.handle_completions, request
        )
        if "error" in answer:
            raise EngineError("llm", f"the local model refused: {answer['error'].get('message', '')}")
        return dict(answer)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[TextDelta | CallRequest | Usage, None]:
        """Raises `EngineError` when two attempts give nothing that is worth saying. The second one is bolder,
        and shows no examples; or, where a tool was called that is none, it is told of no tools."""
        prompt = prompt if self._calls_tools else transcript_prompt.without_tools(prompt)
        if self._is_small and prompt.messages and prompt.messages[-1].role is Role.TOOLS:
            prompt = replace(prompt, tools=())  # it would call the same one again instead of answering
        boldness = 0
        for _ in range(2):
            request = self._request(prompt, boldness)
            answer = LocalAnswer(
                prompt, request["n_predict"], self._examples(boldness), needs_evidence=self._is_small
            )
            async with aclosing(self._answer(request, answer)) as items:
                async for item in items:
                    yield item
            if answer.has_said:
                return
            if answer.has_misused_tools:
                prompt = replace(prompt, tools=())
            else:
                boldness = 1
        raise EngineError("llm", f"{self.name} gave no words, twice; say it in other words")

    async def close(self) -> None:
        self._running.drop()
        server, self._server = self._server, None
        closing = threading.Thread(target=self._release, args=(server,), name="llm-close", daemon=True)
        del server
        closing.start()
        await asyncio.to_thread(closing.join, _CLOSE_S)

    def _release(self, server: Any) -> None:
        """The last reference to the server ends its threads, after the last call to it returned."""
        self._pool.shutdown(cancel_futures=True)
        del server

    def _load(self) -> None:
        path = self._model if isinstance(self._model, Path) else model_path(self._model)
        llama_server.check(path)
        template = llama_server.chat_template(path)
        if self._speaks_chat is None:
            self._speaks_chat = bool(template)
        self._calls_tools = self._speaks_chat and "tools" in template
        self._is_small = path.stat().st_size < _SMALL
        self._layout = transcript_prompt.layout_of(template) if self._speaks_chat else None
        self._server = llama_server.open_model(path, self._threads)

    def _request(self, prompt: Prompt, attempt: int) -> dict[str, Any]:
        if self._speaks_chat:
            return transcript_prompt.chat_request(prompt, SLOT_TOKENS, attempt)
        return transcript_prompt.transcript_request(prompt, SLOT_TOKENS, attempt)

    def _examples(self, boldness: int) -> Sequence[str]:
        """Lines of the prompt that are not to come out."""
        return () if self._speaks_chat or boldness else transcript_prompt.EXAMPLE_LINES

    async def _answer(
        self, request: dict[str, Any], answer: LocalAnswer
    ) -> AsyncGenerator[TextDelta | CallRequest | Usage, None]:
        """One generation; however this iterator ends, the generation ends at its next token."""
        await self._running.leave()
        if self._server is None:
            raise EngineError("llm", f"{self.name} is closed or was never warmed", retryable=False)
        run = self._server.handle_chat_completions if self._speaks_chat else self._server.handle_completions
        generation = _Generation()
        job = self._pool.submit(run, request, generation.receive)
        self._running.add(generation, job)
        try:
            while not answer.is_over and (text := await generation.next()) is not None:
                for said in answer.feed(text):
                    yield said
            for item in answer.end():
                yield item
            if answer.has_said:
                yield generation.usage
        finally:
            generation.is_unwanted = True
            job.cancel()


def _text(choice: dict[str, Any]) -> str:
    """What one choice of an event in the shape of OpenAI's streams adds to the answer."""
    return choice.get("text") or (choice.get("delta") or {}).get("content") or ""
