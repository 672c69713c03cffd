"""How long a small model speaks: at most three sentences unless more was asked for, and whole ones.

Small models do not keep to an instruction about length: a recipe of 161 tokens is 40 s of speech. What they
are asked by a caller who allows more than the default, or by a user who wants a story, is not cut.
"""

import re

from ...core.conversation import Role
from ...core.text.segmentation import PLACES, Place, judge
from ...ports import DEFAULT_MAX_TOKENS, Prompt

MOST_SENTENCES = 3

LONG_ENOUGH = 240
"""Characters, about 17 s of speech, after which the sentence that is being said is the last one."""

_RESERVE = 48
"""Tokens before the limit of an answer from which on a sentence is let out only when it is whole: so many
take 11 to 12 s to say, and few sentences are longer."""

_NUMBER = r"(?:[3-9]|\d\d+|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|all)"
_MORE = re.compile(
    r"\b(?:stor(?:y|ies)|fairy tale|poem|song|lyrics|speech|essay|recipe|details?|in depth|at length"
    r"|long(?:er)? (?:one|answer|version|explanation|text)|longer"
    r"|step by step|step-by-step|(?:the|all) steps|everything|all about|(?:tell|say|know|hear) (?:me )?more"
    r"|more about|go on|continue|keep going|elaborate"
    r"|geschichte|märchen|gedicht|lied|ausführlich\w*|einzelheiten|alles|erzähl\w* mehr|mach weiter|rezept"
    r"|cuento|poema|canción|detalles?|paso a paso|todo sobre|sigue|continúa|receta"
    r"|histoire|conte|poème|chanson|détails?|étape par étape|tout sur|continuez?|recette"
    r"|storia|racconto|poesia|canzone|dettagli\w*|passo dopo passo|tutto su\w*|continua|ricetta"
    r"|história|conto|canção|detalhes?|passo a passo|tudo sobre|receita)\b"
    rf"|\b(?:name|list|give|tell|say|count)\b.{{0,40}}\b{_NUMBER}\b",
    re.IGNORECASE,
)


def most_sentences(prompt: Prompt) -> int | None:
    """None: as many as it likes."""
    asked = [message.text for message in prompt.messages if message.role is Role.USER]
    is_free = prompt.max_tokens > DEFAULT_MAX_TOKENS or bool(asked and _MORE.search(asked[-1]))
    return None if is_free else MOST_SENTENCES


class SentenceLimit:
    """The text of one answer, a token at a time: in it goes, and out comes what is to be said of it."""

    def __init__(self, sentences: int | None, tokens: int) -> None:
        """`tokens`: at which the model is stopped, wherever it is."""
        self._left, self._limit = sentences, tokens
        self._tokens = self._length = 0
        self._text = ""
        """Of the sentence that is being written; `_said` characters of it are out."""
        self._said = 0
        self._has_sentence = False
        self.is_over = False
        """Nothing more comes out."""

    def feed(self, token: str) -> str:
        if self.is_over:
            return ""
        self._tokens += 1
        self._text += token
        out = ""
        while (end := self._end()) is not None:
            out += self._take(end)
            if self.is_over:
                return out
        is_held = self._has_sentence and self._tokens > self._limit - _RESERVE
        if is_held:
            return out
        out, self._said = out + self._text[self._said :], len(self._text)
        return out

    def end(self) -> str:
        """What was held back, unless it is the beginning of a sentence that the limit cut."""
        is_cut = self._has_sentence and self._tokens >= self._limit
        return "" if self.is_over or is_cut else self._text[self._said :]

    def _take(self, end: int) -> str:
        """The rest of a sentence or line that ends there. A line counts as a sentence, unless its colon
        announces the next one."""
        sentence, out = self._text[:end].strip(), self._text[self._said : end]
        self._text, self._said = self._text[end:], max(0, self._said - end)
        self._length += end
        if sentence and not sentence.endswith(":"):
            self._has_sentence = True
            self._left = None if self._left is None else self._left - 1
            self.is_over = self._left is not None and (self._left <= 0 or self._length >= LONG_ENOUGH)
        return out

    def _end(self) -> int | None:
        """Where the sentence or line that is being written ends; known once a character follows."""
        for match in PLACES.finditer(self._text):
            start, end = match.span()
            if end == len(self._text):
                return None
            place = judge(self._text, start, end)
            if place is Place.SENTENCE:
                return end
            if place is Place.LINE and start:
                return start
        return None
