"""Whisper's tokens as segments: text between two of its own times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...core.audio import RATE_HZ, Floats
from .chunking import power

_STAMP_S = 0.02
"""Seconds from one time token to the next (openai/whisper `tokenizer.py`)."""

_HOP = RATE_HZ // 50
_QUIET = 0.01
"""Share of the power that the loudest tenth has, below which a hop is quiet: 20 dB below speech."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Text between two times, which are seconds from the first sample of the chunk that was decoded."""

    start: float
    end: float
    text: str
    tokens: tuple[int, ...]
    """The tokens of the text; no times among them."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    text: str
    start: float
    """Seconds, as those of a segment."""
    end: float


def segments(
    ids: Sequence[int],
    first_stamp: int,
    lead_s: float,
    audio_s: float,
    decode: Callable[[Sequence[int]], str],
) -> tuple[Segment, ...]:
    """Those of the tokens `ids`, in order. Text whose segment begins after the audio has ended was made up
    and is left out; the first segment stays."""
    found: list[Segment] = []
    tokens: list[int] = []
    at = start = 0.0

    def close(end: float) -> None:
        if tokens:
            first, last = (min(max(0.0, t - lead_s), audio_s) for t in (start, end))
            found.append(Segment(first, max(first, last), decode(tokens), tuple(tokens)))
            tokens.clear()

    for token in ids:
        if token >= first_stamp:
            at = (token - first_stamp) * _STAMP_S
            close(at)
            start = at
        elif tokens or not found or at < lead_s + audio_s:
            tokens.append(token)
    close(lead_s + audio_s)
    return tuple(found)


def voiced(audio: Floats, words: Sequence[TimedWord]) -> tuple[TimedWord, ...]:
    """`words` without the silence at both ends of each: the decoder's attention rests on it before a first
    word and in pauses (measured: a word after 1 s of silence began at 0.0)."""
    powers = power(audio, _HOP)
    is_loud = powers > _QUIET * (np.percentile(powers, 90) if len(powers) else 0.0)
    found = []
    for word in words:
        first, last = int(word.start * RATE_HZ / _HOP), int(np.ceil(word.end * RATE_HZ / _HOP))
        loud = first + np.flatnonzero(is_loud[first:last])
        start, end = (loud[0], loud[-1] + 1) if len(loud) else (first, last)
        bounds = max(word.start, start * _HOP / RATE_HZ), min(word.end, end * _HOP / RATE_HZ)
        found.append(TimedWord(word.text, *bounds))
    return tuple(found)
