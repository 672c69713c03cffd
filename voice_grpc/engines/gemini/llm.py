"""Gemini by google-genai's asynchronous streams, on the Gemini API or on Vertex AI.

What is ours: the deadlines (the SDK bounds no stream), the closing (it leaves a stream open that is not
read to its end), the one retry of a connection that had gone stale, and asking again without what a
model turns out to refuse.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from google import genai
from google.genai import types

from ...core.conversation import Message, Role
from ...core.errors import EngineEmpty, EngineError, EngineTimeout
from ...core.model_output.output import ModelOutput
from ...net.proxy import through
from ...ports import LlmItem, Prompt
from ...ports.streaming import CancellableStream, TaskSet, reading
from ..http.client import OpenedOnce
from ..timeouts import Timeouts
from .client import address, close_gemini, is_on_vertex, open_gemini, secrets_of
from .errors import Complaint, cannot_open, complaint, engine_error, is_stale
from .request import STAND_IN, GeminiRequest, request, thinking
from .response import GeminiAnswer

DEFAULT_MODEL = "gemini-3.5-flash-lite"
"""Generally available since July 2026, thinking `minimal` by default, and Google's replacement for
gemini-2.5-flash, which is retired on 1 December 2026 (ai.google.dev/gemini-api/docs/deprecations). First
token 591 ms at the median, 679 at P95, 928 at most: the tightest tail of any hosted model in
kwindla/aiewf-eval (August 2026; 2.5 Flash: 550, 850, 2,352)."""

WARM_SECONDS = 10.0
"""For the first answer: reading certificates and credentials comes before it, and nobody waits for it yet."""

_TIMEOUTS = Timeouts()


@dataclass(slots=True)
class _Attempt:
    """How a request is put next, after what was refused of it."""

    rung: int
    """Place in the ladder of `thinking`."""
    keeps_signatures: bool = True
    is_retry: bool = False
    """The one retry on a fresh connection is used up."""


class GeminiLlm:
    """Implements `ports.Llm`. Belongs to the event loop in which it was warmed."""

    is_embedded = False

    calls_tools = True

    def __init__(self, key: str = "", model: str = DEFAULT_MODEL, *, timeouts: Timeouts = _TIMEOUTS) -> None:
        """`key`: of the Gemini API; it wins over every other variable. Empty: what the SDK finds in its own
        (GOOGLE_API_KEY; GOOGLE_GENAI_USE_VERTEXAI with GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION).
        """
        self._key, self._model = key.strip(), model.strip() or DEFAULT_MODEL
        self._timeouts = timeouts
        self._on_vertex = is_on_vertex(self._key)
        self._ladder, self._rung = thinking(self._model), 0
        self._tasks = TaskSet()
        self._client = OpenedOnce(
            partial(open_gemini, self._key, timeouts.connect), close_gemini, self._closed
        )

    @property
    def name(self) -> str:
        return self._model

    @property
    def location(self) -> str:
        return address(self._on_vertex)

    async def warm(self) -> None:
        """One small answer: the connection is open afterwards, and a wrong key is found now.

        Raises `EngineError`.
        """
        hello = Prompt("Answer in one word.", (Message(Role.USER, "Hello.", 0),), max_tokens=32)
        async with aclosing(self._ask(hello, WARM_SECONDS)) as items:
            try:
                async for _ in items:
                    pass
            except EngineEmpty:
                pass

    async def close(self) -> None:
        await self._client.close()
        await self._tasks.close()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        """Raises `EngineError`: `EngineTimeout` by `timeouts`, the rest by `errors`."""
        async with aclosing(self._ask(prompt, self._timeouts.first)) as items:
            async for item in items:
                yield item

    async def _ask(self, prompt: Prompt, first_seconds: float) -> AsyncGenerator[LlmItem, None]:
        if self._client.is_closed:
            raise self._closed()
        attempt = _Attempt(self._rung)
        give_up = asyncio.get_running_loop().time() + first_seconds
        while True:
            answer = GeminiAnswer(self._model, prompt.max_tokens)
            try:
                asked = request(prompt, self._ladder[attempt.rung], keeps_signatures=attempt.keeps_signatures)
                async with aclosing(self._answer(asked, answer, give_up)) as items:
                    async for item in items:
                        yield item
                self._rung = max(self._rung, attempt.rung)
                return
            except EngineError:
                raise
            except Exception as error:  # noqa: BLE001 - the border: all that the client raises becomes ours
                failure = error
            if answer.has_begun or not self._put_right(attempt, failure):
                raise engine_error(failure, self._model, secrets_of(self._key), on_vertex=self._on_vertex)

    async def _answer(
        self, asked: GeminiRequest, answer: GeminiAnswer, give_up: float
    ) -> AsyncGenerator[LlmItem, None]:
        """One request. Whatever ends this iterator ends the request at the far end."""
        clock = asyncio.get_running_loop().time
        answer.tools, answer.output = asked.tools, ModelOutput(asked.tools)
        async with CancellableStream(reading(partial(self._open, asked)), tasks=self._tasks) as chunks:
            while not answer.is_full:
                seconds = self._timeouts.between if answer.has_begun else max(0.0, give_up - clock())
                try:
                    chunk = await chunks.next(seconds)
                except TimeoutError:
                    what = "went silent in its answer" if answer.has_begun else "did not begin to answer"
                    way = through(address(self._on_vertex))
                    raise EngineTimeout("llm", f"{self._model} {what} in time{way}") from None
                if chunk is None:
                    break
                for item in answer.read(chunk):
                    yield item
        for rest in answer.end():
            yield rest
        if answer.usage is not None:
            yield answer.usage

    def _put_right(self, attempt: _Attempt, error: Exception) -> bool:
        """Whether `attempt` is worth making, now that it leaves out what `error` is about."""
        what = complaint(error)
        if what is Complaint.THINKING and attempt.rung + 1 < len(self._ladder):
            attempt.rung = max(self._rung, attempt.rung + 1)
            return True
        if what is Complaint.SIGNATURE and attempt.keeps_signatures:
            attempt.keeps_signatures = False
            return True
        if is_stale(error) and not attempt.is_retry:
            attempt.is_retry = True
            return True
        return False

    async def _open(self, asked: GeminiRequest) -> AsyncIterator[types.GenerateContentResponse]:
        client = await self._opened()
        return await client.aio.models.generate_content_stream(
            model=self._model, contents=STAND_IN, config=asked.config
        )

    async def _opened(self) -> genai.Client:
        try:
            return (await self._client.get())[1]
        except Exception as error:  # noqa: BLE001 - of the SDK, of google-auth, of the network
            raise cannot_open(error, self._on_vertex) from None

    def _closed(self) -> EngineError:
        return EngineError("llm", f"{self._model} is closed", retryable=False)
