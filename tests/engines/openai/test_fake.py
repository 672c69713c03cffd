"""The fake server as a program of its own: configured as the real thing is, tried without a cloud."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.fakes.openai_llm import STYLES
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import EngineQuota
from voice_grpc.engines.openai.llm import OpenAiLlm
from voice_grpc.ports import CallRequest, Prompt, TextDelta


@pytest.mark.parametrize("style", STYLES[1:2])
async def test_it_serves_from_the_command_line(style: str, tmp_path: Path) -> None:
    journal = tmp_path / "calls.jsonl"
    flags = ["--style", style, "--key", "k", "--text", "Hello there.", "--trouble", "quota"]
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "tests.fakes.openai_llm",
            "--profile",
            "5/0",
            *flags,
            "--journal",
            str(journal),
        ),
        stdout=PIPE,
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        assert line.startswith("listening on http://127.0.0.1:")
        llm = OpenAiLlm(line.split()[-1], "k")
        with pytest.raises(EngineQuota):
            await llm.warm()
        async with aclosing(llm.stream(Prompt("", (Message(Role.USER, "Hi.", 1),)))) as items:
            said = [item async for item in items]
        await llm.close()
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0
    assert said[:2] == [TextDelta("Hello"), TextDelta(" there.")]
    assert not [item for item in said if isinstance(item, CallRequest)]
    ends = [json.loads(line)["end"] for line in journal.read_text().splitlines()]
    assert ends == ["refused", "done"]
    assert '"k"' not in journal.read_text()
