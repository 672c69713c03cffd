"""Opus in Ogg pages (RFC 3533, RFC 7845) ⇄ packets, as they come: no seeking, nothing waits for a file.

PyAV's own container reader wants a file that it may wait for; a stream in pieces is read here.
"""

import struct
import zlib

from ..core.errors import Skipped
from .opus import DECODED_HZ, MAX_PACKET, PACKET_SECONDS, head

_HEADER = struct.Struct("<4sBBqIIIB")
_CONTINUED, _FIRST, _LAST = 1, 2, 4

TAGS = b"OpusTags" + struct.pack("<I", 10) + b"voice-grpc" + struct.pack("<I", 0)


class PageReader:
    """Pieces of an Ogg Opus stream, cut anywhere → its packets. Streams may follow each other.

    A page holds at most 65,307 bytes (RFC 3533, 6), and no more than that waits here.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        self._packet = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that `data` completes, without the headers. Raises `Skipped` for what is no Ogg where
        nothing came before it: the pages in front of it count, and the next page is found all the same."""
        self._data += data
        packets: list[bytes] = []
        while len(self._data) >= _HEADER.size:
            if not self._data.startswith(b"OggS"):
                if packets:
                    break
                self._resynchronise(len(data))
            table = self._data[_HEADER.size - 1]
            start = _HEADER.size + table
            lengths = self._data[_HEADER.size : start]
            end = start + sum(lengths)
            if len(self._data) < end:
                break
            flags = self._data[5]
            if not flags & _CONTINUED:
                self._packet.clear()
            packets += self._read(bytes(self._data[start:end]), bytes(lengths))
            del self._data[:end]
        return [packet for packet in packets if not packet.startswith((b"OpusHead", b"OpusTags"))]

    def _read(self, body: bytes, lengths: bytes) -> list[bytes]:
        """The packets that end on a page; a length of 255 goes on in the next segment."""
        packets, at = [], 0
        for length in lengths:
            self._packet += body[at : at + length]
            at += length
            if length < 255:
                packets.append(bytes(self._packet))
            if length < 255 or len(self._packet) > MAX_PACKET:
                self._packet.clear()
        return packets

    def _resynchronise(self, came: int) -> None:
        found = self._data.find(b"OggS", 1)
        self._packet.clear()
        del self._data[: found if found >= 0 else max(0, len(self._data) - 3)]
        raise Skipped("audio.data", f"{came} bytes", "Ogg pages (RFC 3533) that hold Opus")


class PageWriter:
    """Packets of 20 ms → pages, with nothing that waits. One logical stream an object."""

    def __init__(self, rate_hz: int, serial: int, channels: int = 1, most: int = 1) -> None:
        """`most`: packets in a page, at most 40 (255 segments, of up to 1,275 bytes a packet)."""
        self._serial, self._number, self._granule, self._most = serial, 0, 0, most
        self._headers = self._page([head(rate_hz, channels)], 0, _FIRST) + self._page([TAGS], 0, 0)

    def feed(self, packets: list[bytes], *, is_last: bool = False) -> bytes:
        written = self._headers
        self._headers = b""
        for start in range(0, len(packets), self._most):
            together = packets[start : start + self._most]
            self._granule += len(together) * round(PACKET_SECONDS * DECODED_HZ)
            ends = is_last and start + self._most >= len(packets)
            written += self._page(together, self._granule, _LAST if ends else 0)
        if is_last and not packets:
            written += self._page([], self._granule, _LAST)
        return written

    def _page(self, packets: list[bytes], granule: int, flags: int) -> bytes:
        lengths = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
        fields = (b"OggS", 0, flags, granule, self._serial, self._number)
        body = lengths + b"".join(packets)
        checksum = _checksum(_HEADER.pack(*fields, 0, len(lengths)) + body)
        self._number += 1
        return _HEADER.pack(*fields, checksum, len(lengths)) + body


_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ALL = 0xFFFFFFFF


def _checksum(page: bytes) -> int:
    """CRC-32 of polynomial 0x04C11DB7, neither reflected nor inverted (RFC 3533, 6): zlib's, which is both,
    of mirrored bytes."""
    reflected = zlib.crc32(page.translate(_MIRRORED), _ALL) ^ _ALL
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_MIRRORED), "big")
