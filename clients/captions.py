"""Which words of an answer are being spoken, so that they are shown when they are heard.

The server sends a clause's text with the clause's first sound and says nothing of single words.
Where a clause begins is exact; inside it the words go by at the usual rate of speech.
"""

from dataclasses import dataclass, field

from .audio import OUTPUT_HZ

CHARACTERS_PER_SECOND = 15.0
"""English at 180 words a minute, five letters and a space each."""


@dataclass(slots=True)
class _ShownAnswer:
    texts: dict[int, str] = field(default_factory=dict)
    """Segment → its words so far."""
    offsets: dict[int, int] = field(default_factory=dict)
    """Segment → its first sample."""
    shown: int = 0
    """Characters of the whole answer."""

    @property
    def text(self) -> str:
        return "".join(self.texts[segment] for segment in sorted(self.texts))

    def spoken(self, played: int, rate_hz: int) -> int:
        """How many characters were heard, or begun, once `played` samples were."""
        count = 0
        for segment in sorted(self.texts):
            words = self.texts[segment]
            begins = self.offsets.get(segment)
            if begins is None or begins >= played:
                break
            later = [offset for offset in self.offsets.values() if offset > begins]
            if not later or min(later) > played:
                reach = int((played - begins) / rate_hz * CHARACTERS_PER_SECOND) + 1
                end = words.find(" ", reach)
                return count + (len(words) if end < 0 else end)
            count += len(words)
        return count


class Captions:
    def __init__(self, rate_hz: int = OUTPUT_HZ) -> None:
        self._rate_hz = rate_hz
        self._answers: dict[int, _ShownAnswer] = {}

    def text(self, turn: int, segment: int, delta: str) -> None:
        texts = self._answers.setdefault(turn, _ShownAnswer()).texts
        texts[segment] = texts.get(segment, "") + delta

    def audio(self, turn: int, segment: int, offset: int) -> None:
        """Sound of a segment at `offset` samples; only the first counts."""
        self._answers.setdefault(turn, _ShownAnswer()).offsets.setdefault(segment, offset)

    def due(self, turn: int, played: int) -> str:
        """The words to show now that were not shown before."""
        answer = self._answers.get(turn)
        return self._show(answer, answer.spoken(played, self._rate_hz)) if answer else ""

    def rest(self, turn: int) -> str:
        """All that was not shown, at the end of the turn."""
        answer = self._answers.pop(turn, None)
        return self._show(answer, len(answer.text)) if answer else ""

    def is_silent(self, turn: int) -> bool:
        """No sound came with its words."""
        return turn not in self._answers or not self._answers[turn].offsets

    def drop(self, turn: int) -> None:
        self._answers.pop(turn, None)

    @staticmethod
    def _show(answer: _ShownAnswer, until: int) -> str:
        words = answer.text[answer.shown : until]
        answer.shown = max(answer.shown, until)
        return words
