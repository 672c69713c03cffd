"""The track that plays the answer: frames, what is reported of them, and how it yields. Sample by sample."""

import numpy as np
import pytest

pytest.importorskip("aiortc", reason="aiortc is not installed (the extra `webrtc`)")

from gateway.webrtc.outbound_track import FRAME, KEPT, MAX_WAITING, MOST_BEHIND, Playlist, Reports
from voice_grpc.core.audio import Samples
from voice_grpc.core.playout.volume import DUCKED
from voice_grpc.pb import voice_pb2 as pb

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")

FADE = 240
"""Samples of 5 ms: the way to silence and back."""


def pcm(value: int, samples: int) -> bytes:
    return np.full(samples, value, "<i2").tobytes()


def test_frames_are_filled_across_pieces_and_counted() -> None:
    playlist = Playlist()
    playlist.add(1, pcm(1, 500), is_last=False)
    playlist.add(1, pcm(2, 700), is_last=True)
    first, second = (np.frombuffer(playlist.next_frame(), "<i2") for _ in range(2))
    assert first.tolist() == [1] * 500 + [2] * 460
    assert second.tolist() == [2] * 240 + [0] * 720
    assert playlist.current is not None
    assert (playlist.current.turn, playlist.current.played, playlist.current.is_over) == (1, 1_200, True)


def test_a_full_playlist_drops_the_oldest_and_reports_every_end() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    playlist.add(1, pcm(1, FRAME), is_last=True)
    playlist.add(2, pcm(2, FRAME), is_last=False)
    playlist.add(2, pcm(2, FRAME), is_last=True)
    for _ in range(2 * MAX_WAITING // FRAME):
        playlist.add(3, pcm(3, FRAME), is_last=False)
    playlist.add(3, pcm(3, FRAME), is_last=True)
    heard = set[int]()
    said = []
    for _ in range(MAX_WAITING // FRAME + 1):
        heard |= set(np.frombuffer(playlist.next_frame(), "<i2").tolist())
        said += reports.due()
    assert heard == {3, 0}
    ends = [
        (each.turn, each.played_samples) for each in said if each.state == pb.PlaybackReport.STATE_FINISHED
    ]
    assert ends == [(1, 0), (2, 0), (3, MAX_WAITING)]


def test_a_cleared_turn_is_silent_from_the_next_frame_on() -> None:
    playlist = Playlist()
    playlist.add(1, pcm(100, 11 * FRAME), is_last=False)
    playlist.add(2, pcm(200, FRAME), is_last=True)
    playlist.next_frame()
    assert playlist.clear(1) == FRAME
    after = np.frombuffer(playlist.next_frame(), "<i2")
    assert set(after[FADE:].tolist()) == {200}
    faded = after[:FADE]
    assert faded[0] == 100
    assert faded[-1] == 0
    assert (np.diff(faded) <= 0).all()
    assert playlist.clear(7) == 0


def test_every_answer_is_reported_from_its_start_to_its_end() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    assert reports.due() == []
    playlist.add(1, pcm(1, 2 * FRAME), is_last=True)
    playlist.add(2, pcm(2, FRAME), is_last=True)
    playlist.add(3, pcm(3, 2 * FRAME), is_last=False)
    said = []
    for _ in range(4):
        playlist.next_frame()
        said.append([(report.turn, report.state, report.played_samples) for report in reports.due()])
    state = pb.PlaybackReport
    assert said == [
        [(1, state.STATE_STARTED, FRAME)],
        [(1, state.STATE_FINISHED, 2 * FRAME)],
        [(2, state.STATE_FINISHED, FRAME)],
        [(3, state.STATE_STARTED, FRAME)],
    ]
    assert reports.due() == []
    cleared = reports.cleared(3)
    assert (cleared.state, cleared.played_samples) == (state.STATE_CLEARED, FRAME)
    assert reports.due() == []


def standing(report: pb.PlaybackReport) -> tuple[int, int, int]:
    """In frames where they are such."""
    return report.played_samples // FRAME, report.buffered_samples // FRAME, report.underruns


def test_what_waits_and_how_often_it_ran_dry_is_reported() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    playlist.add(1, pcm(1, 3 * FRAME), is_last=False)
    playlist.add(1, pcm(1, FRAME), is_last=False)
    said = []
    for frames in (1, 2, 3):  # the last two of them find nothing
        heard(playlist, frames)
        said += reports.due()
    playlist.add(1, pcm(1, 2 * FRAME), is_last=False)
    playlist.add(2, pcm(2, 5 * FRAME), is_last=True)
    heard(playlist)
    said += reports.due()
    assert [standing(report) for report in said] == [(1, 3, 0), (3, 1, 0), (4, 0, 0), (5, 1, 1)]
    assert standing(reports.cleared(1)) == (5, 0, 1)


def test_a_hold_and_the_end_are_no_underruns() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    playlist.add(1, pcm(1, FRAME), is_last=False)
    heard(playlist)
    assert [standing(report) for report in reports.held(1)] == [(1, 0, 0)] * 2
    heard(playlist, 5)
    playlist.resume(1, FRAME)
    playlist.add(1, pcm(1, FRAME), is_last=True)
    heard(playlist, 5)
    assert [standing(report) for report in reports.due()] == [(2, 0, 0)]


def test_what_is_on_its_way_to_the_ear_is_not_played_yet() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    playlist.add(1, pcm(1, 20 * FRAME), is_last=True)
    reports.behind(4 * FRAME)
    said = []
    for frames in (1, 4, 5):
        heard(playlist, frames)
        said += reports.due()
    assert [standing(report) for report in said] == [(0, 20, 0), (1, 19, 0), (6, 14, 0)]
    reports.behind(6 * FRAME)
    heard(playlist)
    assert [standing(report) for report in reports.due()] == [(6, 14, 0)], "a report never falls"
    (held,) = reports.held(1)
    assert standing(held) == (11, 9, 0), "while it is held the ear comes as far as what has left"


def test_an_answer_is_finished_once_its_end_was_heard() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    reports.behind(5 * FRAME)
    playlist.add(1, pcm(1, 10 * FRAME), is_last=True)
    playlist.add(2, pcm(2, 10 * FRAME), is_last=False)
    heard(playlist, 10)
    assert told(reports.due()) == [(1, STARTED, 5 * FRAME)], "the track has nothing of it, and it is not over"
    heard(playlist, 4)
    assert told(reports.due()) == [(1, PROGRESS, 9 * FRAME)]
    heard(playlist)
    assert told(reports.due()) == [(1, FINISHED, 10 * FRAME), (2, STARTED, 0)]
    heard(playlist)
    assert told(reports.due()) == [(2, PROGRESS, FRAME)]


def test_what_is_cleared_on_its_way_to_the_ear_is_heard_and_never_finished() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    reports.behind(5 * FRAME)
    playlist.add(1, pcm(1, 10 * FRAME), is_last=True)
    heard(playlist, 10)
    assert told(reports.due()) == [(1, STARTED, 5 * FRAME)]
    assert told([reports.cleared(1)]) == [(1, pb.PlaybackReport.STATE_CLEARED, 10 * FRAME)]
    heard(playlist, 10)
    assert reports.due() == []


def test_no_page_is_believed_to_be_seconds_behind() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    playlist.add(1, pcm(1, 100 * FRAME), is_last=True)
    reports.behind(2**63)
    heard(playlist, 50)
    assert [standing(report) for report in reports.due()] == [((50 * FRAME - MOST_BEHIND) // FRAME, 75, 0)]


# ---------------------------------------------------------------- yielding


def ramp(count: int, first: int = 1_000) -> bytes:
    """Sample n is `first` + n: what is heard tells which sample it is."""
    return np.arange(first, first + count).astype("<i2").tobytes()


def heard(playlist: Playlist, frames: int = 1) -> Samples:
    return np.frombuffer(b"".join(playlist.next_frame() for _ in range(frames)), "<i2").astype(np.int16)


def told(reports: list[pb.PlaybackReport]) -> list[tuple[int, int, int]]:
    return [(report.turn, report.state, report.played_samples) for report in reports]


def playing(frames: int = 10, taken: int = 2) -> tuple[Playlist, Reports]:
    """Turn 1, in chunks of two frames as the server sends them; so many frames were played and reported."""
    playlist = Playlist()
    for n in range(0, frames, 2):
        playlist.add(1, ramp(2 * FRAME, 1_000 + n * FRAME), is_last=n + 2 >= frames)
    heard(playlist, taken)
    reports = Reports(playlist)
    reports.due()
    return playlist, reports


PROGRESS, STARTED = pb.PlaybackReport.STATE_PROGRESS, pb.PlaybackReport.STATE_STARTED
FINISHED = pb.PlaybackReport.STATE_FINISHED


def test_a_hold_fades_to_silence_and_says_at_once_what_was_played() -> None:
    playlist, reports = playing()
    assert told(reports.held(1)) == [(1, PROGRESS, 2 * FRAME)]
    faded = heard(playlist)
    assert faded[0] == round((1_000 + 2 * FRAME) * (1 - 1 / FADE))
    assert (np.diff(faded[:FADE].astype(int)) < 0).all()
    assert not faded[FADE:].any()
    assert not heard(playlist, 5).any()
    assert reports.due() == []


def test_it_goes_on_with_the_very_sample_at_which_it_was_held() -> None:
    playlist, reports = playing()
    reports.held(1)
    heard(playlist, 3)
    playlist.resume(1, 2 * FRAME)
    rest = heard(playlist, 8).tolist()
    assert rest[FADE:] == list(range(1_000 + 2 * FRAME + FADE, 1_000 + 10 * FRAME))
    assert told(reports.due()) == [(1, FINISHED, 10 * FRAME)]


def test_what_is_heard_again_lowers_no_report() -> None:
    playlist, reports = playing(taken=6)
    reports.held(1)
    playlist.resume(1, 3 * FRAME + 100)
    assert heard(playlist).tolist()[FADE:] == list(range(1_100 + 3 * FRAME + FADE, 1_100 + 4 * FRAME))
    assert told(reports.due()) == [(1, PROGRESS, 6 * FRAME)]
    assert heard(playlist, 2).tolist() == list(range(1_100 + 4 * FRAME, 1_100 + 6 * FRAME))
    assert told(reports.due()) == [(1, PROGRESS, 6 * FRAME + 100)]


def test_a_second_is_kept_of_what_was_played_and_no_more() -> None:
    playlist, reports = playing(frames=70, taken=68)
    reports.held(1)
    playlist.resume(1, 0)
    again = heard(playlist).tolist()
    first = (1_000 + 68 * FRAME - KEPT + FADE + 2**15) % 2**16 - 2**15
    assert again[FADE] == first


def test_what_is_to_come_is_never_left_out() -> None:
    playlist, reports = playing()
    reports.held(1)
    playlist.resume(1, 9 * FRAME)
    assert heard(playlist)[FADE] == 1_000 + 2 * FRAME + FADE


def test_sound_that_comes_while_it_is_held_is_kept() -> None:
    playlist = Playlist()
    playlist.add(1, ramp(FRAME), is_last=False)
    heard(playlist)
    playlist.hold(1)
    playlist.add(1, ramp(FRAME, 1_000 + FRAME), is_last=True)
    playlist.add(2, ramp(FRAME, 5_000), is_last=True)
    assert not heard(playlist, 3)[FADE:].any()
    playlist.resume(1, FRAME)
    assert heard(playlist)[FADE:].tolist() == list(range(1_000 + FRAME + FADE, 1_000 + 2 * FRAME))
    assert heard(playlist).tolist() == list(range(5_000, 5_000 + FRAME))


def test_a_hold_is_of_its_turn_alone() -> None:
    playlist = Playlist()
    playlist.add(1, ramp(FRAME), is_last=True)
    playlist.add(2, ramp(FRAME, 5_000), is_last=True)
    assert playlist.hold(2) is None
    assert heard(playlist).tolist() == list(range(1_000, 1_000 + FRAME))
    assert not heard(playlist, 2).any()
    playlist.resume(2, 0)
    assert heard(playlist).tolist() == list(range(5_000, 5_000 + FRAME))


@pytest.mark.parametrize("how", ["clear", "give_up"])
def test_what_is_cut_or_broke_off_holds_nobody_up(how: str) -> None:
    playlist, reports = playing()
    reports.held(1)
    heard(playlist)
    playlist.add(2, ramp(FRAME, 5_000), is_last=True)
    getattr(playlist, how)(1)
    assert heard(playlist, 9)[-FRAME if how == "give_up" else 0 :][:FRAME].tolist() == list(
        range(5_000, 5_000 + FRAME)
    )


def test_a_hold_before_the_first_report_tells_of_the_start_too() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    playlist.add(1, ramp(2 * FRAME), is_last=False)
    heard(playlist)
    assert told(reports.held(1)) == [(1, STARTED, FRAME), (1, PROGRESS, FRAME)]
    assert reports.held(7) == []


def test_duck_lowers_within_20_ms_and_the_next_answer_is_not_lowered() -> None:
    playlist = Playlist()
    playlist.add(1, pcm(10_000, 5 * FRAME), is_last=True)
    playlist.add(2, pcm(10_000, FRAME), is_last=True)
    heard(playlist)
    playlist.duck(1, is_ducked=True)
    lowered = heard(playlist, 2)
    assert (np.diff(lowered[: FRAME - 1].astype(int)) <= 0).all()
    assert set(lowered[FRAME:].tolist()) == {round(10_000 * DUCKED)}
    playlist.duck(1, is_ducked=False)
    assert heard(playlist)[-1] == 10_000
    playlist.duck(1, is_ducked=True)
    heard(playlist)
    assert set(heard(playlist).tolist()) == {10_000}


def test_it_goes_on_at_full_volume() -> None:
    playlist, _ = playing()
    playlist.duck(1, is_ducked=True)
    heard(playlist)
    playlist.hold(1)
    heard(playlist)
    playlist.resume(1, 3 * FRAME)
    assert heard(playlist)[FADE:].tolist() == list(range(1_000 + 3 * FRAME + FADE, 1_000 + 4 * FRAME))


async def test_it_waits_while_another_line_to_the_server_begins() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    assert await reports.hold() is None
    playlist.add(1, pcm(100, 4 * FRAME), is_last=True)
    playlist.next_frame()
    held = await reports.hold()
    assert held is not None
    assert (held.turn, held.played_samples) == (1, FRAME)
    assert not np.frombuffer(playlist.next_frame(), "<i2")[FADE:].any()
    await reports.go_on()
    assert np.frombuffer(playlist.next_frame(), "<i2")[FADE:].all()
    assert playlist.current is not None
    assert playlist.current.played == 2 * FRAME


async def test_what_the_server_held_stays_so_on_another_line() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    playlist.add(1, pcm(100, 4 * FRAME), is_last=True)
    playlist.next_frame()
    reports.held(1)
    assert await reports.hold() is not None
    await reports.go_on()
    assert playlist.is_held


async def test_as_another_line_begins_the_end_that_is_on_its_way_counts_as_heard() -> None:
    playlist = Playlist()
    reports = Reports(playlist)
    reports.behind(10 * FRAME)
    playlist.add(1, pcm(1, 3 * FRAME), is_last=True)
    heard(playlist, 3)
    assert [standing(report) for report in reports.due()] == [(0, 3, 0)]
    report = await reports.hold()
    assert report is not None
    assert standing(report) == (3, 0, 0)
    await reports.go_on()
    assert not playlist.is_held
