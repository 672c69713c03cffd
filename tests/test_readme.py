"""The README says what is so: its tables and lines come from the code, or run."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import gateway.settings as gateway
import voice_grpc.settings.command_line as serve
from voice_grpc.net.command_line import CommandLine

from .client import test_other_tools as tools
from .serving import serving

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def settings_table(command_line: CommandLine[Any]) -> str:
    rows = ["| variable | flag | default | |", "|---|---|---|---|"]
    for names in command_line.groups.values():
        for name in names:
            field = command_line.kind.model_fields[name]
            is_plain = isinstance(field.default, bool | int | float | str)
            default = field.default if is_plain else ""
            shown = {True: "on", False: "off"}.get(default, default) if isinstance(default, bool) else default
            flag = "--" + name.replace("_", "-")
            shown = f"{shown:g}" if isinstance(shown, int | float) else shown
            rows.append(f"| `{command_line.variable(name)}` | `{flag}` | {shown} | {field.description} |")
    return "\n".join(rows)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("command_line", [serve.COMMAND_LINE, gateway.COMMAND_LINE], ids=["serve", "gateway"])
def test_the_table_of_settings_is_the_settings(command_line: CommandLine[Any]) -> None:
    assert settings_table(command_line) in README


@pytest.mark.parametrize(
    "line",
    [tools.BUF_LIST, tools.BUF_INFO, tools.BUF_CONVERSE, tools.GRPCURL_LIST, tools.GRPCURL_DESCRIBE]
    + [tools.GRPCURL_INFO, tools.GRPCURL_CONVERSE],
)
def test_the_lines_for_tools_are_those_that_are_tested(line: str) -> None:
    assert line in README


def test_every_make_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]+)\b", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_file_that_is_named_is_there() -> None:
    for name in re.findall(r"`((?:voice_grpc|protos|tests|clients|gateway)[/\w.-]*)`", README):
        if not any(mark in name for mark in ("voice_grpc.", "voice_grpc_")):
            assert (ROOT / name).exists(), name


async def test_the_python_client_runs_as_it_stands() -> None:
    (code,) = [block for block in blocks("python") if "Call.open" in block]
    async with serving() as served:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code.replace("127.0.0.1:50051", served.target),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(20):
            said, error = await process.communicate()
    assert (process.returncode, said.decode()) == (0, "Sure thing."), error.decode()


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
