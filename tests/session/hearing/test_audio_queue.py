"""Sound on its way to the detector: bounded whatever comes, and nothing but sound is ever lost."""

import numpy as np

from voice_grpc.client.unconsumed import SOUND_SECONDS
from voice_grpc.core.audio import RATE_HZ, Frame
from voice_grpc.session.hearing.audio_queue import QUEUE_SECONDS, AudioQueue

SECOND = RATE_HZ
MOST = int(QUEUE_SECONDS)


def second(position: int) -> Frame:
    return Frame(np.zeros(SECOND, np.int16), position * SECOND)


async def drained(queue: AudioQueue) -> list[int | None]:
    """The second at which each frame began; None: the microphone was closed here."""
    found = []
    while not queue.is_empty:
        frame = await queue.take()
        found.append(None if frame is None else frame.position // SECOND)
    return found


async def test_the_oldest_gives_way() -> None:
    queue = AudioQueue()
    assert [queue.put(second(each)) for each in range(MOST + 2)] == [0] * MOST + [SECOND, SECOND]
    assert await drained(queue) == list(range(2, MOST + 2))


async def test_what_a_client_kept_while_its_line_was_down_has_room() -> None:
    queue = AudioQueue()
    assert not any(queue.put(second(each)) for each in range(int(SOUND_SECONDS) + 1))


async def test_the_bound_holds_behind_a_microphone_that_was_closed() -> None:
    queue = AudioQueue()
    queue.close()
    assert sum(queue.put(second(each)) for each in range(MOST + 7)) == 7 * SECOND
    assert await drained(queue) == [None, *range(7, MOST + 7)]


async def test_a_close_stays_where_it_was_among_the_sound() -> None:
    queue = AudioQueue()
    queue.put(second(0))
    queue.close()
    for each in range(1, MOST + 3):
        queue.put(second(each))
    assert await drained(queue) == [None, *range(3, MOST + 3)]


async def test_closed_and_closed_again_is_closed_once() -> None:
    queue = AudioQueue()
    queue.put(second(0))
    for _ in range(1_000):
        queue.close()
    assert await drained(queue) == [0, None]


async def test_one_that_is_closed_between_what_is_dropped_was_closed_once() -> None:
    queue = AudioQueue()
    for each in range(MOST + 3):
        queue.close()
        queue.put(second(each))
    assert await drained(queue) == [heard for each in range(3, MOST + 3) for heard in (None, each)]


async def test_a_frame_is_never_dropped_for_itself() -> None:
    queue = AudioQueue()
    long = Frame(np.zeros((MOST + 7) * SECOND, np.int16), SECOND)
    queue.put(second(0))
    assert queue.put(long) == SECOND
    assert await drained(queue) == [1]
