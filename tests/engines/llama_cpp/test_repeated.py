"""A small model that says what it was told is asked again: shown how to react, then bolder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from voice_grpc.core.conversation import Message, Role
from voice_grpc.engines.llama_cpp.llm import LocalLlm
from voice_grpc.ports import Prompt

from .test_turns import Receive, answer, warmed

TOLD = "We wrote the play Romeo and Juliet."
NICE = "That sounds nice."


class DrawnServer:
    """Each answer is the next of `drawn`, a word a token."""

    def __init__(self) -> None:
        self.drawn = [NICE]
        self.asked: list[dict[str, Any]] = []

    def handle_chat_completions(self, request: dict[str, Any], receive: Receive) -> None:
        self.asked.append(request)
        for word in self.drawn.pop(0).split(" "):
            if receive({"choices": [{"delta": {"content": f" {word}"}}]}):
                return

    def handle_completions(self, request: dict[str, Any], receive: Receive) -> None:
        raise AssertionError("nothing gives way, so nothing goes on")

    @property
    def temperatures(self) -> list[float]:
        return [request["temperature"] for request in self.asked]


async def opened(patch: pytest.MonkeyPatch, path: Path, drawn: Sequence[str]) -> tuple[LocalLlm, DrawnServer]:
    """A warm engine that will say what is `drawn`."""
    server = DrawnServer()
    llm = await warmed(patch, path, server, "<|im_start|>")
    server.asked.clear()
    server.drawn = list(drawn)
    return llm, server


def told(*before: str) -> Prompt:
    """`before`: what user and assistant said before."""
    roles = (Role.USER, Role.ASSISTANT) * len(before)
    said = [Message(role, text, 1) for role, text in zip(roles, before, strict=False)]
    return Prompt("You are Robin.", (*said, Message(Role.USER, TOLD, 2)), "en", max_tokens=32)


@pytest.mark.parametrize(
    ("prompt", "drawn", "shown"),
    [
        (told("Hello.", "Hi."), [TOLD, NICE], [4, 14]),
        (told("Hello.", "Hi."), [TOLD, TOLD, NICE], [4, 14, 14]),
        (told(), [TOLD, NICE], [14, 14]),
        (told(), [NICE], [14]),
    ],
)
async def test_it_is_asked_again_as_soon_as_it_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, prompt: Prompt, drawn: list[str], shown: list[int]
) -> None:
    llm, server = await opened(monkeypatch, tmp_path, drawn)
    text, _ = await answer(llm, prompt)
    assert text.strip() == drawn[-1]
    assert [len(request["messages"]) for request in server.asked] == shown
    *cool, last = server.temperatures
    assert len(set(cool)) <= 1
    is_last_of_all = drawn.count(TOLD) == 2 or (len(drawn) == 2 and not prompt.messages[:-1])
    assert (last > (cool or [last])[0]) == is_last_of_all
    await llm.close()


async def test_what_it_says_the_last_time_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    llm, _ = await opened(monkeypatch, tmp_path, [TOLD, TOLD, TOLD])
    text, _ = await answer(llm, told("Hello.", "Hi."))
    assert text.strip() == TOLD
    await llm.close()
