"""How loud: the ramps of DUCK and HOLD, at the rates that there are."""

import numpy as np
import pytest

from voice_grpc.core.playout.volume import DUCKED, Volume


def level(count: int) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    return np.full(count, 20_000, np.int16)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
def test_lowered_and_raised_within_20_ms_whatever_the_blocks(rate_hz: int) -> None:
    volume, in_one = Volume(rate_hz), Volume(rate_hz)
    count = rate_hz // 50
    for is_lowered in (True, False):
        volume.lower(is_lowered)
        in_one.lower(is_lowered)
        blocks = [volume.applied(part) for part in np.array_split(level(2 * count), 7)]
        assert np.abs(np.concatenate(blocks).astype(int) - in_one.applied(level(2 * count))).max() <= 1
        settled = np.concatenate(blocks)[count - 1 :]
        assert set(settled.tolist()) == {round(20_000 * DUCKED) if is_lowered else 20_000}


@pytest.mark.parametrize("rate_hz", [8_000, 48_000])
def test_to_silence_and_out_of_it_within_5_ms(rate_hz: int) -> None:
    volume = Volume(rate_hz)
    faded = volume.faded_out(level(rate_hz))
    assert len(faded) == volume.fade_length == rate_hz // 200
    assert (np.diff(faded.astype(int)) < 0).all()
    assert faded[-1] == 0
    assert volume.is_silent
    again = volume.applied(level(rate_hz // 100))
    assert (np.diff(again[: rate_hz // 200].astype(int)) > 0).all()
    assert set(again[rate_hz // 200 :].tolist()) == {20_000}
    assert not volume.is_silent


def test_where_nothing_follows_there_is_nothing_to_fade() -> None:
    volume = Volume(24_000)
    assert not len(volume.faded_out(level(0)))
    assert volume.is_silent
    assert not len(volume.applied(level(0)))


def test_a_quiet_answer_is_passed_on_as_it_is() -> None:
    sound = level(10)
    assert Volume(24_000).applied(sound) is sound
