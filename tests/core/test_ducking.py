"""The volume of an answer, lowered and raised without a click."""

import numpy as np

from voice_grpc.core.ducking import DUCKED, RAMP_SECONDS, Gain

RATE_HZ = 24_000
RAMP = round(RAMP_SECONDS * RATE_HZ)
LOUD = np.full(RATE_HZ // 10, 10_000, np.int16)


def test_at_full_volume_the_sound_is_the_same() -> None:
    assert Gain(RATE_HZ).applied(LOUD) is LOUD


def test_it_is_twelve_decibels_softer_after_the_ramp_and_back_again() -> None:
    gain = Gain(RATE_HZ)
    gain.lower(True)
    lowered = gain.applied(LOUD)
    assert lowered[RAMP] == round(10_000 * DUCKED)
    assert np.all(lowered[RAMP:] == lowered[-1])
    gain.lower(False)
    raised = gain.applied(LOUD)
    assert raised[RAMP] == 10_000
    assert gain.applied(LOUD) is LOUD


def test_no_step_is_larger_than_that_of_the_ramp_however_it_is_cut_into_chunks() -> None:
    whole, cut = Gain(RATE_HZ), Gain(RATE_HZ)
    whole.lower(True)
    cut.lower(True)
    at_once = whole.applied(LOUD)
    in_pieces = np.concatenate([cut.applied(LOUD[at : at + 7]) for at in range(0, len(LOUD), 7)])
    assert np.abs(at_once.astype(int) - in_pieces).max() <= 1
    assert np.abs(np.diff(at_once.astype(int))).max() <= 10_000 * (1 - DUCKED) / RAMP + 1
