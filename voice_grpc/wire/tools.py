"""Tools on the wire ↔ in core: declarations checked, Structs as JSON and back.

A Struct knows no integers; JSON, and what reads a JSON Schema, does. Nor has it an order: sorted, the same
declarations are the same text at every turn, which is what the models' servers cache.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from ..core.errors import BadField
from ..core.tools import ToolDeclaration
from ..pb import voice_pb2 as pb
from . import fields

MAX_TOOLS = 32
MAX_DESCRIPTION = 2_000
MAX_JSON = 65_536
"""Characters of a result as JSON, and of the schemas of a session, all together: they are part of every
prompt, and come back whole in SessionStarted and each ConfigApplied."""
MAX_DEPTH = 24
"""Objects and lists in one another, of a schema or a result. Each takes up to three messages of protobuf,
which reads no more than 100 in one another: what is taken must fit into what it is told in."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
EXACT = 2**53
"""Beyond it a double does not hold every integer."""


def declarations(tools: Sequence[pb.ToolDeclaration]) -> tuple[ToolDeclaration, ...]:
    """Raises `BadField`."""
    if len(tools) > MAX_TOOLS:
        raise BadField("config.tools", f"{len(tools)} tools", f"at most {MAX_TOOLS}")
    names: set[str] = set()
    for place, tool in enumerate(tools):
        if not NAME.fullmatch(tool.name) or tool.name in names:
            accepted = "1 to 64 of A-Z a-z 0-9 _ -, each name once"
            raise BadField(f"config.tools[{place}].name", tool.name, accepted)
        names.add(tool.name)
    declared, room = [], MAX_JSON
    for place, tool in enumerate(tools):
        path = f"config.tools[{place}]"
        description = fields.text(tool.description, f"{path}.description", MAX_DESCRIPTION)
        written = struct_json(tool.parameters, f"{path}.parameters", tool.name)
        room -= len(written)
        if room < 0:
            got = f"{tool.name}: {MAX_JSON - room} characters as JSON, with the schemas before it"
            raise BadField(f"{path}.parameters", got, f"at most {MAX_JSON} in all")
        declared.append(ToolDeclaration(tool.name, description, _schema(written, f"{path}.parameters")))
    return tuple(declared)


def _schema(written: str, path: str) -> Mapping[str, object]:
    schema: dict[str, object] = json.loads(written)
    if schema and schema.get("type") != "object":
        raise BadField(path, schema.get("type"), 'a JSON Schema whose type is "object"')
    return schema


def declaration_message(tool: ToolDeclaration) -> pb.ToolDeclaration:
    parameters = to_struct(json.dumps(tool.parameters))
    return pb.ToolDeclaration(name=tool.name, description=tool.description, parameters=parameters)


def struct_json(struct: Struct, path: str, name: str = "") -> str:
    """A Struct as a JSON object; `name`: of the tool whose schema it is. Raises `BadField` for one that is
    too long, too deep or no JSON (NaN, infinity)."""
    whose = f"{name}: " if name else ""
    try:
        plain = _with_integers(MessageToDict(struct))
        written = json.dumps(plain, allow_nan=False, ensure_ascii=False, sort_keys=True)
    except ValueError as error:
        raise BadField(path, str(error), "JSON values; no NaN, no infinity") from None
    if len(written) > MAX_JSON:
        raise BadField(path, f"{whose}{len(written)} characters as JSON", f"at most {MAX_JSON}")
    if (depth := _depth(plain)) > MAX_DEPTH:
        raise BadField(
            path, f"{whose}{depth} levels of objects and lists in one another", f"at most {MAX_DEPTH}"
        )
    return written


def to_struct(written: str) -> Struct:
    """`written` is a JSON object."""
    struct = Struct()
    struct.update(json.loads(written))
    return struct


def _depth(value: Any) -> int:
    """Of objects and lists in one another. What came as protobuf is never deeper than Python can follow."""
    match value:
        case dict():
            return 1 + max(map(_depth, value.values()), default=0)
        case list():
            return 1 + max(map(_depth, value), default=0)
    return 0


def _with_integers(value: Any) -> Any:
    match value:
        case dict():
            return {key: _with_integers(item) for key, item in value.items()}
        case list():
            return [_with_integers(item) for item in value]
        case float() if value.is_integer() and abs(value) < EXACT:
            return int(value)
    return value
