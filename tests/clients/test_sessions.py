"""`voice-grpc sessions`: what it prints of a server's conversations, what it erases, and its exit codes."""

import asyncio
import json
import os
import pty
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clients.sessions import printable
from tests.serving import Served, serving
from tests.store.conversations import put
from voice_grpc.core.conversation import Heard, Message, Role
from voice_grpc.core.tools import ToolUse
from voice_grpc.ports import SavedSession

from ..rpc.test_token_file import line
from .program import ROOT, Ended, run

SAID = (
    Message(Role.USER, "Wie ist das Wetter in Köln?\x1b[31m", 1),
    Message(Role.TOOLS, "", 1, uses=(ToolUse("c", "weather", '{"city": "Köln"}', '{"sky": "grey"}'),)),
    Message(Role.ASSISTANT, "It is grey and", 1, Heard.REPORTED),
    Message(Role.USER, "Thanks.", 2),
    Message(Role.ASSISTANT, "You are welcome.", 2),
)


def saved(id: str, owner: str, updated_at: float) -> SavedSession:
    return SavedSession(id, owner, 86_400.0, updated_at, 2, "default", "de-DE", SAID)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """With Ann, Bob and an administrator."""
    file = tmp_path / "tokens"
    file.write_text("\n".join([line("ann", "hers"), line("bob", "his"), f"{line('root', 'top')}:admin"]))
    async with serving(token_file=str(file)) as server:
        await put(server.store, saved("a-1", "name:ann", 90_000.0))
        await put(server.store, saved("a-2", "name:ann", 93_600.0))
        await put(server.store, saved("b-1", "name:bob", 97_200.0))
        yield server


async def told(served: Served, token: str, *words: str) -> Ended:
    return await run("sessions", *words, "--target", served.target, environment={"VOICE_TOKEN": token})


async def test_list_is_ones_own_and_an_administrators_everybodys(served: Served) -> None:
    hers = await told(served, "hers", "list")
    assert (hers.code, hers.err) == (0, "")
    assert [each.split() for each in hers.out.splitlines()] == [
        ["session", "owner", "last", "used", "(UTC)", "turns", "persona"],
        ["a-2", "name:ann", "1970-01-02", "02:00", "2", "default"],
        ["a-1", "name:ann", "1970-01-02", "01:00", "2", "default"],
    ]
    everybodys = await told(served, "top", "list", "--json")
    rows = [json.loads(each) for each in everybodys.out.splitlines()]
    assert [(row["sessionId"], row["owner"]) for row in rows] == [
        ("b-1", "name:bob"), ("a-2", "name:ann"), ("a-1", "name:ann"),
    ]  # fmt: skip
    bobs = await told(served, "top", "list", "--owner", "name:bob")
    assert [each.split()[0] for each in bobs.out.splitlines()] == ["session", "b-1"]
    assert len((await told(served, "top", "list", "--most", "2", "--json")).out.splitlines()) == 2
    nobodys = await told(served, "top", "list", "--owner", "nobody")
    assert (nobodys.code, nobodys.out, nobodys.err) == (0, "", "no conversations\n")


async def test_a_list_of_more_pages_than_one(served: Served) -> None:
    for number in range(230):
        await put(served.store, saved(f"n-{number}", "name:bob", 100_000.0 + number))
    bobs = await told(served, "his", "list", "--json")
    assert len({json.loads(each)["sessionId"] for each in bobs.out.splitlines()}) == 231


async def test_show_tells_what_was_heard_and_obeys_nothing(served: Served) -> None:
    shown = await told(served, "hers", "show", "a-1")
    assert shown.code == 0
    assert shown.out.splitlines() == [
        "session a-1 · owner name:ann · persona default · 1970-01-02 00:00 to 1970-01-02 01:00 UTC",
        "   1    you ▸ Wie ist das Wetter in Köln?\\x1b[31m",
        '   1  tools ▸ weather({"city": "Köln"}) → {"sky": "grey"}',
        "   1 answer ▸ It is grey and",
        "              ✂ heard so far, as the client reported",
        "   2    you ▸ Thanks.",
        "   2 answer ▸ You are welcome.",
    ]


async def test_export_is_the_whole_as_json(served: Served) -> None:
    exported = await told(served, "top", "export", "b-1")
    told_all = json.loads(exported.out)
    assert (exported.code, told_all["sessionId"], told_all["owner"]) == (0, "b-1", "name:bob")
    assert [each["text"] for each in told_all["messages"]] == [message.text for message in SAID]
    assert told_all["messages"][1]["toolUses"][0]["result"] == {"sky": "grey"}


async def test_delete_with_yes_deletes_all_that_it_may(served: Served) -> None:
    deleted = await told(served, "hers", "delete", "a-1", "b-1", "none", "a-2", "--yes")
    assert (deleted.code, deleted.out) == (1, "deleted a-1\ndeleted a-2\n")
    first, second = deleted.err.splitlines()
    assert first.startswith("voice-grpc sessions: b-1: session 'b-1' belongs to somebody else")
    assert second == "voice-grpc sessions: none: no session 'none'"
    assert (await told(served, "top", "delete", "b-1", "--yes")).code == 0
    assert (await told(served, "top", "list")).err == "no conversations\n"


async def test_delete_without_a_terminal_and_without_yes_deletes_nothing(served: Served) -> None:
    refused = await told(served, "hers", "delete", "a-1")
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.complaint
    assert await served.store.load("a-1") is not None


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
async def test_delete_asks_at_a_terminal(answer: str, code: int, served: Served) -> None:
    ours, theirs = pty.openpty()
    words = "import sys; from clients.sessions import command; sys.exit(command(sys.argv[1:]))"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", words, "delete", "a-1", "--target", served.target, "--token", "hers"),
        stdin=theirs,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(theirs)
    assert process.stderr is not None
    asked = await process.stderr.readuntil(b"[y/N] ")
    assert asked == b"delete a-1 for good? [y/N] "
    os.write(ours, f"{answer}\n".encode())
    await process.communicate()
    os.close(ours)
    assert process.returncode == code
    assert (await served.store.load("a-1") is None) == (code == 0)


@pytest.mark.parametrize(
    ("token", "words", "code", "said"),
    [
        ("", ["list"], 1, "no credentials"),
        ("wrong", ["list"], 1, "not known here"),
        ("hers", ["list", "--owner", "name:bob"], 1, "lacks the scope admin"),
        ("hers", ["show", "b-1"], 1, "belongs to somebody else"),
        ("hers", ["export", "none"], 1, "no session 'none'"),
        ("hers", ["list", "--ca", "/nowhere.pem"], 1, "--ca: got '/nowhere.pem'"),
        ("hers", ["list", "--most", "0"], 2, "--most: got 0, accepted: a whole number from 1 on"),
        ("hers", ["show"], 2, "required: ID"),
        ("hers", [], 2, "required: list|show|export|delete"),
        ("hers", ["erase", "b-1"], 2, "invalid choice: 'erase'"),
        ("käse", ["list"], 2, "--token: got a secret"),
    ],
)
async def test_what_goes_wrong_is_told(
    token: str, words: list[str], code: int, said: str, served: Served
) -> None:
    arguments = [*words, "--target", served.target] if words else []
    failed = await run("sessions", *arguments, environment={"VOICE_TOKEN": token})
    assert (failed.code, failed.out) == (code, "")
    assert said in failed.err


async def test_nobody_is_there() -> None:
    failed = await run("sessions", "list", "--target", "127.0.0.1:1")
    assert failed.code == 1
    assert "no voice server answers at 127.0.0.1:1" in failed.complaint


def test_printable() -> None:
    assert printable("a\x1b[2J\n b\u202e") == "a\\x1b[2J b\\x202e"
