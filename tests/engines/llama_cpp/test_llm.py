"""The fears: a slow second turn, a generation that nobody wants and that goes on, and noise on stderr.

Runs the smallest real model, once for the module: a base model, which continues a transcript.
"""

import asyncio
import importlib.util
import os
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
import pytest_asyncio

from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import EngineError, EngineMissing
from voice_grpc.engines.llama_cpp.llm import LocalLlm
from voice_grpc.engines.llama_cpp.server import AT_ONCE
from voice_grpc.model_files.cache import model_path
from voice_grpc.ports import Prompt, TextDelta, Usage

if importlib.util.find_spec("xllamacpp") is None and os.environ.get("REQUIRE_ALL") != "1":
    pytest.skip("needs the extra `local`", allow_module_level=True)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def llm() -> AsyncIterator[LocalLlm]:
    engine = LocalLlm("gemma")
    await engine.warm()
    yield engine
    await engine.close()
    with pytest.raises(EngineError, match="closed"):
        await answer(engine, "Hello.")


def prompt(*texts: str, max_tokens: int = 32) -> Prompt:
    """User and assistant take turns; the user speaks last."""
    speakers = (Role.USER, Role.ASSISTANT)
    messages = tuple(Message(speakers[i % 2], text, i // 2) for i, text in enumerate(texts))
    return Prompt("", messages, max_tokens=max_tokens, temperature=0.0)


async def heard(llm: LocalLlm, asked: Prompt) -> tuple[str, Usage | None]:
    text, usage = "", None
    async with aclosing(llm.stream(asked)) as items:
        async for item in items:
            assert usage is None, "usage comes last"
            if isinstance(item, TextDelta):
                text += item.text
            elif isinstance(item, Usage):
                usage = item
    return text, usage


def listening_sockets() -> set[str]:
    """This process's own, among the TCP sockets that listen."""
    own = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor that lists the others
            own.add(os.readlink(entry))
    tables = (Path(f"/proc/self/net/{name}").read_text() for name in ("tcp", "tcp6"))
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return {f"socket:[{row[9]}]" for row in rows if row[3] == "0A"} & own


async def answer(llm: LocalLlm, *texts: str) -> str:
    return (await heard(llm, prompt(*texts)))[0]


async def test_it_knows_what_small_models_know(llm: LocalLlm) -> None:
    assert "Paris" in await answer(llm, "What is the capital of France?")
    assert "honey" in await answer(llm, "What do bees make?")


async def test_it_remembers_a_name(llm: LocalLlm) -> None:
    asked = ("My name is Anna.", "Nice to meet you, Anna.", "What is my name?")
    assert "Anna" in await answer(llm, *asked)


async def test_it_remembers_what_was_asked(llm: LocalLlm) -> None:
    asked = ("What is the capital of Germany?", "The capital of Germany is Berlin.", "What did I just ask?")
    assert "Germany" in await answer(llm, *asked)


@pytest.mark.parametrize("question", ["Tell me a story.", "List ten animals.", "User: hello"])
async def test_an_answer_is_one_spoken_line(llm: LocalLlm, question: str) -> None:
    text, usage = await heard(llm, prompt(question, max_tokens=96))
    assert text == text.lstrip()
    assert text
    assert "\n" not in text
    assert "User:" not in text
    assert usage is None or usage.output_tokens <= 97


async def test_a_second_turn_computes_only_its_own_words(llm: LocalLlm) -> None:
    first = "Which ocean is the biggest one?"
    text, _ = await heard(llm, prompt(first))
    _, usage = await heard(llm, prompt(first, text, "How deep is it?"))
    assert usage is not None
    assert usage.input_tokens - usage.cached_tokens < 30


async def test_sessions_in_turn_keep_their_prefixes(llm: LocalLlm) -> None:
    """More sessions than slots, and still nobody computes the instructions or old turns again."""
    said: dict[int, list[str]] = {n: [] for n in range(6)}
    for question in ("My number is {}, what do you think of it?", "And what of twice {}?"):
        for n, texts in said.items():
            texts.append(question.format(n))
            text, usage = await heard(llm, prompt(*texts, max_tokens=16))
            texts.append(text)
            assert usage is not None
            assert usage.input_tokens - usage.cached_tokens < 60


async def test_who_begins_like_another_does_not_cost_them_their_prompt(llm: LocalLlm) -> None:
    texts: list[str] = []
    for question in ("What is the capital of France?", "And of Spain?", "And of Italy?", "And of Poland?"):
        texts += [question, (await heard(llm, prompt(*texts, question)))[0]]
    for _ in range(AT_ONCE + 1):
        await heard(llm, prompt(texts[0]))
    _, usage = await heard(llm, prompt(*texts, "And of Malta?"))
    assert usage is not None
    assert usage.input_tokens - usage.cached_tokens < 100


async def test_ten_at_once(llm: LocalLlm) -> None:
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(answer(llm, "What is the capital of France?")) for _ in range(10)]
    assert all("Paris" in task.result() for task in asking)
    assert llm.busy == 0


async def test_what_nobody_wants_ends_at_its_next_token(llm: LocalLlm) -> None:
    await answer(llm, "Hello.")
    threads = threading.active_count()
    long = prompt("Tell me a very long story.", max_tokens=96)
    for count in range(40):
        if count % 2:
            stream = llm.stream(long)
            await anext(stream)
            await stream.aclose()
        else:
            waiting = asyncio.get_running_loop().create_task(heard(llm, long))
            await asyncio.sleep(0)  # it has begun to wait for its first token
            waiting.cancel()
            await asyncio.wait([waiting])
            assert waiting.cancelled()
    assert "Paris" in await answer(llm, "What is the capital of France?")
    assert llm.busy == 0
    assert threading.active_count() <= threads + 3  # the pool may have grown to its full size


async def test_an_answer_that_was_dropped_leaves_its_slot_to_the_next_prompt(llm: LocalLlm) -> None:
    """Another slot would have to compute the whole conversation."""
    story = "The ferry to the island leaves at noon and comes back before sunset, every day but Monday. " * 8
    said = (story, "That is a fine ferry.")
    dropped = llm.stream(prompt(*said, "When does it leave?", max_tokens=96))
    await anext(dropped)
    await dropped.aclose()
    _, usage = await heard(llm, prompt(*said, "When does it come back?", max_tokens=4))
    assert usage is not None
    assert usage.input_tokens - usage.cached_tokens < 40


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs Linux")
async def test_no_port_is_open(llm: LocalLlm) -> None:
    assert llm.location == "in process"
    assert not listening_sockets()


async def test_it_is_quiet(llm: LocalLlm, capfd: pytest.CaptureFixture[str]) -> None:
    await answer(llm, "Good morning.")
    assert capfd.readouterr() == ("", "")


async def test_chat_messages_reach_a_model(capfd: pytest.CaptureFixture[str]) -> None:
    """Gemma is no model for chat, so only that words come, and the tokens are counted."""
    engine = LocalLlm("gemma", speaks_chat=True)
    try:
        await engine.warm()
        text, usage = await heard(engine, prompt("Hello.", max_tokens=8))
        assert text
        assert usage is not None
        assert usage.output_tokens <= 8
    finally:
        await engine.close()
    assert capfd.readouterr() == ("", "")


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="no model file .*gone.gguf"):
        await LocalLlm(tmp_path / "gone.gguf").warm()


async def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(EngineError, match="text.gguf is not a GGUF file"):
        await LocalLlm(tmp_path / "text.gguf").warm()


@pytest.fixture
def half_a_model(tmp_path: Path) -> Path:
    path = tmp_path / "half.gguf"
    with model_path("gemma").open("rb") as whole:
        path.write_bytes(whole.read(20_000_000))
    return path


async def test_half_a_file_is_named(half_a_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EngineError, match="cannot load .*half.gguf"):
        await LocalLlm(half_a_model).warm()
    assert capfd.readouterr() == ("", "")


async def test_an_engine_that_was_not_warmed_says_so() -> None:
    with pytest.raises(EngineError, match="never warmed"):
        await answer(LocalLlm(), "Hello.")
