"""Any server that speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp, OpenAI itself.

What is ours: the deadlines, finding the model, asking again without what a server turns out to refuse,
and the one retry of a connection that had gone stale.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ...core.conversation import Message, Role
from ...core.errors import EngineEmpty, EngineError, EngineTimeout
from ...net.proxy import through
from ...ports import LlmItem, Prompt
from ..timeouts import Timeouts
from .capabilities import Capabilities
from .client import OpenAiClient, address
from .errors import Refusal, StaleConnection, engine_error
from .negotiation import Negotiator
from .request import request
from .response import ChatAnswer

_TIMEOUTS = Timeouts()
_LOADING = 8
"""Times `Timeouts.first` that a server has to load its model before the first user comes:
Ollama loads it for the first request, llama.cpp refuses until it is there."""
_LOADING_POLL_SECONDS = 0.25
_USAGE_SECONDS = 0.5
"""For the count of tokens once the answer is whole: nobody waits for it longer."""


class OpenAiLlm:
    """Implements `ports.Llm`. Belongs to the event loop in which it was warmed."""

    is_embedded = False

    def __init__(
        self, base_url: str, key: str = "", model: str = "", *, timeouts: Timeouts = _TIMEOUTS
    ) -> None:
        """`base_url`: with or without `/v1`; may carry user:password@. `model`: empty takes the first one
        that the server lists."""
        self._address = address(base_url, key)
        self._timeouts = timeouts
        self._client = OpenAiClient(self._address, timeouts.connect)
        self._negotiator = Negotiator(self._client, model.strip(), len(self._address.bases))

    @property
    def name(self) -> str:
        """llama.cpp names a model by the path of its file, which is nobody's business."""
        model = self._negotiator.model or "OpenAI-compatible model"
        return model.rsplit("/", 1)[-1] if model.startswith("/") or model.endswith(".gguf") else model

    @property
    def location(self) -> str:
        return self._address.location

    @property
    def calls_tools(self) -> bool:
        """False once the server has refused them."""
        return self._negotiator.capabilities.takes_tools

    async def warm(self) -> None:
        """One token: the model is found and loaded afterwards, the connection open, its capabilities known.

        Raises `EngineError`.
        """
        hello = Prompt("Answer in one word.", (Message(Role.USER, "Hello.", 0),), max_tokens=1)
        async with aclosing(self._ask(hello, self._timeouts.first * _LOADING, is_warming=True)) as items:
            try:
                async for _ in items:
                    pass
            except EngineEmpty:
                pass

    async def close(self) -> None:
        await self._client.close()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        """Raises `EngineError`: `EngineTimeout` by `timeouts`, the rest by `errors`."""
        async with aclosing(self._ask(prompt, self._timeouts.first)) as items:
            async for item in items:
                yield item

    async def _ask(
        self, prompt: Prompt, seconds: float, *, is_warming: bool = False
    ) -> AsyncGenerator[LlmItem, None]:
        """`seconds`: to the first output, whatever has to be asked again on the way."""
        self._address.check()
        give_up = asyncio.get_running_loop().time() + seconds
        is_retry = False
        while True:
            capabilities = self._negotiator.capabilities
            most = prompt.max_tokens if capabilities.room else sys.maxsize
            answer = ChatAnswer(self.name, prompt, most, begins_inside=capabilities.begins_inside)
            is_answered = False
            try:
                async with aclosing(self._answer(prompt, capabilities, answer, give_up)) as items:
                    async for item in items:
                        yield item
                is_answered = True
                return
            except EngineError:
                raise
            except Exception as error:  # noqa: BLE001 - the border: all that the client raises becomes ours
                failure = error
            finally:
                self._negotiator.note(answer, is_answered=is_answered)
            if isinstance(failure, Refusal) and failure.is_loading and is_warming:
                await asyncio.sleep(_LOADING_POLL_SECONDS)
                if asyncio.get_running_loop().time() < give_up:
                    continue
            is_stale = isinstance(failure, StaleConnection) and not is_retry
            is_retry = is_retry or is_stale
            is_lesson = (
                isinstance(failure, Refusal)
                and not answer.has_begun
                and self._negotiator.take(failure, prompt, capabilities)
            )
            if not (is_stale or is_lesson):
                raise engine_error(failure, self.name, self._address.secrets)

    async def _answer(
        self, prompt: Prompt, capabilities: Capabilities, answer: ChatAnswer, give_up: float
    ) -> AsyncGenerator[LlmItem, None]:
        """One request. Whatever ends this iterator ends the request at the far end."""
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(give_up):
                model = await self._negotiator.model_on(capabilities)
        except TimeoutError:
            text = f"{self.location} did not list its models in time{through(self.location)}"
            raise EngineTimeout("llm", text) from None
        answer.model = self.name
        is_done = False
        async with aclosing(
            self._client.events(capabilities.base, request(prompt, model, capabilities))
        ) as chunks:
            while not (is_done or answer.is_full):
                try:
                    async with asyncio.timeout_at(give_up):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    if answer.is_whole:
                        break
                    what = "went silent in its answer" if answer.has_begun else "did not begin to answer"
                    way = through(self.location)
                    raise EngineTimeout("llm", f"{self.name} {what} in time{way}") from None
                if chunk is None:
                    break
                before, was_whole, is_done = answer.progress, answer.is_whole, not chunk
                for item in answer.read(chunk):
                    yield item
                if answer.is_whole:
                    give_up = give_up if was_whole else clock() + _USAGE_SECONDS
                elif answer.progress > before:
                    give_up = clock() + self._timeouts.between
        for rest in answer.end(is_done=is_done or answer.is_full):
            yield rest
