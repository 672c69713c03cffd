"""The fear: a file that is taken apart wrongly, or read beyond its end."""

from pathlib import Path

import pytest

from voice_grpc.engines.piper.onnx_cut import Seam, UncutModel, cut


def message(*fields: tuple[int, bytes]) -> bytes:
    """Of protobuf: short fields, each with its length before it."""
    return b"".join(bytes([number << 3 | 2, len(value)]) + value for number, value in fields)


def node(name: str, inputs: str, output: str) -> tuple[int, bytes]:
    read = [(1, each.encode()) for each in inputs.split()]
    return 1, message(*read, (2, output.encode()), (3, name.encode()))


def weight(name: str) -> tuple[int, bytes]:
    return 5, message((8, name.encode()))


PARTS = (
    node("/enc/Conv", "input enc.weight", "z"),
    node("/emb/Gather", "sid emb.weight", "g"),
    node("/Constant", "", "three"),
    node("/dec/conv_pre/Conv", "z dec.weight", "a"),
    node("/dec/cond/Conv", "g", "b"),
    node("/dec/Add", "a b", "c"),
    node("/dec/Div", "c three", "sound"),
    node("/Unsqueeze", "sound", "output"),
    weight("enc.weight"),
    weight("emb.weight"),
    weight("dec.weight"),
    (11, message((1, b"input"))),
    (11, message((1, b"sid"))),
    (12, message((1, b"output"))),
)


def halves(folder: Path, model: bytes) -> tuple[Seam, bytes, bytes]:
    files = [folder / name for name in ("model", "encoder", "decoder")]
    files[0].write_bytes(model)
    seam = cut(*files)
    return seam, files[1].read_bytes(), files[2].read_bytes()


def test_each_half_has_what_it_computes_and_no_more(tmp_path: Path) -> None:
    head = b"\x08\x08"  # ir_version 8
    seam, encoder, decoder = halves(tmp_path, head + long_field(7, message(*PARTS)))
    assert seam == Seam("z", ["g"], "sound")
    assert encoder.startswith(head)
    assert decoder.startswith(head)
    for name in (b"/enc/Conv", b"/emb/Gather", b"enc.weight", b"emb.weight", b"input", b"sid"):
        assert (name in encoder, name in decoder) == (True, False), name
    for name in (b"/dec/conv_pre/Conv", b"/dec/cond/Conv", b"/dec/Div", b"dec.weight", b"/Constant"):
        assert (name in encoder, name in decoder) == (False, True), name
    assert b"Unsqueeze" not in encoder + decoder


def long_field(number: int, value: bytes) -> bytes:
    assert 128 <= len(value) < 128 * 128
    return bytes([number << 3 | 2, len(value) & 127 | 128, len(value) >> 7]) + value


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (b"", "0 graphs"),
        (b"not a model", "does not know"),
        (b"\x3a\x05\x0a", "ends 4 bytes too early"),
        (b"\x3a\xff", "ends within a number"),
        (message((7, message(node("/a", "input", "output")))), "no decoder /dec/"),
        (message((7, message(node("/dec/conv_pre/Conv", "weight", "output")))), "no decoder /dec/"),
        (message((7, message((1, message((1, b"\xff")))))), "no UTF-8"),
    ],
)
def test_what_cannot_be_cut_says_why(tmp_path: Path, model: bytes, reason: str) -> None:
    with pytest.raises(UncutModel, match=reason):
        halves(tmp_path, model)
