"""Whisper's tokens as segments, words without the silence around them, windows in steps, and the hardware."""

from collections.abc import Sequence

import numpy as np
import pytest

from voice_grpc.core.audio import RATE_HZ
from voice_grpc.core.errors import EngineMissing
from voice_grpc.engines.whisper.decoding import FULL, DecodePass, in_silence, window_room, window_size
from voice_grpc.engines.whisper.model import compute_types, found_device
from voice_grpc.engines.whisper.segments import TimedWord, segments, voiced

STAMP = 1000


def at(seconds: float) -> int:
    return STAMP + round(seconds * 50)


def spelled(ids: Sequence[int]) -> str:
    return "".join(chr(token) for token in ids)


def cut(ids: Sequence[int], audio_s: float = 4.0) -> list[tuple[float, float, str]]:
    """With 0.2 s of silence before the audio."""
    found = segments(ids, STAMP, 0.2, audio_s, spelled)
    return [(round(each.start, 2), round(each.end, 2), each.text) for each in found]


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ([], []),
        ([at(0), at(2)], []),
        ([at(0.2), 97, 98, at(2.2)], [(0.0, 2.0, "ab")]),
        ([at(0), 97, at(1.2), at(1.4), 98, at(3.2)], [(0.0, 1.0, "a"), (1.2, 3.0, "b")]),
        ([97, 98], [(0.0, 4.0, "ab")]),
        ([at(1.2), 97], [(1.0, 4.0, "a")]),
        ([at(0.2), 97, at(30)], [(0.0, 4.0, "a")]),
        ([at(0.2), 97, at(4), at(4.2), 98, at(6)], [(0.0, 3.8, "a")]),
        ([at(5), 97, at(6)], [(4.0, 4.0, "a")]),
        ([at(2.2), 97, at(1.2)], [(2.0, 2.0, "a")]),
    ],
    ids=str,
)
def test_text_between_two_times_is_a_segment(ids: list[int], found: list[tuple[float, float, str]]) -> None:
    assert cut(ids) == found


def test_silence_around_a_word_is_not_of_it() -> None:
    audio = np.zeros(4 * RATE_HZ, np.float32)
    audio[RATE_HZ : 2 * RATE_HZ] = 0.3
    audio[3 * RATE_HZ : 3 * RATE_HZ + RATE_HZ // 2] = 0.3
    words = [
        TimedWord("one", 0.0, 1.5),
        TimedWord("two", 1.5, 2.6),
        TimedWord("three", 2.6, 4.0),
        TimedWord("none", 2.1, 2.9),
    ]
    found = [(each.text, round(each.start, 2), round(each.end, 2)) for each in voiced(audio, words)]
    assert found == [("one", 1.0, 1.5), ("two", 1.5, 2.0), ("three", 3.0, 3.5), ("none", 2.1, 2.9)]
    assert voiced(np.zeros(0, np.float32), words[:1]) == (words[0],)


def test_windows_in_steps_depend_on_their_own_piece_alone() -> None:
    decode_pass = DecodePass(2.0)
    assert window_size(RATE_HZ, decode_pass) == round(3.2 * RATE_HZ)
    for seconds in (1.81, 2.5, 2.8):
        assert window_size(round(seconds * RATE_HZ), decode_pass, 1.0) == 5 * RATE_HZ
        assert window_room(round(seconds * RATE_HZ), decode_pass, 1.0) == round(2.8 * RATE_HZ)
    assert window_size(28 * RATE_HZ, decode_pass, 1.0) == 30 * RATE_HZ
    assert window_room(RATE_HZ, decode_pass, 0.0) == RATE_HZ
    assert window_room(RATE_HZ, FULL, 1.0) == 30 * RATE_HZ
    shown = in_silence(np.ones(2 * RATE_HZ, np.float32), decode_pass, 1.0)
    assert len(shown) == 5 * RATE_HZ
    assert shown.sum() == 2 * RATE_HZ
    assert not shown[: RATE_HZ // 5].any()


def test_the_hardware_of_this_machine() -> None:
    ctranslate2 = pytest.importorskip("ctranslate2")
    assert found_device("cpu") == "cpu"
    assert "float32" in compute_types("cpu")
    if ctranslate2.get_cuda_device_count():
        assert found_device("auto") == "cuda"
    else:
        assert found_device("auto") == "cpu"
        with pytest.raises(EngineMissing, match="no CUDA device"):
            found_device("cuda")
