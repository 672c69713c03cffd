"""Whether an answer only says again what was just said: an earlier answer, or the user's own words.

What lives here: how much of an answer may be let out while it is being written, and the verdict at its end.
What must not: how an answer is drawn again (`session/answering/generation.py`).

Small models copy what they see in the history, an answer of their own above all, and from then on for ever.
So what is so far the beginning of an earlier line is held back until it differs. Texts are compared by
their letters and digits alone.
"""

import unicodedata
from collections.abc import Sequence

from .text.segmentation import WORDS

LAST_ANSWERS = 3
"""Answers that the next one is compared with."""

SHORT_WORDS = 3
"""An answer of so many words may come again: "Yes, of course." """

_STOPS = ".!?…。！？｡؟।"
_CLOSERS = "\"'”’»)"


class RepetitionGuard:
    """The text of one answer: pieces in, what may be let out of them out."""

    def __init__(self, answers: Sequence[str] = (), question: str = "") -> None:
        """`answers`: lines that are not to come again. `question`: the user's words, which are not to come
        back; at the beginning of an answer that goes on they are left out."""
        self._answers = {_key(answer) for answer in answers} - {""}
        self._question = _key(question) if _words(question) >= SHORT_WORDS else ""
        self._held = ""
        self._is_free = not (self._answers or self._question)
        self.is_repetition = False
        """At the end: nothing but what was said before."""

    def feed(self, text: str) -> str:
        """What may be let out now; empty while it is held back."""
        if self._is_free:
            return text
        self._held += text
        self._held = self._without_question(self._held)
        key = _key(self._held)
        if not key or any(line.startswith(key) for line in (*self._answers, self._question)):
            return ""
        self._is_free = True
        return self._take()

    def end(self) -> str:
        """The rest, of which `is_repetition` says whether it is worth saying. Nothing may follow."""
        key, words = _key(self._held), _words(self._held)
        is_answer = key in self._answers and words > SHORT_WORDS
        is_echo = key == self._question or words > SHORT_WORDS and self._question.startswith(key)
        self.is_repetition = bool(key) and (is_answer or is_echo)
        return self._take()

    def _take(self) -> str:
        text, self._held = self._held, ""
        return text

    def _without_question(self, text: str) -> str:
        """What follows the question where the answer said it first, as a sentence of its own."""
        if not self._question or not _key(text).startswith(self._question):
            return text
        end = next(at for at in range(1, len(text) + 1) if _key(text[:at]) == self._question)
        rest = text[end:].lstrip(_CLOSERS)
        if rest[:1] not in _STOPS or not _key(rest):
            return text
        self._question = ""
        return rest.lstrip(_STOPS + _CLOSERS).lstrip()


def _key(text: str) -> str:
    return "".join(char for char in text.casefold() if unicodedata.category(char)[0] in "LNM")


def _words(text: str) -> int:
    return len(WORDS.findall(text))
