"""Choosing devices, and the queue between the microphone's thread and the loop."""

import asyncio
import builtins
import threading
from collections.abc import Mapping, Sequence

import pytest

from clients.devices import WAITING_FRAMES, Device, Microphone, NoDevice, choose, described, devices

FOUND = [
    Device("microphone", "Built-in Microphone", "m1"),
    Device("microphone", "USB Headset", "m2"),
    Device("loudspeaker", "USB Headset", "s1"),
]


def test_the_default_is_left_to_the_system() -> None:
    assert choose("microphone", "", FOUND) is None


@pytest.mark.parametrize("wanted", ["2", "usb", "Headset"])
def test_by_number_or_by_part_of_the_name(wanted: str) -> None:
    assert choose("microphone", wanted, FOUND) is FOUND[1]


@pytest.mark.parametrize("wanted", ["0", "3", "trumpet"])
def test_what_is_not_there_is_said_with_what_is(wanted: str) -> None:
    with pytest.raises(NoDevice, match="there are: microphone 1: Built-in Microphone, microphone 2: USB"):
        choose("microphone", wanted, FOUND)


def test_a_machine_without_says_so() -> None:
    with pytest.raises(NoDevice, match="no microphone on this machine .no microphone, loudspeaker 1: USB"):
        choose("microphone", "", FOUND[2:])
    assert described([]) == "no microphone\nno loudspeaker"


def test_a_missing_package_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Mapping[str, object] | Sequence[str] | int | None) -> object:
        if name == "miniaudio":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(NoDevice) as caught:
        devices()
    assert "pip install '.[mic]'" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_frames_come_in_order_from_another_thread() -> None:
    microphone = Microphone()
    frames = [bytes([n]) * 640 for n in range(20)]

    def device() -> None:
        for frame in frames:
            microphone.put(frame)

    thread = threading.Thread(target=device)
    thread.start()
    async with asyncio.timeout(60):
        read = [await microphone.read() for _ in frames]
    thread.join()
    assert read == [(frame, False) for frame in frames]


async def test_when_nobody_reads_the_oldest_are_dropped_and_that_is_said_once() -> None:
    microphone = Microphone()
    for n in range(WAITING_FRAMES + 10):
        microphone.put(n.to_bytes(2))
    async with asyncio.timeout(60):
        read = [await microphone.read() for _ in range(WAITING_FRAMES)]
    assert [int.from_bytes(frame) for frame, _ in read] == list(range(10, WAITING_FRAMES + 10))
    assert [lossy for _, lossy in read] == [True] + [False] * (WAITING_FRAMES - 1)


async def test_reading_waits_for_the_next_frame() -> None:
    microphone = Microphone()
    microphone.put(b"a")
    assert await microphone.read() == (b"a", False)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await microphone.read()
    microphone.put(b"b")
    assert await microphone.read() == (b"b", False)
