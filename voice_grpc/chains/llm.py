"""Language models, one after the other."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ..core.errors import EngineBlocked, EngineEmpty, EngineError
from ..ports import CallRequest, Fallback, Llm, LlmItem, Prompt, TextDelta
from .link import Attempt, Link, close_all, in_order, warm_all


class LlmChain:
    """Implements `ports.Llm`. `name` and `location` are those of who is asked first."""

    def __init__(self, engines: Sequence[Llm]) -> None:
        self.links = [Link(engine) for engine in engines]

    @property
    def name(self) -> str:
        return _first(self.links).engine.name

    @property
    def location(self) -> str:
        return _first(self.links).engine.location

    @property
    def calls_tools(self) -> bool:
        return any(link.engine.calls_tools for link in self.links)

    async def warm(self) -> None:
        await warm_all(self.links)

    async def close(self) -> None:
        await close_all(self.links)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        """`Usage` alone is no output: whoever gives nothing else has failed."""
        links, why = in_order(self.links)
        for link in links:
            with link.begin() as attempt:
                try:
                    async with aclosing(self._ask(attempt, prompt, why)) as items:
                        async for item in items:
                            yield item
                    return
                except EngineBlocked:
                    raise
                except _BeforeOutput as failure:
                    why = failure.error
        assert why is not None, "a chain has an engine"
        raise why

    async def _ask(
        self, attempt: Attempt[Llm], prompt: Prompt, why: EngineError | None
    ) -> AsyncGenerator[LlmItem, None]:
        engine = attempt.link.engine
        has_output = False
        try:
            async with aclosing(engine.stream(prompt)) as items:
                async for item in items:
                    if not has_output and isinstance(item, TextDelta | CallRequest):
                        has_output = True
                        attempt.succeeded()
                        if why is not None:
                            yield Fallback(why, engine.name)
                    yield item
            if not has_output:
                raise EngineEmpty("llm", f"{engine.name} gave no words")
        except EngineError as error:
            attempt.failed(error)
            if has_output or isinstance(error, EngineBlocked):
                raise
            raise _BeforeOutput(error) from None


class _BeforeOutput(Exception):
    """The engine failed, and nobody has heard anything of it."""

    def __init__(self, error: EngineError) -> None:
        super().__init__()
        self.error = error


def _first(links: Sequence[Link[Llm]]) -> Link[Llm]:
    return next((link for link in links if link.is_ready), links[0])
