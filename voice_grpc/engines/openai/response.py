"""What the chunks of a chat completion hold for us: words, calls, usage; and how an answer may end.

`StreamedCalls` puts calls together from the pieces in which servers stream them, `ChatAnswer` is those and
the words. What lives here: one answer's state. What must not: when chunks come (`llm.py`), and what a model
writes that is not to be said (`core.model_output`).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import EngineBlocked, EngineEmpty, EngineError, EngineUnreachable
from ...core.model_output.arguments import as_arguments, called_name, read_arguments
from ...ports import CallRequest, Prompt, TextDelta, Usage
from ..http.json_values import count, mapping, sequence, text
from ..model_output import malformed, output_of, written_calls
from .errors import refusal_in


@dataclass(slots=True)
class _StreamedCall:
    place: object
    """The `index` of the call; None: the server gives none."""
    id: str
    name: str
    pieces: list[str] = field(default_factory=list)
    whole: Mapping[str, Any] | None = None
    """Arguments that came as an object instead of as JSON in a string."""


class StreamedCalls:
    """The calls of one answer. OpenAI and vLLM stream a name, then its arguments in pieces, told apart by
    `index`; Ollama gives each call whole, at times all of them with index 0; others leave out the index or
    the id."""

    def __init__(self) -> None:
        self._calls: list[_StreamedCall] = []

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, delta: object) -> None:
        """`delta`: `tool_calls` of one chunk."""
        for piece in filter(None, map(mapping, sequence(delta))):
            function = mapping(piece.get("function"))
            call = self._at(piece.get("index"), text(piece.get("id")), text(function.get("name")))
            arguments = function.get("arguments")
            if isinstance(arguments, dict):
                call.whole = arguments
            else:
                call.pieces.append(text(arguments))

    def requests(self, model: str, declared: Collection[str]) -> Iterator[CallRequest]:
        """`declared`: names of the tools that may be called. Raises `EngineError` when the model wrote
        something else than a call."""
        for call in self._calls:
            name = called_name(call.name, declared)
            if not name:
                raise malformed(f"{model} called a tool without a name")
            yield CallRequest(name, _arguments(call, model), call.id)

    def _at(self, place: object, id_: str, name: str) -> _StreamedCall:
        """The call that a piece belongs to, which may be a new one."""
        for call in reversed(self._calls):
            if call.place != place:
                continue
            is_other = id_ not in ("", call.id) and bool(call.id) and bool(name)
            is_next = place is None and bool(name) and not id_
            if is_other or is_next:
                break
            call.id, call.name = call.id or id_, call.name or name
            return call
        call = _StreamedCall(place, id_, name)
        self._calls.append(call)
        return call


def _arguments(call: _StreamedCall, model: str) -> Mapping[str, object]:
    try:
        return as_arguments(call.whole) if call.whole is not None else read_arguments("".join(call.pieces))
    except ValueError:
        raise malformed(f"{model} called {call.name[:64]} with arguments that are no JSON object") from None


_FAILED = ("error", "abort")
"""Reasons to finish of OpenRouter and vLLM: something broke there."""


class ChatAnswer:
    def __init__(self, model: str, prompt: Prompt, max_tokens: int, *, begins_inside: bool = False) -> None:
        """`model`: as errors name it. `max_tokens`: of the words that are said, without thoughts."""
        self.model = model
        self.has_begun = False
        """Words of the answer were given, or a call has begun that will be."""
        self.is_whole = False
        """The server or the model said that this is all: only the count of tokens may be waited for."""
        self.is_full = False
        """`max_tokens` were said; the limit that the server knows may have room for thoughts."""
        self.progress = 0
        """Rises with every output; with nothing else."""
        self._max_tokens = max_tokens
        self._declared = [tool.name for tool in prompt.tools]
        self._output = output_of(prompt, begins_inside=begins_inside)
        self._has_reasoned = False
        self._calls = StreamedCalls()
        self._reason = ""
        self._usage: Usage | None = None

    @property
    def has_thought(self) -> bool:
        return self._has_reasoned or self._output.has_thought

    @property
    def was_thinking_aloud(self) -> bool:
        """What was taken for the answer turned out to be thoughts, which it was too late to take back."""
        return self._output.was_not_opened

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
            yield from self._write(_words(delta))
            if reason := text(choice.get("finish_reason")):
                self._reason, self.is_whole = reason, True
        is_calling = bool(self._calls) or self._output.is_calling
        self.is_full = self.progress >= self._max_tokens and not self._reason and not is_calling

    def end(self, *, is_done: bool) -> Iterator[TextDelta | CallRequest | Usage]:
        """Nothing comes any more. Raises `EngineError` unless that is an answer.

        `is_done`: the server said so, or it was us who stopped.
        """
        yield from self._say(self._output.finish())
        said = f" ({self._reason})" if self._reason else ""
        if self._reason == "content_filter":
            raise EngineBlocked("llm", f"{self.model}'s answer was stopped{said}")
        if self._reason in _FAILED:
            raise EngineError("llm", f"{self.model} broke off its answer{said}", retry_after=0.0)
        if not (self.is_whole or is_done):
            raise EngineUnreachable("llm", f"{self.model}: the answer broke off", retry_after=0.0)
        calls = list(self._calls.requests(self.model, self._declared))
        calls = calls or written_calls(self._output, self.model)
        yield from calls
        if not (self.has_begun or calls):
            what = "thought, and said nothing" if self.has_thought else "answered with nothing"
            raise EngineEmpty("llm", f"{self.model} {what}{said}")
        if self._usage is not None:
            yield self._usage

    def _write(self, words: str) -> Iterator[TextDelta]:
        """A call that the model writes into its text makes progress too, as one apart does."""
        yield from self._say(self._output.feed(words))
        if words and self._output.is_calling:
            self._advance()
        self.is_whole = self.is_whole or self._output.is_over

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
