"""A file of any format → 16 kHz mono, a stretch at a time: whatever its length, little of it is in memory.

WAV, FLAC, OGG, MP3 and more by libsndfile; MP4 (M4A) and WebM by PyAV, told which of the two it is, since
FFmpeg left to hypothesis would follow a playlist to other files. Synchronous: not for the event loop.
"""

import threading
from collections.abc import Generator, Iterator
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr

from ..core.audio import RATE_HZ, Floats

FORMATS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
"""OpenAI's list; libsndfile reads more."""

_BLOCK = 65_536
_RATES_HZ = (1_000, 768_000)


class BadAudio(Exception):
    """A file that cannot be read, or what it claims is absurd; the message is for the caller."""


class AudioFile:
    """Reads `file` from where it stands; close it."""

    def __init__(self, file: BinaryIO, most_s: float) -> None:
        """`most_s`: what is longer is refused, by `open` when it says so itself, else when it turns out."""
        self._file = file
        self._most = int(most_s * RATE_HZ)
        self._claimed_s = 0.0
        self._read = 0
        self._left = np.zeros(0, np.float32)
        self._blocks: Generator[Floats, None, None] | None = None
        self._inside = threading.Lock()

    @property
    def seconds(self) -> float:
        """Length of what was read so far."""
        return self._read / RATE_HZ

    def open(self) -> None:
        """Raises `BadAudio`."""
        with self._inside:
            container = _container(self._file)
            self._blocks = self._by_ffmpeg(container) if container else self._by_sndfile()
            self._left = self._next()
            if self._claimed_s * RATE_HZ > self._most:
                raise self._too_long(self._claimed_s)
            if not len(self._left):
                raise BadAudio("The file holds no sound")

    def read(self, samples: int) -> Floats:
        """The next `samples`, or fewer at the end. Raises `BadAudio`."""
        with self._inside:
            blocks, size = [self._left], len(self._left)
            while size < samples and len(block := self._next()):
                blocks.append(block)
                size += len(block)
            whole = np.concatenate(blocks)
            self._left = whole[samples:]
            self._read += min(size, samples)
            if self._read > self._most:
                raise self._too_long(self.seconds)
            return whole[:samples]

    def close(self) -> None:
        """Waits for whoever is inside; `file` may be closed afterwards."""
        with self._inside:
            if self._blocks is not None:
                self._blocks.close()
            self._blocks = None

    def _next(self) -> Floats:
        """The next block; empty at the end."""
        if self._blocks is not None:
            for block in self._blocks:
                if len(block):
                    return block
        return np.zeros(0, np.float32)

    def _by_sndfile(self) -> Generator[Floats, None, None]:
        try:
            with soundfile.SoundFile(self._file) as opened:
                rate = opened.samplerate
                if not _RATES_HZ[0] <= rate <= _RATES_HZ[1]:
                    raise BadAudio(f"It claims {rate} samples a second; accepted: 1,000 to 768,000")
                self._claimed_s = opened.frames / rate if 0 < opened.frames < 2**60 else 0.0
                stretch = soxr.ResampleStream(rate, RATE_HZ, 1, dtype="float32")
                while len(block := opened.read(_BLOCK, dtype="float32", always_2d=True)):
                    yield stretch.resample_chunk(_clean(_mono(block)))
                yield stretch.resample_chunk(np.zeros(0, np.float32), last=True)
        except soundfile.SoundFileError as error:
            raise BadAudio(_unreadable(error)) from None

    def _by_ffmpeg(self, container: str) -> Generator[Floats, None, None]:
        import av

        try:
            with av.open(self._file, "r", format=container) as opened:
                if not opened.streams.audio:
                    raise BadAudio("There is no sound in it")
                resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
                for frame in opened.decode(opened.streams.audio[0]):
                    yield from _samples(resampler.resample(frame))
                yield from _samples(resampler.resample(None))
        except (av.FFmpegError, ValueError) as error:
            raise BadAudio(_unreadable(error)) from None

    def _too_long(self, seconds: float) -> BadAudio:
        most = self._most / RATE_HZ
        return BadAudio(f"It is longer than the {most:g} s that are accepted (at least {seconds:.0f} s)")


def _container(file: BinaryIO) -> str:
    """FFmpeg's name of what only it can read; empty for all else."""
    start = file.read(12)
    file.seek(0)
    if start[4:8] == b"ftyp":
        return "mp4"
    return "matroska" if start[:4] == b"\x1a\x45\xdf\xa3" else ""


def _mono(block: Any) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):  # of NaN and huge floats
        mixed: Floats = block.mean(axis=1, dtype=np.float32)
    return mixed


def _clean(floats: Floats) -> Floats:
    """A float file may hold anything; what is no number is no sound."""
    return np.clip(np.nan_to_num(floats, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)


def _samples(frames: Any) -> Iterator[Floats]:
    for frame in frames:
        yield _clean(frame.to_ndarray().reshape(-1))


def _unreadable(error: Exception) -> str:
    said = (str(error).strip() or type(error).__name__).splitlines()[0].rpartition(": ")[2].rstrip(".")
    return f"Audio file might be corrupted or unsupported ({said}); supported: {', '.join(FORMATS)}"
