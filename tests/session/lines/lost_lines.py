"""A conversation whose lines are lost, on a loop of virtual time: on one server, and on the next one."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from voice_grpc.core import responses as o
from voice_grpc.core.config import SessionConfig
from voice_grpc.core.requests import ComeBack
from voice_grpc.core.resume_token import ResumeTokens
from voice_grpc.engines.scripted import Script
from voice_grpc.ports import Store
from voice_grpc.session.clock import loop_now
from voice_grpc.session.context import Shared
from voice_grpc.session.lines.lifetime import SessionLimits
from voice_grpc.session.memory import Memory
from voice_grpc.session.session import Session
from voice_grpc.store import MemoryStore

from ..harness import CONFIG, Client
from ..microphone import Action

M = TypeVar("M")

NUMBERS = count(1)
TOKENS = ResumeTokens(lambda id, owner: (f"{id} {next(NUMBERS)}", loop_now() + 120), 120.0)


@dataclass(slots=True)
class Caller(Client):
    """Keeps the number of each message too."""

    numbered: list[tuple[int, o.ConverseResponse]] = field(default_factory=list)
    error: BaseException | None = None
    """What its line ended of."""

    async def send(self, message: o.ConverseResponse, seq: int = 0) -> None:
        self.numbered.append((seq, message))
        await super(Caller, self).send(message, seq)

    def all(self, kind: type[M]) -> list[M]:
        return [message for _, message in self.said if isinstance(message, kind)]


@dataclass(slots=True)
class Served:
    """A conversation on one server, and its task."""

    session: Session
    life: asyncio.Task[None]
    tasks: asyncio.TaskGroup

    def call(self, actions: Iterable[Action], come_back: ComeBack | None = None) -> "Call":
        """Actions by the time since now."""
        now = loop_now()
        client = Caller([(now + at, item) for at, item in actions])
        return Call(client, self.tasks.create_task(self.carry(client, come_back), name="line"))

    async def carry(self, client: Caller, come_back: ComeBack | None = None) -> None:
        async with asyncio.TaskGroup() as tasks:
            acting = tasks.create_task(client.act(), name="client-acts")
            try:
                await self.session.carry(client.requests(), client.send, come_back)
            except BaseException as error:  # noqa: BLE001 - it is what is tested
                client.error = error
            acting.cancel()

    async def leave(self) -> None:
        """As a server does that drains: what is there is left in the store."""
        self.life.cancel()
        await asyncio.wait({self.life})


@dataclass(slots=True)
class Call:
    client: Caller
    task: asyncio.Task[None]

    async def lost_after(self, seconds: float) -> Caller:
        await asyncio.sleep(seconds)
        self.task.cancel()
        await asyncio.wait({self.task})
        return self.client

    async def over(self) -> Caller:
        await asyncio.wait({self.task})
        return self.client


@asynccontextmanager
async def served(
    script: Script,
    store: Store | None = None,
    config: SessionConfig = CONFIG,
    come_back: ComeBack | None = None,
) -> AsyncIterator[Served]:
    """On a server of its own that shares the store."""
    store = store or MemoryStore()
    lease = await store.take(config.session_id, "")
    assert lease is not None
    memory = Memory.of(store, config.session_id, "", lease)
    shared = Shared(script.engines, SessionLimits(idle=None), tokens=TOKENS)
    async with asyncio.TaskGroup() as tasks:
        session = Session(shared, config, memory, come_back=come_back)
        life = tasks.create_task(session.run(), name="life")
        yield Served(session, life, tasks)
        life.cancel()


def sound(*callers: Caller, turn: int, played: int | None = None) -> bytes:
    """Of a turn, as the ear has it: of the first caller what was `played`, of the next what came then."""
    heard = b""
    for place, caller in enumerate(callers):
        chunks = [m for m in caller.all(o.AudioOutput) if m.turn == turn]
        if place and chunks:
            heard = heard[: 2 * chunks[0].offset]
        heard += b"".join(chunk.data for chunk in chunks)
        if place == 0 and played is not None:
            heard = heard[: 2 * played]
    return heard
