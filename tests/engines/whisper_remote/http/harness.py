"""What the tests of Whisper servers over HTTP say to them, and a server that answers bytes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from tests.fakes.script import Script
from tests.fakes.whisper_http import FakeWhisperHttp
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.engines.whisper_remote.stt import whisper_server
from voice_grpc.ports import Stt, SttOptions, Transcription

QUICK = Timeouts(connect=0.5, first=0.5, between=0.3)
ENGLISH = SttOptions(("en",))
SECRET = "hush-hush-key"


def hum(seconds: float = 1.0) -> Samples:
    samples: Samples = (np.sin(np.arange(round(seconds * RATE_HZ)) * 0.2) * 3_000).astype(np.int16)
    return samples


async def heard(stt: Stt, options: SttOptions = ENGLISH, samples: Samples | None = None) -> Transcription:
    """One utterance from beginning to end."""
    stream = stt.open(options)
    stream.feed(hum() if samples is None else samples)
    try:
        return await stream.final()
    finally:
        await stream.close()


@asynccontextmanager
async def talking(
    script: Script | None = None, *, engine: dict[str, Any] | None = None, path: str = "", **fake: Any
) -> AsyncIterator[tuple[FakeWhisperHttp, Stt]]:
    """A warm engine at a fake; `engine`: of `whisper_server`. What was asked until then is forgotten."""
    async with FakeWhisperHttp(script or Script(), **{"hear": "Hello there.", **fake}) as far:
        stt = whisper_server(far.url + path, **(engine or {}))
        try:
            await stt.warm()
            far.script.calls.clear()
            far.requests.clear()
            yield far, stt
        finally:
            await stt.close()


Answer = Callable[[int, asyncio.StreamWriter], Any]
"""To the n-th request on all connections, n from 0; may write, or hang up."""


@asynccontextmanager
async def answering(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server of bare sockets: what no framework would do can be done by it. Its URL."""
    count = 0
    serving: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        over = serving[writer] = asyncio.Event()
        try:
            while await _request(reader) and not writer.is_closing():
                count += 1
                if asyncio.iscoroutine(said := answer(count - 1, writer)):
                    await said
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer, over in serving.items():
            writer.transport.abort()
            await over.wait()


async def _request(reader: asyncio.StreamReader) -> bool:
    """One request, read whole. False: there is no other."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
    except asyncio.IncompleteReadError:
        return False
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length or 0))
    return True


def written(status: int, body: bytes, kind: str = "application/json", *more: str) -> bytes:
    """A whole answer."""
    head = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*head, "", ""]).encode() + body
