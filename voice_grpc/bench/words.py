"""What a voice makes of numbers, signs and codes: said by the embedded Piper, read back by Whisper base.

    python -m voice_grpc.bench.words [--rows N] [--table FILE] [--show]

A row counts as heard right when the words that Whisper wrote are those of the table, numbers being
compared as digits: `1984`, `nineteen eighty four` and `1 9 8 4` are the same. Whisper mishears too, so
the figure is to be compared with itself, before and after a change.
"""

import argparse
import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.text.normalization import speakable
from ..engines.piper.tts import PiperTts
from ..engines.whisper.stt import WhisperStt
from ..ports import Clause, SttOptions, VoiceChoice
from .stt_utterances import word_errors

TABLE = Path(__file__).parents[2] / "tests" / "core" / "text" / "spoken.tsv"
_RATE_HZ = 16_000

_SMALL = re.findall(
    r"\S+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen",
)
_TENS = dict(
    zip(
        re.findall(r"\S+", "twenty thirty forty fifty sixty seventy eighty ninety"),
        range(20, 100, 10),
        strict=True,
    )
)
_ORDINALS = {
    **{"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12},
    **{"oh": 0, "twentieth": 20, "thirtieth": 30},
}
_LARGE = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_SAME = {
    **{"halves": "half", "for": "4", "to": "2", "too": "2", "won": "1", "pm": "p.m.", "am": "a.m."},
    **{
        "doctor": "dr",
        "mister": "mr",
        "missus": "mrs",
        "ok": "okay",
        "versus": "vs",
        "et": "etc",
        "cetera": "",
    },
    **{"the": "", "a": "", "an": "", "and": ""},
}
"""Two spellings of one sound, and small words that nobody misses."""


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    said: str


def rows(table: Path, count: int) -> list[Row]:
    """English ones, evenly spread over the table. Raises `SystemExit` where there is no such file."""
    if not table.is_file():
        raise SystemExit(f"no file {table}; give one with --table (language, text, said; tabs between)")
    lines = [line.split("\t") for line in table.read_text("utf-8").splitlines() if line.startswith("en\t")]
    found = [Row(text, said) for _, text, said in lines if said.isascii()]
    step = max(1.0, len(found) / count)
    return [found[int(at * step)] for at in range(min(count, len(found)))]


def canonical(text: str) -> list[str]:
    """Words as they sound: what is written in signs said, numbers as digits, neighbours among them joined."""
    said = re.sub(r"(?<=\d),(?=\d)|['’]s?\b", "", speakable(text).lower())
    said = re.sub(r"(?<=[a-z])\.(?=[a-z]{2})", " dot ", said)
    tokens = re.findall(r"\d+|[ap]\.m\.|[^\W\d_]+", said)
    words: list[str] = []
    for word in _numbers([_SAME.get(token, token) for token in tokens]):
        if word.isdigit() and words and words[-1].isdigit():
            words[-1] += word
        elif word:
            words.append(word)
    return words


def _numbers(tokens: Sequence[str]) -> list[str]:
    """Number words in digits, each number on its own."""
    found: list[str] = []
    total = part = last = 0
    is_open = False

    def close() -> None:
        nonlocal total, part, is_open
        if is_open:
            found.append(str(total + part))
        total, part, is_open = 0, 0, False

    for token in tokens:
        value = _value(token)
        if value is not None:
            fits = is_open and (
                part % 100 == 0 and part and last >= 100 or (last in range(20, 100, 10) and 0 < value < 10)
            )
            if not fits:
                close()
            part, is_open, last = (part + value if fits else value), True, value
        elif token == "hundred" and is_open:
            part, last = part * 100, 100
        elif token in _LARGE and is_open and part:
            total, part, last = total + part * _LARGE[token], 0, 100
        else:
            close()
            found.append(token)
    close()
    return found


def _value(token: str) -> int | None:
    if token.isdigit() and len(token) < 3:
        return int(token) if token == str(int(token)) else None
    if token in _SMALL:
        return _SMALL.index(token)
    stem = token.removesuffix("th")
    return _TENS.get(token) or _ORDINALS.get(
        token, _SMALL.index(stem) if stem != token and stem in _SMALL else None
    )


async def heard(row: Row, speak: Callable[[str], str], tts: PiperTts, stt: WhisperStt) -> str:
    """What Whisper writes of what Piper says."""

    async def clauses() -> AsyncIterator[Clause]:
        yield Clause(0, speak(row.text))

    sounds = [(each.samples, each.rate_hz) async for each in tts.speak(clauses(), VoiceChoice())]
    if not sounds:
        return ""
    import soxr

    samples = soxr.resample(np.concatenate([each for each, _ in sounds]), sounds[0][1], _RATE_HZ)
    stream = stt.open(SttOptions(languages=("en",)))
    stream.feed(np.concatenate([samples, np.zeros(_RATE_HZ // 2, np.int16)]))
    return (await stream.final()).text


@dataclass(frozen=True, slots=True)
class RowsHeard:
    """Rows heard as their words, and words that were not."""

    rows: int
    right: int
    words: int
    words_wrong: int

    def __str__(self) -> str:
        share = 100 * self.words_wrong / max(self.words, 1)
        return f"{self.right} of {self.rows} rows heard as the words; {share:.1f} % of words not"


async def measure(chosen: Sequence[Row], show: bool, speak: Callable[[str], str] = speakable) -> RowsHeard:
    tts, stt = PiperTts(), WhisperStt()
    await tts.warm()
    await stt.warm()
    right = wrong_words = words = 0
    try:
        for row in chosen:
            text = await heard(row, speak, tts, stt)
            expected, got = canonical(row.said), canonical(text)
            errors = word_errors(expected, got)
            words, wrong_words = words + len(expected), wrong_words + min(errors, len(expected))
            right += not errors
            if show and errors:
                print(f"{row.text!r}: said {speak(row.text)!r}, heard {text!r}", flush=True)
    finally:
        await tts.close()
        await stt.close()
    return RowsHeard(len(chosen), right, words, wrong_words)


def main(argv: list[str] | None = None) -> RowsHeard:
    """Prints what was heard, and returns it."""
    parser = argparse.ArgumentParser(prog="python -m voice_grpc.bench.words", description=__doc__)
    parser.add_argument("--rows", type=int, default=60, help="how many, evenly spread over the table")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--show", action="store_true", help="also print what was heard otherwise")
    given = parser.parse_args(argv)
    found = asyncio.run(measure(rows(given.table, given.rows), given.show))
    print(found)
    return found


if __name__ == "__main__":
    main()
