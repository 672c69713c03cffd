"""Any engine's answer read with `readable`: an adapter with text alone needs no more than that line."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import EngineError
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.engines.model_output import readable
from voice_grpc.ports import CallRequest, LlmItem, Prompt, TextDelta, Usage

USAGE = Usage(9, 4)
PROMPT = Prompt("", (Message(Role.USER, "Hi.", 1),), tools=(ToolDeclaration("weather", "The weather.", {}),))


class Writing:
    """An answer of these words, and its usage; knows whether it was closed."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self.is_closed = False

    async def stream(self) -> AsyncGenerator[LlmItem, None]:
        try:
            for word in self._words:
                yield TextDelta(word)
            yield USAGE
        finally:
            self.is_closed = True


async def read(answer: Writing) -> list[LlmItem]:
    async with aclosing(readable(answer.stream(), PROMPT, "model")) as items:
        return [item async for item in items]


async def test_words_come_without_what_is_not_said_and_usage_last() -> None:
    assert await read(Writing("<thi", "nk>hm</think>", "\n\nYes", ".")) == [
        TextDelta("Yes"),
        TextDelta("."),
        USAGE,
    ]


async def test_a_call_in_the_text_comes_whole_before_the_usage() -> None:
    words = ("Let me see. ", '{"name": "weather",', ' "parameters": {"city": "Oslo"}}')
    assert await read(Writing(*words)) == [
        TextDelta("Let me see. "),
        CallRequest("weather", {"city": "Oslo"}),
        USAGE,
    ]


async def test_a_mark_that_ends_the_answer_ends_the_work_on_it() -> None:
    answer = Writing("Yes.", "<|im_end|>", "No.")
    assert await read(answer) == [TextDelta("Yes.")]
    assert answer.is_closed


async def test_a_call_that_cannot_be_read_is_an_error_that_passes() -> None:
    with pytest.raises(EngineError, match="model wrote a call") as caught:
        await read(Writing("<tool_call>weather!</tool_call>"))
    assert caught.value.retry_after == 0.0
