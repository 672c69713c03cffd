"""Language models, one after the other; who calls tools comes first where tools are declared."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..core.errors import EngineBlocked, EngineEmpty, EngineError
from ..ports import CallRequest, Fallback, Llm, LlmItem, Prompt, TextDelta
from .chain import Attempt, Chain, FirstOutput, candidates
from .succession import Succession


class LlmChain(Chain[Llm]):
    """Implements `ports.Llm`.

    Where tools are declared, models that call them come before those that do not; when only the latter
    are left they answer in words. What another model's calls came to is in the prompt, for any of them.
    """

    @property
    def calls_tools(self) -> bool:
        return any(member.engine.calls_tools for member in self.members)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        """`Usage` alone is no output: whoever gives nothing else has failed."""
        asked = candidates(
            self.members, lambda member: int(bool(prompt.tools) and not member.engine.calls_tools)
        )
        cause = asked.cause
        order = Succession(asked.members, self.first_seconds, self.retry_seconds)
        while (member := order.next()) is not None:
            with member.begin() as attempt:
                try:
                    async with aclosing(_ask(attempt, prompt, order.first_seconds)) as items:
                        async for item in items:
                            if attempt.has_output and cause is not None:
                                yield Fallback(cause, member.engine.name)
                                cause = None
                            yield item
                    return
                except EngineError as error:
                    if not attempt.has_output and await order.waits_for(error):
                        attempt.not_judged()
                        continue
                    attempt.failed(error)
                    if attempt.has_output or isinstance(error, EngineBlocked):
                        raise
                    cause = error
        assert cause is not None, "a chain has an engine"
        raise cause


async def _ask(attempt: Attempt[Llm], prompt: Prompt, seconds: float | None) -> AsyncGenerator[LlmItem, None]:
    """One model's answer. Raises `EngineError`, also when there is no output within `seconds`."""
    engine = attempt.member.engine
    first = FirstOutput("llm", engine.name, seconds)
    first.start()
    await first.wait(attempt.member.wake())
    async with aclosing(engine.stream(prompt)) as items:
        while (item := await first.next(items)) is not None:
            if isinstance(item, TextDelta | CallRequest):
                first.stop()
                attempt.answered()
            yield item
    if not attempt.has_output:
        raise EngineEmpty("llm", f"{engine.name} gave no words")
