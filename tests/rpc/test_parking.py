"""Who waits, for how long, and who gives way: on virtual time."""

import asyncio
from dataclasses import dataclass
from typing import cast

from voice_grpc.core.resume_token import ResumeTokens
from voice_grpc.rpc.parking import NOBODY_RETURNS, ParkedSessions, ParkingRules
from voice_grpc.session.session import Session

from ..session.harness import virtual

TOKENS = ResumeTokens(lambda id, owner: ("", 0.0), 120.0)


@dataclass
class Weighing:
    """As much of a session as is asked here."""

    kept_bytes: int = 1_000

    @property
    def session(self) -> Session:
        return cast(Session, self)


class Lot:
    def __init__(self, most: int, most_bytes: int = 10**9) -> None:
        self.overdue: list[tuple[float, str]] = []
        self.crowded: list[str] = []
        rules = ParkingRules(TOKENS, most, most_bytes)
        self.parked = ParkedSessions(rules, self._overdue, self.crowded.append)

    def _overdue(self, id: str) -> None:
        self.overdue.append((asyncio.get_running_loop().time(), id))


def test_one_waits_for_its_window_from_when_it_was_parked_last() -> None:
    async def wait() -> None:
        lot = Lot(4)
        lot.parked.park("a", Weighing().session)
        await asyncio.sleep(100.0)
        lot.parked.park("a", Weighing().session)
        lot.parked.park("b", Weighing().session)
        assert ("a" in lot.parked, len(lot.parked)) == (True, 2)
        lot.parked.take("b")
        lot.parked.take("unknown")
        await asyncio.sleep(1_000.0)
        assert [(round(at, 3), id) for at, id in lot.overdue] == [(220.0, "a")]
        assert len(lot.parked) == 0

    virtual(wait())


def test_a_thousand_lost_lines_keep_no_more_than_may_wait() -> None:
    async def wait() -> None:
        lot = Lot(16)
        for n in range(1_000):
            lot.parked.park(str(n), Weighing().session)
            assert len(lot.parked) <= 16
        assert lot.crowded == [str(n) for n in range(984)]
        await asyncio.sleep(1_000.0)
        assert {id for _, id in lot.overdue} == {str(n) for n in range(984, 1_000)}

    virtual(wait())


def test_bytes_are_a_bound_too() -> None:
    async def wait() -> None:
        lot = Lot(100, most_bytes=10_000)
        for n in range(5):
            lot.parked.park(str(n), Weighing(3_000).session)
        assert lot.crowded == ["0", "1"]
        lot.parked.park("huge", Weighing(20_000).session)
        assert lot.crowded == ["0", "1", "2", "3", "4", "huge"]

    virtual(wait())


def test_without_a_token_nobody_is_waited_for() -> None:
    assert NOBODY_RETURNS.tokens is None
    assert NOBODY_RETURNS.most == 0
