"""Language models, one after the other."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..core.errors import EngineBlocked, EngineEmpty, EngineError
from ..ports import CallRequest, Fallback, Llm, LlmItem, Prompt, TextDelta
from .chain import Attempt, Chain, FirstOutput, in_order


class LlmChain(Chain[Llm]):
    """Implements `ports.Llm`.

    Where tools are declared, models that call them come before those that do not; when only the latter
    are left they answer in words. What another model's calls came to is in the prompt, for any of them.
    """

    @property
    def calls_tools(self) -> bool:
        return any(link.engine.calls_tools for link in self.links)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        """`Usage` alone is no output: whoever gives nothing else has failed."""
        order = in_order(self.links, lambda link: int(bool(prompt.tools) and not link.engine.calls_tools))
        why = order.why
        for link in order.links:
            seconds = self.first_seconds if link is not order.links[-1] else None
            with link.begin() as attempt:
                try:
                    async with aclosing(_ask(attempt, prompt, seconds)) as items:
                        async for item in items:
                            if attempt.has_output and why is not None:
                                yield Fallback(why, link.engine.name)
                                why = None
                            yield item
                    return
                except EngineError as error:
                    attempt.failed(error)
                    if attempt.has_output or isinstance(error, EngineBlocked):
                        raise
                    why = error
        assert why is not None, "a chain has an engine"
        raise why


async def _ask(attempt: Attempt[Llm], prompt: Prompt, seconds: float | None) -> AsyncGenerator[LlmItem, None]:
    """One model's answer. Raises `EngineError`, also when there is no output within `seconds`."""
    engine = attempt.link.engine
    first = FirstOutput("llm", engine.name, seconds)
    first.start()
    await first.wait(attempt.link.wake())
    async with aclosing(engine.stream(prompt)) as items:
        while (item := await first.next(items)) is not None:
            if isinstance(item, TextDelta | CallRequest):
                first.stop()
                attempt.answered()
            yield item
    if not attempt.has_output:
        raise EngineEmpty("llm", f"{engine.name} gave no words")
