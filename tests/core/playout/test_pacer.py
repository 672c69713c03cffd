"""When sound may leave and how much was heard: exact for a plain case, and true for any feeds and reports."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_grpc.core.audio import Samples
from voice_grpc.core.playout.pacer import BEHIND_SECONDS, CHUNK_SECONDS, SENT_SECONDS, Chunk, Pacer

RATE_HZ = 24_000
CHUNK = 960
LEAD = 4_800
START = 1_000.0


def sound(count: int) -> Samples:
    return np.arange(count, dtype=np.int32).astype(np.int16)


def fed(count: int = RATE_HZ, lead: float = 0.2) -> Pacer:
    pacer = Pacer(RATE_HZ, lead)
    pacer.feed(sound(count), 0)
    return pacer


def offsets(chunks: list[Chunk]) -> list[int]:
    """Where each begins: a sample of `sound` is its own place."""
    return [int(chunk.samples[0]) for chunk in chunks]


# ---------------------------------------------------------------- a plain second of sound


def test_the_lead_leaves_at_once_and_then_a_chunk_as_one_was_played() -> None:
    pacer = fed()
    assert offsets(pacer.due(START)) == [0, 960, 1_920, 2_880, 3_840]
    assert pacer.next_due(START) == START + CHUNK_SECONDS
    assert pacer.due(START + 0.039) == []
    assert offsets(pacer.due(START + 0.04)) == [4_800]
    assert pacer.sent == 5_760


def test_a_late_call_sends_what_became_due_in_between() -> None:
    pacer = fed()
    pacer.due(START)
    assert offsets(pacer.due(START + 0.13)) == [4_800, 5_760, 6_720]


def test_chunks_are_the_sound_without_a_gap_and_the_last_says_so() -> None:
    pacer = fed(2_500)
    pacer.end()
    chunks = pacer.due(START)
    assert [(len(c.samples), c.is_last) for c in chunks] == [(960, False), (960, False), (580, True)]
    assert np.array_equal(np.concatenate([c.samples for c in chunks]), sound(2_500))
    assert pacer.is_sent
    assert pacer.due(START + 9) == []


def test_an_end_that_comes_late_is_a_chunk_of_nothing() -> None:
    pacer = fed(1_000)
    pacer.feed(sound(200), 3)
    assert not pacer.due(START)[-1].is_last
    assert pacer.next_due(START) is None
    pacer.end()
    assert pacer.next_due(START + 1) == START + 1
    (last,) = pacer.due(START + 1)
    assert (len(last.samples), last.segment, last.is_last) == (0, 3, True)
    assert pacer.next_due(START + 2) is None


def test_an_answer_without_sound_has_a_last_chunk_too() -> None:
    pacer = Pacer(RATE_HZ, 0.2)
    assert pacer.next_due(START) is None
    pacer.end()
    (only,) = pacer.due(START)
    assert (len(only.samples), only.is_last) == (0, True)


def test_a_chunk_speaks_one_clause() -> None:
    pacer = fed(1_000)
    pacer.feed(sound(500), 1)
    assert [(c.segment, len(c.samples)) for c in pacer.due(START)] == [(0, 960), (0, 40), (1, 500)]


def test_what_was_heard_follows_the_clock_up_to_what_was_sent() -> None:
    pacer = fed(4_800)
    assert pacer.heard(START) == 0
    pacer.due(START)
    assert pacer.heard(START) == 0
    assert pacer.heard(START + 0.1) == 2_400
    assert pacer.all_heard_at(START + 0.1) == pytest.approx(START + 0.2)
    assert pacer.heard(START + 5) == 4_800
    assert pacer.all_heard_at(START + 5) == START + 5


def test_a_lead_is_never_less_than_a_chunk() -> None:
    assert offsets(fed(lead=0.0).due(START)) == [0]


# ---------------------------------------------------------------- dry spells and reports


def test_after_a_dry_spell_the_clock_starts_again() -> None:
    pacer = fed(960)
    pacer.due(START)
    assert pacer.heard(START + 3) == 960
    pacer.feed(sound(RATE_HZ), 1)
    assert offsets(pacer.due(START + 3)) == [0, 960, 1_920, 2_880, 3_840]
    assert pacer.heard(START + 3) == 960
    assert pacer.heard(START + 3.01) == 1_200


def test_reports_hold_the_sound_back_and_the_clock_carries_them_on() -> None:
    pacer = fed()
    pacer.due(START)
    assert not pacer.is_reported
    pacer.report(0, START + 0.1)
    assert pacer.is_reported
    assert pacer.heard(START + 0.1) == 0
    assert pacer.next_due(START + 0.1) == pytest.approx(START + 0.14)
    assert pacer.due(START + 0.13) == []
    pacer.report(2_000, START + 0.15)
    assert pacer.heard(START + 0.16) == 2_240
    assert offsets(pacer.due(START + 0.16)) == [4_800, 5_760]


def test_a_report_beyond_what_was_sent_counts_as_that() -> None:
    pacer = fed()
    pacer.due(START)
    pacer.report(1_000_000, START + 0.01)
    assert pacer.heard(START + 0.01) == LEAD


def test_a_report_that_falls_is_ignored() -> None:
    pacer = fed()
    pacer.due(START)
    pacer.report(2_000, START + 0.1)
    pacer.report(1_000, START + 0.12)
    assert pacer.heard(START + 0.12) == 2_480


def test_a_player_that_stands_still_stops_the_sound() -> None:
    pacer = fed()
    pacer.due(START)
    for n in range(1, 50):
        pacer.report(480, START + n * 0.02)
        pacer.due(START + n * 0.02)
    assert pacer.sent <= 480 + LEAD


# ---------------------------------------------------------------- whatever happens

FEED = st.tuples(st.just("feed"), st.integers(0, 5_000))
WAIT = st.tuples(st.just("wait"), st.floats(0, 1.5, allow_subnormal=False))
UNTIL_DUE = st.tuples(st.just("until due"), st.just(0))
REPORT = st.tuples(st.just("report"), st.integers(-10, 60_000))
END = st.tuples(st.just("end"), st.just(0))
STEPS = st.lists(st.one_of(FEED, FEED, WAIT, WAIT, UNTIL_DUE, UNTIL_DUE, REPORT, END), max_size=40)


class Watched:
    """A pacer, and everything that must be true of it at any time."""

    def __init__(self, rate_hz: int, lead: float, now: float) -> None:
        self.pacer, self.now, self.rate_hz = Pacer(rate_hz, lead), now, rate_hz
        self.lead = max(round(lead * rate_hz), round(CHUNK_SECONDS * rate_hz))
        self.fed: list[Samples] = []
        self.chunks: list[Chunk] = []
        self.reported = self.heard = 0
        self.is_ended = False

    def step(self, kind: str, value: float) -> None:
        is_report = False
        match kind:
            case "feed" if not self.is_ended:
                self.fed.append(sound(int(value)))
                self.pacer.feed(self.fed[-1], len(self.fed) - 1)
            case "wait":
                self.now += value
            case "until due":
                self.wait_until_due()
            case "report":
                is_report = value >= self.reported
                self.reported = max(self.reported, min(int(value), self.pacer.sent))
                self.pacer.report(int(value), self.now)
            case "end":
                self.is_ended = True
                self.pacer.end()
        self.check_heard(may_fall=is_report)
        self.send()
        self.check_heard(may_fall=False)

    def wait_until_due(self) -> None:
        due = self.pacer.next_due(self.now)
        if due is None:
            return
        assert due >= self.now
        if due > self.now:
            assert self.pacer.due(max(self.now, due - 1.5 / self.rate_hz)) == []
        self.now = due
        assert self.send()

    def send(self) -> bool:
        chunks = self.pacer.due(self.now)
        self.chunks += chunks
        if any(len(chunk.samples) for chunk in chunks):
            assert self.pacer.sent - self.pacer.heard(self.now) <= self.lead
        return bool(chunks)

    def check_heard(self, *, may_fall: bool) -> None:
        heard = self.pacer.heard(self.now)
        assert self.reported <= heard <= self.pacer.sent
        assert may_fall or heard >= self.heard
        self.heard = heard

    def check_chunks(self) -> None:
        sent = sum(len(chunk.samples) for chunk in self.chunks)
        assert sent == self.pacer.sent
        parts = [chunk.samples for chunk in self.chunks]
        whole = np.concatenate([np.zeros(0, np.int16), *self.fed])
        assert np.array_equal(np.concatenate([np.zeros(0, np.int16), *parts]), whole[:sent])


@settings(deadline=None, max_examples=300)
@given(
    steps=STEPS,
    rate_hz=st.sampled_from([8_000, 24_000, 48_000]),
    lead=st.floats(0.1, 0.4),
    start=st.floats(0, 1e6),
)
def test_whatever_is_fed_and_reported(
    steps: list[tuple[str, float]], rate_hz: int, lead: float, start: float
) -> None:
    watched = Watched(rate_hz, lead, start)
    for kind, value in steps:
        watched.step(kind, value)
    watched.step("end", 0)
    while watched.pacer.next_due(watched.now) is not None:
        watched.wait_until_due()
    watched.check_chunks()
    assert watched.pacer.is_sent
    assert watched.pacer.sent == sum(map(len, watched.fed))
    assert [chunk.is_last for chunk in watched.chunks] == [False] * (len(watched.chunks) - 1) + [True]
    assert watched.pacer.reached(watched.pacer.all_heard_at(watched.now)) == watched.pacer.sent


@pytest.mark.parametrize(("reports", "most"), [(False, SENT_SECONDS), (True, BEHIND_SECONDS)])
def test_of_what_left_so_much_is_kept(reports: bool, most: float) -> None:
    """By a client that may not have got it, and by one that says what it has played."""
    pacer = fed(60 * RATE_HZ)
    for step in range(round(60 / CHUNK_SECONDS)):
        now = START + step * CHUNK_SECONDS
        pacer.due(now)
        if reports:
            pacer.report(pacer.heard(now), now)
        behind = pacer.sound.kept - (60 * RATE_HZ - pacer.sent)
        assert behind <= (most + LEAD / RATE_HZ + 2 * CHUNK_SECONDS) * RATE_HZ
    assert pacer.sent > 50 * RATE_HZ
