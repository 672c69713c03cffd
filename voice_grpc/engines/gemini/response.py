"""What Gemini's chunks hold for us: words, calls, usage; and how an answer may end.

What lives here: one answer's state. What must not: when chunks come (`llm.py`).
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from google.genai import types

from ...core.errors import EngineBlocked, EngineDenied, EngineEmpty, EngineUnreachable
from ...core.model_output.arguments import as_arguments, called_name
from ...core.model_output.output import ModelOutput
from ...ports import CallRequest, TextDelta, Usage
from ..model_output import malformed, written_calls
from .errors import KEY_ADVICE

_Reason = types.FinishReason

BLOCKED = frozenset(
    {
        _Reason.SAFETY,
        _Reason.PROHIBITED_CONTENT,
        _Reason.BLOCKLIST,
        _Reason.SPII,
        _Reason.RECITATION,
        _Reason.LANGUAGE,
        _Reason.ESCALATION,
        _Reason.MODEL_ARMOR,
    }
)
MALFORMED = frozenset(
    {
        _Reason.MALFORMED_FUNCTION_CALL,
        _Reason.MALFORMED_RESPONSE,
        _Reason.UNEXPECTED_TOOL_CALL,
        _Reason.TOO_MANY_TOOL_CALLS,
        _Reason.MISSING_THOUGHT_SIGNATURE,
    }
)
"""The model's own mistakes: asked again, it may well do better."""


@dataclass
class GeminiAnswer:
    model: str
    max_tokens: int
    """The most that are said, without thoughts."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Our name of each tool, by Gemini's."""
    has_begun: bool = False
    """Words or a call of the answer were given."""
    is_full: bool = False
    """`max_tokens` were said and more would follow: the limit that Gemini knows has room for thoughts."""
    usage: Usage | None = None
    output: ModelOutput = field(default_factory=ModelOutput)
    """Of its text: models that the same API serves (Gemma) write marks, thoughts and calls into it, and
    Gemini itself now and then code that calls."""
    _reason: types.FinishReason | None = None
    _calls: int = 0
    _said: int = 0

    def read(self, chunk: types.GenerateContentResponse) -> Iterator[TextDelta | CallRequest]:
        """Raises `EngineBlocked` when the request itself was stopped."""
        if chunk.usage_metadata is not None:
            self._count(chunk.usage_metadata)
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            raise EngineBlocked("llm", f"{self.model} refused the request ({feedback.block_reason.value})")
        for candidate in (chunk.candidates or [])[:1]:
            self._reason = candidate.finish_reason or self._reason
            for part in (candidate.content and candidate.content.parts) or ():
                yield from self._part(part)
        is_calling = bool(self._calls) or self.output.is_calling
        is_over = self.output.is_over and self._reason is None
        self.is_full = is_over or (self._said >= self.max_tokens and self._reason is None and not is_calling)

    def end(self) -> Iterator[TextDelta | CallRequest]:
        """Nothing comes any more. Raises `EngineError` unless that is an answer."""
        yield from self._say(self.output.finish())
        reason, said = self._reason, "" if self._reason is None else f" ({self._reason.value})"
        if reason in BLOCKED:
            raise EngineBlocked("llm", f"{self.model}'s answer was stopped{said}")
        if reason in MALFORMED:
            raise malformed(f"{self.model} made a malformed answer{said}")
        if reason is _Reason.PUP_LIMITED_DISABLED:
            raise EngineDenied("llm", f"Google limited this account{said}", advice=KEY_ADVICE)
        if reason is None and not self.is_full:
            raise EngineUnreachable("llm", f"{self.model}: the answer broke off", retry_after=0.0)
        calls = [] if self._calls else written_calls(self.output, self.model)
        yield from (self._named(call) for call in calls)
        if not (self.has_begun or calls):
            raise EngineEmpty("llm", f"{self.model} answered with nothing{said}")

    def _part(self, part: types.Part) -> Iterator[TextDelta | CallRequest]:
        if part.thought:
            return
        if part.text:
            yield from self._say(self.output.feed(part.text))
        if (call := part.function_call) is not None and call.name:
            self.has_begun = True
            self._calls += 1
            signature = base64.b64encode(part.thought_signature or b"").decode()
            yield self._named(CallRequest(call.name, as_arguments(call.args or {}), call.id or "", signature))

    def _named(self, call: CallRequest) -> CallRequest:
        """With our name of the tool."""
        name = called_name(call.name, self.tools)
        return replace(call, name=self.tools.get(name, name))

    def _say(self, words: str) -> Iterator[TextDelta]:
        """Nothing blank comes before the first word."""
        words = words if self.has_begun else words.lstrip()
        if words:
            self.has_begun = True
            yield TextDelta(words)

    def _count(self, counted: types.GenerateContentResponseUsageMetadata) -> None:
        said = counted.candidates_token_count or 0
        self.usage = Usage(
            (counted.prompt_token_count or 0) + (counted.tool_use_prompt_token_count or 0),
            said + (counted.thoughts_token_count or 0),
            counted.cached_content_token_count or 0,
        )
        self._said = said
