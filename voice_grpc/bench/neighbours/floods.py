"""The floods that a caller can make, until SIGTERM.

    python -m voice_grpc.bench.neighbours.floods KIND HOST:PORT TOKEN

Each sends as fast as it is let, and calls again whenever it is refused or ended, with a short breath between,
as an eager client does.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from itertools import cycle
from typing import TypeAlias

import grpc.aio

from ...client import Access, Call, CallFailed, connect
from ...client.call import Payload
from ...core.audio import RATE_HZ
from ...pb import voice_pb2 as pb
from ...pb.voice_pb2_grpc import VoiceServiceStub
from ...process.child_process import LISTENING
from ..aloud import QUESTIONS, ask_aloud, spoken, trimmed
from ..load import SILENCE, TONE

log = logging.getLogger(__name__)

CALLS = 4
"""Conversations, or calls that are made over and over, at once."""

UNREAD = 240
"""Calls that nobody reads."""

BREATH = 0.05
"""Seconds between a call that was refused, or ended, and the next."""

LONG_TEXT = "This is a sentence that is said again and again. " * 90
"""About 4,500 characters, of the 8,000 that Synthesize takes."""

Flood: TypeAlias = Callable[[grpc.aio.Channel, Access], Awaitable[None]]


async def sound(channel: grpc.aio.Channel, access: Access) -> None:
    """Speech and silence by turns."""
    frames = (*(TONE,) * 50, *(SILENCE,) * 50)
    await _converse(channel, access, [pb.AudioInput(data=frame) for frame in frames])


async def text(channel: grpc.aio.Channel, access: Access) -> None:
    await _converse(channel, access, [pb.TextInput(text="and another thing " * 800)])


async def pings(channel: grpc.aio.Channel, access: Access) -> None:
    await _converse(channel, access, [pb.Ping(id=1)])


async def updates(channel: grpc.aio.Channel, access: Access) -> None:
    config = pb.SessionConfig(instructions="Be brief. " * 700)
    await _converse(channel, access, [pb.ConfigUpdate(config=config)])


async def _converse(channel: grpc.aio.Channel, access: Access, payloads: Sequence[Payload]) -> None:
    """A conversation in which they are sent over and over, as fast as they are taken, and what comes back is
    read. Raises `CallFailed` when it is ended."""
    config = pb.SessionConfig(greeting="")
    async with Call.open(channel, config, access, reconnect_within=0.0) as call, asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(_send(call, payloads), name="send")
        try:
            async for _ in call:
                pass
        finally:
            sending.cancel()


async def _send(call: Call, payloads: Sequence[Payload]) -> None:
    for payload in cycle(payloads):
        await call.send(payload)


async def configs(channel: grpc.aio.Channel, access: Access) -> None:
    """New conversations, each given up once it has begun."""
    async with Call.open(channel, pb.SessionConfig(greeting=""), access, reconnect_within=0.0):
        return


async def synthesis(channel: grpc.aio.Channel, access: Access) -> None:
    """Sound that is asked for and not read."""
    request = pb.SynthesizeRequest(text=LONG_TEXT)
    call = VoiceServiceStub(channel).Synthesize(request, metadata=access.metadata)
    try:
        await call.wait_for_connection()
        await asyncio.Event().wait()
    finally:
        call.cancel()


async def transcription(channel: grpc.aio.Channel, access: Access) -> None:
    """Recordings, as fast as they are taken."""

    await _transcribe(channel, access, (*(TONE,) * 50, *(SILENCE,) * 50))


async def speech(channel: grpc.aio.Channel, access: Access) -> None:
    """The same, of a voice that reads a long text."""
    sound = (await spoken(channel, access, LONG_TEXT[:500])).tobytes()
    step = 2 * RATE_HZ  # a second
    await _transcribe(channel, access, [sound[at : at + step] for at in range(0, len(sound), step)])


async def _transcribe(channel: grpc.aio.Channel, access: Access, pieces: Sequence[bytes]) -> None:
    async def requests() -> AsyncIterator[pb.TranscribeRequest]:
        yield pb.TranscribeRequest(config=pb.TranscribeConfig(language_codes=["en"]))
        for data in cycle(pieces):
            yield pb.TranscribeRequest(audio=pb.AudioInput(data=data))

    call = VoiceServiceStub(channel).Transcribe(requests(), metadata=access.metadata)
    try:
        async for _ in call:
            pass
    finally:
        call.cancel()


async def voices(channel: grpc.aio.Channel, access: Access) -> None:
    """Sound that is asked for and read."""
    await spoken(channel, access, LONG_TEXT)


async def talkers(channel: grpc.aio.Channel, access: Access) -> None:
    """Who ask questions aloud, and hear the answers out."""
    questions = [trimmed(await spoken(channel, access, text)) for text in QUESTIONS]
    while True:
        await ask_aloud(channel, questions, access)


FLOODS: Mapping[str, tuple[int, Flood]] = {
    "sound": (CALLS, sound),
    "text": (CALLS, text),
    "pings": (CALLS, pings),
    "updates": (CALLS, updates),
    "configs": (CALLS, configs),
    "unread": (UNREAD, synthesis),
    "recordings": (CALLS, transcription),
}
"""By name: how many at once, and what each does."""

WITH_WORDS: Mapping[str, tuple[int, Flood]] = {
    "speech": (CALLS, speech),
    "voices": (CALLS, voices),
    "talkers": (CALLS, talkers),
}
"""The same, for engines that hear and speak."""


async def eager(flood: Flood, channel: grpc.aio.Channel, access: Access) -> None:
    while True:
        try:
            await flood(channel, access)
        except* (CallFailed, grpc.aio.AioRpcError) as refused:
            log.debug("%s", refused.exceptions[0])
        await asyncio.sleep(BREATH)


async def flood(kind: str, target: str, token: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    count, each = {**FLOODS, **WITH_WORDS}[kind]
    channels = [connect(target) for _ in range(CALLS)]
    async with asyncio.TaskGroup() as tasks:
        at_work = [
            tasks.create_task(eager(each, channels[n % CALLS], Access(token)), name=f"{kind}-{n}")
            for n in range(count)
        ]
        print(f"{LISTENING}nothing", flush=True)
        await stop.wait()
        for task in at_work:
            task.cancel()
    for channel in channels:
        await channel.close()


if __name__ == "__main__":
    os.nice(19)
    asyncio.run(flood(*sys.argv[1:]))
