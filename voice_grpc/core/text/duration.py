"""How long a text is going to sound, and cutting it into pieces of bounded sound.

What lives here: an estimate that knows digits, for engines whose work grows with the sound and not with
the letters. What must not: where a clause of an answer ends (`segmentation.py`), and how long it did
sound (the engine knows).

`777,777` is seven letters long and takes three seconds: seven hundred seventy seven thousand …
"""

import re
from collections.abc import Iterator

from .segmentation import WIDE, extends

_LETTER = 1 / 14
"""Seconds; Piper's English voices say 13 to 16 letters and spaces in one."""
_DIGIT = 0.5
"""Forty groups of 777 took 61 to 74 s, which is 1.5 to 1.9 s for three digits."""
_CAPITAL = 0.25
"""One of several in a row, which are spelled."""
_WIDE = 0.2
_SIGN = 0.4
"""A symbol that is read out by its name."""
_STOP, _PAUSE = 0.4, 0.2
"""The silence at a full stop and at a comma."""

_KINDS = re.compile(
    rf"(?P<digit>\d)|(?P<wide>[{WIDE}])|(?P<capital>[A-ZÀ-Þ](?=[A-ZÀ-Þ\d])|(?<=[A-ZÀ-Þ])[A-ZÀ-Þ])"
    r"|(?P<stop>[.!?。！？।](?!\w))|(?P<pause>[,;:—–，、](?!\d))|(?P<sign>[%$€£¥+=<>°&@#*/^|~√×÷±])",
)
_SECONDS = {
    "digit": _DIGIT, "wide": _WIDE, "capital": _CAPITAL, "stop": _STOP, "pause": _PAUSE, "sign": _SIGN,
}  # fmt: skip
_SLOWER = {"de": 1.1, "es": 0.9, "fr": 1.0, "it": 0.95, "pt": 0.95}
"""Letters of these take so much longer than English ones."""

_MARKS = (".!?…。！？", ",;:–—，、；：", "")
"""A piece ends at a space after a sentence, else after a phrase, else after a word."""
_SHORTEST = 0.25
"""Share of the bound before which no place is used, because a short piece and a long one take no less time
than two of a size."""


def spoken_seconds(text: str, language: str = "en") -> float:
    """How long a voice takes for `text` at its usual rate, within about a third. `language` is BCP 47."""
    return sum(_each(text, language))


def pieces(text: str, seconds: float, language: str = "en") -> Iterator[str]:
    """`text` cut so that none takes longer than about `seconds`, within a number or word if need be.

    Spaces at the cuts are left out. A character that takes longer than `seconds` is a piece by itself.
    """
    each, start = _each(text, language), 0
    while start < len(text):
        end = _reach(each, start, seconds)
        if end < len(text):
            end = _place(text, each, start, end, seconds)
        if piece := text[start:end].strip():
            yield piece
        start = end


def _each(text: str, language: str) -> list[float]:
    """Seconds of each character."""
    letter = _LETTER * _SLOWER.get(language.lower().split("-")[0], 1.0)
    each = [letter] * len(text)
    for match in _KINDS.finditer(text):
        each[match.start()] = _SECONDS[str(match.lastgroup)]
    return each


def _reach(each: list[float], start: int, seconds: float) -> int:
    """The last end, at least one further than `start`, up to which it takes no longer than `seconds`."""
    end, so_far = start, 0.0
    while end < len(each) and (so_far := so_far + each[end]) <= seconds:
        end += 1
    return max(end, start + 1)


def _place(text: str, each: list[float], start: int, end: int, seconds: float) -> int:
    """The best place to cut at or before `end`."""
    least = _reach(each, start, seconds * _SHORTEST)
    for marks in _MARKS:
        for at in range(end, least, -1):
            if text[at : at + 1].isspace() and (not marks or text[at - 1] in marks):
                return at
    for at in range(end, least, -1):
        if text[at - 1] in ",.，、。-–—/" or not (text[at - 1].isalnum() and text[at].isalnum()):
            return at
    while end < len(text) and extends(text[end]):
        end += 1
    return end
