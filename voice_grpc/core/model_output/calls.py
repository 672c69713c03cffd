"""Calls of tools out of text that holds nothing else, in every notation that templates teach.

    {"name": …, "arguments": {…}}        Hermes, Qwen, Llama (`parameters`), Cohere (`tool_name`), OpenAI
    name{…}   functions.name:0{…}        Mistral, Kimi, DeepSeek, Gemma 4 (`call:name{city:<|"|>…<|"|>}`)
    name(city="…")   [name(…), …]        Llama 4, LFM2, Gemini's and Gemma's code
    <function=name><parameter=city>…     Qwen coder; <invoke name="…"><parameter name=…>…; GLM's <arg_key>
    Action: name / Action Input: {…}     agents' prompts

What lives here: notations. What must not: whether a text is a call at all (`unmarked.py`, `output.py`).
"""

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from .arguments import as_arguments, balanced, called_name, read_arguments, read_value


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call that a model wrote into its text."""

    name: str
    arguments: Mapping[str, object]
    """JSON values."""


NAME_KEYS = ("name", "tool_name", "function_name", "tool", "function", "action", "recipient_name")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "params", "tool_input", "action_input", "input", "kwargs")
LIST_KEYS = ("tool_calls", "function_calls", "calls", "tool_uses")
_OTHER_KEYS = ("id", "type", "tool_call_id", "index", "thought")
KEYS = (*NAME_KEYS, *ARGUMENT_KEYS, *LIST_KEYS, *_OTHER_KEYS)
"""With which an object begins that is a call."""


def calls_in(text: str, declared: Collection[str]) -> list[WrittenCall]:
    """All calls in `text`, in the notation that gives a declared tool, else in the first that fits; empty: it
    holds none that can be read."""
    first: list[WrittenCall] = []
    text = re.sub(r"`{3}\w*", "\n", text)
    for notation in (_tagged, _glm, _named, _objects, _python, _agents):
        found = list[WrittenCall]()
        try:
            found.extend(call for call in notation(text, declared) if call.name)
        except ValueError:
            found.clear()
        if any(call.name in declared for call in found):
            return found
        first = first or found
    return first


def calls_of(value: object, declared: Collection[str]) -> list[WrittenCall]:
    """The calls that a value of JSON is. Raises `ValueError` for arguments that are no object."""
    if isinstance(value, list):
        found = [calls_of(each, declared) for each in value]
        return [call for calls in found for call in calls] if all(found) else []
    if not isinstance(value, dict):
        return []
    for key in LIST_KEYS:
        if isinstance(value.get(key), list):
            return calls_of(value[key], declared)
    if isinstance(value.get("function"), dict):
        return calls_of(value["function"], declared)
    name = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), "")
    given = [value[key] for key in ARGUMENT_KEYS if key in value]
    if not name and len(value) == 1:
        ((key, arguments),) = value.items()
        is_call = key in declared and isinstance(arguments, dict)
        return [WrittenCall(key, as_arguments(arguments))] if is_call else []
    if not name or not (given or value.keys() <= set(KEYS)):
        return []
    arguments = given[0] if given else {}
    read = read_arguments(arguments) if isinstance(arguments, str) else as_arguments(arguments)
    called = called_name(name, declared)
    return [WrittenCall(called, read)] if called else []


# ---------------------------------------------------------------- JSON


_OBJECT = re.compile(r"[{\[](?=\s*[\[{\"'])")


def _objects(text: str, declared: Collection[str]) -> Iterator[WrittenCall]:
    """Words behind the first call do not matter, whatever brackets are among them."""
    place, has_call = 0, False
    while (opening := _OBJECT.search(text, place)) is not None:
        place = opening.start()
        try:
            value, length = read_value(text[place:])
            calls = calls_of(value, declared)
        except ValueError:
            if has_call:
                return
            raise
        yield from calls
        has_call, place = has_call or bool(calls), place + length


_NAMED = re.compile(r"([\w.-]+)(?::\d+)?\s*(?:\[ARGS\]|\[CALL_ID\]\w+|<[|｜][^<>]{0,40}[|｜]>|\s)*(?=\{)")


def _named(text: str, declared: Collection[str]) -> Iterator[WrittenCall]:
    """A name, and an object. The object may be one that is no JSON: Gemma's keys have no quotes, and its
    strings marks for quotes."""
    place = 0
    while (opening := _NAMED.search(text, place)) is not None:
        brace, name = opening.end(), opening[1]
        written = re.sub(r"<\|\"\|>|<escape>", '"', text[brace:])
        end = balanced(written)
        try:
            arguments = read_arguments(written[:end])
        except ValueError:
            quoted = re.sub(r"(?<=[{,])\s*([A-Za-z_]\w*)\s*:", r'"\1":', written[:end])
            arguments = read_arguments(quoted)
        yield WrittenCall(called_name(name, declared), arguments)
        text, place = written[end:], 0


# ---------------------------------------------------------------- tags

_FUNCTION = re.compile(
    r"<(?:function=|function\s+name=|invoke\s+name=)[\"']?([\w.:-]+)[\"']?\s*>?", re.IGNORECASE
)
_PARAMETER = re.compile(
    r"<parameter(?:=|\s+name=)[\"']?([\w.-]+)[\"']?[^<>]*>\n?(.*?)\n?</parameter>", re.IGNORECASE | re.DOTALL
)
_GLM = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)


def _tagged(text: str, declared: Collection[str]) -> Iterator[WrittenCall]:
    found = list(_FUNCTION.finditer(text))
    for opening, after in zip(found, [*found[1:], None], strict=True):
        body = text[opening.end() : after.start() if after else len(text)]
        arguments: Mapping[str, object] = {key: _bare(value) for key, value in _PARAMETER.findall(body)}
        brace = body.find("{")
        if not arguments and brace >= 0:
            arguments = read_arguments(body[brace : brace + balanced(body[brace:])])
        elif not arguments and "<parameter" in body:
            raise ValueError("a parameter that does not end")
        yield WrittenCall(called_name(opening[1], declared), as_arguments(arguments))


def _glm(text: str, declared: Collection[str]) -> Iterator[WrittenCall]:
    for body in re.split(r"</?tool_call>", text):
        if pairs := _GLM.findall(body):
            name = called_name(body.split("<arg_key>")[0], declared)
            yield WrittenCall(name, as_arguments({key.strip(): _bare(value) for key, value in pairs}))


def _bare(value: str) -> object:
    """What stands between tags is a text, or JSON where it is an object, a list, a number or a word of it."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


# ---------------------------------------------------------------- Python


def _python(text: str, declared: Collection[str]) -> Iterator[WrittenCall]:
    """`[a(x=1), b()]`, `print(default_api.a(x="y"))`, `a.call(x=1)`."""
    code = re.sub(r"<[^<>]*>|```\w*", "\n", text).strip()
    code = re.sub(r"^(?:tool_code|python)\s", "", code)
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError("no Python") from None
    for statement in tree.body:
        if isinstance(statement, ast.Expr):
            yield from _python_calls(statement.value, declared)


def _python_calls(node: ast.expr, declared: Collection[str]) -> Iterator[WrittenCall]:
    if isinstance(node, ast.List | ast.Tuple):
        for each in node.elts:
            yield from _python_calls(each, declared)
    elif isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        if name == "print" and name not in declared and node.args:
            yield from _python_calls(node.args[0], declared)
            return
        if node.args:
            raise ValueError("arguments without names")
        given = {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg}
        yield WrittenCall(called_name(name.removesuffix(".call"), declared), as_arguments(given))


# ---------------------------------------------------------------- agents' prompts

_ACTION = re.compile(r"Action:\s*`?([\w.-]+)`?\s*\n\s*Action Input:\s*", re.IGNORECASE)


def _agents(text: str, declared: Collection[str]) -> Iterator[WrittenCall]:
    if (found := _ACTION.search(text)) is not None:
        rest = text[found.end() :]
        yield WrittenCall(called_name(found[1], declared), read_arguments(rest[: balanced(rest)]))
