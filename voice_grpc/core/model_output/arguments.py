"""The name of a tool and its arguments, as models write them: JSON with marks in it, Python, or half of both.

What lives here: one name, one object. What must not: where in a text a call is (`calls.py`).
"""

import ast
import json
import re
from collections.abc import Collection, Mapping
from typing import NoReturn

from .markers import split_at_markers, without_markers

_IDENTIFIER = re.compile(r"[\w-]+")
_SPACES = re.compile(
    r"(?:functions?|tools?|default_api|api|namespace|multi_tool_use|assistant|call)[./:]", re.IGNORECASE
)
"""Where models say that a tool lives, before its name."""
_MOST_DEPTH = 64
"""Levels of a value that is read; nothing that a tool takes comes near it, and Python's own limit is 1000."""


def called_name(written: str, declared: Collection[str]) -> str:
    """The tool that is meant: one of `declared` where its name stands in `written` beside marks, a namespace
    or a number; else what is left without those. Empty: there is no name."""
    if written in declared:
        return written
    parts = split_at_markers(written)
    words = [word for part in parts for word in _IDENTIFIER.findall(part)]
    folded = {name.casefold(): name for name in declared}
    for word in words:
        if word in declared or word.casefold() in folded:
            return word if word in declared else folded[word.casefold()]
    first = parts[0] if parts else ""
    found = _IDENTIFIER.search(_SPACES.sub("", first, count=1))
    return found[0] if found else ""


def read_arguments(written: str) -> Mapping[str, object]:
    """An object of JSON, without marks. Raises `ValueError` for anything else; nothing is no arguments."""
    plain = without_markers(written).strip()
    if not plain:
        return {}
    value, end = read_value(plain)
    if re.search(r"[^\s`}\])]", plain[end:]):
        raise ValueError("more than one value")
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value, _ = read_value(value.strip())
    return as_arguments(value)


def as_arguments(value: object) -> Mapping[str, object]:
    """`value` where it is an object, cleaned of marks; None counts as none. Raises `ValueError`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("no object")
    return {without_markers(str(key)): _cleaned(each) for key, each in value.items()}


def read_value(text: str) -> tuple[object, int]:
    """The value that `text` begins with, in JSON or else as Python writes it, and where it ends. Raises
    `ValueError`; `Unfinished` where more of it may come."""
    try:
        return _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        end = balanced(text)
    try:
        return ast.literal_eval(text[:end]), end
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError("no value") from None


class Unfinished(ValueError):
    """A bracket or a quote is still open where the text ends."""


def balanced(text: str) -> int:
    """Where the brackets that `text` begins with are all closed. Raises `Unfinished`, `ValueError`."""
    stack: list[str] = []
    quote, is_escaped = "", False
    for place, sign in enumerate(text):
        if quote:
            if is_escaped or sign == "\\":
                is_escaped = not is_escaped
            elif sign == quote:
                quote = ""
        elif sign == '"' or (sign == "'" and (place == 0 or not text[place - 1].isalnum())):
            quote = sign
        elif sign in _CLOSING:
            stack.append(_CLOSING[sign])
            if len(stack) > _MOST_DEPTH:
                raise ValueError("too deep")
        elif sign in "]})" and (not stack or stack.pop() != sign):
            raise ValueError("brackets that do not match")
        if not (stack or quote):
            if sign in "]})\"'":
                return place + 1
            raise ValueError("no value")
    raise Unfinished("open")


def is_in_string(text: str) -> bool:
    """Whether a string of JSON is open where `text` ends."""
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text)) % 2 == 1


_CLOSING = {"{": "}", "[": "]", "(": ")"}


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return without_markers(value)
    if isinstance(value, list | tuple):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {without_markers(str(key)): _cleaned(each) for key, each in value.items()}
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _refuse(constant: str) -> NoReturn:
    """NaN and the infinities, which Python would take and JSON does not know."""
    raise ValueError(constant)


_JSON = json.JSONDecoder(parse_constant=_refuse, strict=False)
