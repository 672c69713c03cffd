"""The realtime transcription sockets: vLLM, speaches, OpenAI now and in its beta (`realtime_session.py`)."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.fakes.command import parser, run
from tests.fakes.realtime_session import MODEL, RATES, Heard, Refused, Session
from tests.fakes.script import HANG, Script, Seen, Trouble
from tests.fakes.spoken import Spoken

MODELS = {"object": "list", "data": [{"id": "speaches-ai/Kokoro-82M"}, {"id": MODEL}]}
FAILED = Refused("server_error", "Transcription failed")
AT_FIRST = (Trouble.ERROR_FIRST, Trouble.BLOCKED)
TRANSCRIPTION = "conversation.item.input_audio_transcription"


class FakeRealtime:
    def __init__(
        self,
        script: Script | None = None,
        *,
        dialect: str = "openai",
        token: str = "",
        detects_turns: bool = False,
        fails_item: bool = False,
        spoken: Spoken = Spoken(),  # noqa: B008 - frozen
        port: int = 0,
    ) -> None:
        """`detects_turns`: whatever it is told; `fails_item`: an error is one of the piece."""
        self.script, self.dialect, self.spoken = script or Script(), dialect, spoken
        self.detects_turns, self.fails_item, self.port, self._token = detects_turns, fails_item, port, token
        self.sessions: list[Session] = []
        self._troubles: dict[ServerConnection, Trouble] = {}

    @property
    def url(self) -> str:
        query = "?intent=transcription" if self.dialect.startswith("openai") else ""
        return f"ws://127.0.0.1:{self.port}/v1/realtime{query}"

    async def __aenter__(self) -> "FakeRealtime":
        self._server = await serve(
            self._connection,
            "127.0.0.1",
            self.port,
            process_request=self._admit,
            compression=None,
            close_timeout=0.5,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        address = urlsplit(request.path)
        is_session = address.path == "/v1/realtime"
        trouble = self.script.next_trouble() if is_session else Trouble.NONE
        refusal = self._refusal(request, trouble)
        if refusal is not None:
            with self.script.call(address.path) as seen:
                seen.end = "refused"
            return connection.respond(refusal, refusal.phrase)
        if not is_session:
            return connection.respond(HTTPStatus.OK, json.dumps(MODELS))
        self._troubles[connection] = trouble
        return None

    def _refusal(self, request: Request, trouble: Trouble) -> HTTPStatus | None:
        address = urlsplit(request.path)
        is_known = not self._token or request.headers.get("Authorization") == f"Bearer {self._token}"
        if not is_known or trouble is Trouble.DENIED:
            return HTTPStatus.UNAUTHORIZED
        if trouble is Trouble.QUOTA:
            return HTTPStatus.TOO_MANY_REQUESTS
        if address.path not in ("/v1/realtime", "/v1/models"):
            return HTTPStatus.NOT_FOUND
        lacks = self.dialect == "speaches" and not parse_qs(address.query).keys() >= {"model", "intent"}
        return HTTPStatus.FORBIDDEN if lacks and address.path == "/v1/realtime" else None

    async def _connection(self, socket: ServerConnection) -> None:
        query = parse_qs(urlsplit(socket.request.path if socket.request else "").query)
        trouble = self._troubles.pop(socket)
        with self.script.call(query) as seen:
            self.sessions.append(session := Session(self.dialect, self.spoken, self.detects_turns))
            try:
                await _Conversation(self, socket, session, seen, trouble).run(query)
            except ConnectionClosed:
                seen.end = "gone"


class _Conversation:
    """What goes on on one connection, and what goes wrong."""

    def __init__(
        self, fake: FakeRealtime, socket: ServerConnection, session: Session, seen: Seen, trouble: Trouble
    ) -> None:
        self._fake, self._socket, self._session = fake, socket, session
        self._seen, self._trouble = seen, trouble
        self._told = 0
        """Characters of the buffer's text that were."""
        self._answers: set[asyncio.Task[None]] = set()
        self._order = asyncio.Lock()

    async def run(self, query: dict[str, list[str]]) -> None:
        if self._trouble is Trouble.STALL_FIRST:
            await self._socket.wait_closed()
            self._seen.end = "gone"
        elif self._session.dialect.startswith("openai") and "model" in query:
            reason = "You must not provide a model parameter for transcription sessions."
            await self._refuse(Refused("invalid_model", reason))
        else:
            await self._say(self._session.created())
            async with asyncio.TaskGroup() as tasks:
                await self._receive(tasks)
                for answer in self._answers:
                    answer.cancel()

    async def _receive(self, tasks: asyncio.TaskGroup) -> None:
        """Until the caller hangs up: `gone` when something was left to say or to hear."""
        try:
            async for message in self._socket:
                heard = self._session.take(json.loads(message))
                self._answers.add(answer := tasks.create_task(self._answer(heard)))
                answer.add_done_callback(self._answers.discard)
        except ConnectionClosed:
            pass
        except Refused as error:
            await self._refuse(error)
        except (ValueError, LookupError, TypeError) as error:
            await self._refuse(Refused("invalid_json", repr(error)))
        is_idle = not self._answers and not self._session.ear.received
        if self._seen.end == "open" and not is_idle:
            self._seen.end = "gone"

    async def _answer(self, heard: Heard | None) -> None:
        try:
            async with self._order:
                if heard is not None:
                    await (self._done(heard) if self._session.dialect == "vllm" else self._completed(heard))
                elif self._session.is_started:
                    await self._delta()
        except ConnectionClosed:
            pass

    # ------------------------------------------------------------ vLLM

    async def _delta(self) -> None:
        """New words, in the buffer's order."""
        if self._trouble in (Trouble.EMPTY, *AT_FIRST) or (self._told and self._is_stalled()):
            return
        text = self._session.text
        fresh, is_first = text[self._told :], not self._told
        if fresh:
            self._told = len(text)
            await asyncio.sleep(self._seen.first if is_first else self._fake.script.between)
            await self._part({"type": "transcription.delta", "delta": fresh})

    async def _done(self, heard: Heard) -> None:
        if self._is_stalled():
            await asyncio.sleep(HANG)
        await asyncio.sleep(0.0 if self._told else self._seen.first)
        self._told = 0
        if self._trouble in AT_FIRST:
            await self._refuse(FAILED)
        text = "" if self._trouble is Trouble.EMPTY else heard.text
        await self._part({"type": "transcription.done", "text": text, "usage": {}})

    def _is_stalled(self) -> bool:
        return self._trouble is Trouble.STALL_MIDDLE

    # ------------------------------------------------------------ the others

    async def _completed(self, heard: Heard) -> None:
        await self._say({"type": "input_audio_buffer.committed", "item_id": heard.item})
        await asyncio.sleep(self._seen.first)
        if self._trouble in AT_FIRST and self._fake.fails_item:
            error = {"type": "server_error", "message": "Transcription failed"}
            await self._say({"type": f"{TRANSCRIPTION}.failed", "item_id": heard.item, "error": error})
            await asyncio.sleep(HANG)
        elif self._trouble in AT_FIRST:
            await self._refuse(FAILED)
        text = "" if self._trouble is Trouble.EMPTY else heard.text
        head = text[: len(text) // 2]
        if self._session.dialect == "speaches":
            await self._go_wrong()
        else:
            for delta in (head, text[len(head) :]):
                await self._part({"type": f"{TRANSCRIPTION}.delta", "item_id": heard.item, "delta": delta})
        await self._part({"type": f"{TRANSCRIPTION}.completed", "item_id": heard.item, "transcript": text})

    # ------------------------------------------------------------ saying

    async def _part(self, event: dict[str, object]) -> None:
        await self._say(event)
        self._seen.parts += 1
        await self._go_wrong()

    async def _go_wrong(self) -> None:
        if self._trouble is Trouble.ERROR_MIDDLE:
            await self._refuse(FAILED)
        elif self._trouble is Trouble.CUT:
            self._socket.transport.abort()
        elif self._is_stalled():
            await asyncio.sleep(HANG)

    async def _refuse(self, error: Refused) -> None:
        """vLLM says an error as a text, the others as an object; OpenAI hangs up after some."""
        self._seen.end = "refused"
        if self._session.dialect == "vllm":
            await self._say({"type": "error", "error": str(error), "code": error.code})
        else:
            kind = "server_error" if error.code == "server_error" else "invalid_request_error"
            said = {"type": kind, "code": error.code, "message": str(error)}
            await self._say({"type": "error", "error": said})
        await self._socket.close()

    async def _say(self, event: dict[str, object]) -> None:
        await self._socket.send(json.dumps({"event_id": "event_1", **event}))


@asynccontextmanager
async def _open(script: Script, options: argparse.Namespace) -> AsyncIterator[FakeRealtime]:
    async with FakeRealtime(script, dialect=options.dialect, port=options.port) as fake:
        yield fake


if __name__ == "__main__":
    TITLE = "A realtime transcription socket."
    FLAGS = parser(TITLE)
    FLAGS.add_argument("--dialect", choices=sorted(RATES), default="openai")
    run(TITLE, _open, flags=FLAGS)
