"""An early text goes over into the final one without a word taken back.

Only what is unlikely to change is given out early; where the final text reads otherwise all the same,
it goes on from the place that corresponds, and what was given out stays.
"""

import re
from difflib import SequenceMatcher

HELD_BACK = 3
"""Words at the end of an early text: cut off in the middle, or heard without what follows them."""

_WORD = re.compile(r"\s*\S+")


def settled(text: str) -> str:
    """All but the last words."""
    return "".join(_WORD.findall(text)[:-HELD_BACK])


def unspoken(given: str, text: str) -> str:
    """What `text` says after that which was `given`."""
    if not given:
        return text
    before, whole = _WORD.findall(given), _WORD.findall(text)
    matcher = SequenceMatcher(None, [*map(_bare, before)], [*map(_bare, whole)], autojunk=False)
    ends = [
        (block.a + block.size, block.b + block.size) for block in matcher.get_matching_blocks() if block.size
    ]
    mine, theirs = ends[-1] if ends else (0, 0)
    return "".join(whole[theirs + len(before) - mine :])


def _bare(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())
