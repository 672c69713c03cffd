import sys
import warnings
from collections.abc import Callable

import numpy as np
import pytest

from voice_grpc.codec.g711 import decode_alaw, decode_mulaw, encode_alaw, encode_mulaw
from voice_grpc.core.audio import Samples

ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)

Decode = Callable[[bytes], Samples]
Encode = Callable[[Samples], bytes]
LAWS = pytest.mark.parametrize(
    ("encode", "decode"), [(encode_mulaw, decode_mulaw), (encode_alaw, decode_alaw)], ids=["mulaw", "alaw"]
)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (0x00, -32_124),
        (0x80, 32_124),
        (0xFF, 0),
        (0x7F, 0),
        (0xFE, 8),
        (0x7E, -8),
        (0x8F, 16_764),
        (0xF0, 120),
    ],
)
def test_mulaw_values_of_the_standard(code: int, value: int) -> None:
    assert decode_mulaw(bytes([code])).tolist() == [value]


@pytest.mark.parametrize(
    ("code", "value"),
    [(0xD5, 8), (0x55, -8), (0xAA, 32_256), (0x2A, -32_256), (0xD4, 24), (0x54, -24), (0xC5, 264)],
)
def test_alaw_values_of_the_standard(code: int, value: int) -> None:
    assert decode_alaw(bytes([code])).tolist() == [value]


def test_mulaw_keeps_every_code_but_the_second_zero() -> None:
    again = encode_mulaw(decode_mulaw(ALL_CODES))
    assert again == ALL_CODES.replace(b"\x7f", b"\xff")


def test_alaw_keeps_every_code() -> None:
    assert encode_alaw(decode_alaw(ALL_CODES)) == ALL_CODES


@LAWS
def test_the_error_is_at_most_half_a_step(encode: Encode, decode: Decode) -> None:
    samples = ALL_SAMPLES.astype(np.int64)
    error = np.abs(decode(encode(ALL_SAMPLES)).astype(np.int64) - samples)
    in_range = np.abs(samples) < 32_256
    # A step is at most a sixteenth of its segment's start, and at least 16 (A-law) of 65,536.
    assert np.all(error[in_range] <= np.maximum(16, np.abs(samples[in_range]) / 32 + 8))
    assert error.max() <= 644


@LAWS
def test_louder_is_never_softer(encode: Encode, decode: Decode) -> None:
    assert np.all(np.diff(decode(encode(ALL_SAMPLES)).astype(np.int64)) >= 0)


@LAWS
def test_no_sound_and_a_view(encode: Encode, decode: Decode) -> None:
    assert encode(np.zeros(0, np.int16)) == b""
    assert decode(b"").shape == (0,)
    assert encode(ALL_SAMPLES[::2]) == encode(ALL_SAMPLES)[::2]
    assert decode(ALL_CODES).dtype == np.int16


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="audioop left the standard library")
def test_the_same_as_audioop() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop

    pcm = ALL_SAMPLES.tobytes()
    assert encode_mulaw(ALL_SAMPLES) == audioop.lin2ulaw(pcm, 2)
    assert encode_alaw(ALL_SAMPLES) == audioop.lin2alaw(pcm, 2)
    assert decode_mulaw(ALL_CODES).tobytes() == audioop.ulaw2lin(ALL_CODES, 2)
    assert decode_alaw(ALL_CODES).tobytes() == audioop.alaw2lin(ALL_CODES, 2)
