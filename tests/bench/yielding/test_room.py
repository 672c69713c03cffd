"""What comes back of a story: as late and as loud as it should, in whatever pieces it came.

A file of its own: the room is one of the bench's parts.
"""

import numpy as np
import pytest

from voice_grpc.bench.yielding.material import ECHOES
from voice_grpc.bench.yielding.room import Room
from voice_grpc.core.audio import RATE_HZ, Floats, Samples, to_float

FRAME = 320


def voice() -> Samples:
    return np.random.default_rng(5).normal(0, 3_000, RATE_HZ).astype(np.int16)


def heard(room: Room, said: Samples, size: int) -> Floats:
    """Two seconds of the microphone, while `said` comes `size` samples at a time, as soon as it is due."""
    parts, sent = [], 0
    for place in range(0, 2 * RATE_HZ, FRAME):
        while sent < len(said) and sent <= place:
            room.play(said[sent : sent + size], place)
            sent += size
        parts.append(room.hear(place, FRAME))
    return np.concatenate(parts)


@pytest.mark.parametrize("db", ECHOES)
def test_it_is_as_loud_as_the_room_says_and_as_late(db: float) -> None:
    said = voice()
    back = heard(Room(db, 0.2), said, 640)
    late = round(0.2 * RATE_HZ)
    assert not back[:late].any()
    power = np.sum(np.square(back)) / np.sum(np.square(to_float(said)))
    assert 10 * np.log10(power) == pytest.approx(db, abs=0.5)
    assert int(np.argmax(np.correlate(back[: RATE_HZ // 2], to_float(said[:4_000])))) == late


def test_it_is_the_same_in_whatever_pieces_it_came() -> None:
    said = voice()
    whole = heard(Room(-10, 0.2), said, 640)
    assert heard(Room(-10, 0.2), said, 320) == pytest.approx(whole, abs=1e-6)
