"""A GGUF model through llama.cpp's native server, inside this process.

One thread of our pool waits for each generation; llama.cpp batches the generations of all slots.
What a slot computed stays there, and what leaves it stays in memory for a while: a prompt that only
grew costs its new tokens. `prompt` keeps prompts growing at their end.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeAlias

from ...core.conversation import Message, Role
from ...core.errors import EngineError
from ...model_files.cache import model_path
from ...model_files.catalog import MODELS
from ...ports import Prompt, TextDelta, Usage
from . import prompt as transcript_prompt
from . import server as llama_server
from .prompt import ChatLayout
from .server import SLOT_TOKENS, SLOTS

_CLOSE_S = 2.0

_TAIL = 160
"""Characters in which a model that says the same thing over and over is noticed."""

_Event: TypeAlias = TextDelta | Usage | EngineError | None


class _Generation:
    """One answer on its way from llama.cpp's thread to the loop; None ends it.

    The queue has no bound of its own: `max_tokens` bounds what one answer can put there.
    """

    def __init__(self) -> None:
        self.is_unwanted = False
        self._items: asyncio.Queue[_Event] = asyncio.Queue()
        self._is_begun = False
        self._tail = ""
        self._loop = asyncio.get_running_loop()

    async def next(self) -> TextDelta | Usage | None:
        """None at the end. Nothing blank comes before the first word. Raises what went wrong."""
        while isinstance(item := await self._items.get(), TextDelta) and not self._is_begun:
            if text := item.text.lstrip():
                self._is_begun = True
                return TextDelta(text)
        if isinstance(item, EngineError):
            raise item
        return item

    def receive(self, event: dict[str, Any]) -> bool:
        """Called in the generating thread for every token; True ends the generation."""
        if not self.is_unwanted:
            for item in _read(event):
                self._put(item)
                if isinstance(item, TextDelta):
                    self._tail = (self._tail + item.text)[-_TAIL:]
        return self.is_unwanted or transcript_prompt.is_loop(self._tail)

    def finish(self, job: "Future[None]") -> None:
        """Called once, in whichever thread ended or cancelled the job."""
        if not job.cancelled() and (error := job.exception()) is not None:
            self._put(EngineError("llm", f"the local model failed: {error}"))
        self._put(None)

    def _put(self, item: _Event) -> None:
        try:
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)
        except RuntimeError:  # the loop is closed: nobody listens any more
            self.is_unwanted = True


DEFAULT_MODEL = "gemma"


class LocalLlm:
    """Implements `ports.Llm`.

    Gemma is a base model and continues a transcript. Any other GGUF that carries a chat template is taken for
    an instruction-tuned one and gets chat messages.
    """

    is_embedded = True

    calls_tools = False

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
        self._server: Any = None
        self._running: set[_Generation] = set()
        self._pool = ThreadPoolExecutor(SLOTS, thread_name_prefix="llm")

    @property
    def name(self) -> str:
        return self._model.stem if isinstance(self._model, Path) else Path(MODELS[self._model].entry).stem

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
            async with aclosing(self._answer(request)) as items:
                async for _ in items:
                    pass

    @property
    def has_room(self) -> bool:
        """A request made now is begun at once."""
        return self.busy < SLOTS

    def open_turn(self, prompt: Prompt) -> str:
        """The text of `prompt` as the model sees it, up to the last word of its last message."""
        if self._layout is not None:
            return transcript_prompt.open_chat(prompt, SLOT_TOKENS, self._layout)
        request = transcript_prompt.transcript_request(prompt, SLOT_TOKENS, 0)
        return str(request["prompt"]).removesuffix("Assistant:").rstrip("\n")

    async def complete(self, request: dict[str, Any]) -> dict[str, Any]:
        """All that llama.cpp answers to a completion that is not streamed. Raises `EngineError`."""
        if self._server is None:
            raise EngineError("llm", f"{self.name} is closed or was never warmed", retryable=False)
        answer = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._server.handle_completions, request
        )
        if "error" in answer:
            raise EngineError("llm", f"the local model refused: {answer['error'].get('message', '')}")
        return dict(answer)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[TextDelta | Usage, None]:
        """Raises `EngineError` when two attempts, the second one bolder, give no words."""
        for attempt in range(2):
            said = False
            async with aclosing(self._answer(self._request(prompt, attempt))) as items:
                async for item in items:
                    said = said or isinstance(item, TextDelta)
                    if said:
                        yield item
            if said:
                return
        raise EngineError("llm", f"{self.name} gave no words, twice; say it in other words")

    async def close(self) -> None:
        for generation in tuple(self._running):
            generation.is_unwanted = True
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
        if self._speaks_chat is None:
            self._speaks_chat = llama_server.is_tuned(path)
        self._layout = llama_server.chat_layout(path) if self._speaks_chat else None
        self._server = llama_server.open_model(path, self._threads)

    def _request(self, prompt: Prompt, attempt: int) -> dict[str, Any]:
        if self._speaks_chat:
            return transcript_prompt.chat_request(prompt, SLOT_TOKENS, attempt)
        return transcript_prompt.transcript_request(prompt, SLOT_TOKENS, attempt)

    async def _answer(self, request: dict[str, Any]) -> AsyncGenerator[TextDelta | Usage, None]:
        """One generation; however this iterator ends, the generation ends at its next token."""
        if self._server is None:
            raise EngineError("llm", f"{self.name} is closed or was never warmed", retryable=False)
        run = self._server.handle_chat_completions if self._speaks_chat else self._server.handle_completions
        generation = _Generation()
        self._running.add(generation)
        job = self._pool.submit(run, request, generation.receive)
        job.add_done_callback(lambda _: self._running.discard(generation))
        job.add_done_callback(generation.finish)
        try:
            while (item := await generation.next()) is not None:
                yield item
        finally:
            generation.is_unwanted = True
            job.cancel()


def _read(event: dict[str, Any]) -> list[TextDelta | Usage | EngineError]:
    """What one event in the shape of OpenAI's streams holds; of progress it holds neither text nor usage."""
    if "error" in event:
        reason = event["error"].get("message", "no reason given")
        return [EngineError("llm", f"the local model refused: {reason}")]
    found: list[TextDelta | Usage | EngineError] = []
    for choice in event.get("choices", ()):
        text = choice.get("text") or (choice.get("delta") or {}).get("content")
        if text:
            found.append(TextDelta(text))
    if usage := event.get("usage"):
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        found.append(Usage(usage["prompt_tokens"], usage["completion_tokens"], cached))
    return found
