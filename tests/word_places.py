"""Where each word lies in the sound of a voice, by what the voice itself says: espeak-ng's word events, and
the durations that Piper's model gives each phoneme. What tests compare a guess with."""

import ctypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voice_grpc.core.audio import Samples, to_pcm16

SOUND = 300
"""Amplitude of what is no silence."""


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    text: str
    samples: Samples
    rate_hz: int
    words: tuple[tuple[int, int], ...]
    """Of each word of `text`, its first sample and the first of the next one, or the end."""

    def heard(self, played: int) -> list[str]:
        """Words of which more than half was played."""
        return [
            word
            for word, (start, end) in zip(self.text.split(), self.words, strict=True)
            if played > (start + end) / 2
        ]


def _placed(text: str, samples: Samples, rate_hz: int, known: list[tuple[int, int]]) -> SpokenSentence:
    """`known`: the character at which a word begins, and its sample. Words that are said as one, as "was a",
    share their sound by their letters."""
    end = int(np.flatnonzero(np.abs(samples.astype(int)) > SOUND)[-1]) + 1
    characters, at = list[int](), 0
    for word in text.split():
        at = text.index(word, at)
        characters.append(at)
        at += len(word)
    froms, tos = np.array([*known, (len(text), end)], np.float64).T
    starts = np.interp(np.array([*characters, len(text)], np.float64), froms, tos)
    places = [round(float(start)) for start in starts]
    return SpokenSentence(text, samples, rate_hz, tuple(zip(places, places[1:], strict=False)))


# ---------------------------------------------------------------- Piper


@cache
def _piper() -> Any:
    piper = pytest.importorskip("piper")
    pytest.importorskip("onnx", reason="Piper tells its phonemes' lengths with it")
    from voice_grpc.model_files.cache import model_path

    return piper.PiperVoice.load(model_path("joe"), include_alignments=True)


def by_piper(text: str) -> SpokenSentence:
    """One sentence. Which of its words are said as one ("on the") is found by their lengths."""
    from piper import SynthesisConfig

    voice, how = _piper(), SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    chunks = list(voice.synthesize(text, how, include_alignments=True))
    groups, at, is_gap = list[tuple[int, int]](), 0, True
    for chunk in chunks:
        for each in chunk.phoneme_alignments:
            if each.phoneme == " " or each.phoneme in "^$":
                is_gap = True
            elif is_gap:
                groups.append((at, 1))
                is_gap = False
            elif each.phoneme.isalpha():
                groups[-1] = (groups[-1][0], groups[-1][1] + 1)
            at += each.num_samples
    firsts = _grouped([len(word.strip(",.;?!")) for word in text.split()], [count for _, count in groups])
    characters, at = list[int](), 0
    for word in text.split():
        at = text.index(word, at)
        characters.append(at)
        at += len(word)
    known = [(characters[first], start) for first, (start, _) in zip(firsts, groups, strict=True)]
    samples = to_pcm16(np.concatenate([chunk.audio_float_array for chunk in chunks]))
    return _placed(text, samples, voice.config.sample_rate, known)


def _grouped(letters: list[int], phonemes: list[int]) -> list[int]:
    """The first word of each group of words, as near as their lengths agree."""
    best: dict[tuple[int, int], tuple[float, list[int]]] = {(0, 0): (0.0, [])}
    for g, count in enumerate(phonemes, 1):
        for end in range(g, len(letters) + 1):
            found = [
                (
                    best[g - 1, start][0] + abs(sum(letters[start:end]) - count),
                    [*best[g - 1, start][1], start],
                )
                for start in range(max(0, end - 4), end)
                if (g - 1, start) in best
            ]
            if found:
                best[g, end] = min(found)
    return best[len(phonemes), len(letters)][1]


# ---------------------------------------------------------------- espeak-ng


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_WORD, _RETRIEVAL, _PHONEMES_NO, _POS_CHARACTER, _UTF8 = 1, 1, 0, 1, 1
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@cache
def _espeak() -> tuple[ctypes.CDLL, int]:
    if not Path("/usr/bin/espeak-ng").exists():
        pytest.skip("espeak-ng is not installed")
    try:
        library = ctypes.CDLL("libespeak-ng.so.1")
    except OSError as error:
        pytest.skip(f"libespeak-ng: {error}")
    rate_hz = library.espeak_Initialize(_RETRIEVAL, 200, None, 0)
    assert library.espeak_SetVoiceByName(b"en") == 0
    return library, rate_hz


def _espoken(text: str, words_a_minute: int = 165) -> tuple[Samples, dict[int, int]]:
    """The sound of it; and of each word that is said by itself, where it begins: character and sample."""
    library, rate_hz = _espeak()
    pieces: list[Samples] = []
    starts: dict[int, int] = {}

    def take(wav: Any, count: int, events: Any) -> int:
        if wav and count:
            pieces.append(np.ctypeslib.as_array(wav, (count,)).copy())
        n = 0
        while events[n].type:
            if events[n].type == _WORD:
                at = events[n].text_position - 1
                starts.setdefault(at, round(events[n].audio_position * rate_hz / 1000))
            n += 1
        return 0

    callback = _CALLBACK(take)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetParameter(1, words_a_minute, 0)
    data = text.encode() + b"\0"
    library.espeak_Synth(data, len(data), 0, _POS_CHARACTER, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return np.concatenate(pieces), starts


def by_espeak(text: str) -> SpokenSentence:
    samples, starts = _espoken(text)
    return _placed(text, samples, _espeak()[1], sorted(starts.items()))
