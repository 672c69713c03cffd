"""Whether there is an echo is known once the answer has sounded for a while and nothing came in."""

import numpy as np
import pytest

from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.core.echo.presence import SILENT_SECONDS, EchoPresence

FRAME = RATE_HZ // 50


def noise(level: float) -> Samples:
    return (np.random.default_rng(1).standard_normal(FRAME) * level * 32_768).astype(np.int16)


LOUD, QUIET, NOTHING = noise(0.1), noise(0.0003), noise(0.0)


def heard(presence: EchoPresence, near: Samples, far: Samples, seconds: float) -> bool:
    for _ in range(round(seconds * 50)):
        presence.add(near, far)
    return presence.is_absent


@pytest.mark.parametrize("near", [NOTHING, QUIET])
def test_an_answer_that_nothing_comes_back_of_has_no_echo(near: Samples) -> None:
    presence = EchoPresence()
    assert not heard(presence, near, LOUD, SILENT_SECONDS - 0.1)
    assert heard(presence, near, LOUD, 0.2)
    assert heard(presence, LOUD, LOUD, 3.0), "what comes in later is the user"


@pytest.mark.parametrize("decibels", [-10, -20, -30])
def test_an_echo_half_a_second_late_is_none_that_is_absent(decibels: int) -> None:
    presence = EchoPresence()
    echo = (LOUD * 10 ** (decibels / 20)).astype(np.int16)
    assert not heard(presence, NOTHING, LOUD, 0.5)
    assert not heard(presence, echo, LOUD, 5.0)
    assert not heard(presence, echo, NOTHING, 0.5)


def test_silence_of_the_answer_says_nothing() -> None:
    assert not heard(EchoPresence(), NOTHING, NOTHING, 10.0)


def test_who_was_loud_over_one_answer_is_not_trusted_in_the_next() -> None:
    presence = EchoPresence()
    heard(presence, NOTHING, LOUD, SILENT_SECONDS + 0.1)
    presence.begin()
    assert presence.is_absent
    heard(presence, LOUD, LOUD, 1.0)
    presence.begin()
    assert not presence.is_absent
    assert heard(presence, NOTHING, LOUD, SILENT_SECONDS + 0.1)
