"""The jitter buffer with time as an argument: what is played when, and what is reported of it."""

import numpy as np
import pytest

from voice_grpc.client import BufferEar, JitterBuffer, JitterBufferSettings
from voice_grpc.client.jitter_buffer import REMEMBERED
from voice_grpc.core.audio import Samples
from voice_grpc.core.playout.volume import DUCKED
from voice_grpc.pb import voice_pb2 as pb

RATE_HZ = 1000
"""One sample a millisecond, so that samples read as milliseconds."""
STARTED = pb.PlaybackReport.STATE_STARTED
PROGRESS = pb.PlaybackReport.STATE_PROGRESS
FINISHED = pb.PlaybackReport.STATE_FINISHED
CLEARED = pb.PlaybackReport.STATE_CLEARED


def playout() -> JitterBuffer:
    return JitterBuffer(RATE_HZ, JitterBufferSettings(shortest=0.06, longest=0.2, growth=0.04, decay=0.01))


def ones(count: int, value: int = 1) -> Samples:
    return np.full(count, value, np.int16)


def told(reports: list[pb.PlaybackReport]) -> list[tuple[int, int, int]]:
    return [(report.turn, report.state, report.played_samples) for report in reports]


def test_nothing_is_silence_and_nothing_to_report() -> None:
    player = playout()
    assert not player.take(20, 0.0).any()
    assert player.due(0.0) == []
    assert player.position == (0, 0)


def test_an_answer_waits_until_enough_of_it_is_there() -> None:
    player = playout()
    player.receive(1, ones(40), 0.0)
    assert not player.take(20, 0.01).any()
    player.receive(1, ones(20), 0.02)
    assert player.take(20, 0.02).all()


def test_but_not_longer_than_that_takes_to_play() -> None:
    player = playout()
    player.receive(1, ones(20), 1.0)
    assert not player.take(20, 1.05).any()
    assert player.take(20, 1.06).all()


def test_a_short_whole_answer_waits_for_nothing() -> None:
    player = playout()
    player.receive(1, ones(30), 0.0, is_last=True)
    assert player.take(40, 0.0).sum() == 30
    assert told(player.due(0.0)) == [(1, STARTED, 0), (1, FINISHED, 30)]


def test_progress_is_told_at_intervals() -> None:
    player = JitterBuffer(RATE_HZ, JitterBufferSettings(report_every=0.09))
    player.receive(1, ones(500), 0.0)
    reports = []
    for step in range(20):
        player.take(20, step * 0.02)
        reports += player.due(step * 0.02)
    assert told(reports) == [(1, STARTED, 0), (1, PROGRESS, 120), (1, PROGRESS, 220), (1, PROGRESS, 320)]
    assert [report.buffered_samples for report in reports[1:]] == [380, 280, 180]


def test_answers_follow_each_other_without_a_gap() -> None:
    player = playout()
    player.receive(1, ones(30, 1), 0.0, is_last=True)
    player.receive(2, ones(30, 2), 0.0, is_last=True)
    assert player.take(60, 0.0).tolist() == [1] * 30 + [2] * 30
    assert told(player.due(0.0)) == [(1, STARTED, 0), (1, FINISHED, 30), (2, STARTED, 0), (2, FINISHED, 30)]


def test_running_dry_is_an_underrun_once_sound_follows_and_makes_it_wait_longer() -> None:
    player = playout()
    player.receive(1, ones(60), 0.0)
    player.take(80, 0.0)
    player.receive(1, ones(99), 0.2)
    assert player.target == pytest.approx(0.06)
    player.take(20, 0.2)
    assert player.target == pytest.approx(0.1)
    player.receive(1, ones(1), 0.2, is_last=True)
    player.take(100, 0.3)
    assert [report.underruns for report in player.due(0.3)] == [0, 1]


def test_a_late_empty_end_is_no_underrun() -> None:
    player = playout()
    player.receive(1, ones(60), 0.0)
    player.take(80, 0.0)
    player.receive(1, ones(0), 0.1, is_last=True)
    player.take(20, 0.1)
    reports = player.due(0.1)
    assert told(reports) == [(1, STARTED, 0), (1, FINISHED, 60)]
    assert reports[-1].underruns == 0
    assert player.target == pytest.approx(0.06)


def test_the_wait_grows_to_its_limit_and_shrinks_when_all_is_well() -> None:
    player = playout()
    for n in range(10):
        player.receive(1, ones(200), float(n))
        player.take(300, n + 0.5)
    assert player.target == pytest.approx(0.2)
    player.flush(1)
    for turn in range(2, 30):
        player.receive(turn, ones(10), 20.0, is_last=True)
        player.take(10, 20.0)
    assert player.target == pytest.approx(0.06)


def test_flush_is_at_once_and_says_how_much_was_played() -> None:
    player = playout()
    player.receive(1, ones(200), 0.0)
    player.take(50, 0.0)
    player.flush(1)
    assert not player.take(20, 0.02).any()
    assert told(player.due(0.02)) == [(1, STARTED, 0), (1, CLEARED, 50)]
    assert player.position == (0, 0)


def test_flushing_again_or_after_the_end_says_nothing_more() -> None:
    player = playout()
    player.receive(1, ones(10), 0.0, is_last=True)
    player.take(10, 0.0)
    player.flush(1)
    player.flush(1)
    assert told(player.due(0.0)) == [(1, STARTED, 0), (1, FINISHED, 10)]


def test_flushing_what_never_came_is_reported_as_nothing_played() -> None:
    player = playout()
    player.flush(7)
    player.flush(7)
    assert told(player.due(0.0)) == [(7, CLEARED, 0)]


def test_what_comes_for_a_dead_turn_is_not_played() -> None:
    player = playout()
    player.receive(1, ones(100), 0.0)
    player.flush(1)
    player.receive(1, ones(100), 0.1)
    assert not player.take(100, 1.0).any()


def test_the_next_answer_plays_after_a_flush() -> None:
    player = playout()
    player.receive(1, ones(100, 1), 0.0)
    player.take(20, 0.0)
    player.receive(2, ones(100, 2), 0.1)
    player.flush(1)
    assert player.take(100, 0.1).tolist() == [2] * 100


# ---------------------------------------------------------------- obeying


FADE = 5
"""Samples of the way to silence and back."""


def ramp(count: int, first: int = 1000) -> Samples:
    """Sample n of an answer is `first` + n: what is heard tells which sample it is."""
    return np.arange(first, first + count).astype(np.int16)


def playing(count: int = 400, taken: int = 100) -> JitterBuffer:
    """Turn 1 with `count` samples, of which so many were played; its reports so far are taken."""
    player = playout()
    player.receive(1, ramp(count), 0.0, is_last=True)
    player.take(taken, 0.0)
    player.due(0.0)
    return player


def test_a_hold_is_silent_after_a_fade_and_reports_at_once_what_was_played() -> None:
    player = playing()
    player.hold(1, 0.1)
    assert told(player.due(0.1)) == [(1, PROGRESS, 100)]
    fade = player.take(20, 0.1).tolist()
    assert fade[:FADE] == [round((1100 + n) * (1 - (n + 1) / FADE)) for n in range(FADE)]
    assert not any(fade[FADE:])
    assert not player.take(20, 0.12).any()
    assert player.position == (1, 100)
    assert player.due(5.0) == [], "nothing was played, so there is nothing to report"


def test_the_fade_of_a_hold_goes_over_several_small_blocks() -> None:
    player = playing()
    player.hold(1, 0.1)
    assert [player.take(2, 0.1).tolist() for _ in range(4)] == [[880, 661], [441, 221], [0, 0], [0, 0]]


def test_it_goes_on_with_the_very_sample_at_which_it_was_held() -> None:
    player = playing()
    player.hold(1, 0.1)
    player.take(20, 0.1)
    assert player.resume(1, 100, 0.5) == 0
    heard = player.take(300, 0.5).tolist()
    assert heard[FADE:] == list(range(1100 + FADE, 1400))
    assert heard[0] == round(1100 / FADE), "out of silence, without a click"
    assert told(player.due(0.8)) == [(1, PROGRESS, 100), (1, FINISHED, 400)]


def test_what_is_played_again_lowers_no_report() -> None:
    player = playing(taken=300)
    player.hold(1, 0.3)
    assert player.resume(1, 220, 0.9) == 80
    assert player.take(40, 0.9).tolist()[FADE:] == list(range(1220 + FADE, 1260))
    assert told(player.due(1.0))[-1] == (1, PROGRESS, 300)
    assert player.position == (1, 300)
    assert player.take(60, 1.0).tolist() == list(range(1260, 1320))
    assert told(player.due(1.1)) == [(1, PROGRESS, 320)]
    assert player.take(100, 1.1).tolist() == [*range(1320, 1400), *[0] * 20]
    assert told(player.due(1.2)) == [(1, FINISHED, 400)]


def test_a_second_is_kept_of_what_was_played_and_no_more() -> None:
    player = playing(count=3000, taken=20)
    for n in range(100):
        player.take(20, n * 0.02)
    player.hold(1, 2.0)
    assert player.resume(1, 5, 3.0) == 1000
    assert player.take(20, 3.0).tolist()[FADE:] == list(range(1000 + 1020 + FADE, 1000 + 1040))


def test_what_is_to_come_is_never_left_out() -> None:
    player = playing()
    player.hold(1, 0.1)
    assert player.resume(1, 250, 0.5) == 0
    assert player.take(20, 0.5).tolist()[FADE:] == list(range(1100 + FADE, 1120))


def test_twice_back_and_the_same_words_again() -> None:
    player = playing(taken=300)
    for now in (0.3, 0.6):
        player.hold(1, now)
        player.resume(1, 250, now)
        assert player.take(50, now).tolist()[FADE:] == list(range(1250 + FADE, 1300))
    assert player.take(100, 1.0).tolist() == list(range(1300, 1400))


def test_sound_that_comes_while_it_is_held_is_kept_and_no_underrun() -> None:
    player = playout()
    player.receive(1, ramp(100), 0.0)
    player.take(120, 0.0)
    player.hold(1, 0.05)
    player.receive(1, ramp(100, 1100), 0.1)
    assert not player.take(20, 5.0).any()
    player.resume(1, 100, 5.0)
    player.receive(1, ramp(100, 1200), 5.0, is_last=True)
    assert player.take(200, 5.0).tolist()[5:] == list(range(1105, 1300)), "it had run dry, and fades in"
    reports = player.due(5.2)
    assert (reports[-1].state, reports[-1].played_samples, reports[-1].underruns) == (FINISHED, 300, 0)
    assert player.target == pytest.approx(0.06)


def test_a_hold_may_come_before_the_sound_and_is_for_its_turn_alone() -> None:
    player = playout()
    player.hold(2, 0.0)
    player.receive(1, ramp(30), 0.0, is_last=True)
    player.receive(2, ramp(30, 2000), 0.0, is_last=True)
    assert player.take(50, 1.0).tolist() == [*ramp(30), *[0] * 20]
    assert not player.take(50, 1.05).any()
    player.resume(2, 0, 2.0)
    assert player.take(30, 2.0).tolist() == list(range(2000, 2030))


def test_a_flush_ends_a_hold_and_the_next_answer_is_heard() -> None:
    player = playing()
    player.receive(2, ramp(50, 2000), 0.1, is_last=True)
    player.duck(1, True)
    player.hold(1, 0.1)
    player.flush(1)
    assert player.take(50, 0.1).tolist() == list(range(2000, 2050))
    assert told(player.due(0.1)) == [
        (1, PROGRESS, 100), (1, CLEARED, 100), (2, STARTED, 0), (2, FINISHED, 50)
    ]  # fmt: skip


def test_an_answer_that_broke_off_is_held_no_more() -> None:
    player = playing()
    player.hold(1, 0.1)
    player.finish(1)
    assert player.take(300, 0.1).tolist()[FADE:] == list(range(1100 + FADE, 1400))


def test_what_is_over_is_neither_held_nor_lowered() -> None:
    player = playing(count=100, taken=100)
    player.duck(1, True)
    player.hold(1, 0.1)
    assert player.resume(1, 20, 0.2) == 0
    player.receive(2, ramp(50), 0.3, is_last=True)
    assert player.take(50, 0.3).tolist() == ramp(50).tolist()
    assert told(player.due(0.3)) == [(2, STARTED, 0), (2, FINISHED, 50)]


def test_the_user_s_pause_keeps_what_is_buffered_and_counts_no_underrun() -> None:
    player = playing()
    player.pause(True, 0.1)
    assert not player.take(20, 0.1)[FADE:].any()
    assert player.due(1.0) == []
    player.hold(1, 1.0)
    player.pause(False, 1.1)
    assert not player.take(20, 1.1).any(), "it is held still"
    player.resume(1, 100, 1.2)
    assert player.take(300, 2.0).tolist()[FADE:] == list(range(1100 + FADE, 1400))
    assert [report.underruns for report in player.due(2.3)] == [0, 0]


async def test_as_an_ear_it_says_where_it_is_and_waits() -> None:
    player = playing()
    ear = BufferEar(player)
    report = await ear.hold()
    assert report is not None
    assert (report.turn, report.played_samples) == (1, 100)
    assert not player.take(20, 0.1)[FADE:].any()
    await ear.go_on()
    assert player.take(300, 2.0).tolist()[FADE:] == list(range(1100 + FADE, 1400))
    assert await BufferEar(playout()).hold() is None


async def test_as_an_ear_it_knows_of_an_answer_that_has_just_been_heard_to_its_end() -> None:
    player = playing()
    player.take(300, 1.0)
    assert player.position == (0, 0)
    report = await BufferEar(player).hold()
    assert report is not None
    assert (report.turn, report.played_samples) == (1, 400)
    player.restart()
    assert await BufferEar(player).hold() is None


async def test_the_user_s_pause_outlasts_the_line_s() -> None:
    player = playing()
    player.pause(True, 0.1)
    ear = BufferEar(player)
    await ear.hold()
    await ear.go_on()
    assert not player.take(20, 0.2)[FADE:].any()
    player.pause(False, 0.3)
    assert player.take(300, 2.0)[FADE:].any()


def test_duck_lowers_within_20_ms_and_its_end_restores() -> None:
    player = playout()
    player.receive(1, ones(200, 10_000), 0.0, is_last=True)
    player.take(20, 0.0)
    player.duck(1, True)
    lowered = player.take(50, 0.0)
    assert (np.diff(lowered[:20].astype(int)) < 0).all()
    assert np.abs(np.diff(lowered.astype(int))).max() < 400, "no step"
    assert set(lowered[19:].tolist()) == {round(10_000 * DUCKED)}
    player.duck(1, False)
    assert set(player.take(40, 0.0)[20:].tolist()) == {10_000}
    player.duck(1, True)
    player.take(90, 0.0)
    player.receive(2, ones(10, 10_000), 0.0, is_last=True)
    assert set(player.take(10, 0.0).tolist()) == {10_000}


def test_an_answer_that_was_lowered_and_held_goes_on_at_full_volume() -> None:
    player = playing()
    player.duck(1, True)
    player.take(20, 0.1)
    player.hold(1, 0.12)
    fade = player.take(20, 0.12)
    assert 0 < fade[0] < 1120 * DUCKED
    assert not fade[FADE:].any()
    player.resume(1, 120, 0.5)
    assert player.take(100, 0.5).tolist()[FADE:] == list(range(1120 + FADE, 1220))


def test_played_never_falls_and_never_exceeds_what_came() -> None:
    player = playout()
    rng = np.random.default_rng(1)
    sent, last, now = 0, 0, 0.0
    for _ in range(500):
        now += 0.02
        count = int(rng.integers(0, 45))
        player.receive(1, ones(count), now)
        sent += count
        player.take(20, now)
        for report in player.due(now):
            assert last <= report.played_samples <= sent
            assert report.played_samples + report.buffered_samples == sent
            last = report.played_samples
    assert last > 0


def test_it_runs_dry_and_comes_back_without_a_click() -> None:
    player = JitterBuffer(24_000)
    loud = np.full(4_700, 16_000, np.int16)
    player.receive(1, loud, 0.0)
    played = [player.take(960, n * 0.04) for n in range(6)]
    player.receive(1, loud, 0.3)
    played.append(player.take(960, 0.3))
    steps = np.abs(np.diff(np.concatenate(played).astype(int)))
    assert steps[1:].max() <= 16_000 // 100, "5 ms are 120 samples from full to silence and back"
    assert player.due(0.3)[-1].underruns == 1


def test_the_end_of_an_answer_is_as_it_came() -> None:
    player = JitterBuffer(24_000)
    player.receive(1, np.full(1_000, 16_000, np.int16), 0.0, is_last=True)
    assert (player.take(960, 0.0) == 16_000).all()
    assert (player.take(960, 0.04)[:40] == 16_000).all()


def test_turns_that_are_over_are_remembered_up_to_a_bound() -> None:
    player = playout()
    for turn in range(1, 1_000):
        player.receive(turn, ones(10), float(turn), is_last=True)
        player.take(20, float(turn))
    assert len(player._played) <= REMEMBERED  # noqa: SLF001 - it is a bound of memory
    player.receive(999, ones(10), 1_000.0)
    assert player.turns == [], "what still comes of the last is not played"


def test_what_waits_is_what_was_never_heard() -> None:
    player = JitterBuffer(RATE_HZ, JitterBufferSettings(report_every=0.0))
    player.receive(1, ones(500), 0.0)
    player.take(200, 0.0)
    player.hold(1, 0.2)
    player.resume(1, 100, 0.3)
    player.take(50, 0.4)
    assert player.due(0.4)[-1].buffered_samples == 300


# ---------------------------------------------------------------- after a line was lost


def numbered(first: int, count: int) -> Samples:
    return np.arange(first, first + count).astype(np.int16)


def test_sound_that_comes_again_is_heard_once_and_none_is_left_out() -> None:
    player = playout()
    player.receive(1, numbered(0, 100), 0.0, offset=0)
    assert player.take(60, 0.0).tolist() == list(range(60))
    for offset in (20, 60, 100):
        player.receive(1, numbered(offset, 50), 0.1, offset=offset)
    assert player.take(90, 0.1).tolist() == list(range(60, 150))
    assert told(player.due(0.1))[-1] == (1, PROGRESS, 150)


def test_sound_that_comes_again_after_the_buffer_ran_dry_goes_on_where_the_ear_was() -> None:
    player = playout()
    player.receive(1, numbered(0, 100), 0.0, offset=0)
    player.take(120, 0.0)
    player.receive(1, numbered(80, 200), 5.0, offset=80, is_last=True)
    heard = player.take(180, 5.0).tolist()
    assert (len(heard), heard[5:]) == (180, list(range(105, 280))), "but for 5 ms in which it comes back"
    assert told(player.due(5.0))[-1] == (1, FINISHED, 280)


def test_an_answer_that_is_joined_in_its_middle_is_counted_from_there() -> None:
    player = playout()
    player.receive(7, numbered(500, 100), 0.0, offset=500, is_last=True)
    assert player.position == (7, 500)
    assert player.take(100, 0.0).tolist() == list(range(500, 600))
    assert told(player.due(0.0)) == [(7, STARTED, 500), (7, FINISHED, 600)]


def test_sound_that_is_missing_is_silence() -> None:
    player = playout()
    player.receive(1, numbered(1, 60), 0.0, offset=0)
    player.receive(1, numbered(81, 20), 0.0, offset=80)
    assert player.take(100, 0.0).tolist() == [*range(1, 61), *[0] * 20, *range(81, 101)]


def test_a_hold_outlasts_the_line() -> None:
    player = playout()
    player.receive(1, numbered(0, 200), 0.0, offset=0)
    player.take(100, 0.0)
    player.hold(1, 0.1)
    player.receive(1, numbered(90, 200), 1.0, offset=90)
    player.take(20, 1.0)
    assert not player.take(20, 1.1).any()
    player.resume(1, 100, 2.0)
    assert player.take(100, 2.1)[50:].tolist() == list(range(150, 200))


def test_another_conversation_begins_with_nothing() -> None:
    player = playout()
    player.receive(1, ones(100), 0.0, is_last=True)
    player.take(100, 0.0)
    player.receive(2, ones(100), 0.0)
    player.hold(2, 0.0)
    player.restart()
    assert player.is_idle
    player.receive(1, ones(100, 5), 1.0, is_last=True)
    player.receive(2, ones(100, 6), 1.0, is_last=True)
    assert player.take(200, 1.0).tolist() == [5] * 100 + [6] * 100
