"""`voice-grpc sessions`: the conversations that a server keeps, listed, shown as heard, exported and erased.

Whose they are, and who may see them, is for the server to say: one's own, and with the scope `admin`
everybody's. What people said is printed without the control characters in it: a terminal would obey them.
"""

import argparse
import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp

from voice_grpc.client import Access, CallFailed, connect, failures, reach
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub

from .options import checked_token, is_utf8, server_arguments

if TYPE_CHECKING:
    from voice_grpc.pb.voice_pb2_grpc import VoiceServiceAsyncStub

OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130

ANSWER_SECONDS = 10.0
PAGE = 200
"""The most that a server gives at once."""

_SPEAKERS = {
    pb.SessionMessage.ROLE_USER: "you",
    pb.SessionMessage.ROLE_ASSISTANT: "answer",
    pb.SessionMessage.ROLE_TOOLS: "tools",
}
_CUT = {
    pb.SessionMessage.HEARD_CLIENT_REPORTED: "✂ heard so far, as the client reported",
    pb.SessionMessage.HEARD_SERVER_ESTIMATED: "✂ heard so far, by the server's clock",
}

_EPILOG = """\
The server says who may see what: everybody their own, who has the scope admin everybody's.

exit code: 0 done · 1 there is no such conversation, it is somebody else's, or the server did not do it ·
2 the command line is wrong, or nobody was there to ask · 130 Ctrl-C
"""


@dataclass(slots=True)
class SessionsOptions:
    action: str
    target: str
    token: str
    tls: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    id: list[str] = field(default_factory=list)
    owner: str | None = None
    most: int | None = None
    json: bool = False
    yes: bool = False

    @property
    def access(self) -> Access:
        return Access(self.token, self.ca, self.cert, self.key, self.tls)


class NotAsked(Exception):
    """Nobody was there to say yes, or somebody said no."""


def command(argv: list[str]) -> int:
    """Returns the exit code; what went wrong is one line on standard error."""
    options = parse(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # JSON is UTF-8 (RFC 8259 §8.1)
    try:
        return asyncio.run(_run(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except NotAsked as refusal:
        return _said(str(refusal), REFUSED)
    except CallFailed as failure:
        return _said(str(failure), FAILED)


def parse(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> SessionsOptions:
    """Wrong arguments end the program with code 2 and a line, as argparse does."""
    environment = os.environ if environment is None else environment
    parser = argparse.ArgumentParser(
        prog="voice-grpc sessions",
        description="The conversations that a server keeps.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|export|delete")
    told = {
        "list": "the last used first: id, owner, when, turns, persona",
        "show": "what was said, and of answers what was heard",
        "export": "the same as JSON (voice.v1.Session) on standard output",
        "delete": "erase them for good; an open one ends",
    }
    for name, about in told.items():
        action = actions.add_parser(name, help=about, description=about, epilog=_EPILOG, allow_abbrev=False)
        action.formatter_class = argparse.RawDescriptionHelpFormatter
        _add_arguments(action, name)
        server_arguments(action.add_argument_group("the server"), environment)
    options = SessionsOptions(**vars(parser.parse_args(argv)))
    options.token = checked_token(parser, options.token)
    for what, texts in (("ID", options.id), ("--owner", [options.owner or ""])):
        for text in texts:
            if not is_utf8(text):
                parser.error(f"{what}: got {text!r}, accepted: text in UTF-8")
    if options.most is not None and options.most < 1:
        parser.error(f"--most: got {options.most}, accepted: a whole number from 1 on")
    return options


def _add_arguments(action: argparse.ArgumentParser, name: str) -> None:
    if name == "list":
        action.add_argument("--owner", help="whose; default: yours, with the scope admin everybody's")
        action.add_argument("--most", type=int, metavar="N", help="no more than so many; default: all")
        action.add_argument("--json", action="store_true", help="a JSON object a line")
        return
    nargs = "+" if name == "delete" else 1
    action.add_argument("id", nargs=nargs, metavar="ID", help="of a conversation, as list tells it")
    if name == "delete":
        action.add_argument("--yes", action="store_true", help="do not ask")


async def _run(options: SessionsOptions) -> int:
    if options.action == "delete" and not options.yes:
        _ask(options.id)
    async with connect(options.target, options.access) as channel:
        await reach(channel, options.target, options.access)
        stub: VoiceServiceAsyncStub = VoiceServiceStub(channel)
        match options.action:
            case "list":
                await _list(stub, options)
            case "show":
                _show(await _session(stub, options))
            case "export":
                print(_as_json(await _session(stub, options), indent=2))
            case "delete":
                return await _delete(stub, options)
    return OK


def _ask(ids: list[str]) -> None:
    """Raises `NotAsked` unless the answer is yes."""
    if not sys.stdin.isatty():
        raise NotAsked("nothing was deleted: there is no terminal to ask at; --yes deletes without asking")
    what = printable(ids[0]) if len(ids) == 1 else f"{len(ids)} conversations"
    print(f"delete {what} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotAsked("nothing was deleted")


async def _sessions(stub: "VoiceServiceAsyncStub", options: SessionsOptions) -> AsyncIterator[pb.Session]:
    request = pb.ListSessionsRequest(page_size=min(options.most or PAGE, PAGE), owner=options.owner)
    count = 0
    while True:
        with failures():
            page = await stub.ListSessions(request, metadata=options.access.metadata, timeout=ANSWER_SECONDS)
        for session in page.sessions:
            if options.most is not None and count >= options.most:
                return
            count += 1
            yield session
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


async def _list(stub: "VoiceServiceAsyncStub", options: SessionsOptions) -> None:
    row = "{:<26}  {:<20}  {:<16}  {:>5}  {:<12}  {}"
    is_first = True
    async for session in _sessions(stub, options):
        if options.json:
            print(_as_json(session))
            continue
        if is_first:
            print(row.format("session", "owner", "last used (UTC)", "turns", "persona", "").rstrip())
        is_first = False
        names = map(printable, (session.session_id, session.owner or "–"))
        told = (_minute(session.update_time), session.last_turn, printable(session.persona_id))
        print(row.format(*names, *told, "open" if session.is_live else "").rstrip())
    if is_first and not options.json:
        print("no conversations", file=sys.stderr)


async def _session(stub: "VoiceServiceAsyncStub", options: SessionsOptions) -> pb.Session:
    request = pb.GetSessionRequest(session_id=options.id[0])
    with failures():
        answer = await stub.GetSession(request, metadata=options.access.metadata, timeout=ANSWER_SECONDS)
    return answer.session


def _show(session: pb.Session) -> None:
    facts = [
        f"session {printable(session.session_id)}",
        *([f"owner {printable(session.owner)}"] if session.owner else []),
        f"persona {printable(session.persona_id)}",
        f"{_minute(session.create_time)} to {_minute(session.update_time)} UTC",
        *(["open"] if session.is_live else []),
    ]
    print(" · ".join(facts))
    for message in session.messages:
        speaker = _SPEAKERS.get(message.role, "somebody")
        if message.text or not message.tool_uses:
            print(f"{message.turn:>4} {speaker:>6} ▸ {printable(message.text)}")
        for use in message.tool_uses:
            given, result = (_in_line(MessageToDict(each)) for each in (use.arguments, use.result))
            print(f"{message.turn:>4} {speaker:>6} ▸ {printable(use.name)}({given}) → {result}")
        if message.heard in _CUT:
            print(f"{'':>11}   {_CUT[message.heard]}")


async def _delete(stub: "VoiceServiceAsyncStub", options: SessionsOptions) -> int:
    """All that can be, whatever becomes of one."""
    code = OK
    for id in options.id:
        request = pb.DeleteSessionRequest(session_id=id)
        try:
            with failures():
                await stub.DeleteSession(request, metadata=options.access.metadata, timeout=ANSWER_SECONDS)
        except CallFailed as failure:
            code = _said(f"{printable(id)}: {failure}", FAILED)
        else:
            print(f"deleted {printable(id)}")
    return code


def printable(text: str) -> str:
    """In one line, and nothing in it that a terminal obeys."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in " ".join(text.split()))


def _in_line(value: object) -> str:
    return printable(json.dumps(value, ensure_ascii=False))


def _as_json(session: pb.Session, indent: int | None = None) -> str:
    told = MessageToDict(session, always_print_fields_with_no_presence=indent is not None)
    return json.dumps(told, ensure_ascii=False, indent=indent)


def _minute(time: Timestamp) -> str:
    return f"{time.ToDatetime():%Y-%m-%d %H:%M}"


def _said(text: str, code: int) -> int:
    print(f"voice-grpc sessions: {text}", file=sys.stderr)
    return code
