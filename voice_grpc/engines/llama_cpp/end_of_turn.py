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

_ENDS = frozenset(".?!…。？！؟।\n")
"""First characters of the tokens that end an utterance."""

_TOP = 100
"""Tokens that are looked at: what ends an utterance is among the likeliest, or hardly likely at all."""

_SHOWN_MESSAGES = 3
"""Of a conversation whose answers another model writes: its prefix is computed for this question alone."""


class Completing(Protocol):
    """A local model, as far as this question needs one."""

    @property
    def name(self) -> str: ...

    @property
    def location(self) -> str: ...

    def has_room(self, claim: Claim) -> bool:
        """Work of `claim` would not have to wait for what is as urgent."""
        ...

    def open_turn(self, prompt: Prompt) -> str:
        """The text of `prompt` up to its last user's last word."""
        ...

    async def read_ahead(self, text: str, claim: Claim) -> None: ...

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
        await self._llm.read_ahead(self._open(prompt), prompt.claim)

    async def probability(self, prompt: Prompt) -> float | None:
        """None while the model has no room: answers that were let out go first. Raises `EngineError`."""
        if not self._llm.has_room(prompt.claim):
            return None
        text = self._open(prompt)
        request = {"prompt": text, "n_predict": 1, "n_probs": _TOP, "logprobs": _TOP, "cache_prompt": True}
        answer = await self._llm.complete({**request, "temperature": 0.0}, prompt.claim)
        try:
            (token,) = answer["choices"][0]["logprobs"]["content"]
            found = {each["token"]: float(each["logprob"]) for each in token["top_logprobs"]}
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise EngineError("turn", f"{self.name} gave no probabilities") from error
        return min(1.0, math.fsum(math.exp(value) for text, value in found.items() if _is_end(text)))

    def _open(self, prompt: Prompt) -> str:
        if not self._answers or prompt.tools:
            prompt = replace(prompt, instructions="", messages=prompt.messages[-_SHOWN_MESSAGES:], tools=())
        return self._llm.open_turn(prompt).rstrip(" .,;:!?…。，、？！")


def _is_end(token: str) -> bool:
    """The end of the turn itself is a token without any text."""
    return not token or token.lstrip(" ")[:1] in _ENDS
