"""Whoever looks on is told of the end of each conversation once, also where nobody came back to it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports.observer import Happening, SessionBegan, SessionOver
from voice_grpc.store import SqliteStore

from ..serving import OK, Served, answered, serving
from .test_resume import token

WITHIN = 60.0


class Ends:
    """Keeps what it is told of conversations, and counts those that have a line."""

    def __init__(self) -> None:
        self.told: list[SessionOver] = []
        self.open = 0
        self._changed = asyncio.Event()

    def observe(self, happening: Happening) -> None:
        match happening:
            case SessionBegan():
                self.open += 1
            case SessionOver():
                self.open -= happening.is_carried
                self.told.append(happening)
                self._changed.set()

    @property
    def all(self) -> list[tuple[str, bool]]:
        """Why each ended, and whether it goes on."""
        return [(over.why, over.goes_on) for over in self.told]

    @property
    def parked(self) -> int:
        """Lines that were lost."""
        return sum(over.goes_on for over in self.told)

    async def until(self, found: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not found():
                self._changed.clear()
                await self._changed.wait()


async def left(served: Served, ends: Ends, session_id: str = "mine") -> str:
    """A conversation whose line is lost, and that waits. Returns the token of its caller."""
    count = ends.parked
    async with served.talk() as talk:
        await talk.config(session_id=session_id)
        await answered(talk)
        given = token(talk)
    await ends.until(lambda: ends.parked > count)
    return given


async def test_nobody_came_back_in_time() -> None:
    ends = Ends()
    async with serving(observer=ends, resume_window=0.5) as served:
        await left(served, ends)
        await ends.until(lambda: len(ends.told) == 2)
        assert ends.all == [("parked", True), ("overdue", False)]
        assert not ends.told[1].is_failure
        assert ends.open == 0
    assert len(ends.told) == 2


async def test_too_many_waited() -> None:
    ends = Ends()
    async with serving(observer=ends, max_parked=1) as served:
        await left(served, ends, "first")
        await left(served, ends, "second")
        await ends.until(lambda: len(ends.told) == 3)
        assert ends.all == [("parked", True), ("parked", True), ("crowded", False)]
        assert ends.told[2].session is ends.told[0].session


async def test_the_server_stops() -> None:
    ends = Ends()
    async with serving(observer=ends) as served:
        await left(served, ends)
        await served.server.drain(0.0)
        assert ends.all == [("parked", True), ("DRAINING", False)]
    assert len(ends.told) == 2


async def test_it_drains_under_its_line_and_then_stops() -> None:
    ends = Ends()
    async with serving(observer=ends) as served, served.talk() as talk:
        await talk.config()
        await served.server.drain(0.0)
        assert ends.all == [("DRAINING", True), ("DRAINING", False)]
        assert ends.open == 0


async def test_it_went_on_at_another_server(tmp_path: Path) -> None:
    ends, others = Ends(), Ends()
    stores = [await SqliteStore.open(tmp_path / "sessions.db") for _ in range(2)]
    async with (
        serving(observer=ends, store=stores[0], secret="the same for each server") as here,
        serving(observer=others, store=stores[1], secret="the same for each server") as there,
    ):
        given = await left(here, ends)
        async with there.talk() as talk:
            assert (await talk.config(resume_token=given)).resumed
            await ends.until(lambda: len(ends.told) == 2)
            assert ends.all == [("parked", True), ("SUPERSEDED", False)]
            assert not ends.told[1].is_failure
            await talk.half_close()
            assert await talk.ended() == OK
    assert others.all == [("half_close", False)]
    for store in stores:
        await store.close()


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_it_is_deleted_while_it_waits_or_opened_anew(is_deleted: bool) -> None:
    ends = Ends()
    async with serving(observer=ends) as served:
        await left(served, ends)
        if is_deleted:
            await served.stub.DeleteSession(pb.DeleteSessionRequest(session_id="mine"))
        else:
            await left(served, ends)
        expected = [("parked", True), ("SUPERSEDED", False), ("parked", True)]
        assert ends.all == expected[: 2 if is_deleted else 3]


async def test_it_goes_on_from_the_store_for_who_wants_another_sound() -> None:
    ends = Ends()
    async with serving(observer=ends) as served:
        given = await left(served, ends)
        async with served.talk() as talk:
            other = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=48_000)
            await talk.config(resume_token=given, output_audio=other)
            assert ends.all == [("parked", True), ("SUPERSEDED", False)]


async def test_who_comes_back_ends_it_once() -> None:
    ends = Ends()
    async with serving(observer=ends) as served:
        given = await left(served, ends)
        async with served.talk() as talk:
            await talk.config(resume_token=given)
            await talk.send(pb.ConverseRequest(end_session=pb.EndSession()))
            assert await talk.ended() == OK
        await ends.until(lambda: len(ends.told) == 2)
    assert ends.all == [("parked", True), ("client", False)]
    assert ends.open == 0
