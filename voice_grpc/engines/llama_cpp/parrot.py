"""A small model that says the user's own words again: noticed while it writes, and shown how to react.

Told something rather than asked, a model of half a billion parameters repeats it ("I left my umbrella on
the train"), or turns it round ("The dog is sick"). So what has no word of its own yet is held back; three of
the user's words from the first one on, or four or a sentence without any of its own, are given up, and the
model is asked once more behind a few examples of how people react. They are not shown otherwise: with them
it no longer knows the user's name (`prompt.py` says what examples do); but before the first words of a
conversation, when there is nothing to know, at once. What lives here: who is a parrot, and
the examples. What must not: any other model's answers, and answers to questions.
"""

import re
from dataclasses import replace

from ...core.conversation import Message, Role
from ...core.languages import primary
from ...core.text.segmentation import WORDS
from ...ports import Prompt
from .brevity import most_sentences

_LANGUAGE = "en"
"""Of the examples, and of the words below; in another one nothing is held back."""

_VERBATIM_WORDS = 3
"""Of the user's, from the first one on, that no answer to something that was told begins with."""

_WORDS_OF_OTHERS = 4
"""Without one of its own that are waited for: who would have said one later says it behind the examples."""

_FEWEST_WORDS = 3
"""Of a sentence that can be a repetition."""

_COMMON_WORDS = frozenset(
    re.findall(
        r"\S+",
        "a an the this that these those it its i me my mine you your yours he him his she her hers"
        " we us our ours they them their theirs s m re ve ll d t don am is are was were be been"
        " being have has had having do does did doing will would can could shall should may might"
        " must not no and or but so if as than then of in on at to for from by with about into out"
        " up down off over there here who which what very too"
        " also just user users",
    )
)
"""Words that any sentence turned round has: no news."""

_ASKS = re.compile(
    r"\s*(?:who|whom|whose|what|where|when|why|how|which|can|could|do|does|did|is|are|am|was|were|will|would"
    r"|should|may|have|has|had)\b|.*\b(?:say|repeat|spell|read|translate|pronounce)\b",
    re.IGNORECASE | re.DOTALL,
)
"""Questions, of which the answer may well begin with their words, and those who want words said."""

_ORDERS = re.compile(
    r"\s*(?:please\s+)?(?:name|count|write|sing|play|turn|help|let|add|open|close|stop|make|go|continue)\b",
    re.IGNORECASE,
)
"""Of what a small model does without examples. Of other orders ("explain", "remind me") it says the words
again, and is asked a second time: 16 of 26 that were tried."""

_REACTIONS = (
    ("I had a long day at the office.", "That sounds tiring. I hope you can rest now."),
    ("How many strings does a harp have?", "A concert harp has forty-seven strings."),
    ("I bought an old boat.", "How exciting! Where will you sail it first?"),
    ("Why are flamingos pink?", "The shrimp that flamingos eat make their feathers pink."),
    ("My cat ran away yesterday.", "Oh no! I hope your cat comes home soon."),
    ("What did I buy?", "You bought an old boat."),
)
"""Without any name: a model of this size takes those for the user's and for its own."""


def is_told(prompt: Prompt) -> bool:
    """The user told something rather than asked, in the language of the examples."""
    last = prompt.messages[-1] if prompt.messages else None
    if last is None or last.role is not Role.USER or not last.text:
        return False
    if not _is_english(last.text, prompt.language):
        return False
    wants_length = most_sentences(prompt) is None
    return not (wants_length or last.text.rstrip().endswith("?") or _ASKS.match(last.text))


def _is_english(text: str, language: str) -> bool:
    """By its tag; of typed words without one, more than a third have to be common ones."""
    words = _words(text)
    return (
        primary(language) == _LANGUAGE
        if language
        else 3 * sum(map(_COMMON_WORDS.__contains__, words)) > len(words)
    )


def opens(prompt: Prompt) -> bool:
    """The user told something, in the first words of the conversation, and there is nothing to be done."""
    return _is_first(prompt) and is_told(prompt) and not _ORDERS.match(prompt.messages[-1].text)


def may_open(prompt: Prompt) -> bool:
    """What the user will say, the last message of `prompt`, may be something that `opens`."""
    return _is_first(prompt) and primary(prompt.language) in ("", _LANGUAGE)


def _is_first(prompt: Prompt) -> bool:
    """Nobody but the assistant has said anything before, and nothing can be done."""
    return not prompt.tools and all(message.role is Role.ASSISTANT for message in prompt.messages[:-1])


def reacting(prompt: Prompt) -> Prompt:
    """The same instructions, the examples, and what the user said last; in whatever variant of their
    language, so that the examples are computed once."""
    shown = (
        Message(role, text, 0)
        for pair in _REACTIONS
        for role, text in zip((Role.USER, Role.ASSISTANT), pair, strict=True)
    )
    return replace(prompt, messages=(*shown, prompt.messages[-1]), language="", tools=())


class ParrotGuard:
    """The text of one answer: pieces in, what may be let out of them out."""

    def __init__(self, prompt: Prompt) -> None:
        """Nothing is held back of an answer to anything but what was told."""
        self._is_free = not is_told(prompt)
        self._said = [] if self._is_free else _words(prompt.messages[-1].text)
        self._known = {*self._said, *_words(prompt.instructions), *_COMMON_WORDS}
        self._held = ""
        self.is_parrot = False
        """Nothing but the user's words came: nothing more is let out."""

    def feed(self, text: str) -> str:
        """What may be let out now; empty while it is held back."""
        if self.is_parrot:
            return ""
        if self._is_free:
            return text
        self._held += text
        words = _whole_words(self._held)
        if not self._known.issuperset(words):
            return self._take()
        is_sentence = any(mark in self._held for mark in ".!?")
        self.is_parrot = self._repeats(words, _FEWEST_WORDS if is_sentence else _WORDS_OF_OTHERS)
        return ""

    def end(self) -> str:
        """The rest; empty of a parrot. Nothing may follow."""
        self.is_parrot = self.is_parrot or (
            bool(self._held) and self._repeats(_words(self._held), _FEWEST_WORDS)
        )
        return "" if self.is_parrot else self._take()

    def _repeats(self, words: list[str], enough: int) -> bool:
        """So many are enough, or the user's first ones; common words alone are not."""
        is_verbatim = words[:_VERBATIM_WORDS] == self._said[:_VERBATIM_WORDS]
        is_known = self._known.issuperset(words)
        is_long = len(words) >= (_VERBATIM_WORDS if is_verbatim else enough)
        return is_long and is_known and not _COMMON_WORDS.issuperset(words)

    def _take(self) -> str:
        text, self._held, self._is_free = self._held, "", True
        return text


def _words(text: str) -> list[str]:
    return WORDS.findall(text.casefold())


def _whole_words(text: str) -> list[str]:
    """Without the last one while more of it may follow."""
    words = _words(text)
    return words[:-1] if words and text[-1].isalnum() else words
