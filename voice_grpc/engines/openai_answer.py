"""What the chunks of a chat completion hold for us: words, calls, usage; and how an answer may end.

What lives here: one answer's state. What must not: when chunks come (`llm_openai.py`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..core.errors import EngineBlocked, EngineEmpty, EngineError, EngineUnreachable
from ..ports import CallRequest, TextDelta, Usage
from .openai_calls import Calls
from .openai_errors import refusal_in
from .openai_shapes import count, mapping, sequence, text
from .openai_thoughts import ThoughtFilter

DONE = "[DONE]"

_FAILED = ("error", "abort")
"""Reasons to finish of OpenRouter and vLLM: something broke there."""


class Answer:
    def __init__(self, model: str, max_tokens: int, *, begins_inside: bool = False) -> None:
        """`model`: as errors name it. `max_tokens`: of what is said, without what is thought."""
        self.model = model
        self.has_begun = False
        """Something of it was given, or of a call that will be."""
        self.is_whole = False
        """The server said that it is: there is nothing left to wait for but the count of tokens."""
        self.is_full = False
        """`max_tokens` were said; the limit that the server knows may have room for thoughts."""
        self.progress = 0
        """Rises with every output; with nothing else."""
        self._max_tokens = max_tokens
        self._thoughts = ThoughtFilter(begins_inside=begins_inside)
        self._has_reasoned = False
        self._calls = Calls()
        self._reason = ""
        self._usage: Usage | None = None

    @property
    def has_thought(self) -> bool:
        return self._has_reasoned or self._thoughts.has_thought

    @property
    def was_thinking_aloud(self) -> bool:
        """What was taken for the answer turned out to be thoughts, which it was too late to take back."""
        return self._thoughts.was_not_opened

    def read(self, chunk: Mapping[str, Any]) -> Iterator[TextDelta]:
        """Raises `Refusal` when the chunk is an error."""
        if (refusal := refusal_in(chunk)) is not None:
            raise refusal
        self._count(mapping(chunk.get("usage")))
        for choice in sequence(chunk.get("choices"))[:1]:
            choice = mapping(choice)
            delta = mapping(choice.get("delta") or choice.get("message"))
            self._has_reasoned |= bool(delta.get("reasoning") or delta.get("reasoning_content"))
            if delta.get("tool_calls"):
                self._calls.add(delta["tool_calls"])
                self._advance()
            yield from self._say(self._thoughts.feed(_words(delta)))
            if reason := text(choice.get("finish_reason")):
                self._reason, self.is_whole = reason, True
        self.is_full = self.progress >= self._max_tokens and not self._reason and not self._calls

    def end(self, *, is_done: bool) -> Iterator[TextDelta | CallRequest | Usage]:
        """Nothing comes any more. Raises `EngineError` unless that is an answer.

        `is_done`: the server said so, or it was us who stopped.
        """
        yield from self._say(self._thoughts.flush())
        said = f" ({self._reason})" if self._reason else ""
        if self._reason == "content_filter":
            raise EngineBlocked("llm", f"{self.model}'s answer was stopped{said}")
        if self._reason in _FAILED:
            raise EngineError("llm", f"{self.model} broke off its answer{said}")
        if not (self._reason or is_done):
            raise EngineUnreachable("llm", f"{self.model}: the answer broke off")
        yield from self._calls.requests(self.model)
        if not self.has_begun:
            what = "thought, and said nothing" if self.has_thought else "answered with nothing"
            raise EngineEmpty("llm", f"{self.model} {what}{said}")
        if self._usage is not None:
            yield self._usage

    def _say(self, words: str) -> Iterator[TextDelta]:
        """Nothing blank comes before the first word."""
        words = words if self.has_begun else words.lstrip()
        if words:
            self._advance()
            yield TextDelta(words)

    def _advance(self) -> None:
        self.has_begun = True
        self.progress += 1

    def _count(self, usage: Mapping[str, Any]) -> None:
        """`prompt_cache_hit_tokens` is DeepSeek's."""
        if usage:
            details = mapping(usage.get("prompt_tokens_details"))
            cached = count(details.get("cached_tokens")) or count(usage.get("prompt_cache_hit_tokens"))
            self._usage = Usage(
                count(usage.get("prompt_tokens")), count(usage.get("completion_tokens")), cached
            )


def _words(delta: Mapping[str, Any]) -> str:
    """Mistral's reasoning models give content in parts, of which only those of text are said."""
    content = delta.get("content")
    if isinstance(content, list):
        parts = [mapping(part) for part in content]
        return "".join(text(part.get("text")) for part in parts if part.get("type") == "text")
    return text(content) or text(delta.get("refusal"))
