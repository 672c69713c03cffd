"""Sound as it comes from the service, whole and in pieces of any size."""

import struct

import numpy as np
import pytest

from tests.fakes.google_tts_sound import encoded
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.google_tts.audio import PcmReader, wav_sound
from voice_grpc.engines.scripted import tone

LINEAR16, MULAW, PCM = 1, 5, 7
TONE = tone(1.5)


@pytest.mark.parametrize("size", [1, 333, 4_096, 1_000_000])
def test_pcm_comes_in_pieces_of_any_size(size: int) -> None:
    short = TONE[:5_000]
    data, reader = short.tobytes(), PcmReader()
    parts = [reader.feed(data[at : at + size]) for at in range(0, len(data), size)]
    assert np.array_equal(np.concatenate(parts), short)


def test_half_a_sample_at_the_end_is_no_sound() -> None:
    reader = PcmReader()
    assert not len(reader.feed(b""))
    assert list(reader.feed(b"\x01\x00\x02")) == [1]


@pytest.mark.parametrize("encoding", [LINEAR16, PCM])
def test_files_and_bare_pcm_are_read(encoding: int) -> None:
    samples, rate_hz = wav_sound(encoded(TONE, encoding, 24_000, is_file=True), 24_000)
    assert rate_hz == 24_000
    assert np.array_equal(samples, TONE)


def test_a_file_says_its_own_rate() -> None:
    assert wav_sound(encoded(TONE, LINEAR16, 22_050, is_file=True), 24_000)[1] == 22_050


def test_a_file_that_was_written_while_it_was_made_has_no_length() -> None:
    """With a chunk that is of no interest before the sound."""
    data = bytearray(encoded(TONE, LINEAR16, 24_000, is_file=True))
    struct.pack_into("<I", data, 40, 0xFFFFFFFF)
    data[36:36] = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    assert np.array_equal(wav_sound(bytes(data), 24_000)[0], TONE)


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        encoded(TONE, LINEAR16, 24_000, is_file=True)[:44].replace(b"data", b"date"),
        encoded(TONE, LINEAR16, 24_000, is_file=True).replace(b"\x01\0\x01\0", b"\x01\0\x02\0", 1),
        encoded(TONE, MULAW, 24_000, is_file=True),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        wav_sound(data, 24_000)
