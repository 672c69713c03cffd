"""Which of the calls that a local model writes are made. What of its text is a call says `core.model_output`.

Small models call tools that were not declared, leave out what a tool requires, and begin an answer with an
object or a fence of code that is neither a call nor anything to say: of no use, all of it.

The smallest models call something whatever they are asked: Qwen 0.5B asks for the weather in London to learn
what two plus two is, and no instruction changes that. Of them a call counts only where a word of the user's
speaks for it.
"""

import json
import re
from collections.abc import Mapping, Sequence

from ...core.conversation import Message, Role
from ...core.model_output.arguments import called_name
from ...core.model_output.calls import WrittenCall
from ...core.model_output.output import MalformedCall, ModelOutput
from ...core.tools import ToolDeclaration
from ...ports import CallRequest

_DATA = ("{", "[{", "```")
"""With which no answer begins that is to be spoken, where there are tools."""
_NAME = re.compile(r"\"name\"\s*:\s*\"([^\"]*)\"")
_STEM = 4
"""Letters: `raining` and `rain`, `lights` and `light` are the same."""
_EMPTY = frozenset(
    re.findall(
        r"\S+",
        "what when where which with that this there these have does will would could should about please from"
        " your name type string number integer boolean object properties required description true false none"
        " null tell give know many much some into they them then than want need like user",
    )
)
"""Words that speak for nothing: of questions, and of JSON Schema."""


class ToolCallReader:
    """One answer of a model that was told of `tools`."""

    def __init__(
        self,
        tools: Sequence[ToolDeclaration],
        messages: Sequence[Message] = (),
        *,
        needs_evidence: bool = False,
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        asked = [message.text for message in messages if message.role is Role.USER]
        self._asked = asked[-1] if needs_evidence and asked else None
        """The user's words, where a call has to be spoken for by them."""
        self._made = _made(messages)
        """What was called in this turn already: the same call once more would never end."""
        self._output = ModelOutput(self._tools)
        self._head = ""
        """Of an answer that is not spoken yet: it may be data."""
        self._written = ""
        """As the model wrote it, until something of it is spoken: a name in it is that of a tool."""
        self._is_spoken = not self._tools
        self.is_unusable = False
        """It called what it may not call, or not like that; or it is data, and nothing to say."""

    @property
    def is_over(self) -> bool:
        """Nothing of use follows."""
        return self._output.is_over or self.is_unusable

    def feed(self, text: str) -> str:
        """What is said of it."""
        said = self._said(self._output.feed(text))
        if not (self._is_spoken or self._output.has_thought):
            self._written += text
            name = _NAME.search(self._written)
            if name is not None and called_name(name[1], self._tools) not in self._tools:
                self.is_unusable = True
        return said

    def end(self) -> tuple[str, list[CallRequest]]:
        """The rest of what is said, and the calls; none when they are of no use."""
        rest = self._said(self._output.finish(), is_last=True)
        try:
            written = self._output.calls()
        except MalformedCall:
            written, self.is_unusable = [], True
        self.is_unusable = self.is_unusable or not all(map(self._is_usable, written))
        return rest, [] if self.is_unusable else [CallRequest(call.name, call.arguments) for call in written]

    def _said(self, text: str, *, is_last: bool = False) -> str:
        if self._is_spoken:
            return text
        self._head += text
        body = self._head.lstrip()
        if body.startswith(_DATA):
            self.is_unusable = True
        may_be_data = not is_last and any(beginning.startswith(body) for beginning in _DATA)
        if self.is_unusable or may_be_data:
            return ""
        self._is_spoken = bool(body)
        return self._head if body else ""

    def _is_usable(self, call: WrittenCall) -> bool:
        if call.name not in self._tools:
            return False
        tool = self._tools[call.name]
        required = tool.parameters.get("required", ())
        missing = isinstance(required, Sequence) and any(key not in call.arguments for key in required)
        if missing or (call.name, json.dumps(call.arguments, sort_keys=True)) in self._made:
            return False
        return self._asked is None or _speaks_for(self._asked, tool, call.arguments)


def _speaks_for(asked: str, tool: ToolDeclaration, arguments: Mapping[str, object]) -> bool:
    """Whether a word of `asked` is one of the declaration's or of the arguments'; its beginning will do."""
    told = " ".join((tool.name, tool.description, json.dumps(tool.parameters), *map(str, arguments.values())))
    known = {word[:_STEM] for word in _words(told)}
    return any(word[:_STEM] in known for word in _words(asked))


def _words(text: str) -> list[str]:
    """Those that say something."""
    found = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
    return [word.casefold() for word in found if len(word) >= _STEM and word.casefold() not in _EMPTY]


def _made(messages: Sequence[Message]) -> set[tuple[str, str]]:
    """The calls since the user spoke last."""
    made: set[tuple[str, str]] = set()
    for message in messages:
        if message.role is Role.USER:
            made.clear()
        for use in message.uses:
            made.add((use.name, json.dumps(json.loads(use.arguments), sort_keys=True)))
    return made
