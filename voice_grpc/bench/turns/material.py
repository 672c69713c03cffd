"""Sound whose ends and pauses are known before it is played: by its own energy, and by construction.

A sentence is taken whole, or cut at the end of a word and held there for a known time. Pure: where the
sound and the words come from is for `speakers.py` and for the manifest of the recordings to say.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...core.audio import RATE_HZ, Samples, rms, sample_count, seconds, silence, to_float, to_pcm16

PAUSES = (0.3, 0.6, 1.0, 1.5, 2.0)
"""Seconds for which a sentence is held: from a breath to a search for words."""

CUT_FROM, CUT_TO = 0.25, 0.75
"""Shares of the words of a sentence between which it is cut."""

LEAD_SECONDS = 0.3
"""Before the first word."""

AUDIBLE = 0.01
"""RMS of a hop from which it is voiced: -40 dBFS, above the floor of the voices and below their phones."""

FLOOR = 10 ** (-70 / 20)
"""RMS of the noise under everything: no microphone gives zeros, and no pause is to be known by them."""

_HOP = sample_count(0.01)
_JOINED = sample_count(0.2)
"""Shorter silences lie within words and between them; they are no pauses."""
_SEARCHED = sample_count(0.08)
"""Whisper's times of words are good to some 0.1 s: the quietest place within it is between two words."""
_FADE = sample_count(0.005)


class Span(NamedTuple):
    """Samples from `start` up to and without `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LabelledPause:
    span: Span
    """From behind the last voiced sample before it to the first one after it."""
    group: str
    """Its length where it was made, such as `1.0 s`; else `recorded`."""


@dataclass(frozen=True, slots=True)
class TurnCase:
    """What one user says, from `LEAD_SECONDS` before the first word to the last."""

    name: str
    samples: Samples
    end: int
    """Behind the last voiced sample: the end of the turn."""
    pauses: tuple[LabelledPause, ...] = ()
    """Empty: it was said in one go."""


def voiced_spans(samples: Samples) -> list[Span]:
    """What is voiced by energy, to 10 ms; silences under 0.2 s belong to it. Empty for silence."""
    whole = len(samples) // _HOP * _HOP
    power = np.mean(np.square(to_float(samples[:whole])).reshape(-1, _HOP), axis=1)
    spans: list[Span] = []
    for hop in np.flatnonzero(power > AUDIBLE**2):
        start = int(hop) * _HOP
        if spans and start - spans[-1].end < _JOINED:
            spans[-1] = Span(spans[-1].start, start + _HOP)
        else:
            spans.append(Span(start, start + _HOP))
    return spans


def whole(name: str, samples: Samples) -> TurnCase:
    """As it was said, in one go. Raises `ValueError` for silence."""
    spans = voiced_spans(samples)
    if not spans:
        raise ValueError(f"nothing is audible in {name}")
    return labelled(name, samples, [Span(spans[0].start, spans[-1].end)])


def labelled(name: str, samples: Samples, spans: Sequence[Span]) -> TurnCase:
    """With `spans` as what is voiced of it, and pauses between them."""
    lead = silence(LEAD_SECONDS)
    shifted = [Span(len(lead) + start, len(lead) + end) for start, end in spans]
    pauses = tuple(
        LabelledPause(Span(before.end, after.start), "recorded")
        for before, after in zip(shifted, shifted[1:], strict=False)
    )
    return TurnCase(name, np.concatenate((lead, samples)), shifted[-1].end, pauses)


def cut(name: str, samples: Samples, at: int, pause: float) -> TurnCase:
    """Held at sample `at` for `pause` seconds, from the last voiced sample before it to the first after it.

    Raises `ValueError` when nothing is voiced on one of the sides.
    """
    before, after = _faded(samples[:at]), _faded(samples[at:][::-1])[::-1]
    first, second = voiced_spans(before), voiced_spans(after)
    if not first or not second:
        raise ValueError(f"{name}: nothing is audible on one side of {seconds(at):.2f} s")
    unvoiced = len(before) - first[-1].end + second[0].start
    lead, gap = silence(LEAD_SECONDS), np.zeros(max(0, sample_count(pause) - unvoiced), np.int16)
    start = len(lead) + first[-1].end
    behind = len(lead) + len(before) + len(gap)
    span = Span(start, behind + second[0].start)
    return TurnCase(
        name,
        np.concatenate((lead, before, gap, after)),
        behind + second[-1].end,
        (LabelledPause(span, f"{pause:.1f} s"),),
    )


def _faded(samples: Samples) -> Samples:
    """Its end without a click."""
    gain = np.ones(len(samples), np.float32)
    length = min(_FADE, len(samples))
    gain[len(samples) - length :] = np.linspace(1, 0, length, dtype=np.float32)
    return to_pcm16(to_float(samples) * gain)


def boundary(samples: Samples, words: Sequence[Span], chance: random.Random) -> int | None:
    """Where to cut: the quietest place near the end of a word that chance picks, `CUT_FROM` to `CUT_TO` of
    the words being said. None: it has too few words."""
    shares = [(place, place / len(words)) for place in range(1, len(words))]
    places = [place for place, share in shares if CUT_FROM <= share <= CUT_TO]
    if not places:
        return None
    place = chance.choice(places)
    return quietest(samples, (words[place - 1].end + words[place].start) // 2)


def quietest(samples: Samples, near: int) -> int:
    """The middle of the quietest 10 ms within 80 ms of `near`."""
    starts = range(max(0, near - _SEARCHED), min(len(samples) - _HOP, near + _SEARCHED) + 1, _HOP // 2)
    return min(starts, key=lambda start: rms(samples[start : start + _HOP])) + _HOP // 2


def stream_of(case: TurnCase, behind: float, seed: int = 1) -> Samples:
    """Its sound and `behind` seconds of silence after its end, all of it with the noise of `FLOOR`."""
    length = max(len(case.samples), case.end + sample_count(behind))
    sound = np.zeros(length, np.float32)
    sound[: len(case.samples)] = to_float(case.samples)
    return to_pcm16(sound + np.random.default_rng(seed).normal(0, FLOOR, length))


def recordings(folder: Path) -> Iterator[TurnCase]:
    """Those that its `manifest.json` lists, with the voiced spans that it gives, in seconds.

    Raises `OSError` when a file is not there, `ValueError` for another rate than `RATE_HZ`.
    """
    import soundfile

    for name, entry in json.loads((folder / "manifest.json").read_text()).items():
        samples, rate_hz = soundfile.read(folder / entry["file"], dtype="int16")
        if rate_hz != RATE_HZ:
            raise ValueError(f"{entry['file']} has {rate_hz} Hz; the bench takes {RATE_HZ}")
        spans = [Span(sample_count(start), sample_count(end)) for start, end in entry["voiced"]]
        yield labelled(name, samples, spans)
