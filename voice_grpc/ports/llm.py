"""The port of the language model: a prompt in, words and calls out."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ..core.conversation import Message
from ..core.tools import ToolDeclaration
from .claim import NOBODY, Claim
from .engine import Engine, Fallback

DEFAULT_MAX_TOKENS = 256
"""Of an answer, where the caller says nothing."""


@dataclass(frozen=True, slots=True)
class Prompt:
    instructions: str
    messages: tuple[Message, ...]
    """Oldest first; the last is the user's, or what came of the calls of this turn."""
    language: str = ""
    """BCP 47; the answer should be in it. Empty: the language of the user."""
    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float | None = None
    """None: the engine's own."""
    tools: tuple[ToolDeclaration, ...] = ()
    """What may be called; empty: nothing, and the answer is words."""
    claim: Claim = field(default=NOBODY, compare=False)


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class CallRequest:
    """The model wants a tool called. It is given whole, never in pieces."""

    name: str
    arguments: Mapping[str, object]
    """JSON values."""
    id: str = ""
    """The vendor's own, where it has one; goes back with the result."""
    signature: str = ""
    """What the vendor wants back unchanged with the call (Gemini's thought signature, base64)."""


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


LlmItem: TypeAlias = TextDelta | CallRequest | Usage | Fallback


class Llm(Engine, Protocol):
    @property
    def calls_tools(self) -> bool:
        """Whether `Prompt.tools` are of any use to it; one that does not call any ignores them."""
        ...

    def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        """The answer as it is made; `Usage`, where it is known, comes last. `aclose` stops the work.

        After `CallRequest`s it ends: who asked makes the calls, and asks again with what came of them.
        Nothing is to be assumed of an answer that is thrown away: it leaves no trace.
        """
        ...
