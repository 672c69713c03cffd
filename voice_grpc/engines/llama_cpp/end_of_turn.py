"""Whether the user's words are finished, by a language model: how likely what comes next is an end.

The model is shown the prompt up to the user's last word, final punctuation taken off, and asked for one
token (the idea is TurnGPT's: Ekstedt and Skantze 2020). The probability of all tokens that end the utterance,
a full stop, a line or the turn, is the answer. A recogniser's own full stop says nothing: it writes one
behind half a sentence too. With Qwen2.5-Coder-0.5B "What is the capital of France" ends with 0.90, and
without its last word with 0.00.
"""

import math
from dataclasses import replace
from typing import Any, Protocol

from ...core.errors import EngineError
from ...ports import Claim, Prompt
from .prompt import OpenTurn

_ENDS = frozenset(".?!…。？！؟।\n")
"""First characters of the tokens that end an utterance."""

_TOP = 100
"""Tokens that are looked at: what ends an utterance is among the likeliest, or hardly likely at all."""

_BEHIND_EXAMPLES = 2.0
"""Log odds by which an end is likelier behind examples, all of them whole sentences: of statements that were
finished the median is 0.85 there and 0.6 without them, of those that could have ended where they were broken
off 0.6 and 0.2 (18 and 5 of the bench's). By more than that, so that no more of those are taken for ends."""

_SHOWN_MESSAGES = 3
"""At least, of a conversation whose answers another model writes: it is read for this question alone."""

_LET_GO_MESSAGES = 8
"""Of such a conversation are let go at a time: between, what is shown grows at its end, and the most of it is
read already."""


class Completing(Protocol):
    """A local model, as far as this question needs one."""

    @property
    def name(self) -> str: ...

    @property
    def location(self) -> str: ...

    def has_room(self, claim: Claim) -> bool:
        """Work of `claim` would not have to wait for what is as urgent."""
        ...

    def open_turn(self, prompt: Prompt, *, to_answer: bool) -> OpenTurn:
        """`prompt` up to its last user's last word, as it is or as an answer to it begins."""
        ...

    async def read_ahead(self, prompt: Prompt, *, to_answer: bool) -> None:
        """Compute what `open_turn` will begin with."""
        ...

    async def complete(self, request: dict[str, Any], claim: Claim) -> dict[str, Any]: ...

    async def warm(self) -> None: ...

    async def close(self) -> None: ...


class LocalTextEndOfTurn:
    """Implements `ports.TextEndOfTurn`."""

    is_embedded = True

    def __init__(self, llm: Completing, *, answers: bool) -> None:
        """`answers`: the same model writes the answers, so that the prefix of their prompts is hot; it is
        then warmed and closed by them. Else it is this object's own."""
        self._llm, self._answers = llm, answers

    @property
    def name(self) -> str:
        return self._llm.name

    @property
    def location(self) -> str:
        return self._llm.location

    async def warm(self) -> None:
        """Raises `EngineMissing`, `EngineError`."""
        if not self._answers:
            await self._llm.warm()

    async def close(self) -> None:
        if not self._answers:
            await self._llm.close()

    async def read_ahead(self, prompt: Prompt) -> None:
        """Raises `EngineError`."""
        judged, to_answer = self._judged(prompt)
        await self._llm.read_ahead(judged, to_answer=to_answer)

    async def probability(self, prompt: Prompt) -> float | None:
        """None while the model has no room: answers that were let out go first. Raises `EngineError`."""
        if not self._llm.has_room(prompt.claim):
            return None
        judged, to_answer = self._judged(prompt)
        opened = self._llm.open_turn(judged, to_answer=to_answer)
        text = opened.text.rstrip(" .,;:!?…。，、？！")
        request = {"prompt": text, "n_predict": 1, "n_probs": _TOP, "logprobs": _TOP}
        answer = await self._llm.complete({**request, "temperature": 0.0}, prompt.claim)
        try:
            (token,) = answer["choices"][0]["logprobs"]["content"]
            found = {each["token"]: float(each["logprob"]) for each in token["top_logprobs"]}
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise EngineError("turn", f"{self.name} gave no probabilities") from error
        ends = min(1.0, math.fsum(math.exp(value) for text, value in found.items() if _is_end(text)))
        return _less_likely(ends, _BEHIND_EXAMPLES) if opened.has_examples else ends

    def _judged(self, prompt: Prompt) -> tuple[Prompt, bool]:
        """What is asked about, and whether the answer will begin with it."""
        if self._answers and not prompt.tools:
            return prompt, True
        beyond = max(0, len(prompt.messages) - _SHOWN_MESSAGES)
        shown = prompt.messages[beyond - beyond % _LET_GO_MESSAGES :]
        return replace(prompt, instructions="", messages=shown, tools=()), False


def _less_likely(probability: float, by: float) -> float:
    """`by` log odds."""
    return probability / (probability + (1.0 - probability) * math.exp(by))


def _is_end(token: str) -> bool:
    """The end of the turn itself is a token without any text."""
    return not token or token.lstrip(" ")[:1] in _ENDS
