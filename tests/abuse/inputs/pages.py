"""Ogg Opus (RFC 3533, RFC 7845) that is broken: pages mutated, cut anywhere, one after the other, or none."""

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from voice_grpc.codec.ogg import PageWriter
from voice_grpc.codec.opus import PacketEncoder
from voice_grpc.engines.scripted import tone

from .mutation import cut_up, mutated, weighted

RATE_HZ = 16_000


@cache
def right_pages() -> bytes:
    """A tenth of a second."""
    encoder = PacketEncoder(RATE_HZ)
    packets = encoder.feed(tone(0.1, rate_hz=RATE_HZ))
    return PageWriter(RATE_HZ, 7).feed([*packets, *encoder.flush()], is_last=True)


_PAGES: SearchStrategy[bytes] = st.deferred(lambda: st.just(right_pages()))
_HEAD = b"OggS\0\2" + bytes(8) + b"\7\0\0\0" + bytes(8)
_LONG = [_HEAD + bytes([255]) + b"\xff" * 255 + bytes(65_025), _HEAD + b"\0", _HEAD + b"\xff" + b"\xff" * 200]
"""The longest page there is, an empty one, and one that never comes whole."""

pages = cut_up(
    weighted(
        (4, mutated(_PAGES)),
        (4, st.lists(st.one_of(_PAGES, mutated(_PAGES)), max_size=3).map(b"".join)),
        (1, st.binary(max_size=200)),
        (1, st.sampled_from(_LONG)),
    )
)
