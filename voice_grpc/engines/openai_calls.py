"""Calls of tools, put together from the pieces in which servers stream them.

OpenAI and vLLM stream a name, then its arguments in pieces, told apart by `index`; Ollama gives each call
whole, at times all of them with index 0; others leave out the index or the id.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..core.errors import EngineError
from ..ports import CallRequest
from .openai_shapes import mapping, sequence, text


@dataclass(slots=True)
class _Call:
    place: object
    """Its `index`; None: the server gives none."""
    id: str
    name: str
    pieces: list[str] = field(default_factory=list)
    whole: Mapping[str, Any] | None = None
    """Arguments that came as an object instead of as JSON in a string."""


class Calls:
    def __init__(self) -> None:
        self._calls: list[_Call] = []

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

    def requests(self, model: str) -> Iterator[CallRequest]:
        """Raises `EngineError` when the model wrote something else than a call."""
        for call in self._calls:
            if not call.name:
                raise EngineError("llm", f"{model} called a tool without a name")
            yield CallRequest(call.name, _arguments(call, model), call.id)

    def _at(self, place: object, id_: str, name: str) -> _Call:
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
        call = _Call(place, id_, name)
        self._calls.append(call)
        return call


def _arguments(call: _Call, model: str) -> Mapping[str, object]:
    if call.whole is not None:
        return call.whole
    written = "".join(call.pieces).strip() or "{}"
    try:
        value = json.loads(written, parse_constant=_refuse)
    except (ValueError, RecursionError):
        value = written
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise EngineError("llm", f"{model} called {call.name[:64]} with arguments that are no JSON object")
    return value


def _refuse(constant: str) -> NoReturn:
    """NaN and the infinities, which Python would take."""
    raise ValueError(constant)
