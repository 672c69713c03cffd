"""One answer on its way from llama.cpp's thread to the loop, and the slot that it holds meanwhile.

What lives here: how a generation begins, stops at a token, and goes on where it was once somebody else has
had its slot. What must not: what the model is shown, and what is said of what it writes.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from ...core.errors import EngineError
from ...ports import Usage
from ..worker_pool import IsAbandoned
from ..worker_threads import Abandoned
from .prompt import is_loop
from .slots import Slots, read_of

_TAIL = 160
"""Characters in which a model that says the same thing over and over is noticed."""

Event: TypeAlias = str | EngineError | None

Run: TypeAlias = Callable[[dict[str, Any], Callable[[dict[str, Any]], bool]], object]
"""llama.cpp: a request, and who is told of each token and says whether it was the last that is wanted."""

GoOn: TypeAlias = Callable[[str, int], tuple[Run, dict[str, Any]]]
"""The text so far, and its tokens → what is run to write the rest."""


class LocalGeneration:
    """None ends it. The queue has no bound of its own: `max_tokens` bounds what one answer can put there."""

    def __init__(
        self, run: Run, request: dict[str, Any], go_on: GoOn | None, slots: Slots, prompt: str
    ) -> None:
        """`go_on`: None: it cannot, and holds its slot to its end. `prompt`: as a text, up to where the
        answer begins."""
        self._run, self._request, self._go_on = run, request, go_on
        self._slots, self._prompt = slots, prompt
        self.is_unwanted = self.is_in_slot = False
        self.usage = Usage(0, 0)
        """As far as it came: llama.cpp counts only the answers that it ends itself."""
        self._before: Usage | None = None
        """That of the text that was written before it went on; None: it has not gone on."""
        self._items: asyncio.Queue[Event] = asyncio.Queue()
        self._text = self._read_so_far = ""
        self._loop = asyncio.get_running_loop()

    async def next(self) -> str | None:
        """A piece of the answer; None at the end. Raises what went wrong."""
        item = await self._items.get()
        if isinstance(item, EngineError):
            raise item
        return item

    # ------------------------------------------------------------ in the thread

    def work(self, is_abandoned: IsAbandoned) -> None:
        """To its end, or until it gives way. Raises `Abandoned`, and what llama.cpp raises."""
        has_left = False

        def receive(event: dict[str, Any]) -> bool:
            nonlocal has_left
            is_last = self._receive(event)
            has_left = not is_last and self._go_on is not None and is_abandoned()
            return is_last or has_left

        # Said before it is asked whether it is wanted, so that `is_over` misses neither.
        self.is_in_slot = True
        try:
            if not self.is_unwanted:
                with self._slots.held(self._prompt + self._text, lambda: self.is_unwanted) as slot:
                    try:
                        self._run({**self._request, "id_slot": slot.number}, receive)
                    finally:
                        slot.text = self._prompt + self._text if self._text else self._read_so_far
        finally:
            self.is_in_slot = False
        if has_left:
            self._leave()
            raise Abandoned

    def _leave(self) -> None:
        if self._go_on is not None and self._text:
            self._before = self.usage
            self._run, self._request = self._go_on(self._text, self.usage.output_tokens)

    def _receive(self, event: dict[str, Any]) -> bool:
        """True ends the generation."""
        if not self.is_unwanted:
            self._read(event)
        return self.is_unwanted or is_loop(self._text[-_TAIL:])

    def _read(self, event: dict[str, Any]) -> None:
        if "error" in event:
            reason = event["error"].get("message", "no reason given")
            self._put(EngineError("llm", f"the local model refused: {reason}"))
        if progress := event.get("prompt_progress"):
            self._count(Usage(progress["total"], 0, progress["cache"]))
            self._read_so_far = read_of(self._prompt, progress)
        if usage := event.get("usage"):
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            self._count(Usage(usage["prompt_tokens"], usage["completion_tokens"], cached))
        if text := "".join(map(_text, event.get("choices", ()))):
            self.usage = replace(self.usage, output_tokens=self.usage.output_tokens + 1)
            self._text += text
            self._put(text)

    def _count(self, usage: Usage) -> None:
        """What llama.cpp says of this run: one that goes on has its own beginning for a prompt."""
        if self._before is not None:
            usage = replace(self._before, output_tokens=self._before.output_tokens + usage.output_tokens)
        self.usage = usage

    # ------------------------------------------------------------ in the loop

    def finish(self, job: "asyncio.Future[None]") -> None:
        """Called once, when `job` ended or was cancelled."""
        if not job.cancelled() and (error := job.exception()) is not None:
            if not isinstance(error, EngineError):
                error = EngineError("llm", f"the local model failed: {error}")
            self._put(error)
        self.is_unwanted = True
        self._put(None)

    @property
    def is_over(self) -> bool:
        """Whatever loop it was for."""
        return self.is_unwanted and not self.is_in_slot

    def _put(self, item: Event) -> None:
        try:
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)
        except RuntimeError:  # the loop is closed: nobody listens any more
            self.is_unwanted = True


class LocalGenerations:
    """Those that hold a slot of llama.cpp or wait for one, also those that nobody wants any more."""

    def __init__(self) -> None:
        self._alive: set[LocalGeneration] = set()

    def __len__(self) -> int:
        self._forget()
        return len(self._alive)

    def add(self, generation: LocalGeneration, job: "asyncio.Future[None]") -> None:
        """Until `job` ends, and its slot is free."""
        self._forget()
        self._alive.add(generation)
        job.add_done_callback(generation.finish)

    def drop(self) -> None:
        for generation in self._alive:
            generation.is_unwanted = True

    def _forget(self) -> None:
        self._alive = {each for each in self._alive if not each.is_over}


def _text(choice: dict[str, Any]) -> str:
    """What one choice of an event in the shape of OpenAI's streams adds to the answer."""
    return choice.get("text") or (choice.get("delta") or {}).get("content") or ""
