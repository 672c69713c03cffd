"""A browser that plays, asked where it is as another line to the server begins."""

import asyncio

import pytest

from gateway.browser_ear import HOLDS_WITHIN, REPORTS_APART, BrowserEar
from voice_grpc.pb import voice_pb2 as pb

Control, State = pb.PlaybackControl, pb.PlaybackReport


class Browser:
    """`plays` of `turn` so many samples; what it is asked is kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []
        """Turn, action and position of each."""
        self.ear = BrowserEar(self._told)

    async def _told(self, response: pb.ConverseResponse) -> None:
        control = response.playback_control
        self.asked.append((response.turn, control.action, control.position_samples))

    def hears_sound_of(self, turn: int) -> None:
        self.ear.sees(pb.ConverseResponse(turn=turn, audio=pb.AudioOutput(data=b"\0\0")))

    def reports(
        self, turn: int, played: int, state: "pb.PlaybackReport.State" = State.STATE_PROGRESS
    ) -> None:
        report = pb.PlaybackReport(turn=turn, state=state, played_samples=played)
        self.ear.hears(pb.ConverseRequest(playback=report))


@pytest.mark.looptime
async def test_the_report_that_counts_has_none_behind_it() -> None:
    """One that was under way as HOLD left is of a place that is passed."""
    browser = Browser()
    browser.hears_sound_of(1)
    browser.reports(1, 1_000)
    async with asyncio.TaskGroup() as tasks:
        holding = tasks.create_task(browser.ear.hold(), name="hold")
        await asyncio.sleep(0.02)
        browser.reports(1, 2_500)
        await asyncio.sleep(0.05)
        assert not holding.done()
        browser.reports(1, 5_000)
    await browser.ear.go_on()
    assert browser.asked == [(1, Control.ACTION_HOLD, 0), (1, Control.ACTION_RESUME, 5_000)]


@pytest.mark.looptime
async def test_a_browser_that_does_not_answer_is_not_waited_for() -> None:
    browser = Browser()
    browser.hears_sound_of(1)
    browser.reports(1, 1_000)
    before = asyncio.get_running_loop().time()
    await browser.ear.hold()
    assert asyncio.get_running_loop().time() - before == pytest.approx(HOLDS_WITHIN)
    assert REPORTS_APART < HOLDS_WITHIN


@pytest.mark.looptime
async def test_an_answer_that_has_not_begun_to_play_is_held_too() -> None:
    browser = Browser()
    browser.hears_sound_of(1)
    browser.reports(1, 4_800, State.STATE_FINISHED)
    browser.hears_sound_of(2)
    await browser.ear.hold()
    await browser.ear.go_on()
    assert browser.asked == [(2, Control.ACTION_HOLD, 0), (2, Control.ACTION_RESUME, 0)]


@pytest.mark.looptime
@pytest.mark.parametrize("reports", [[], [(1, 4_800, State.STATE_FINISHED)], [(1, 100, State.STATE_CLEARED)]])
async def test_who_plays_nothing_or_never_says_so_is_not_asked(
    reports: list[tuple[int, int, "pb.PlaybackReport.State"]],
) -> None:
    browser = Browser()
    browser.hears_sound_of(1)
    for report in reports:
        browser.reports(*report)
    await browser.ear.hold()
    await browser.ear.go_on()
    assert browser.asked == []
