"""How fast sound is read: a burst always, faster than real time only while nobody else is heard."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from voice_grpc.core.quota import BURST_SECONDS, Account, CallerLimits
from voice_grpc.engines.scripted import tone
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.rpc.sound_pace import HEARD_SECONDS, HeardStreams, SoundPace

from ..serving import RATE_HZ, serving
from ..session.harness import virtual

LIMITS = CallerLimits(streams=3, sound_rate=1.25)
CHUNK = 0.5


async def sent(pace: SoundPace, seconds: float, before: float = 0.0) -> float:
    """As fast as it is taken; how long that took."""
    began, now = asyncio.get_running_loop().time(), before
    while now < before + seconds:
        now += CHUNK
        await pace.wait(now)
    return asyncio.get_running_loop().time() - began


def beside(
    is_conversation: bool, is_own: bool, test: Callable[[SoundPace, SoundPace], Awaitable[None]]
) -> None:
    """A recording beside somebody else, at the loop's time 100."""

    async def run() -> None:
        await asyncio.sleep(100)
        heard, mine = HeardStreams(), Account("a", LIMITS)
        other = mine if is_own else Account("b", LIMITS)
        with (
            heard.joined(mine, is_conversation=False) as pace,
            heard.joined(other, is_conversation=is_conversation) as theirs,
        ):
            await test(pace, theirs)

    virtual(run())


@pytest.mark.parametrize(("is_conversation", "is_own"), [(True, False), (False, False), (True, True)])
def test_beside_others_a_burst_is_taken_at_once_and_the_rest_at_the_rate(
    is_conversation: bool, is_own: bool
) -> None:
    async def test(pace: SoundPace, theirs: SoundPace) -> None:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(in_real_time(theirs), name="other")
            await asyncio.sleep(0)
            assert await sent(pace, BURST_SECONDS) == 0.0
            took = await sent(pace, 50.0, BURST_SECONDS)
            assert 50 / 1.25 - 1 <= took <= 50 / 1.25 + 1
            task.cancel()

    beside(is_conversation, is_own, test)


async def in_real_time(pace: SoundPace) -> None:
    seconds, loop = 0.0, asyncio.get_running_loop()
    while True:
        seconds += 0.02
        began = loop.time()
        await pace.wait(seconds)
        assert loop.time() == began, "who speaks in real time never waits"
        await asyncio.sleep(0.02)


def test_a_conversation_that_comes_back_owes_nothing_for_what_came_before() -> None:
    async def test(pace: SoundPace, theirs: SoundPace) -> None:
        await pace.wait(1.0)
        heard = theirs._others  # noqa: SLF001 - the streams that both are among
        with heard.joined(theirs.account, is_conversation=True, before=600.0) as again:
            assert await sent(again, BURST_SECONDS, 600.0) == 0.0

    beside(True, False, test)


def test_alone_a_recording_is_taken_as_fast_as_it_comes() -> None:
    async def test(pace: SoundPace, _: SoundPace) -> None:
        assert await sent(pace, 3_600.0) == 0.0

    beside(True, False, test)


def test_recordings_of_one_caller_do_not_hinder_each_other() -> None:
    async def test(pace: SoundPace, theirs: SoundPace) -> None:
        await theirs.wait(1.0)
        assert await sent(pace, 600.0) == 0.0

    beside(False, True, test)


def test_who_fell_silent_hinders_nobody_after_a_while() -> None:
    async def test(pace: SoundPace, theirs: SoundPace) -> None:
        await theirs.wait(1.0)
        assert await sent(pace, 600.0) == pytest.approx(HEARD_SECONDS, abs=1.0)

    beside(True, False, test)


def test_one_stream_after_the_other_gets_no_burst_for_each() -> None:
    """So many bursts as it may have streams, and its rate from then on."""

    async def test(_one: SoundPace, theirs: SoundPace) -> None:
        mine, heard = Account("a", LIMITS), theirs._others  # noqa: SLF001 - the streams that it is beside
        loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(in_real_time(theirs), name="other")
            await asyncio.sleep(0)
            for _ in range(20):
                with mine.stream(), heard.joined(mine, is_conversation=False) as pace:
                    await sent(pace, BURST_SECONDS)
            task.cancel()
        assert loop.time() - began >= (20 - LIMITS.streams) * BURST_SECONDS / 1.25 - 1

    beside(True, False, test)


def test_without_a_limit_nobody_waits() -> None:
    async def run() -> None:
        heard, other = HeardStreams(), Account("b", LIMITS)
        with (
            heard.joined(Account("a"), is_conversation=False) as pace,
            heard.joined(other, is_conversation=True) as theirs,
        ):
            await theirs.wait(1.0)
            assert await sent(pace, 600.0) == 0.0

    virtual(run())


# ---------------------------------------------------------------- where requests are read


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of sound that were told to a pace, in all streams of the test."""
    told: list[float] = []

    async def wait(_: SoundPace, seconds: float) -> None:
        told.append(seconds)

    monkeypatch.setattr(SoundPace, "wait", wait)
    return told


async def test_a_conversation_is_read_at_the_pace_of_its_sound(paced: list[float]) -> None:
    async with serving() as served, served.talk() as talk:
        await talk.config()
        await talk.speak(1.0)
        await talk.state(pb.TurnEvent.STATE_COMPLETED)
    assert max(paced) == pytest.approx(1.0)


async def test_a_dictation_is_read_at_the_pace_of_its_sound(paced: list[float]) -> None:
    sound = tone(1.0, rate_hz=RATE_HZ).astype("<i2").tobytes()
    asked = [pb.TranscribeRequest(config=pb.TranscribeConfig())]
    asked += [
        pb.TranscribeRequest(audio=pb.AudioInput(data=sound[at : at + 3_200]))
        for at in range(0, 32_000, 3_200)
    ]
    async with serving() as served:
        async for _ in served.stub.Transcribe(iter(asked)):
            pass
    assert max(paced) == pytest.approx(1.0)
    assert paced == sorted(paced)
