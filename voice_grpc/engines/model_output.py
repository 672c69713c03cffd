"""What every language model's text is read with: the calls that it wrote into it, as those it made.

A file of its own: all adapters of language models share it, also those whose vendor has calls of its own.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..core.errors import EngineError
from ..core.model_output.calls import WrittenCall
from ..core.model_output.output import MalformedCall, ModelOutput
from ..ports import CallRequest, LlmItem, Prompt, TextDelta


def output_of(prompt: Prompt, *, begins_inside: bool = False) -> ModelOutput:
    """For the answer to `prompt`. `begins_inside`: see `ModelOutput`."""
    return ModelOutput([tool.name for tool in prompt.tools], begins_inside=begins_inside)


def written_calls(output: ModelOutput, model: str) -> list[CallRequest]:
    """After `output.finish()`. Raises `EngineError` for a call that cannot be read, which passes."""
    try:
        return [_request(call) for call in output.calls()]
    except MalformedCall:
        raise malformed(f"{model} wrote a call of a tool that cannot be read") from None


def malformed(message: str) -> EngineError:
    """The model's own mistake: asked again, it may well do better."""
    return EngineError("llm", message, retry_after=0.0)


async def readable(
    items: AsyncGenerator[LlmItem, None], prompt: Prompt, model: str
) -> AsyncGenerator[LlmItem, None]:
    """`items` of an answer to `prompt` with text as the model wrote it: without what nobody is to hear, and
    with the calls in it. Ends when a mark of the text says so. Raises `EngineError`."""
    output, is_begun = output_of(prompt), False
    rest: list[LlmItem] = []
    async with aclosing(items):
        async for item in items:
            if not isinstance(item, TextDelta):
                rest.append(item)
            elif said := output.feed(item.text) if is_begun else output.feed(item.text).lstrip():
                is_begun = True
                yield TextDelta(said)
            if output.is_over:
                break
    if said := output.finish() if is_begun else output.finish().lstrip():
        yield TextDelta(said)
    for item in (*written_calls(output, model), *rest):
        yield item


def _request(call: WrittenCall) -> CallRequest:
    return CallRequest(call.name, call.arguments)
