"""Calls of tools in what a local model writes, told apart from what it says.

Templates ask for `<tool_call>{"name": …, "arguments": {…}}</tool_call>`; small models leave the tags out, or
put the object into a code fence. So what begins like one of these is held back until it is known, and never
spoken; and a tool that was not declared, or is called without what it requires, makes a call of no use.

The smallest models call something whatever they are asked: Qwen 0.5B asks for the weather in London to learn
what two plus two is, and no instruction changes that. Of them a call counts only where a word of the user's
speaks for it.
"""

import json
import re
from collections.abc import Mapping, Sequence

from ...core.conversation import Message, Role
from ...core.tools import ToolDeclaration
from ...ports import CallRequest

_OPEN = "<tool_call>"
_BEGINNINGS = ("{", "[{", "```", _OPEN)
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
_DECODER = json.JSONDecoder()


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
        self._text = ""
        self._call = ""
        self._is_spoken = False
        self.is_unusable = False
        """It called what it may not call, or not like that."""

    def feed(self, text: str) -> str:
        """What is said of it."""
        if not self._tools:
            return text
        if self._call:
            self._call += text
            name = _NAME.search(self._call)
            self.is_unusable = name is not None and name[1] not in self._tools
            return ""
        self._text += text
        return self._said()

    def end(self) -> tuple[str, list[CallRequest]]:
        """The rest of what is said, and the calls; none when they are of no use."""
        rest, self._text = self._text, ""
        if not self._call:
            return rest, []
        calls = [self._request(found) for found in _objects(self._call)]
        usable = [call for call in calls if call is not None]
        self.is_unusable = not usable or len(usable) < len(calls)
        return "", [] if self.is_unusable else usable

    def _said(self) -> str:
        body = self._text.lstrip()
        if not self._is_spoken:
            if any(beginning.startswith(body[: len(beginning)]) for beginning in _BEGINNINGS):
                is_known = any(body.startswith(beginning) for beginning in _BEGINNINGS)
                self._call, self._text = (body, "") if is_known else ("", self._text)
                return ""
            self._is_spoken = True
        at = self._text.find(_OPEN)
        if at >= 0:
            said, self._call, self._text = self._text[:at], self._text[at:], ""
            return said
        keep = next((n for n in range(len(_OPEN) - 1, 0, -1) if self._text.endswith(_OPEN[:n])), 0)
        said, self._text = self._text[: len(self._text) - keep], self._text[len(self._text) - keep :]
        return said

    def _request(self, found: Mapping[str, object]) -> CallRequest | None:
        name, arguments = found.get("name"), found.get("arguments", found.get("parameters", {}))
        if not isinstance(name, str) or name not in self._tools or not isinstance(arguments, Mapping):
            return None
        required = self._tools[name].parameters.get("required", ())
        missing = isinstance(required, Sequence) and any(key not in arguments for key in required)
        if missing or (name, json.dumps(arguments, sort_keys=True)) in self._made:
            return None
        if self._asked is not None and not _speaks_for(self._asked, self._tools[name], arguments):
            return None
        return CallRequest(name, dict(arguments))


def _speaks_for(asked: str, tool: ToolDeclaration, arguments: Mapping[str, object]) -> bool:
    """Whether a word of `asked` is one of the declaration's or of the arguments'; its beginning will do."""
    told = " ".join((tool.name, tool.description, json.dumps(tool.parameters), *map(str, arguments.values())))
    known = {word[:_STEM] for word in _words(told)}
    return any(word[:_STEM] in known for word in _words(asked))


def _words(text: str) -> list[str]:
    """Those that say something."""
    found = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
    return [word.casefold() for word in found if len(word) >= _STEM and word.casefold() not in _EMPTY]


def _objects(text: str) -> list[Mapping[str, object]]:
    """The JSON objects in `text`, one after the other; empty ones for what breaks off."""
    found: list[Mapping[str, object]] = []
    at = text.find("{")
    while at >= 0:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except ValueError:
            return [*found, {}]
        found.append(value)
        at = text.find("{", end)
    return found


def _made(messages: Sequence[Message]) -> set[tuple[str, str]]:
    """The calls since the user spoke last."""
    made: set[tuple[str, str]] = set()
    for message in messages:
        if message.role is Role.USER:
            made.clear()
        for use in message.uses:
            made.add((use.name, json.dumps(json.loads(use.arguments), sort_keys=True)))
    return made
