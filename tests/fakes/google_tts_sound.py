"""What the fake's voices sound like, and how they are encoded."""

import asyncio
import io
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import numpy as np
import soundfile
import soxr
from google.cloud.texttospeech_v1 import AudioEncoding

from voice_grpc.codec.g711 import encode_alaw, encode_mulaw
from voice_grpc.core.audio import Samples, to_pcm16

Speaker: TypeAlias = Callable[[str, str, int, float], Awaitable[Samples]]
"""Text, BCP 47 language, rate in Hz and speaking rate → sound."""

SECONDS_A_CHARACTER = 0.06
PAUSE = 0.3
"""Seconds of silence after each text."""


async def tone(text: str, language: str, rate_hz: int, speaking_rate: float) -> Samples:
    """As long as somebody would take to say it, at 16 characters a second."""
    seconds = len(text.strip()) * SECONDS_A_CHARACTER / speaking_rate
    sine = 0.25 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate_hz)) / rate_hz)
    return np.concatenate([to_pcm16(sine), np.zeros(round(PAUSE * rate_hz), np.int16)])


async def espeak(text: str, language: str, rate_hz: int, speaking_rate: float) -> Samples:
    """Debian's espeak-ng: plain, but words that can be transcribed, in many languages."""
    words_a_minute = str(round(165 * speaking_rate))
    process = await asyncio.create_subprocess_exec(
        *("espeak-ng", "--stdout", "-v", language.lower().split("-")[0], "-s", words_a_minute),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    sound, _ = await process.communicate(text.encode())
    if process.returncode:
        raise RuntimeError(f"espeak-ng {language}: exit code {process.returncode}")
    data = np.frombuffer(sound[sound.index(b"data") + 8 :], "<i2")
    (from_hz,) = struct.unpack_from("<I", sound, 24)
    return to_pcm16(soxr.resample(data.astype(np.float32) / 32768, from_hz, rate_hz))


@asynccontextmanager
async def piper() -> AsyncIterator[Speaker]:
    """The packaged Piper voice: English only, and well understood by Whisper."""
    from voice_grpc.engines.piper.tts import PiperTts
    from voice_grpc.ports import Clause, VoiceChoice

    engine = PiperTts()
    await engine.warm()

    async def speak(text: str, language: str, rate_hz: int, speaking_rate: float) -> Samples:
        async def clauses() -> AsyncIterator[Clause]:
            yield Clause(0, text)

        parts = [speech async for speech in engine.speak(clauses(), VoiceChoice(rate=speaking_rate))]
        if not parts:
            return np.zeros(0, np.int16)
        whole = np.concatenate([part.samples for part in parts]).astype(np.float32) / 32768
        return to_pcm16(soxr.resample(whole, parts[0].rate_hz, rate_hz))

    try:
        yield speak
    finally:
        await engine.close()


class StreamEncoder:
    """Of one stream; Opus is one Ogg stream, whose pages hold about a second each."""

    def __init__(self, encoding: int, rate_hz: int) -> None:
        self._encoding, self._rate_hz = encoding, rate_hz
        self._file = io.BytesIO()
        self._opus: soundfile.SoundFile | None = None

    def feed(self, samples: Samples) -> bytes:
        if self._encoding != AudioEncoding.OGG_OPUS:
            return encoded(samples, self._encoding, self._rate_hz, is_file=False)
        if self._opus is None:
            self._opus = soundfile.SoundFile(
                self._file, "w", self._rate_hz, 1, format="OGG", subtype="OPUS", closefd=False
            )
        self._opus.write(samples)
        return self._taken()

    def finish(self) -> bytes:
        if self._opus is not None:
            self._opus.close()
        return self._taken()

    def _taken(self) -> bytes:
        data = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return data


def encoded(samples: Samples, encoding: int, rate_hz: int, *, is_file: bool) -> bytes:
    """`is_file`: with the header that a unary answer has."""
    if encoding == AudioEncoding.OGG_OPUS:
        file = io.BytesIO()
        soundfile.write(file, samples, rate_hz, format="OGG", subtype="OPUS")
        return file.getvalue()
    if encoding in (AudioEncoding.MULAW, AudioEncoding.ALAW):
        is_mulaw = encoding == AudioEncoding.MULAW
        codes = encode_mulaw(samples) if is_mulaw else encode_alaw(samples)
        return (_wav_header(len(codes), rate_hz, 7 if is_mulaw else 6, 8) if is_file else b"") + codes
    data = samples.astype("<i2").tobytes()
    has_header = is_file and encoding == AudioEncoding.LINEAR16
    return (_wav_header(len(data), rate_hz, 1, 16) if has_header else b"") + data


def _wav_header(length: int, rate_hz: int, tag: int, bits: int) -> bytes:
    width = bits // 8
    form = struct.pack("<HHIIHH", tag, 1, rate_hz, rate_hz * width, width, bits)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + length)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", length)
    )
