"""A thousandth of `make soak`: people who interrupt, vanish and come back are answered, and leave nothing;
what grows would be seen."""

import asyncio

import pytest

pytest.importorskip("aiortc", reason="aiortc is not installed (the extra `webrtc`)")

from voice_grpc.pb import voice_pb2 as pb

from .attacked import Attacked, Cost, attacked_here
from .person import Person
from .slopes import BOUNDS, QUANTITIES, slopes
from .soak import PEOPLE, Soak, people, report
from .talk import Unanswered, talking

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")


async def test_people_who_come_and_go_are_answered_and_leave_nothing() -> None:
    async with attacked_here() as where:
        soak = Soak(where, people(3, ("grpc", "json", "webrtc"), most_questions=1, patience=0.2))
        await soak.run(lambda person, _: person.visits == 2, 0.5)
    assert soak.failures == []
    assert all(person.visits == 2 and person.delays for person in soak.people)
    assert "3 people, 6 visits" in report(soak)


def test_thirty_come_in_every_way() -> None:
    ways = [person.way for person in people(PEOPLE)]
    assert {way: ways.count(way) for way in ways} == {"grpc": 20, "proto": 4, "json": 4, "webrtc": 2}


# ---------------------------------------------------------------- it can fail


def costs(*, rising: str = "", by: float = 0.0) -> list[Cost]:
    """A minute of samples, one a second: flat but for a wave; `rising` rises by `by` within the last half."""
    wave = (0.0, 1.0, 0.0, -1.0)
    return [
        Cost(**{name: 100 + wave[n % 4] + (by * n / 30 if name == rising else 0.0) for name in QUANTITIES})
        for n in range(60)
    ]


def test_what_stays_has_no_slope() -> None:
    for slope in slopes(range(60), costs()):
        assert not slope.is_beyond
        assert abs(slope.rise) < 1


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_what_grows_is_beyond_its_bound(quantity: str) -> None:
    by = 1.2 * BOUNDS[quantity]
    found = slopes(range(60), costs(rising=quantity, by=by))
    assert [slope.quantity for slope in found if slope.is_beyond] == [quantity]
    (beyond,) = [slope for slope in found if slope.is_beyond]
    assert beyond.a_minute == pytest.approx(2 * by, rel=0.1)
    assert beyond.row("server").endswith("BEYOND")


class HeldLine:
    """A server that lets an answer wait for ever."""

    async def send(self, request: pb.ConverseRequest) -> None:
        return

    async def receive(self) -> pb.ConverseResponse | None:
        await asyncio.Event().wait()
        return None


async def test_an_answer_that_waits_for_ever_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.abuse.talk.WITHIN", 0.1)
    async with talking(HeldLine()) as talk:
        talk.heard = 3
        with pytest.raises(Unanswered, match="turn 3 waits"):
            await talk.murmur()
        talk.over = 3
        await talk.murmur()


def test_whoever_is_not_answered_and_whatever_is_left_is_told() -> None:
    silent, lost = Person(1, "grpc"), Person(2, "grpc", delays=[0.5], failures=["person 2: the line ended"])
    soak = Soak(Attacked("", 0, ()), [silent, lost], left=["sessions still open"])
    assert soak.failures == ["person 2: the line ended", "person 1 was never answered", "sessions still open"]
    assert report(soak).count("FAILED ") == 3
