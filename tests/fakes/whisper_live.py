"""WhisperLive as its server behaves (collabora/WhisperLive `whisper_live/server.py`, `backend/base.py`).

A configuration as one text first and once, then sound as float32; passes over what is not settled, from
1.0 s on, over and over; the last segment revisable until more text follows it or it was the same ten times;
`END_OF_AUDIO` as bytes, and nothing is flushed there.
"""

import argparse
import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.fakes.command import run
from tests.fakes.script import HANG, Script, Seen, Trouble
from tests.fakes.spoken import Ear, Spoken

PASS_AT_LEAST = 1.0
"""Seconds that are not settled; less is not looked at."""
BEHIND = 0.3
"""Seconds of sound that follow a word before Whisper writes it."""
SEGMENT_WORDS = 5
SAME_OUTPUT = 10
"""So often the same, and a segment is completed."""
PASS_SECONDS = 0.01
WAIT_MINUTES = 8.25

NEEDED = {"uid", "language", "task", "model"}
"""Keys that the server reads without a default."""


class FakeWhisperLive:
    def __init__(
        self,
        script: Script | None = None,
        *,
        token: str = "",
        max_clients: int = 4,
        spoken: Spoken = Spoken(),  # noqa: B008 - frozen
        lasts: float = 600.0,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`lasts`: seconds after which a client is disconnected."""
        self.script = script or Script()
        self.port, self._tls = port, tls
        self.spoken, self.lasts = spoken, lasts
        self.ears: list[Ear] = []
        """One a client."""
        self.repeated = asyncio.Event()
        """Something was completed because it was told again and again."""
        self._token, self._max_clients = token, max_clients
        self._clients = 0
        self._troubles: dict[ServerConnection, Trouble] = {}

    @property
    def url(self) -> str:
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "FakeWhisperLive":
        self._server = await serve(
            self._connection,
            "127.0.0.1",
            self.port,
            process_request=self._admit,
            compression=None,
            ssl=self._tls,
            close_timeout=0.5,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self._troubles[connection] = trouble = self.script.next_trouble()
        is_known = not self._token or request.headers.get("Authorization") == f"Bearer {self._token}"
        if is_known and trouble is not Trouble.DENIED:
            return None
        del self._troubles[connection]
        with self.script.call("credentials") as seen:
            seen.end = "refused"
        return connection.respond(HTTPStatus.UNAUTHORIZED, "Unauthorized\n")

    async def _connection(self, socket: ServerConnection) -> None:
        trouble = self._troubles.pop(socket)
        try:
            options = json.loads(await socket.recv())
        except ConnectionClosed:
            return
        self._clients += 1
        try:
            with self.script.call(options) as seen:
                await _Client(self, socket, options, seen, trouble).run(self._clients > self._max_clients)
        except ConnectionClosed:
            pass
        finally:
            self._clients -= 1


class _Client:
    def __init__(
        self,
        fake: FakeWhisperLive,
        socket: ServerConnection,
        options: dict[str, Any],
        seen: Seen,
        trouble: Trouble,
    ) -> None:
        self._fake, self._socket, self._options, self._seen = fake, socket, options, seen
        self._trouble = trouble
        self._ear = Ear(fake.spoken)
        fake.ears.append(self._ear)
        self._enough = asyncio.Event()
        """To begin with."""
        self._completed: list[dict[str, object]] = []
        self._settled = 0
        """Words in completed segments."""
        self._offset = 0.0
        """Seconds that are settled."""
        self._same = 0
        self._shown = ""

    async def run(self, is_full: bool) -> None:
        if is_full or self._trouble is Trouble.QUOTA:
            await self._refuse({"status": "WAIT", "message": WAIT_MINUTES})
        elif not self._options.keys() >= NEEDED or self._options["task"] not in ("transcribe", "translate"):
            await self._refuse({"status": "ERROR", "message": "bad options"})
        elif self._trouble in (Trouble.ERROR_FIRST, Trouble.BLOCKED):
            await self._refuse(
                {"status": "ERROR", "message": f"Failed to load model: {self._options['model']}"}
            )
        elif self._trouble is Trouble.STALL_FIRST:
            await self._receive()
        else:
            await self._say({"message": "SERVER_READY", "backend": "faster_whisper"})
            async with asyncio.TaskGroup() as tasks:
                passes = tasks.create_task(self._passes())
                try:
                    async with asyncio.timeout(self._fake.lasts):
                        await self._receive()
                except TimeoutError:
                    await self._say({"message": "DISCONNECT"})
                finally:
                    passes.cancel()

    async def _receive(self) -> None:
        """Sound until `END_OF_AUDIO` or the caller hangs up; what is neither breaks the server's handler."""
        while (message := await self._next()) != b"END_OF_AUDIO":
            if isinstance(message, str) or len(message) % 4:
                return await self._break(f"not float32: {len(message)} of {type(message).__name__}")
            floats = np.frombuffer(message, "<f4")
            if not np.isfinite(floats).all() or np.abs(floats).max(initial=0.0) > 1.0:
                return await self._break("float32 out of range")
            self._ear.hear(floats)
            if self._ear.received >= PASS_AT_LEAST:
                self._enough.set()
        return None

    async def _next(self) -> bytes | str:
        try:
            return await self._socket.recv()
        except ConnectionClosed:
            self._seen.end = "gone"
            return b"END_OF_AUDIO"

    async def _break(self, why: str) -> None:
        self._seen.end = "refused"
        await self._socket.close(1011, why)

    async def _refuse(self, message: dict[str, object]) -> None:
        self._seen.end = "refused"
        await self._say(message)
        await self._socket.close()

    async def _say(self, message: dict[str, object]) -> None:
        await self._socket.send(json.dumps({"uid": self._options["uid"], **message}))

    # ------------------------------------------------------------ passes over the sound

    async def _passes(self) -> None:
        try:
            await self._enough.wait()
            await asyncio.sleep(self._seen.first)
            if self._options["language"] is None:
                await self._say({"language": "en", "language_prob": 0.98})
            if self._trouble is Trouble.EMPTY:
                await asyncio.sleep(HANG)
            while True:
                is_enough = self._ear.received - self._offset >= PASS_AT_LEAST
                segments = self._pass() if is_enough else []
                await asyncio.sleep(self._fake.script.between or PASS_SECONDS)
                if segments:  # of what was there when the pass began
                    await self._say({"segments": segments})
                    self._seen.parts += 1
                    await self._go_wrong()
        except ConnectionClosed:
            pass

    async def _go_wrong(self) -> None:
        if self._trouble is Trouble.ERROR_MIDDLE:
            await self._say({"status": "ERROR", "message": "CUDA out of memory"})
            await self._socket.close()
        elif self._trouble is Trouble.CUT:
            self._socket.transport.abort()
        elif self._trouble is Trouble.STALL_MIDDLE:
            await asyncio.sleep(HANG)

    def _pass(self) -> list[dict[str, object]]:
        """What is told: the last completed segments and the revisable one; nothing when there is no speech
        in what is left."""
        words = self._ear.text(self._settled, behind=BEHIND).split()
        if not words:
            return []
        while len(words) > SEGMENT_WORDS:
            self._complete(words[:SEGMENT_WORDS])
            words = words[SEGMENT_WORDS:]
        text = " ".join(words)
        self._same, self._shown = (self._same + 1 if text == self._shown else 0), text
        if self._same > SAME_OUTPUT:
            self._complete(words)
            self._fake.repeated.set()
            return self._last()
        return [*self._last(), self._segment(words, is_completed=False)]

    def _last(self) -> list[dict[str, object]]:
        return self._completed[-int(self._options.get("send_last_n_segments", 10)) :]

    def _complete(self, words: list[str]) -> None:
        self._completed.append(self._segment(words, is_completed=True))
        self._settled += len(words)
        self._offset = self._ear.ends[self._settled - 1]

    def _segment(self, words: list[str], *, is_completed: bool) -> dict[str, object]:
        end = self._ear.ends[self._settled + len(words) - 1]
        times = {"start": f"{self._offset:.3f}", "end": f"{end:.3f}"}
        return {**times, "text": f" {' '.join(words)}", "completed": is_completed}


@asynccontextmanager
async def _open(script: Script, options: argparse.Namespace) -> AsyncIterator[FakeWhisperLive]:
    async with FakeWhisperLive(script, port=options.port) as fake:
        yield fake


if __name__ == "__main__":
    run("A WhisperLive server.", _open)
