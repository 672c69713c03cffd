"""The sound of a turn as packets, and clauses as a voice gets them."""

import numpy as np
import pytest

from voice_grpc.core.config import AudioFormat, Encoding
from voice_grpc.core.responses import AudioOutput
from voice_grpc.ports import Clause
from voice_grpc.session.answering.speech import AudioPackets, Prosody, speakable_clause

RATE_HZ = 24_000


def packed(encoding: Encoding, sizes: list[int]) -> list[AudioOutput]:
    packets = AudioPackets(7, AudioFormat(encoding, RATE_HZ))
    found: list[AudioOutput] = []
    for segment, size in enumerate(sizes):
        is_last = segment == len(sizes) - 1
        found += packets.pack(np.zeros(size, np.int16), segment, is_last=is_last)
    return found


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("sizes", [[0], [960, 960, 580], [100, 0, 1_234, 0], [7]])
def test_packets_are_numbered_without_a_gap_and_the_last_says_so(
    encoding: Encoding, sizes: list[int]
) -> None:
    found = packed(encoding, sizes)
    assert [each.index for each in found] == list(range(len(found)))
    ends = np.cumsum([each.duration for each in found])
    assert [each.offset for each in found] == [0, *map(int, ends[:-1])]
    assert int(ends[-1]) >= sum(sizes)
    assert [each.is_last for each in found] == [False] * (len(found) - 1) + [True]
    assert {each.turn for each in found} == {7}


def test_plain_sound_is_as_long_as_it_was() -> None:
    found = packed(Encoding.PCM_S16LE, [960, 960, 580])
    assert [each.duration for each in found] == [960, 960, 580]
    assert [len(each.data) for each in found] == [1_920, 1_920, 1_160]


def test_a_clause_is_said_in_the_words_of_its_language_with_the_marks_of_the_persona() -> None:
    clause = speakable_clause(Clause(3, "It costs **5 %**."), "")
    assert clause is not None
    assert (clause.index, "*" in clause.text, clause.ssml) == (3, False, "")
    marked = speakable_clause(Clause(0, "Hello."), "en", Prosody(pitch="low"))
    assert marked is not None
    assert marked.ssml == '<speak><prosody pitch="low">Hello.</prosody></speak>'


def test_a_clause_with_marks_of_its_own_keeps_them() -> None:
    document = "<speak>Hello.</speak>"
    marked = speakable_clause(Clause(0, "Hello.", document), "en", Prosody(volume="loud"))
    assert marked is not None
    assert marked.ssml == document


def test_what_nobody_can_say_is_no_clause() -> None:
    assert speakable_clause(Clause(0, " *** "), "en") is None
