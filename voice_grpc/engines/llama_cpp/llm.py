"""A GGUF model through llama.cpp's native server, inside this process.

One thread of our pool waits for each generation; llama.cpp batches the generations of all slots. Whose is
next is said by their claims (`fair_queue.py`): one that is less urgent stops at a token and goes on later
where it was, as one does after `SLICE_S` for an equal of another caller. What a slot computed stays there: a
prompt that only grew costs its new tokens. `prompt` keeps prompts growing at their end, and `slots` says
which slot is whose.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.conversation import Message, Role
from ...core.errors import EngineError
from ...model_files.cache import model_path
from ...model_files.catalog import MODELS
from ...ports import NOBODY, CallRequest, Claim, Prompt, TextDelta, Usage
from ..worker_pool import IsAbandoned, WorkerPool
from ..worker_threads import Abandoned
from . import prompt as transcript_prompt
from . import server as llama_server
from .answer import LocalAnswer
from .beginnings import Beginnings
from .generation import GoOn, LocalGeneration, LocalGenerations, Run
from .parrot import may_open, opens, reacting
from .prompt import ChatLayout, OpenTurn
from .reading import PromptReading
from .reading_ahead import ReadingAhead
from .server import AT_ONCE, SLOT_TOKENS
from .slot_states import SlotStates
from .slots import Slots

_CLOSE_S = 0.9
"""For the generations to end at their next token, and as long again for the model to be freed."""

SLICE_S = 1.0
"""After which a generation lets those of other callers have its slot that are as urgent and wait: half an
answer of the model in the process, or a first clause or two."""

_SMALL = 800_000_000
"""Bytes of a file, about a billion parameters, below which a model calls tools without a reason."""

DEFAULT_MODEL = "qwen-0.5b"


class LocalLlm:
    """Implements `ports.Llm`.

    Gemma is a base model and continues a transcript. Any other GGUF that carries a chat template is taken for
    an instruction-tuned one and gets chat messages.
    """

    is_embedded = True

    def __init__(
        self,
        model: Path | str = DEFAULT_MODEL,
        *,
        threads: int = 2,
        speaks_chat: bool | None = None,
    ) -> None:
        """`model`: one of `model_files.catalog.MODELS` by name, or the path of a GGUF. `speaks_chat`: None
        decides by the file; False continues a transcript whatever it holds."""
        self._model = model
        self._threads = threads
        self._speaks_chat = speaks_chat
        self._layout: ChatLayout | None = None
        """How messages are marked, where that is known and the model is tuned."""
        self._calls_tools = self._is_small = self._reacts = False
        self._server: Any = None
        self._running = LocalGenerations()
        self._pool = WorkerPool("llm", "the local model", AT_ONCE, slice_s=SLICE_S)
        self._ahead = ReadingAhead(self._pool)
        self._states: SlotStates | None = None
        self._slots = Slots(AT_ONCE)
        """As many as the file has, once it is loaded."""

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
        """Load, and answer once.

        Raises `EngineMissing` without the extra or the file, `EngineError` when it cannot be read.
        """
        if self._server is None:
            await asyncio.to_thread(self._load)
            self._pool.start()
        greeting = Prompt("", (Message(Role.USER, "Hello.", 0),), max_tokens=4)
        answer = LocalAnswer(greeting, greeting.max_tokens)
        request = _request(greeting, 0, speaks_chat=bool(self._speaks_chat))
        async with aclosing(self._answer(greeting, request, answer)) as items:
            async for _ in items:
                pass

    def open_turn(self, prompt: Prompt, *, to_answer: bool) -> OpenTurn:
        """`prompt` up to the last word of its last message: as it is, or as an answer to it begins, with
        examples where a small model is told something in the first words of a conversation."""
        reacts = to_answer and self._reacts and opens(prompt)
        shown = reacting(prompt) if reacts else prompt
        return OpenTurn(transcript_prompt.open_text(shown, SLOT_TOKENS, self._layout), has_examples=reacts)

    def has_room(self, claim: Claim) -> bool:
        """A slot is free for work of `claim`, or held by what is less urgent."""
        return self._pool.free_for(claim) > 0

    async def read_ahead(self, prompt: Prompt, *, to_answer: bool) -> None:
        """Compute what `open_turn` will begin with, where nobody else computes. Raises `EngineError`."""
        run = self._open_server().handle_completions
        shown = [(prompt, not any(message.text or message.uses for message in prompt.messages))]
        if to_answer and self._reacts and may_open(prompt):
            shown.append((reacting(prompt), not prompt.messages[-1].text))
        for each, is_anybodys in shown:
            text = transcript_prompt.open_text(each, SLOT_TOKENS, self._layout)
            await self._ahead.read(run, self._slots, text, prompt.claim, is_anybodys=is_anybodys)

    async def complete(self, request: dict[str, Any], claim: Claim = NOBODY) -> dict[str, Any]:
        """What llama.cpp says of what follows a prompt. Cancelled, it is left. Raises `EngineError`."""
        text = request["prompt"]
        await self._ahead.wait(text)
        server = self._open_server()

        def work(is_abandoned: IsAbandoned) -> dict[str, Any]:
            with self._slots.held(text, is_abandoned) as slot:
                reading = PromptReading(text, slot)
                reading.run(server.handle_completions, request)
            if reading.was_left:
                raise Abandoned
            return reading.answer

        answer: dict[str, Any] = await self._pool.submit(work, claim)
        if "error" in answer:
            raise EngineError("llm", f"the local model refused: {answer['error'].get('message', '')}")
        return answer

    async def stream(self, prompt: Prompt) -> AsyncGenerator[TextDelta | CallRequest | Usage, None]:
        """Raises `EngineError` when two attempts give nothing that is worth saying. The second one is bolder,
        and shows no examples; or, where tools were misused, it is told of none; or, where a small model said
        what it was told, it is shown how to react: at once in the first words of a conversation. Where it
        says it all the same, it is asked once more, bolder, and what comes then is said."""
        prompt = prompt if self._calls_tools else transcript_prompt.without_tools(prompt)
        if self._is_small and prompt.messages and prompt.messages[-1].role is Role.TOOLS:
            prompt = replace(prompt, tools=())  # it would call the same one again instead of answering
        boldness, attempts, parrots = 0, 2, 2 if self._reacts else 0
        if parrots and opens(prompt):
            prompt, parrots = reacting(prompt), 1
        while attempts:
            attempts -= 1
            request = _request(prompt, boldness, speaks_chat=bool(self._speaks_chat))
            examples = () if self._speaks_chat or boldness else transcript_prompt.EXAMPLE_LINES
            answer = LocalAnswer(
                prompt, request["n_predict"], examples, needs_evidence=self._is_small, parrots=parrots > 0
            )
            async with aclosing(self._answer(prompt, request, answer)) as items:
                async for item in items:
                    yield item
            if answer.has_said:
                return
            if answer.has_misused_tools and prompt.tools:
                prompt = replace(prompt, tools=())
            elif answer.is_parrot:
                prompt, parrots, attempts = reacting(prompt), parrots - 1, 1
                boldness = 0 if parrots else 1
            else:
                boldness = 1
        raise EngineError("llm", f"{self.name} gave no words, twice; say it in other words")

    async def close(self) -> None:
        self._running.drop()
        server, self._server = self._server, None
        await self._pool.close(_CLOSE_S)
        closing = threading.Thread(target=_free, args=([server], self._states), name="llm-close", daemon=True)
        del server
        closing.start()
        await asyncio.to_thread(closing.join, _CLOSE_S)

    def _open_server(self) -> Any:
        if self._server is None:
            raise EngineError("llm", f"{self.name} is closed or was never warmed", retryable=False)
        return self._server

    def _load(self) -> None:
        path = self._model if isinstance(self._model, Path) else model_path(self._model)
        llama_server.check(path)
        template = llama_server.chat_template(path)
        if self._speaks_chat is None:
            self._speaks_chat = bool(template)
        self._calls_tools = self._speaks_chat and "tools" in template
        self._is_small = path.stat().st_size < _SMALL
        self._reacts = self._is_small and self._speaks_chat
        self._layout = transcript_prompt.layout_of(template) if self._speaks_chat else None
        self._states = SlotStates()
        try:
            self._server = llama_server.open_model(path, self._threads, self._states)
        except BaseException:
            self._states.close()
            raise
        self._slots = Slots(llama_server.slots_of(path), beginnings=Beginnings(self._states))

    async def _answer(
        self, prompt: Prompt, request: dict[str, Any], answer: LocalAnswer
    ) -> AsyncGenerator[TextDelta | CallRequest | Usage, None]:
        """One generation; however this iterator ends, the generation ends at its next token."""
        server = self._open_server()
        run = server.handle_chat_completions if self._speaks_chat else server.handle_completions
        opened = transcript_prompt.opened_answer(prompt, request, self._layout)
        text = str(request.get("tools")) + str(request["messages"]) if opened is None else opened["prompt"]
        await self._ahead.wait(text)
        go_on = _going_on(opened, server.handle_completions)
        generation = LocalGeneration(run, request, go_on, self._slots, text)
        job = self._pool.submit(generation.work, prompt.claim)
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


def _request(prompt: Prompt, attempt: int, *, speaks_chat: bool) -> dict[str, Any]:
    if speaks_chat:
        return transcript_prompt.chat_request(prompt, SLOT_TOKENS, attempt)
    return transcript_prompt.transcript_request(prompt, SLOT_TOKENS, attempt)


def _going_on(opened: dict[str, Any] | None, run: Run) -> GoOn | None:
    """How the rest of an answer is asked for, whose request `opened` is as a text. None: it is not."""
    if opened is None:
        return None

    def go_on(text: str, tokens: int) -> tuple[Run, dict[str, Any]]:
        return run, {**opened, "prompt": opened["prompt"] + text, "n_predict": opened["n_predict"] - tokens}

    return go_on


def _free(servers: list[Any], states: SlotStates | None) -> None:
    """The last reference to a server ends its threads, after the last call to it returned."""
    servers.clear()
    if states is not None:
        states.close()
