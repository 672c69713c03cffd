"""Who says the sentences: Piper at several rates and pitches, and espeak-ng's voices where it is installed.

The same speaker says the same text in the same samples every time. Also where the words of a sentence
begin and end, as Whisper aligns them. Everything here blocks.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.audio import RATE_HZ, Floats, Samples, levelled, to_float, to_pcm16
from ...engines.espeak import RATE_HZ as ESPEAK_RATE_HZ
from ...engines.espeak import WORDS_A_MINUTE, is_installed
from ...engines.whisper.model import find
from ...model_files.cache import model_path
from .material import Span

_WAV_HEADER = 44
"""Bytes; the length in it is not known when espeak-ng writes it to a pipe."""


@dataclass(frozen=True, slots=True)
class Speaker:
    name: str
    voice: str = ""
    """As `espeak-ng -v` names it; empty: the embedded Piper voice."""
    rate: float = 1.0
    """1.1 is a tenth faster, as far as whole frames of each phone allow (Piper's are 12 ms)."""
    pitch: float = 1.0
    """Factor of all frequencies. Piper has no pitch: what it said slower is played faster."""


PIPER = (
    Speaker("joe"),
    Speaker("joe, high", pitch=1.16),
    Speaker("joe, fast", rate=1.2),
    Speaker("joe, low and slow", rate=0.9, pitch=0.9),
    Speaker("joe, higher and fast", rate=1.1, pitch=1.25),
)
ESPEAK = (
    Speaker("espeak, woman", "en-us+f3", rate=0.95),
    Speaker("espeak, Scotland", "en-gb-scotland+m3", rate=1.05),
)


def speakers() -> tuple[Speaker, ...]:
    """Those that this machine has, in turns: two of Piper's, one of espeak-ng's."""
    if not is_installed():
        return PIPER
    return (*PIPER[:2], ESPEAK[0], *PIPER[2:4], ESPEAK[1], *PIPER[4:])


class Renderer:
    """Speakers' sound, levelled, at `RATE_HZ`. Raises `EngineMissing` without the embedded voice."""

    def __init__(self) -> None:
        from piper import PiperVoice

        self._piper = PiperVoice.load(model_path("joe"))

    def say(self, text: str, speaker: Speaker) -> Samples:
        import soxr

        sound, rate_hz = self._espeak(text, speaker) if speaker.voice else self._joe(text, speaker)
        return to_pcm16(levelled(soxr.resample(sound, rate_hz, RATE_HZ)))

    def _joe(self, text: str, speaker: Speaker) -> tuple[Floats, float]:
        """Without the chance in the two scales of the model."""
        from piper import SynthesisConfig

        slowness = self._piper.config.length_scale * speaker.pitch / speaker.rate
        how = SynthesisConfig(length_scale=slowness, noise_scale=0.0, noise_w_scale=0.0)
        sound = np.concatenate([chunk.audio_float_array for chunk in self._piper.synthesize(text, how)])
        return sound, self._piper.config.sample_rate * speaker.pitch

    def _espeak(self, text: str, speaker: Speaker) -> tuple[Floats, float]:
        speed = str(round(WORDS_A_MINUTE * speaker.rate))
        command = ["espeak-ng", "-v", speaker.voice, "-s", speed, "--stdout", text]
        wav = subprocess.run(command, check=True, capture_output=True).stdout
        return to_float(np.frombuffer(wav[_WAV_HEADER : len(wav) // 2 * 2], "<i2")), ESPEAK_RATE_HZ


class WordAligner:
    """Whisper base with the times of its words. Raises `EngineMissing` without it."""

    def __init__(self) -> None:
        from faster_whisper import WhisperModel, download_model

        self._model: Any = WhisperModel(str(find("base", download_model)), device="cpu", compute_type="int8")

    def words(self, samples: Samples) -> Sequence[Span]:
        """Where each word is, in samples, in their order."""
        segments, _ = self._model.transcribe(
            to_float(samples), language="en", beam_size=1, temperature=0.0, word_timestamps=True
        )
        words = [word for segment in segments for word in segment.words]
        return [Span(round(word.start * RATE_HZ), round(word.end * RATE_HZ)) for word in words]
