"""A person at a microphone, with a keyboard: both are heard until the person or the server ends it.

Typed lines come without a thread, which would outlive the conversation.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator

from google.protobuf.field_mask_pb2 import FieldMask

from voice_grpc.pb import voice_pb2 as pb

from .conversation import Conversation
from .devices import Microphone
from .scripted_user import finish

COMMANDS = "/stop /pause /resume /stop-recording /quit"
END_WITHIN = 1.5
"""Seconds for the farewell after /quit."""


async def typed_lines() -> AsyncIterator[str]:
    """Each line of standard input, without its end. Never ends by itself: at the end of input it waits.

    That way a talk whose input is closed or a file goes on until it is stopped.
    """
    lines: asyncio.Queue[str] = asyncio.Queue()
    pending = bytearray()
    loop = asyncio.get_running_loop()
    fd = sys.stdin.fileno()

    def readable() -> None:
        data = os.read(fd, 4096)
        pending.extend(data)
        *whole, rest = pending.split(b"\n")
        pending[:] = rest
        for line in whole:
            lines.put_nowait(line.decode(errors="replace").rstrip("\r"))
        if not data:
            loop.remove_reader(fd)

    try:
        loop.add_reader(fd, readable)
    except OSError:  # epoll takes no ordinary file and no /dev/null; reading those never waits
        for line in sys.stdin:
            lines.put_nowait(line.rstrip("\r\n"))
    try:
        while True:
            yield await lines.get()
    finally:
        loop.remove_reader(fd)


class Talker:
    """What the person does: speaks, types, presses Enter."""

    def __init__(self, conversation: Conversation, microphone: Microphone, push_to_talk: bool) -> None:
        self._conversation = conversation
        self._microphone = microphone
        self._push_to_talk = push_to_talk
        self._is_heard = not push_to_talk

    async def speak(self) -> None:
        """Sends the microphone; with push to talk only between two presses of Enter. Until cancelled."""
        while True:
            frame, lossy = await self._microphone.read()
            if self._is_heard:
                await self._conversation.call.send(pb.AudioInput(data=frame, discontinuity=lossy))

    async def type(self, lines: AsyncIterator[str]) -> None:
        """Until /quit."""
        async for line in lines:
            if line.strip() == "/quit":
                break
            await self._obey(line.strip())

    async def _obey(self, line: str) -> None:
        call, screen = self._conversation.call, self._conversation.screen
        match line:
            case "":
                if self._push_to_talk:
                    await self._toggle()
            case "/stop":
                await self._conversation.stop()
            case "/pause" | "/resume":
                self._conversation.playout.pause(line == "/pause", time.monotonic())
                await call.send(pb.Pause() if line == "/pause" else pb.Resume())
                screen.line(f"       {'held; /resume goes on' if line == '/pause' else 'going on'}")
            case "/stop-recording":
                await call.send(pb.ConfigUpdate(update_mask=FieldMask(paths=["recording"])))
            case _ if line.startswith("/"):
                screen.line(f"       {line} is not known; there are {COMMANDS}")
            case _:
                screen.said(line)
                await call.send(pb.TextInput(text=line))

    async def _toggle(self) -> None:
        self._is_heard = not self._is_heard
        kind = pb.UserActivity.KIND_START if self._is_heard else pb.UserActivity.KIND_END
        await self._conversation.call.send(pb.UserActivity(kind=kind))
        hint = "listening; Enter when you are done" if self._is_heard else "…"
        self._conversation.screen.line(f"       {hint}")


async def hold(conversation: Conversation, microphone: Microphone, push_to_talk: bool) -> list[str]:
    """Until /quit or the end of the call; returns what went wrong."""
    talker = Talker(conversation, microphone, push_to_talk)
    async with asyncio.TaskGroup() as group:
        receiving = group.create_task(conversation.receive(), name="receive")
        typing = group.create_task(talker.type(typed_lines()), name="type")
        helping = [
            group.create_task(talker.speak(), name="speak"),
            group.create_task(conversation.report(), name="report"),
        ]
        await asyncio.wait([receiving, typing], return_when=asyncio.FIRST_COMPLETED)
        await finish(conversation, END_WITHIN)
        for task in (receiving, typing, *helping):
            task.cancel()
    return [str(conversation.failure)] if conversation.failure else []
