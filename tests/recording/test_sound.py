"""Two channels there and back: what is decoded lies where it was put, for minutes, and does not leak."""

from pathlib import Path

import numpy as np
import pytest

from voice_grpc.core.audio import RATE_HZ, rms
from voice_grpc.ports import SoundPiece
from voice_grpc.recording.sound import HELD_BACK, MAX_AHEAD, RECORDED_HZ, Channel, TwoChannels

from .reading import pitch, played, spans, tone

pytest.importorskip("av", reason="PyAV is not installed (the extra `opus`)")

OUT_HZ = 24_000
WITHIN = 0.02


def pieces(at: float, seconds: float, hz: float, rate_hz: int, size: float = 0.02) -> list[SoundPiece]:
    """As a microphone or an answer brings them."""
    sound, step = tone(seconds, hz, rate_hz), round(size * rate_hz)
    starts = range(0, len(sound), step)
    return [SoundPiece(at + start / rate_hz, sound[start : start + step], rate_hz) for start in starts]


def written(user: list[SoundPiece], assistant: list[SoundPiece], seconds: float) -> bytes:
    """Told and settled as a session does it."""
    channels, data, now = TwoChannels(), b"", 0.0
    while now < seconds:
        now += 0.25
        for channel, waiting in ((channels.user, user), (channels.assistant, assistant)):
            while waiting and waiting[0].at <= now:
                assert channel.put(waiting.pop(0))
        data += channels.write(round(now * RECORDED_HZ) - HELD_BACK)
    return data + channels.finish(round(seconds * RECORDED_HZ))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 48_000])
def test_what_is_decoded_lies_where_it_was_put(rate_hz: int, tmp_path: Path) -> None:
    file = tmp_path / "a.opus"
    assistant = pieces(2.0, 1.0, 660, rate_hz, 0.04) + pieces(4.5, 0.5, 880, rate_hz, 0.04)
    file.write_bytes(written(pieces(0.5, 1.0, 440, RATE_HZ), assistant, 6.0))
    both = played(file)
    left, right = both[:, 0], both[:, 1]
    assert len(both) / RECORDED_HZ == pytest.approx(6.0, abs=WITHIN)
    assert spans(left) == [pytest.approx((0.5, 1.5), abs=WITHIN)]
    assert spans(right) == [pytest.approx(s, abs=WITHIN) for s in ((2.0, 3.0), (4.5, 5.0))]
    for channel, start, hz in ((left, 0.6, 440), (right, 2.1, 660), (right, 4.55, 880)):
        cut = channel[round(start * RECORDED_HZ) :][: round(0.4 * RECORDED_HZ)]
        assert pitch(cut) == pytest.approx(hz, abs=5)
        assert rms(cut) == pytest.approx(0.25 / np.sqrt(2), rel=0.1)


def test_neither_channel_leaks_into_the_other(tmp_path: Path) -> None:
    file = tmp_path / "a.opus"
    file.write_bytes(written(pieces(0.0, 2.0, 440, RATE_HZ), pieces(3.0, 2.0, 660, OUT_HZ), 5.0))
    both = played(file)
    silent_right, silent_left = both[: 2 * RECORDED_HZ, 1], both[3 * RECORDED_HZ :, 0]
    assert rms(silent_right) < 0.002
    assert rms(silent_left) < 0.002


def test_in_sync_after_minutes_of_talk_and_silence(tmp_path: Path) -> None:
    file, user, assistant = tmp_path / "a.opus", list[SoundPiece](), list[SoundPiece]()
    for n in range(8):
        user += pieces(n * 45.0, 1.0, 440, RATE_HZ)
        assistant += pieces(n * 45.0 + 1.5, 2.0, 660, OUT_HZ, 0.04)
    file.write_bytes(written(user, assistant, 360.0))
    both = played(file)
    said, heard = spans(both[:, 0]), spans(both[:, 1])
    assert [start for start, _ in said] == pytest.approx([45.0 * n for n in range(8)], abs=WITHIN)
    assert [start for start, _ in heard] == pytest.approx([45.0 * n + 1.5 for n in range(8)], abs=WITHIN)
    assert [end for _, end in heard] == pytest.approx([45.0 * n + 3.5 for n in range(8)], abs=WITHIN)


def test_every_part_of_the_file_plays(tmp_path: Path) -> None:
    """Cut anywhere, as by a kill: all whole pages are heard."""
    data = written(pieces(0.0, 4.0, 440, RATE_HZ), [], 4.0)
    for share in (0.3, 0.6, 0.95):
        file = tmp_path / f"{share}.opus"
        file.write_bytes(data[: round(share * len(data))])
        assert len(played(file)) / RECORDED_HZ == pytest.approx(share * 4.0, abs=0.6)


def test_an_hour_of_silence_is_hardly_anything() -> None:
    channels = TwoChannels()
    data = channels.write(3600 * RECORDED_HZ)
    assert channels.written == 3600 * RECORDED_HZ
    assert len(data) < 1_000_000


def test_sound_after_silence_is_whole(tmp_path: Path) -> None:
    """The encoder was not asked for a minute."""
    file = tmp_path / "a.opus"
    file.write_bytes(written(pieces(60.0, 1.0, 440, RATE_HZ), [], 62.0))
    assert spans(played(file)[:, 0]) == [pytest.approx((60.0, 61.0), abs=WITHIN)]


# ---------------------------------------------------------------- one channel


def test_what_comes_too_late_is_cut_and_moves_nothing() -> None:
    channel = Channel()
    assert not channel.take(RECORDED_HZ).any()
    channel.put(SoundPiece(0.5, np.full(RECORDED_HZ, 7, np.int16), RECORDED_HZ))
    taken = channel.take(2 * RECORDED_HZ)
    assert (taken[: RECORDED_HZ // 2] == 7).all()
    assert not taken[RECORDED_HZ // 2 :].any()


def test_what_is_too_far_ahead_is_left_out() -> None:
    channel = Channel()
    ahead = MAX_AHEAD / RECORDED_HZ
    assert channel.put(SoundPiece(ahead - 2.0, tone(1.0, 440, RATE_HZ), RATE_HZ))
    assert not channel.put(SoundPiece(ahead - 0.5, tone(1.0, 440, RATE_HZ), RATE_HZ))


def test_a_piece_may_be_taken_in_parts() -> None:
    channel = Channel()
    samples = np.arange(1, 4801, dtype=np.int16)
    channel.put(SoundPiece(0.0, samples, RECORDED_HZ))
    parts = [channel.take(until) for until in (100, 1000, 4800)]
    assert (np.concatenate(parts) == samples).all()
