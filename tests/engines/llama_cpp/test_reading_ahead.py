"""What a conversation begins with is read while nobody else computes, and waited for by whom it is of use."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voice_grpc.core.conversation import Message, Role
from voice_grpc.engines.llama_cpp import llm as llm_module
from voice_grpc.engines.llama_cpp.end_of_turn import LocalTextEndOfTurn
from voice_grpc.engines.llama_cpp.generation import LocalGeneration
from voice_grpc.engines.llama_cpp.llm import LocalLlm
from voice_grpc.engines.llama_cpp.slots import Slots
from voice_grpc.ports import Claim, Prompt, Urgency

from .test_beginnings import FakeStates
from .test_turns import Receive, answer, settled, warmed

RULES = "You are Robin, and kind."
SCORED = {"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": ".", "logprob": -0.1}]}]}}]}


class BatchStates(FakeStates):
    directory = socket = Path("nowhere")

    def close(self) -> None:
        """There is no directory."""


class BatchServer:
    """Reads a prompt that is read ahead a batch at a time, each when the test lets it."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.batches = threading.Semaphore(0)
        self.begun = threading.Event()
        self.asked_to_answer = threading.Event()
        self.answers = threading.Event()
        self.answers.set()
        self.states = BatchStates()
        self.read = 0
        self.reads = threading.Condition()
        self.is_cold = False
        """What is judged is read a batch at a time too."""

    def handle_chat_completions(self, request: dict[str, Any], receive: Receive) -> None:
        self.asked.append(request)
        self.asked_to_answer.set()
        assert self.answers.wait(10.0)
        receive({"choices": [{"delta": {"content": "Fine."}}]})

    def handle_completions(self, request: dict[str, Any], receive: Receive) -> None:
        self.asked.append(request)
        if request["n_predict"] and not self.is_cold:
            receive({"prompt_progress": {"total": 99, "cache": 95, "processed": 99}})
            receive(SCORED)
            return
        for done in (32, 64, 96):
            self.begun.set()
            assert self.batches.acquire(timeout=10.0)
            with self.reads:
                self.read += 1
                self.reads.notify_all()
            if receive({"prompt_progress": {"total": 96, "cache": 0, "processed": done}}):
                return

    def wait_until_read(self, batches: int) -> None:
        with self.reads:
            assert self.reads.wait_for(lambda: self.read >= batches, 10.0)

    @property
    def slots(self) -> list[int]:
        return [request["id_slot"] for request in self.asked]


@asynccontextmanager
async def opened(
    patch: pytest.MonkeyPatch, path: Path
) -> AsyncIterator[tuple[LocalLlm, LocalTextEndOfTurn, BatchServer]]:
    server = BatchServer()
    patch.setattr(llm_module, "SlotStates", lambda: server.states)
    llm = await warmed(patch, path, server, "<|im_start|>")
    server.asked.clear()
    server.asked_to_answer.clear()
    try:
        yield llm, LocalTextEndOfTurn(llm, answers=True), server
    finally:
        server.batches.release(100)
        await llm.close()


def prompt(said: str, urgency: Urgency, rules: str = RULES) -> Prompt:
    """In a language of which a small model is shown no examples."""
    return Prompt(rules, (Message(Role.USER, said, 1),), "de", claim=Claim.of("Ben", urgency))


async def begun(
    judge: LocalTextEndOfTurn, server: BatchServer, tasks: asyncio.TaskGroup
) -> "asyncio.Task[None]":
    """The rules are being read, and the first batch of them waits."""
    ahead = tasks.create_task(judge.read_ahead(prompt("", Urgency.PREPARED)))
    await asyncio.to_thread(server.begun.wait, 10.0)
    return ahead


async def test_who_goes_on_with_it_waits_for_it_and_finds_its_slot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, judge, server), asyncio.TaskGroup() as tasks:
        ahead = await begun(judge, server, tasks)
        score = tasks.create_task(judge.probability(prompt("Who are you", Urgency.FINAL)))
        said = tasks.create_task(answer(llm, prompt("Who are you?", Urgency.COMMITTED)))
        await settled()
        assert len(server.asked) == 1
        server.batches.release(3)
        await ahead
        assert await score == pytest.approx(0.905, abs=0.001)
        assert (await said)[0] == "Fine."
    assert server.read == 3
    first, *_ = server.asked
    assert RULES in first["prompt"]
    assert first["prompt"].endswith("<|im_start|>user\n")
    assert server.slots[0] in server.slots[1:]


async def test_it_is_left_at_its_next_batch_for_what_somebody_else_asks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, judge, server), asyncio.TaskGroup() as tasks:
        ahead = await begun(judge, server, tasks)
        server.answers.clear()
        said = tasks.create_task(answer(llm, prompt("Who are you?", Urgency.COMMITTED, "You are Max.")))
        await asyncio.to_thread(server.asked_to_answer.wait, 10.0)
        server.batches.release()
        await ahead
        assert server.read == 1
        server.answers.set()
        assert (await said)[0] == "Fine."
        server.batches.release(3)
        await judge.read_ahead(prompt("", Urgency.PREPARED))
    first, *_, again = server.slots
    assert first == again, "where a third of it is read"
    assert server.read == 1 + 3


async def test_whom_nobody_waits_for_any_more_is_left_at_the_next_batch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, judge, server), asyncio.TaskGroup() as tasks:
        server.is_cold = True
        score = tasks.create_task(judge.probability(prompt("Who are you", Urgency.FINAL)))
        await asyncio.to_thread(server.begun.wait, 10.0)
        score.cancel()
        await asyncio.wait([score])
        server.batches.release()
        assert (await answer(llm, prompt("Who are you?", Urgency.COMMITTED)))[0] == "Fine."
    assert server.read == 1


@pytest.mark.parametrize(("processed", "is_read"), [(33, False), (99, True)])
async def test_an_answer_that_was_cut_leaves_what_it_had_read(processed: int, *, is_read: bool) -> None:
    def run(_: dict[str, Any], receive: Receive) -> None:
        receive({"prompt_progress": {"total": 99, "cache": 0, "processed": processed}})

    slots = Slots(1)
    LocalGeneration(run, {}, None, slots, RULES).work(lambda: False)
    with slots.spare(RULES) as slot:
        assert (slot is None) == is_read


async def test_a_model_that_only_judges_reads_no_examples_and_no_instructions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, _, server):
        server.batches.release(100)
        judge = LocalTextEndOfTurn(llm, answers=False)
        await judge.read_ahead(replace(prompt("", Urgency.PREPARED), language="en"))
        told = replace(prompt("I am well.", Urgency.FINAL), language="en")
        assert await judge.probability(told) == pytest.approx(0.905, abs=0.001)
    assert not any(RULES in request["prompt"] for request in server.asked)
    assert [request["prompt"].count("<|im_start|>user") for request in server.asked] == [1, 1]


async def test_nothing_is_read_while_somebody_else_computes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, judge, server), asyncio.TaskGroup() as tasks:
        first = await begun(judge, server, tasks)
        await judge.read_ahead(prompt("", Urgency.PREPARED, "You are Max."))
        await judge.read_ahead(prompt("", Urgency.PREPARED))
        server.batches.release(3)
        await first
        await judge.read_ahead(prompt("", Urgency.PREPARED))
    assert len(server.asked) == 1, "and what is read is not read again"


async def test_a_small_model_reads_its_examples_too_and_judges_behind_them_what_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (_, judge, server):
        server.batches.release(100)
        await judge.read_ahead(replace(prompt("", Urgency.PREPARED), language="en"))
        plain, examples = (str(request["prompt"]) for request in server.asked)
        assert RULES in plain
        assert RULES in examples
        asked = replace(prompt("How are you?", Urgency.FINAL), language="en")
        told = replace(prompt("I am well.", Urgency.FINAL), language="en")
        assert await judge.probability(asked) == pytest.approx(0.905, abs=0.001)
        assert await judge.probability(told) == pytest.approx(0.563, abs=0.001), "an end is likelier there"
        first, second = (str(request["prompt"]) for request in server.asked[2:])
        assert (first, second) == (plain + "How are you", examples + "I am well")
        assert server.slots[2:] == server.slots[:2]


async def test_what_anybody_may_begin_with_is_read_once_and_put_into_other_slots(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (_, judge, server):
        server.batches.release(100)
        await judge.read_ahead(prompt("", Urgency.PREPARED))
        await judge.read_ahead(prompt("", Urgency.PREPARED))
        assert len(server.asked) == 1
        long = (Message(Role.USER, "Who are you?" * 30, 1), Message(Role.ASSISTANT, "Robin." * 30, 1))
        mine = replace(prompt("", Urgency.FINAL), messages=(*long, Message(Role.USER, "Oh", 2)))
        await judge.probability(mine)
        await judge.probability(prompt("What", Urgency.FINAL))
        assert server.states.put == [(server.slots[2], "0.bin")]
        assert server.slots[2] != server.slots[1] == server.slots[0]


@pytest.mark.parametrize("read_before_it_is_left", [1, 3])
async def test_only_what_was_read_to_its_end_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, read_before_it_is_left: int
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, judge, server), asyncio.TaskGroup() as tasks:
        ahead = await begun(judge, server, tasks)
        for _ in range(read_before_it_is_left - 1):
            server.batches.release()
        await asyncio.to_thread(lambda: server.wait_until_read(read_before_it_is_left - 1))
        server.answers.clear()
        said = tasks.create_task(answer(llm, prompt("Who are you?", Urgency.COMMITTED, "You are Max.")))
        await asyncio.to_thread(server.asked_to_answer.wait, 10.0)
        server.batches.release()
        await ahead
        server.answers.set()
        await said
        assert len(server.states.files) == (read_before_it_is_left == 3)


async def test_what_was_said_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with opened(monkeypatch, tmp_path) as (_, judge, server):
        server.batches.release(100)
        said = (Message(Role.USER, "Who are you?", 1), Message(Role.ASSISTANT, "Robin.", 1))
        ahead = prompt("", Urgency.PREPARED)
        await judge.read_ahead(replace(ahead, messages=(*said, *ahead.messages)))
        assert server.read == 3
        assert server.states.files == set()


async def test_behind_a_greeting_the_examples_are_kept_and_the_greeting_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (_, judge, server):
        server.batches.release(100)
        ahead = replace(prompt("", Urgency.PREPARED), language="en")
        greeted = (Message(Role.ASSISTANT, "Hello, Anna.", 0), *ahead.messages)
        await judge.read_ahead(replace(ahead, messages=greeted))
        assert ["Hello, Anna." in request["prompt"] for request in server.asked] == [True, False]
        assert len(server.states.files) == 1


async def test_of_a_conversation_that_another_model_answers_some_beginning_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path) as (llm, _, server):
        judge, messages, shown = LocalTextEndOfTurn(llm, answers=False), [], []
        for turn in range(1, 12):
            messages.append(Message(Role.USER, f"question {turn}", turn))
            await judge.probability(replace(prompt("", Urgency.FINAL), messages=tuple(messages)))
            messages.append(Message(Role.ASSISTANT, f"answer {turn}", turn))
            shown.append(str(server.asked[-1]["prompt"]))
        grew = [later.startswith(earlier) for earlier, later in zip(shown, shown[1:], strict=False)]
        assert grew.count(False) == 2
        assert all(f"answer {turn - 1}" in text for turn, text in enumerate(shown, 1) if turn > 1)
        assert len(shown[-1]) < len(shown[4])
