"""Sound as it comes from the service, whole and in pieces of any size."""

import io
import struct
import threading

import numpy as np
import pytest
import soundfile

from tests.fakes.google_tts_sound import StreamEncoder, encoded
from voice_grpc.codec.g711 import decode_mulaw, encode_mulaw
from voice_grpc.core.audio import Samples, rms
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.google_tts.audio import decoder, file_sound
from voice_grpc.engines.scripted import tone

LINEAR16, OGG_OPUS, MULAW, PCM = 1, 3, 5, 7
TONE = tone(1.5)


async def decoded(encoding: str, data: bytes, size: int) -> Samples:
    async with decoder(encoding, 24_000) as sound:
        parts = [await sound.feed(data[at : at + size]) for at in range(0, len(data), size)]
        parts.append(await sound.finish())
        assert sound.rate_hz == 24_000
    return np.concatenate(parts)


@pytest.mark.parametrize("size", [1, 333, 4_096, 1_000_000])
async def test_pcm_and_mulaw_come_in_pieces_of_any_size(size: int) -> None:
    short = TONE[:5_000]
    assert np.array_equal(await decoded("PCM", short.tobytes(), size), short)
    codes = encode_mulaw(short)
    assert np.array_equal(await decoded("MULAW", codes, size), decode_mulaw(codes))


@pytest.mark.parametrize("size", [333, 4_096, 1_000_000])
async def test_opus_is_decoded_as_it_comes(size: int) -> None:
    data = encoded(TONE, OGG_OPUS, 24_000, is_file=False)
    whole, _ = soundfile.read(io.BytesIO(data), dtype="int16")
    assert np.array_equal(await decoded("OGG_OPUS", data, size), whole)


async def test_a_page_of_opus_sounds_before_the_next_one_comes() -> None:
    encoder = StreamEncoder(OGG_OPUS, 24_000)
    data = encoder.feed(tone(4.0))
    async with decoder("OGG_OPUS", 24_000) as sound:
        first = await sound.feed(data)
        pages = data.count(b"OggS") - 2
        assert pages >= 3, "two pages are its head"
        assert len(first) / 24_000 > 0.9 * pages
        rest = [await sound.feed(encoder.finish()), await sound.finish()]
    assert len(first) + sum(map(len, rest)) == pytest.approx(4.0 * 24_000, abs=1)


async def test_opus_that_is_several_streams_is_heard_whole() -> None:
    data = b"".join(encoded(tone(seconds), OGG_OPUS, 24_000, is_file=False) for seconds in (0.5, 1.0, 0.5))
    assert len(await decoded("OGG_OPUS", data, 700)) == pytest.approx(2.0 * 24_000, abs=2)


async def test_another_file_can_be_opened_while_opus_is_waited_for() -> None:
    """soundfile opens one file at a time; the head of a stream alone must not keep it waiting."""
    head = encoded(TONE, OGG_OPUS, 24_000, is_file=False)[:200]
    async with decoder("OGG_OPUS", 24_000) as sound:
        assert not len(await sound.feed(head))
        assert len(soundfile.read(io.BytesIO(encoded(TONE, LINEAR16, 24_000, is_file=True)))[0])


async def test_what_is_given_up_leaves_no_thread() -> None:
    data = encoded(TONE, OGG_OPUS, 24_000, is_file=False)
    before = threading.active_count()
    for _ in range(20):
        async with decoder("OGG_OPUS", 24_000) as sound:
            await sound.feed(data[: len(data) * 2 // 3])
    assert threading.active_count() <= before


async def test_what_is_no_opus_is_an_error_of_ours() -> None:
    data = encoded(TONE, OGG_OPUS, 24_000, is_file=False)
    with pytest.raises(EngineError, match="no Ogg"):
        await decoded("OGG_OPUS", b"ID3" + bytes(5_000), 1_000)
    with pytest.raises(EngineError, match="half a page"):
        await decoded("OGG_OPUS", data[:-10], 1_000)
    with pytest.raises(EngineError, match="cannot be read"):
        await decoded("OGG_OPUS", data.replace(b"OpusHead", b"OpusTail"), 1_000)


async def test_no_sound_at_all_is_no_error() -> None:
    for encoding in ("PCM", "MULAW", "OGG_OPUS"):
        assert not len(await decoded(encoding, b"", 10))


@pytest.mark.parametrize("encoding", [LINEAR16, MULAW, OGG_OPUS, PCM])
def test_files_are_read(encoding: int) -> None:
    samples, rate_hz = file_sound(encoded(TONE, encoding, 24_000, is_file=True), 24_000)
    assert rate_hz == 24_000
    assert len(samples) == len(TONE)
    assert rms(samples) == pytest.approx(rms(TONE), rel=0.02)
    if encoding != OGG_OPUS:
        assert np.abs(samples.astype(int) - TONE).max() < 300


def test_a_file_says_its_own_rate() -> None:
    assert file_sound(encoded(TONE, LINEAR16, 22_050, is_file=True), 24_000)[1] == 22_050


def test_a_file_that_was_written_while_it_was_made_has_no_length() -> None:
    """With a chunk that is of no interest before the sound."""
    data = bytearray(encoded(TONE, LINEAR16, 24_000, is_file=True))
    struct.pack_into("<I", data, 40, 0xFFFFFFFF)
    data[36:36] = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    assert np.array_equal(file_sound(bytes(data), 24_000)[0], TONE)


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        encoded(TONE, LINEAR16, 24_000, is_file=True)[:44].replace(b"data", b"date"),
        encoded(TONE, LINEAR16, 24_000, is_file=True).replace(b"\x01\0\x01\0", b"\x01\0\x02\0", 1),
        b"OggS" + bytes(100),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        file_sound(data, 24_000)
