"""Whose slot it is next, with a server whose tokens are written when the test lets them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.engines.llama_cpp import server as llama_server
from voice_grpc.engines.llama_cpp.end_of_turn import LocalTextEndOfTurn
from voice_grpc.engines.llama_cpp.llm import LocalLlm
from voice_grpc.engines.llama_cpp.server import AT_ONCE
from voice_grpc.ports import Claim, Prompt, TextDelta, Urgency, Usage

COMMITTED, FINAL, PREPARED, PART = Urgency
TOKENS = ["It", " is", " a", " very", " long", " story", "."]
TEXT = "".join(TOKENS)
HELD_AFTER = 2
"""Tokens of an answer that come though the server is held."""
TEMPLATE = "<|im_start|> and tools"
WEATHER = ToolDeclaration("weather", "The weather.", {})

Receive = Callable[[dict[str, Any]], bool]


class HeldServer:
    """Writes `TOKENS`, or those that a text lacks. While it is held, no more than the first come."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self._begun = threading.Semaphore(0)
        self._goes_on = threading.Event()
        self._goes_on.set()

    def handle_chat_completions(self, request: dict[str, Any], receive: Receive) -> None:
        self._write(request, TOKENS, receive, lambda token: {"delta": {"content": token}})

    def handle_completions(self, request: dict[str, Any], receive: Receive) -> None:
        if "n_probs" in request:
            self.asked.append(request)
            receive({"choices": [{"logprobs": {"content": [{"top_logprobs": []}]}}]})
            return
        written = next(
            n for n in reversed(range(len(TOKENS))) if request["prompt"].endswith("".join(TOKENS[:n]))
        )
        self._write(request, TOKENS[written:], receive, lambda token: {"text": token})

    def _write(
        self, request: dict[str, Any], tokens: list[str], receive: Receive, choice: Callable[[str], Any]
    ) -> None:
        self.asked.append(request)
        length = 40 + len(TOKENS) - len(tokens)
        receive({"prompt_progress": {"total": length, "cache": 30}})
        for number, token in enumerate(tokens[: request["n_predict"]]):
            if number == HELD_AFTER:
                self._begun.release()
                assert self._goes_on.wait(10.0)
            if receive({"choices": [choice(token)]}):
                return
        usage = {"prompt_tokens": length, "completion_tokens": len(tokens)}
        receive({"choices": [], "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 30}}})

    def hold(self) -> None:
        self.asked.clear()
        self._begun = threading.Semaphore(0)
        self._goes_on.clear()

    async def begun(self, count: int) -> None:
        for _ in range(count):
            assert await asyncio.to_thread(self._begun.acquire, timeout=10.0)

    def release(self) -> None:
        self._goes_on.set()


async def warmed(patch: pytest.MonkeyPatch, path: Path, server: object, template: str) -> LocalLlm:
    """On a fake `server`, of a model whose chat template is `template`."""
    file = path / "model.gguf"
    file.write_bytes(b"GGUF")
    patch.setattr(llama_server, "chat_template", lambda path: template)
    patch.setattr(llama_server, "open_model", lambda path, threads, states: server)
    llm = LocalLlm(file)
    await llm.warm()
    return llm


@asynccontextmanager
async def opened(patch: pytest.MonkeyPatch, path: Path) -> AsyncIterator[tuple[LocalLlm, HeldServer]]:
    """A warm engine whose slots are held."""
    server = HeldServer()
    llm = await warmed(patch, path, server, TEMPLATE)
    server.hold()
    try:
        yield llm, server
    finally:
        server.release()
        await llm.close()


def asking(caller: str, urgency: Urgency, tools: tuple[ToolDeclaration, ...] = ()) -> Prompt:
    """The caller's name is in the question."""
    question = Message(Role.USER, f"Tell {caller} a story.", 1)
    return Prompt("", (question,), max_tokens=32, tools=tools, claim=Claim.of(caller, urgency))


async def answer(llm: LocalLlm, prompt: Prompt) -> tuple[str, Usage | None]:
    text, usage = "", None
    async with aclosing(llm.stream(prompt)) as items:
        async for item in items:
            if isinstance(item, TextDelta):
                text += item.text
            elif isinstance(item, Usage):
                usage = item
    return text, usage


async def settled() -> None:
    """Whatever was asked waits for a slot now."""
    for _ in range(10):
        await asyncio.sleep(0)


def of(caller: str, request: dict[str, Any]) -> bool:
    return f"Tell {caller} a story" in str(request.get("messages", request.get("prompt")))


async def test_beside_a_flood_of_one_caller_another_has_the_next_slot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, server), asyncio.TaskGroup() as tasks:
        flood = [tasks.create_task(answer(llm, asking("Eve", COMMITTED))) for _ in range(10)]
        await server.begun(AT_ONCE)
        await settled()
        other = tasks.create_task(answer(llm, asking("Ben", COMMITTED)))
        await settled()
        server.release()
        assert (await other)[0] == TEXT
        assert [(await task)[0] for task in flood] == [TEXT] * 10
    assert of("Ben", server.asked[AT_ONCE])


async def test_what_is_prepared_stops_at_a_token_for_what_was_let_out_and_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, server), asyncio.TaskGroup() as tasks:
        prepared = [tasks.create_task(answer(llm, asking("Anna", PREPARED))) for _ in range(AT_ONCE)]
        await server.begun(AT_ONCE)
        committed = [tasks.create_task(answer(llm, asking("Ben", COMMITTED))) for _ in range(AT_ONCE)]
        await settled()
        server.release()
        assert [(await task)[0] for task in committed] == [TEXT] * AT_ONCE
        for task in prepared:
            assert await task == (TEXT, Usage(40, len(TOKENS), 30)), "counted as if it had never stopped"
    first = [of("Ben", request) for request in server.asked[: 2 * AT_ONCE]]
    assert first == [False] * AT_ONCE + [True] * AT_ONCE
    continued = server.asked[2 * AT_ONCE :]
    assert 1 <= len(continued) <= AT_ONCE, "a second one only where its slot was not free of itself"
    written = "<|im_start|>user\nTell Anna a story.<|im_end|>\n<|im_start|>assistant\nIt is a"
    for request in continued:
        assert request["prompt"].endswith(written)
        assert (request["n_predict"], "messages" in request) == (32 - HELD_AFTER - 1, False)


async def test_one_with_tools_cannot_go_on_and_keeps_its_slot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, server), asyncio.TaskGroup() as tasks:
        prompts = [asking("Anna", PREPARED, (WEATHER,)) for _ in range(AT_ONCE)]
        prepared = [tasks.create_task(answer(llm, prompt)) for prompt in prompts]
        await server.begun(AT_ONCE)
        committed = tasks.create_task(answer(llm, asking("Ben", COMMITTED)))
        await settled()
        server.release()
        assert (await committed)[0] == TEXT
        assert [(await task)[0] for task in prepared] == [TEXT] * AT_ONCE
    assert len(server.asked) == AT_ONCE + 1


async def test_whether_words_are_finished_is_asked_before_what_is_prepared_and_not_before_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    judge_of = asking("Ben", FINAL)
    async with opened(monkeypatch, tmp_path) as (llm, server), asyncio.TaskGroup() as tasks:
        judge = LocalTextEndOfTurn(llm, answers=True)
        tasks.create_task(answer(llm, asking("Eve", PREPARED)))
        tasks.create_task(answer(llm, asking("Eve", COMMITTED)))
        await server.begun(AT_ONCE)
        judged = tasks.create_task(judge.probability(judge_of))
        await settled()
        server.release()
        assert await judged == 0.0
        assert server.asked[AT_ONCE]["n_predict"] == 1

    async with opened(monkeypatch, tmp_path) as (llm, server), asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(answer(llm, asking("Eve", COMMITTED)))
        await server.begun(AT_ONCE)
        assert await LocalTextEndOfTurn(llm, answers=True).probability(judge_of) is None
        server.release()
