"""When each sample of an answer is heard: by the pacing, by reports, over holds and cuts."""

import numpy as np
import pytest

from voice_grpc.core.audio import Samples
from voice_grpc.core.playout.heard_sound import TOLERANCE, HeardSound
from voice_grpc.core.playout.pacer import Pacer

RATE_HZ = 24_000


class Listening:
    """An answer of numbered samples, let out every 10 ms and kept as it was heard."""

    def __init__(self, seconds: float = 1.2, lead: float = 0.2) -> None:
        self.pacer, self.heard = Pacer(RATE_HZ, lead), HeardSound()
        self.pacer.feed((np.arange(round(seconds * RATE_HZ)) + 1).astype(np.int16), 0)
        self.pacer.end()
        self.now = 0.0

    def play(self, until: float) -> None:
        while self.now < until - 1e-9:
            for chunk in self.pacer.due(self.now):
                self.heard.leave(self.pacer, chunk.samples, self.now)
            self.now = round(self.now + 0.01, 6)

    def timeline(self, seconds: float) -> Samples:
        """The samples where they were heard, 0 where none was."""
        line = np.zeros(round(seconds * RATE_HZ), np.int16)
        for piece in self.heard.take(seconds):
            assert piece.rate_hz == RATE_HZ
            start = round(piece.at * RATE_HZ)
            assert not line[start : start + len(piece.samples)].any(), "one piece lies over another"
            line[start : start + len(piece.samples)] = piece.samples
        return line


def at(seconds: float) -> int:
    return round(seconds * RATE_HZ)


def test_by_the_pacing_it_is_heard_from_the_moment_it_leaves() -> None:
    listening = Listening()
    listening.play(2.0)
    line = listening.timeline(2.0)
    assert line[0] == 1
    assert (np.diff(line[: at(1.2)]) == 1).all()
    assert not line[at(1.2) :].any()


def test_a_cut_ends_it_at_once_also_what_had_left() -> None:
    listening = Listening()
    listening.play(0.5)
    assert listening.pacer.sent > at(0.6)
    listening.heard.cut(listening.pacer, 0.5)
    line = listening.timeline(2.0)
    assert line[at(0.5) - 1] == at(0.5)
    assert not line[at(0.5) :].any()


def test_a_client_that_plays_later_moves_it_as_a_whole() -> None:
    listening = Listening()
    listening.play(0.3)
    listening.pacer.report(0, 0.3)
    listening.heard.reported(listening.pacer, 0.3)
    listening.play(2.0)
    line = listening.timeline(2.0)
    assert np.flatnonzero(line)[0] == at(0.3)
    assert (np.diff(line[at(0.3) : at(1.5)]) == 1).all()


@pytest.mark.parametrize("late", [TOLERANCE / 2, -TOLERANCE / 2])
def test_a_report_that_is_hardly_off_cuts_nothing(late: float) -> None:
    listening = Listening()
    listening.play(0.3)
    listening.pacer.report(at(0.3 - late), 0.3)
    listening.heard.reported(listening.pacer, 0.3)
    listening.play(2.0)
    line = listening.timeline(2.0)
    assert (np.diff(line[: at(1.2)]) == 1).all()


def test_the_report_of_the_end_does_not_move_what_was_heard() -> None:
    listening = Listening()
    listening.play(1.5)
    listening.pacer.report(at(1.2), 1.5)
    listening.heard.reported(listening.pacer, 1.5)
    assert np.flatnonzero(listening.timeline(2.0))[0] == 0


def test_held_it_waits_and_goes_on_with_the_word_that_was_cut() -> None:
    listening = Listening()
    listening.play(0.5)
    listening.pacer.hold(0.5, is_ear_held=True)
    listening.heard.held(listening.pacer, 0.5)
    listening.play(1.5)
    listening.pacer.resume(1.5, at(0.4))
    listening.heard.resumed(listening.pacer, 1.5)
    listening.play(3.0)
    line = listening.timeline(3.0)
    assert line[at(0.5) - 1] == at(0.5)
    assert not line[at(0.5) : at(1.5)].any()
    assert line[at(1.5)] == at(0.4) + 1
    assert (np.diff(line[at(1.5) : at(2.3)]) == 1).all()
    assert not line[at(2.3) :].any()


def test_what_leaves_no_more_is_still_heard_where_the_client_plays_on() -> None:
    listening = Listening()
    listening.play(0.5)
    sent = listening.pacer.sent
    listening.pacer.hold(0.5, is_ear_held=False)
    listening.heard.held(listening.pacer, 0.5)
    listening.play(1.5)
    listening.pacer.resume(1.5, listening.pacer.heard(1.5))
    listening.heard.resumed(listening.pacer, 1.5)
    listening.play(3.0)
    line = listening.timeline(3.0)
    assert (np.diff(line[:sent]) == 1).all()
    assert not line[sent : at(1.5)].any()
    assert line[at(1.5)] == sent + 1


def test_a_pause_of_the_voice_is_silence_where_it_was() -> None:
    pacer, heard = Pacer(RATE_HZ, 0.2), HeardSound()
    for now in (1.0, 2.0):
        pacer.feed(np.ones(at(0.04), np.int16), 0)
        for chunk in pacer.due(now):
            heard.leave(pacer, chunk.samples, now)
    assert [piece.at for piece in heard.take(3.0)] == [1.0, 2.0]


def test_taken_in_parts_it_is_the_same_and_nothing_is_kept() -> None:
    whole, parts = Listening(), Listening()
    whole.play(2.0)
    taken = []
    for step in range(1, 21):
        parts.play(step / 10)
        taken += parts.heard.take(step / 10 - 0.05)
    assert (np.concatenate([piece.samples for piece in taken]) == whole.heard.take(2.0)[0].samples).all()
    assert all(abs(a.end - b.at) < 1e-6 for a, b in zip(taken, taken[1:], strict=False))
    assert parts.heard.waiting == 0


def test_a_long_answer_is_not_kept_whole() -> None:
    listening = Listening(seconds=1.3)
    listening.play(0.01)
    for second in range(1, 120):
        listening.pacer.feed(np.ones(RATE_HZ, np.int16), 0)
        listening.heard.take(listening.now)
        listening.play(second)
    assert len(listening.heard._sound) <= at(2.3)  # noqa: SLF001 - its bound is what is asked
