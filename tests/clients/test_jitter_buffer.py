"""The jitter buffer with time as an argument: what is played when, and what is reported of it."""

import numpy as np
import pytest

from clients.audio import Samples
from clients.jitter_buffer import JitterBuffer, JitterBufferSettings
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


def test_hold_keeps_what_is_buffered_and_counts_no_underrun() -> None:
    player = playout()
    player.receive(1, ones(100), 0.0, is_last=True)
    player.take(20, 0.0)
    player.hold(True)
    assert not player.take(20, 0.02).any()
    assert told(player.due(1.0)) == [(1, STARTED, 0)]
    player.hold(False)
    assert player.take(100, 2.0).sum() == 80
    assert told(player.due(2.0)) == [(1, FINISHED, 100)]


def test_duck_lowers_and_the_end_of_the_answer_restores() -> None:
    player = playout()
    player.receive(1, ones(100, 1000), 0.0, is_last=True)
    player.duck(True)
    assert set(player.take(50, 0.0).tolist()) == {250}
    player.duck(False)
    assert set(player.take(25, 0.0).tolist()) == {1000}
    player.duck(True)
    player.take(25, 0.0)
    player.receive(2, ones(10, 1000), 0.0, is_last=True)
    assert set(player.take(10, 0.0).tolist()) == {1000}


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
