"""One answer of a local model on its way out: what is said of it, what it calls, and when it is enough."""

from collections.abc import Sequence

from ...core.repetition import RepetitionGuard
from ...ports import CallRequest, Prompt, TextDelta
from .brevity import SentenceLimit, most_sentences
from .parrot import ParrotGuard
from .tool_calls import ToolCallReader


class LocalAnswer:
    """Fed a token at a time; `is_over` says that the model may stop."""

    def __init__(
        self,
        prompt: Prompt,
        tokens: int,
        examples: Sequence[str] = (),
        *,
        needs_evidence: bool = False,
        parrots: bool = False,
    ) -> None:
        """`tokens`: at which the model is stopped. `examples`: lines of its prompt that are not to come out.
        `needs_evidence`: it calls tools that nobody asked for (`ToolCallReader`); `parrots`: it says again
        what it was told, which is not to come out."""
        self._calls = ToolCallReader(prompt.tools, prompt.messages, needs_evidence=needs_evidence)
        self._limit = SentenceLimit(most_sentences(prompt), tokens)
        self._guard = RepetitionGuard(examples)
        self._parrot = ParrotGuard(prompt) if parrots else None
        self.has_said = False
        """Something that is worth being said or done came out."""

    @property
    def is_over(self) -> bool:
        return self._limit.is_over or self._calls.is_over or self.is_parrot

    @property
    def is_parrot(self) -> bool:
        """It says nothing but what the user said."""
        return self._parrot is not None and self._parrot.is_parrot

    @property
    def has_misused_tools(self) -> bool:
        return self._calls.is_unusable

    def feed(self, text: str) -> list[TextDelta]:
        """Nothing blank comes before the first word."""
        return self._say(self._own(self._guard.feed(self._limit.feed(self._calls.feed(text)))))

    def end(self) -> list[TextDelta | CallRequest]:
        rest, calls = self._calls.end()
        text = self._own(self._guard.feed(self._limit.feed(rest) + self._limit.end()) + self._guard.end())
        text += self._parrot.end() if self._parrot is not None else ""
        said = [] if self._guard.is_repetition else self._say(text)
        self.has_said = self.has_said or bool(calls)
        return [*said, *calls]

    def _own(self, text: str) -> str:
        return self._parrot.feed(text) if self._parrot is not None else text

    def _say(self, text: str) -> list[TextDelta]:
        text = text if self.has_said else text.lstrip()
        self.has_said = self.has_said or bool(text)
        return [TextDelta(text)] if text else []
