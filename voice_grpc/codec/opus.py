"""Opus packets (RFC 6716) ⇄ PCM16, one object a direction and stream; libopus, through PyAV.

A packet holds 20 ms. Speech at 24 kbit/s is what WebRTC calls use: a tenth of PCM at 16 kHz.
"""

import struct
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from ..core.audio import Samples
from ..core.errors import Skipped

DECODED_HZ = 48_000
"""Opus decodes to this whatever it was made from (RFC 6716, 2)."""

PACKET_SECONDS = 0.02

BIT_RATE = 24_000
"""Wideband speech is transparent for listeners from about here (RFC 7587, 3.1.1)."""

STEREO_BIT_RATE = 64_000
"""Two voices, one a channel, that do not leak into each other: 50 dB apart, where the speech mode, at
48 kbit/s, has them 38 dB apart (measured with tones)."""

MAX_PACKET = 1_275 * 6
"""Bytes: six frames of the greatest length, which is 120 ms (RFC 6716, 3.2)."""

PRE_SKIP = 312
"""Samples at 48 kHz by which libopus is late (its lookahead, 6.5 ms)."""


@cache
def library() -> Any:
    """PyAV; None where it is not installed (the extra `opus`, and part of `local`). The first call loads it,
    which takes 45 to 140 ms."""
    try:
        import av
    except ImportError:
        return None
    return av


def is_available() -> bool:
    return library() is not None


def head(rate_hz: int, channels: int = 1) -> bytes:
    """The identification header of a stream of 1 or 2 channels made at `rate_hz` (RFC 7845, 5.1)."""
    return b"OpusHead" + struct.pack("<BBHIhB", 1, channels, PRE_SKIP, rate_hz, 0, 0)


_LAYOUTS = {1: ("mono", BIT_RATE, "voip"), 2: ("stereo", STEREO_BIT_RATE, "audio")}
"""By channels: the layout, the rate, and what libopus is to care for."""


class PacketEncoder:
    """Samples at `rate_hz` (8, 16, 24 or 48 kHz) → packets; what fills no packet waits for more.

    Of two channels they come in pairs, left and right, shape (n, 2).
    """

    def __init__(self, rate_hz: int, channels: int = 1) -> None:
        self._av = library()
        self.packet_samples = round(PACKET_SECONDS * rate_hz)
        self._waiting = np.zeros((0, 2)[:channels], np.int16)
        self._rate_hz, self._at = rate_hz, 0
        self._layout, bit_rate, use = _LAYOUTS[channels]
        self._codec: Any = self._av.CodecContext.create("libopus", "w")
        self._codec.sample_rate = rate_hz
        self._codec.layout = self._layout
        self._codec.format = "s16"
        self._codec.bit_rate = bit_rate
        self._codec.time_base = Fraction(1, rate_hz)
        self._codec.options = {"frame_duration": "20", "application": use}
        self._codec.open()

    def feed(self, samples: Samples) -> list[bytes]:
        """The packets that `samples` complete."""
        waiting = np.concatenate((self._waiting, samples))
        whole = len(waiting) // self.packet_samples * self.packet_samples
        self._waiting = waiting[whole:]
        return [
            packet
            for start in range(0, whole, self.packet_samples)
            for packet in self._encode(waiting[start : start + self.packet_samples])
        ]

    def flush(self) -> list[bytes]:
        """The rest, filled up with silence, and what the encoder holds back."""
        missing = -len(self._waiting) % self.packet_samples
        packets = self.feed(np.zeros((missing, *self._waiting.shape[1:]), np.int16)) if missing else []
        return packets + [bytes(packet) for packet in self._codec.encode(None)]

    def _encode(self, samples: Samples) -> list[bytes]:
        frame = self._av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=self._layout)
        frame.sample_rate, frame.pts = self._rate_hz, self._at
        self._at += len(samples)
        return [bytes(packet) for packet in self._codec.encode(frame)]


class PacketDecoder:
    """Packets → PCM16 mono at `DECODED_HZ`."""

    def __init__(self) -> None:
        self._av = library()
        self._codec: Any = self._av.CodecContext.create("libopus", "r")

    def feed(self, packet: bytes) -> Samples:
        """Raises `Skipped` for what is no packet; the next one is decoded all the same."""
        if len(packet) > MAX_PACKET:
            raise Skipped("audio.data", f"{len(packet)} bytes", f"an Opus packet of at most {MAX_PACKET}")
        try:
            frames = self._codec.decode(self._av.Packet(packet))
        except (self._av.FFmpegError, ValueError):
            raise Skipped("audio.data", f"{len(packet)} bytes", "one Opus packet (RFC 6716)") from None
        decoded = [_mono(frame) for frame in frames]
        return np.concatenate(decoded) if decoded else np.zeros(0, np.int16)


def _mono(frame: Any) -> Samples:
    """The decoder gives interleaved stereo where nothing tells it otherwise."""
    channels = frame.layout.nb_channels
    interleaved = frame.to_ndarray().reshape(-1, channels)
    mixed: Samples = (interleaved.sum(axis=1, dtype=np.int32) // channels).astype(np.int16)
    return mixed
