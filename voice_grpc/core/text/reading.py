"""A text on its way into words: what has been said once is out of reach of the rules that follow.

What lives here: the text with its markers, and the two ways to say something. What must not: what
anything is called (`languages/`), and the rules (`addresses.py`, `identifiers.py`, `money.py`, …).

Words that a rule puts in are held aside, and one private-use character stands for them. So no rule
reads what another one wrote, and no word is ever stuck to its neighbour: `words` sets the spaces.
"""

import re
from collections.abc import Callable

_FIRST, _LAST = 0xF0000, 0x10FFFD
DIGITS = "0123456789"
MARKED = "\U000f0000-\U0010fffd"
"""Inside a character class: a marker, which is something said."""
_MARKER = re.compile(f"[{MARKED}]")
_SEAM = re.compile(rf"(?<=[\w)\]%{MARKED}])(?=[{MARKED}])|(?<=[{MARKED}])(?=\w)")

Say = Callable[[re.Match[str]], str | None]
"""From a match to its words; None leaves it as it is."""


class Reading:
    """One text, and where it is read."""

    def __init__(self, text: str, region: str = "US", *, is_day_first: bool = False) -> None:
        """`region`: ISO 3166, whose telephone numbers are meant. `is_day_first`: whether 3/4 is in April."""
        self.text = _MARKER.sub(" ", text)
        self.region = region
        self.is_day_first = is_day_first
        self._said: list[str] = []
        self._signs = frozenset(self.text)

    def has(self, signs: str) -> bool:
        """Whether one of them is in the text; so that a rule that needs it costs nothing where it is not."""
        return not self._signs.isdisjoint(signs)

    def say(self, pattern: re.Pattern[str], words: str | Say, needs: str = "") -> None:
        """Put every match of `pattern` into words, which nothing looks at any more. `needs`: the
        characters without any of which there is no match."""
        if needs and not self.has(needs):
            return

        def put(match: re.Match[str]) -> str:
            said = words if isinstance(words, str) else words(match)
            return match[0] if said is None else self._mark(said, match[0])

        self.text = pattern.sub(put, self.text)

    def words(self) -> str:
        """The text with everything said in its place, a space on either side where a word would touch."""
        return _MARKER.sub(lambda match: self._resolved(match[0]), _SEAM.sub(" ", self.text))

    def _mark(self, said: str, otherwise: str) -> str:
        code = _FIRST + len(self._said)
        if code > _LAST:
            return otherwise
        self._said.append(_MARKER.sub(lambda match: self._resolved(match[0]), _SEAM.sub(" ", said)))
        return chr(code)

    def _resolved(self, marker: str) -> str:
        index = ord(marker) - _FIRST
        return self._said[index] if index < len(self._said) else " "
