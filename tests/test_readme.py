"""The README and the pages beside it say what is so: their tables and lines come from the code, or run."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

import gateway.settings as gateway
import voice_grpc.settings.command_line as serve
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.process.command_line import CommandLine
from voice_grpc.telemetry.instruments import instruments

from .client import test_other_tools as tools
from .pages import PAGES, ROOT, anchors, blocks, links, page
from .serving import serving

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


def metrics_table() -> str:
    rows = ["| metric | unit | labels | |", "|---|---|---|---|"]
    for each in instruments():
        labels = ", ".join(f"`{label}`" for label in each.labels)
        rows.append(f"| `{each.name}` ({each.kind.value}) | `{each.unit}` | {labels} | {each.about}. |")
    return "\n".join(rows)


@pytest.mark.parametrize("command_line", [serve.COMMAND_LINE, gateway.COMMAND_LINE], ids=["serve", "gateway"])
def test_the_table_of_settings_is_the_settings(command_line: CommandLine[Any]) -> None:
    assert settings_table(command_line) in page("settings")


def test_the_table_of_metrics_is_the_metrics() -> None:
    assert metrics_table() in page("observing")


def test_the_table_of_attributes_is_what_spans_say_of_engines() -> None:
    pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")
    from voice_grpc.telemetry import engine_attributes

    table = page("observing").partition("| attribute | of | |")[2].partition("\n\n")[0]
    told = {name for row in table.splitlines() for name in re.findall(r"`([\w.]+)`", row.split(" | ")[0])}
    constants = [value for name, value in vars(engine_attributes).items() if name.isupper()]
    assert told == {each for each in constants if isinstance(each, str) and "." in each}


@pytest.mark.parametrize(
    "line",
    [tools.BUF_LIST, tools.BUF_INFO, tools.BUF_CONVERSE, tools.GRPCURL_LIST, tools.GRPCURL_DESCRIBE]
    + [tools.GRPCURL_INFO, tools.GRPCURL_CONVERSE],
)
def test_the_lines_for_tools_are_those_that_are_tested(line: str) -> None:
    assert line in README


def test_every_make_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for path in PAGES:
        for target in re.findall(r"(?:`|^)(?:\w+=\S+ )?make ([a-z]+)\b", path.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{path.name}: {target}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(path: Path) -> None:
    for name in re.findall(r"`((?:voice_grpc|protos|tests|clients|gateway)[/\w.-]*)`", path.read_text()):
        if not any(mark in name for mark in ("voice_grpc.", "voice_grpc_")):
            assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in links(path.read_text()):
        if re.match("https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link).resolve() for link in links(README)}
    assert {path for path in PAGES if path.name != "README.md" or path.parent != ROOT} <= linked


async def test_the_python_client_runs_as_it_stands() -> None:
    (code,) = [block for block in blocks(README, "python") if "Call.open" in block]
    async with serving() as served:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code.replace("127.0.0.1:50051", served.target),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            said, error = await process.communicate()
    assert (process.returncode, said.decode()) == (0, "Sure thing."), error.decode()


async def test_a_token_that_is_minted_as_it_says_is_let_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = page("access")
    (code,) = [block for block in blocks(access, "python") if "def token_for" in block]
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {}
    await asyncio.to_thread(exec, code, made)
    (line,) = [line for line in access.splitlines() if line.startswith("voice-grpc serve --jwt-jwks")]
    settings = await asyncio.to_thread(serve.COMMAND_LINE.parse, line.split()[2:])
    given = {name: getattr(settings, name) for name in ("jwt_jwks", "jwt_issuer", "jwt_audience")}
    async with serving(**given) as served:
        await served.assert_serves((("authorization", f"Bearer {made['token_for']('ann')}"),))
        with pytest.raises(grpc.aio.AioRpcError, match="no credentials"):
            await served.stub.ListVoices(pb.ListVoicesRequest())


def test_nothing_is_left_to_fill_in() -> None:
    assert not [path.name for path in PAGES if "@@" in path.read_text()]
