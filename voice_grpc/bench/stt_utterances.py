"""Utterances with known words: recordings, and sentences spoken by Piper at run time.

Also what makes two transcripts comparable: words without case and punctuation, numbers as digits.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.audio import RATE_HZ, Samples, to_pcm16
from ..model_files.cache import model_path

SENTENCES = (
    "Yes.",
    "Stop.",
    "No, thank you.",
    "What time is it?",
    "Call Maria back.",
    "Hello, who am I talking to?",
    "My name is Daniel Carter and I live in Boston.",
    "Please set a timer for twenty five minutes.",
    "The meeting is on March third at half past nine.",
    "Can you tell me what the weather will be like tomorrow in London?",
    "I would like to book a table for four people on Friday evening, please.",
    "Her phone number is five five five, one two three four.",
    "Could you explain how a steam engine works, and why it was so important for the railways?",
    "Turn off the lights in the kitchen, then play some quiet music in the living room, "
    "and wake me up at seven.",
)

PHRASES = {
    "jfk": "And so my fellow Americans|ask|not|what your country can do for you|"
    "ask what you can do for your country",
    "lj050-0131": "unless a system is established|for the frequent formal review|"
    "of activities thereunder|in this regard",
}
"""What is said in each voiced segment of the known recordings."""

_CLEAREST_PHRASE_S = 1.0
"""A shorter one is a single word torn out of its sentence, which people cannot tell either."""

_AROUND_S = 0.1

_NUMBERS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "third": "3rd", "twenty": "20", "thirty": "30",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SpokenText:
    words: str
    samples: Samples
    kind: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE_HZ


def recorded(directory: Path) -> Iterator[SpokenText]:
    """Each recording that `manifest.json` lists, whole and cut at its pauses where the phrases are known."""
    import soundfile

    manifest = json.loads((directory / "manifest.json").read_text())
    for name, entry in manifest.items():
        floats, rate = soundfile.read(directory / entry["file"], dtype="float32")
        if rate != RATE_HZ:
            raise SystemExit(f"{entry['file']} has {rate} Hz; the bench takes {RATE_HZ}")
        samples = to_pcm16(floats)
        yield SpokenText(entry["text"], samples, "recording")
        phrases = PHRASES.get(name, "").split("|")
        if len(phrases) != len(entry.get("voiced", ())):
            continue
        for phrase, (start, end) in zip(phrases, entry["voiced"], strict=True):
            if end - start >= _CLEAREST_PHRASE_S:
                first, last = max(0.0, start - _AROUND_S), end + _AROUND_S
                yield SpokenText(phrase, samples[int(first * RATE_HZ) : int(last * RATE_HZ)], "recording")


def spoken(sentences: Sequence[str] = SENTENCES, *, varies: bool = True) -> Iterator[SpokenText]:
    """Said by Piper, clean and once more in white noise at 20 dB below it. Unless it `varies`, a sentence
    is always the same samples: Piper's chance is in two scales of its model."""
    import soxr
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(model_path("joe"))
    how = SynthesisConfig() if varies else SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    noise = np.random.default_rng(1)
    for sentence in sentences:
        native = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(sentence, how)])
        clean = soxr.resample(native, voice.config.sample_rate, RATE_HZ)
        level = float(np.sqrt(np.mean(np.square(clean)))) * 0.1
        yield SpokenText(sentence, to_pcm16(clean), "synthetic")
        yield SpokenText(sentence, to_pcm16(clean + noise.normal(0, level, len(clean))), "in noise")


def normal_words(text: str) -> list[str]:
    """`25`, `twenty five` and `twenty-five` are the same words; so are `555-1234` and its digits."""
    bare = re.sub(r"[^\w\s']", " ", re.sub(r"(?<=\d)[-,](?=\d)", "", text.lower()))
    words = [_NUMBERS.get(word, word) for word in bare.split()]
    joined = re.sub(r"\b([2-9])0 ([1-9])\b", r"\1\2", " ".join(words))
    return [part for word in joined.split() for part in (word if re.fullmatch(r"\d{3,}", word) else [word])]


def word_errors(expected: Sequence[str], heard: Sequence[str]) -> int:
    """Substitutions, insertions and deletions (Levenshtein over words)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(expected, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]
