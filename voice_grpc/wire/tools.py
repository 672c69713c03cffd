"""Tools on the wire ↔ in core: declarations checked, Structs as JSON and back.

A Struct knows no integers; JSON, and what reads a JSON Schema, does. Nor has it an order: sorted, the same
declarations are the same text at every turn, which is what the models' servers cache.
"""

import json
import re
from collections.abc import Sequence
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
"""Characters of a schema or a result as JSON."""

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
    return tuple(_declaration(tool, f"config.tools[{place}]") for place, tool in enumerate(tools))


def _declaration(tool: pb.ToolDeclaration, path: str) -> ToolDeclaration:
    description = fields.text(tool.description, f"{path}.description", MAX_DESCRIPTION)
    schema = json.loads(struct_json(tool.parameters, f"{path}.parameters"))
    if schema and schema.get("type") != "object":
        raise BadField(f"{path}.parameters", schema.get("type"), 'a JSON Schema whose type is "object"')
    return ToolDeclaration(tool.name, description, schema)


def declaration_message(tool: ToolDeclaration) -> pb.ToolDeclaration:
    parameters = to_struct(json.dumps(tool.parameters))
    return pb.ToolDeclaration(name=tool.name, description=tool.description, parameters=parameters)


def struct_json(struct: Struct, path: str) -> str:
    """A Struct as a JSON object. Raises `BadField` for one that is too long or no JSON (NaN, infinity)."""
    try:
        plain = _with_integers(MessageToDict(struct))
        written = json.dumps(plain, allow_nan=False, ensure_ascii=False, sort_keys=True)
    except ValueError as error:
        raise BadField(path, str(error), "JSON values; no NaN, no infinity") from None
    if len(written) > MAX_JSON:
        raise BadField(path, f"{len(written)} characters as JSON", f"at most {MAX_JSON}")
    return written


def to_struct(written: str) -> Struct:
    """`written` is a JSON object."""
    struct = Struct()
    struct.update(json.loads(written))
    return struct


def _with_integers(value: Any) -> Any:
    match value:
        case dict():
            return {key: _with_integers(item) for key, item in value.items()}
        case list():
            return [_with_integers(item) for item in value]
        case float() if value.is_integer() and abs(value) < EXACT:
            return int(value)
    return value
