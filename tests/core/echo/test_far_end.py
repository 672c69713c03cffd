"""The far end is where the ear is, steadily; the microphone's time does without the network's; and what the
canceller did is counted."""

import numpy as np
import pytest

from voice_grpc.core.audio import RATE_HZ, Samples, seconds
from voice_grpc.core.echo.far_end import EchoReturnLoss, FarEnd, NearClock
from voice_grpc.core.playout.pacer import Pacer

BLOCK = 320


class Talk:
    """An answer that counts its samples, let out by a pacer, and a microphone that reads what it hears."""

    def __init__(self, rate_hz: int = RATE_HZ, lead: float = 0.2) -> None:
        self.pacer, self.far, self.now = Pacer(rate_hz, lead), FarEnd(), 0.0
        self.made = 1

    def answer(self, length: float) -> None:
        count = round(length * self.pacer.rate_hz)
        self.pacer.feed(np.arange(self.made, self.made + count).astype(np.int16), 0)
        self.made += count

    def step(self) -> Samples | None:
        """20 ms of the microphone; then what is due leaves."""
        heard = self.far.read(BLOCK, self.now)
        self.now += seconds(BLOCK)
        self.let_out()
        return heard

    def let_out(self) -> None:
        for chunk in self.pacer.due(self.now):
            if len(chunk.samples):
                self.far.write(self.pacer, chunk.samples)

    def steps(self, count: int) -> Samples:
        """Nothing counts as silence."""
        return np.concatenate(
            [np.zeros(BLOCK, np.int16) if (s := self.step()) is None else s for _ in range(count)]
        )


def counted(first: int, count: int) -> Samples:
    return np.arange(first, first + count).astype(np.int16)


def test_it_is_what_the_pacing_says_sample_by_sample() -> None:
    talk = Talk()
    talk.answer(1.0)
    talk.let_out()
    assert np.array_equal(talk.steps(50), counted(1, RATE_HZ))
    assert not talk.steps(10).any()


def test_nothing_is_to_be_read_before_and_a_second_after() -> None:
    talk = Talk()
    assert talk.step() is None
    talk.answer(0.1)
    talk.let_out()
    found = [talk.step() is not None for _ in range(100)]
    assert found.index(False) == pytest.approx(5 + 50, abs=1)
    assert not any(found[found.index(False) :])


def test_reports_within_reach_of_the_canceller_do_not_move_it() -> None:
    """A delay that jumps has to be found anew."""
    talk = Talk()
    talk.answer(2.0)
    talk.let_out()
    heard = [talk.steps(10)]
    for late in (0.10, 0.14, 0.08, 0.12):
        talk.pacer.report(round((talk.now - late) * RATE_HZ), talk.now)
        heard.append(talk.steps(5))
    together = np.concatenate(heard)
    assert np.array_equal(together, counted(1, len(together)))


def test_an_ear_that_is_far_behind_is_followed_once() -> None:
    talk = Talk()
    talk.answer(2.0)
    talk.let_out()
    talk.steps(30)
    talk.pacer.report(round((talk.now - 0.5) * RATE_HZ), talk.now)
    heard = talk.steps(10)
    assert heard[0] == 1 + round((0.1 + 0.1) * RATE_HZ)
    assert np.array_equal(heard, counted(int(heard[0]), len(heard)))


def test_it_is_never_behind_a_reported_ear() -> None:
    talk = Talk(lead=0.4)
    talk.answer(2.0)
    talk.let_out()
    talk.steps(10)
    talk.pacer.report(round((talk.now + 0.15) * RATE_HZ), talk.now)
    assert talk.steps(1)[0] > round((0.2 + 0.15) * RATE_HZ)


def test_a_held_answer_is_silent_and_goes_on_at_the_sample_that_is_heard_next() -> None:
    talk = Talk()
    talk.answer(3.0)
    talk.let_out()
    talk.steps(50)
    talk.pacer.hold(talk.now, is_ear_held=True)
    assert not talk.steps(20).any()
    talk.pacer.resume(talk.now, round(0.7 * RATE_HZ))
    assert np.array_equal(talk.steps(20), counted(1 + round(0.7 * RATE_HZ), 20 * BLOCK))


def test_where_the_ear_is_not_held_what_was_sent_is_heard_to_its_end() -> None:
    talk = Talk()
    talk.answer(3.0)
    talk.let_out()
    before = talk.steps(50)
    talk.pacer.hold(talk.now, is_ear_held=False)
    talk.steps(20)
    sent = talk.pacer.sent
    talk.pacer.resume(talk.now, sent)
    talk.let_out()
    after = talk.steps(20)
    assert before[-1] == RATE_HZ
    assert np.array_equal(after, counted(1 + sent, len(after)))


def test_what_is_thrown_away_is_heard_no_more() -> None:
    talk = Talk(lead=0.4)
    talk.answer(3.0)
    talk.let_out()
    talk.steps(10)
    talk.pacer.drop()
    talk.far.cut()
    assert np.count_nonzero(talk.steps(40)) == round(0.3 * RATE_HZ)


def test_another_answer_begins_anew() -> None:
    talk = Talk()
    talk.answer(0.5)
    talk.let_out()
    talk.steps(50)
    talk.pacer, talk.made = Pacer(RATE_HZ, 0.2), 1
    talk.answer(0.5)
    talk.let_out()
    assert np.array_equal(talk.steps(25), counted(1, RATE_HZ // 2))


def test_nobody_reads_and_it_stays_small() -> None:
    pacer, far = Pacer(RATE_HZ, 0.2), FarEnd()
    for n in range(500):
        pacer.feed(np.ones(640, np.int16), 0)
        for chunk in pacer.due(n * 0.04):
            far.write(pacer, chunk.samples)
    assert far.kept == round(2.2 * RATE_HZ)
    heard = far.read(BLOCK, 500 * 0.04 - 0.1)
    assert heard is not None
    assert heard.all()


# ---------------------------------------------------------------- the microphone's time


def test_what_the_network_held_up_counts_as_on_time() -> None:
    clock = NearClock()
    times = [
        clock.arrived(n * BLOCK, 1.0 + n * 0.02 + late) for n, late in enumerate([0.03, 0, 0.2, 0.18, 0.01])
    ]
    assert times == pytest.approx([1.03, 1.02, 1.04, 1.06, 1.08])


def test_a_microphone_that_was_off_has_a_new_time() -> None:
    clock = NearClock()
    clock.arrived(BLOCK, 1.0)
    assert clock.arrived(2 * BLOCK, 1.9) == pytest.approx(1.9)
    assert clock.arrived(3 * BLOCK, 31.0) == pytest.approx(31.0)


def test_a_clock_that_runs_slow_is_followed() -> None:
    clock = NearClock()
    for n in range(1_000):
        now = n * 0.02 * 1.001
        at = clock.arrived(n * BLOCK, now)
        assert now - 0.003 <= at <= now


# ---------------------------------------------------------------- what it did


def test_the_loss_is_in_decibels_and_begins_anew() -> None:
    loss, tone = EchoReturnLoss(), (10_000 * np.sin(np.arange(1_600))).astype(np.int16)
    loss.add(tone, (tone / 10).astype(np.int16))
    loss.add(tone, (tone / 10).astype(np.int16))
    assert loss.take() == pytest.approx(20.0, abs=0.1)
    assert loss.take() is None


def test_nothing_left_is_sixty_decibels_and_louder_none() -> None:
    loss, tone = EchoReturnLoss(), np.full(160, 1_000, np.int16)
    loss.add(tone, np.zeros(160, np.int16))
    assert loss.take() == pytest.approx(60.0)
    loss.add(tone, tone * 2)
    assert loss.take() == 0.0
    loss.add(np.zeros(160, np.int16), np.zeros(160, np.int16))
    assert loss.take() is None
