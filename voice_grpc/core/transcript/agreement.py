"""Local agreement: what two passes over growing sound have in common tends to stay (Liu et al. 2020,
"Low-Latency Sequence-to-Sequence Speech Recognition and Translation by Partial Hypothesis Selection").

What two passes in a row agreed on is stable. A pass that takes it back is not told by itself: two in a row
have to say so. Case and punctuation are no part of it: "the capital?" may go on with "of France".
"""

import re
from dataclasses import dataclass
from itertools import takewhile

from ..text.endings import words_of

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese: without spaces, so that each sign stands alone."""

_TOKENS = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


@dataclass(frozen=True, slots=True)
class AgreedText:
    """One pass, and how much of it was said before."""

    stable_characters: int
    """At the head of its text, up to the end of a word, without the sign behind it."""
    stability: float
    """Share of its words that are stable, 0 to 1; 0 of an empty text."""


@dataclass(frozen=True, slots=True)
class _Token:
    key: tuple[str, ...]
    """What two spellings of it share."""
    end: int
    """Behind its last letter or digit."""


class LocalAgreement:
    """The passes over one utterance, in their order."""

    def __init__(self) -> None:
        self._last: tuple[tuple[str, ...], ...] = ()
        self._stable: tuple[tuple[str, ...], ...] = ()

    def take(self, text: str) -> AgreedText | None:
        """The next pass; None: it takes back what was stable, and the one before it did not."""
        tokens = _tokens(text)
        keys = tuple(token.key for token in tokens)
        agreed, is_said_again = keys[: _common(self._last, keys)], self._last == keys
        self._last = keys
        kept = _common(self._stable, keys)
        if kept == len(self._stable):
            self._stable = max(self._stable, agreed, key=len)
        elif len(agreed) > kept or is_said_again:
            self._stable = agreed
        else:
            return None
        count = len(self._stable)
        end = tokens[count - 1].end if count else 0
        return AgreedText(end, count / len(tokens) if tokens else 0.0)


def _tokens(text: str) -> list[_Token]:
    return [_token(found) for found in _TOKENS.finditer(text)]


def _token(found: re.Match[str]) -> _Token:
    token = found.group()
    letters = max((at + 1 for at, sign in enumerate(token) if sign.isalnum()), default=len(token))
    return _Token(tuple(words_of(token)) or (token,), found.start() + letters)


def _common(before: tuple[tuple[str, ...], ...], now: tuple[tuple[str, ...], ...]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, now, strict=False)))
