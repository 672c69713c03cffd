"""The caller's bytes ⇄ PCM16 mono at the rate we work with. One object a direction and stream.

Resampling is soxr's, streaming: a stretch of sound gives the same samples however it is cut.
"""

import secrets
from dataclasses import dataclass

import numpy as np
import soxr

from ..core.audio import RATE_HZ, Floats, Samples, to_float, to_pcm16
from ..core.config import AudioFormat, Encoding
from ..core.errors import Skipped
from . import g711
from .ogg import PageReader, PageWriter
from .opus import DECODED_HZ, PacketDecoder, PacketEncoder

QUALITY = "HQ"
"""Used with soxr's variable-rate filter, which works sample by sample and holds back a constant
stretch: 12.5 ms at 48 → 16 kHz, 10 at 24 → 16, 30 at 8 → 16, 11 at 22.05 → 24. The fixed-rate filters
work block by block: MQ and HQ hold back 21 ms on average and 38 at worst at 48 → 16 kHz, 64 and 118 at
8 → 16. Both are flat to 0.9 of the lower Nyquist frequency and more than 85 dB down from 1.05 of it;
LQ, as quick as this one, is 8 dB down at 0.85. Measured with 20 ms frames; 40 µs of work each."""


class Resampler:
    """PCM16 mono at one rate in, at another out. Equal rates pass through."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz = from_hz
        self._stream = (
            None
            if from_hz == to_hz
            else soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality=QUALITY, vr=True)
        )

    def feed(self, samples: Samples) -> Samples:
        if self._stream is None:
            return samples
        return to_pcm16(self._stream.resample_chunk(to_float(samples)))

    def flush(self) -> Samples:
        """The last of it; nothing can be fed afterwards."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        return to_pcm16(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))


class RateConverter:
    """PCM16 mono at rates that may change on the way in, at one rate out."""

    def __init__(self, to_hz: int) -> None:
        self.to_hz = to_hz
        self._resampler: Resampler | None = None

    def feed(self, samples: Samples, from_hz: int) -> Samples:
        """`samples` at `from_hz`, behind what was held back of those before at another rate."""
        held = np.zeros(0, np.int16)
        if self._resampler is None or self._resampler.from_hz != from_hz:
            held = self.flush()
            self._resampler = Resampler(from_hz, self.to_hz)
        fresh = self._resampler.feed(samples)
        return np.concatenate((held, fresh)) if len(held) else fresh

    def flush(self) -> Samples:
        """What is held back; then it begins anew."""
        resampler, self._resampler = self._resampler, None
        return np.zeros(0, np.int16) if resampler is None else resampler.flush()


@dataclass(frozen=True, slots=True)
class Decoded:
    samples: Samples
    """At `RATE_HZ`, less what the resampler holds back."""
    length: int
    """Length of a channel, in samples at the input rate."""


class Decoder:
    """What the client sends → PCM16 mono at `RATE_HZ`."""

    def __init__(self, format: AudioFormat) -> None:
        self.format = format
        self._resampler = Resampler(DECODED_HZ if format.encoding.is_opus else format.rate_hz, RATE_HZ)
        self._pages = PageReader() if format.encoding is Encoding.OGG_OPUS else None
        self._packets = PacketDecoder() if format.encoding.is_opus else None

    def decode(self, data: bytes) -> Decoded:
        """Raises `Skipped` for half a sample, for what is not a number, and for what is no Opus."""
        if self._packets is not None:
            packets = [data] if self._pages is None else self._pages.feed(data)
            parts = [self._packets.feed(packet) for packet in packets]
            samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
            length = len(samples) * self.format.rate_hz // DECODED_HZ
            return Decoded(self._resampler.feed(samples), length)
        if len(data) % self.format.frame_bytes:
            accepted = f"a multiple of {self.format.frame_bytes} bytes"
            raise Skipped("audio.data", f"{len(data)} bytes", accepted)
        return Decoded(self._resampler.feed(self._mix(data)), len(data) // self.format.frame_bytes)

    def pad(self, samples: int) -> Samples:
        """Silence for `samples` that never came, counted at the input rate."""
        return self._resampler.feed(
            np.zeros(samples * self._resampler.from_hz // self.format.rate_hz, np.int16)
        )

    def _mix(self, data: bytes) -> Samples:
        match self.format.encoding:
            case Encoding.PCM_F32LE:
                return _mono_float(np.frombuffer(data, "<f4"), self.format.channels)
            case Encoding.MULAW:
                pcm = g711.decode_mulaw(data)
            case Encoding.ALAW:
                pcm = g711.decode_alaw(data)
            case _:
                pcm = np.frombuffer(data, "<i2").astype(np.int16, copy=False)
        if self.format.channels == 1:
            return pcm
        channels = self.format.channels
        mixed: Samples = (pcm.reshape(-1, channels).sum(axis=1, dtype=np.int32) // channels).astype(np.int16)
        return mixed


@dataclass(frozen=True, slots=True)
class EncodedPiece:
    """What leaves in one message."""

    data: bytes
    length: int
    """Length of a channel, in samples at the output rate."""


class Encoder:
    """PCM16 mono at the output rate → what the client wants. One object an answer."""

    def __init__(self, format: AudioFormat) -> None:
        self._format = format
        self._packets = PacketEncoder(format.rate_hz) if format.encoding.is_opus else None
        is_ogg = format.encoding is Encoding.OGG_OPUS
        self._pages = PageWriter(format.rate_hz, secrets.randbits(32)) if is_ogg else None

    def encode(self, samples: Samples, *, is_last: bool = False) -> list[EncodedPiece]:
        """PCM leaves as it comes; Opus in packets of 20 ms, the last one filled up with silence. The last
        piece may be empty; without `is_last` there may be none."""
        if self._packets is None:
            return [EncodedPiece(self._plain(samples), len(samples))]
        packets = self._packets.feed(samples) + (self._packets.flush() if is_last else [])
        length = self._packets.packet_samples
        if self._pages is None:
            pieces = [EncodedPiece(packet, length) for packet in packets]
            return pieces or ([EncodedPiece(b"", 0)] if is_last else [])
        data = self._pages.feed(packets, is_last=is_last) if packets or is_last else b""
        return [EncodedPiece(data, length * len(packets))] if data else []

    def _plain(self, samples: Samples) -> bytes:
        if self._format.channels > 1:
            samples = np.repeat(samples, self._format.channels)
        match self._format.encoding:
            case Encoding.PCM_F32LE:
                return (samples.astype("<f4") / np.float32(32768)).tobytes()
            case Encoding.MULAW:
                return g711.encode_mulaw(samples)
            case Encoding.ALAW:
                return g711.encode_alaw(samples)
            case _:
                return samples.astype("<i2", copy=False).tobytes()


def _mono_float(floats: Floats, channels: int) -> Samples:
    if not np.isfinite(floats).all():
        raise Skipped("audio.data", "NaN or infinity", "finite samples in [-1, 1]")
    within = np.clip(floats, -1, 1)
    return to_pcm16(within if channels == 1 else within.reshape(-1, channels).mean(axis=1))
