"""What Gemini is asked: a prompt as contents and configuration. Pure functions.

The contents are plain JSON that replaces what the SDK made of a stand-in: of its own types it makes the
same JSON in 0.4 ms a message, on the event loop (google-genai 3.4: 8.7 ms for 21 messages, 24 for 61;
this way 1.2 and 1.5).

What is common to all turns of a session comes first, so that Gemini finds the prefix it has cached.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.genai import types

from ..core.conversation import Message, Role
from ..core.tools import ToolUse
from ..ports import Prompt
from .gemini_thinking import Thinking
from .history import OPENING, instructions, recent, said

HISTORY_CHARACTERS = 24_000
"""Of earlier turns: about 6,000 tokens, twenty minutes of talk."""

UNSIGNED = "skip_thought_signature_validator"
"""What Gemini 3 takes for the signature of a call that it did not make, such as one of another engine in
the fallback chain (ai.google.dev/gemini-api/docs/thought-signatures, "FAQs")."""

Json: TypeAlias = dict[str, Any]

STAND_IN = types.Content(role="user", parts=[types.Part(text=OPENING)])
"""What the SDK is given as contents; those of `Request.config` replace it."""


@dataclass(frozen=True, slots=True)
class Request:
    config: types.GenerateContentConfig
    tools: dict[str, str]
    """Our name of each tool, by the name that Gemini knows it by."""


def request(prompt: Prompt, thinking: Thinking, *, keeps_signatures: bool = True) -> Request:
    """`keeps_signatures`: False when Gemini did not recognise those of this history."""
    tools = {wire_name(tool.name): tool for tool in prompt.tools}
    declarations = [
        types.FunctionDeclaration(
            name=name,
            description=tool.description,
            parameters_json_schema=dict(tool.parameters) or None,
        )
        for name, tool in tools.items()
    ]
    config = types.GenerateContentConfig(
        system_instruction=instructions(prompt),
        temperature=prompt.temperature,
        max_output_tokens=prompt.max_tokens + thinking.room,
        thinking_config=thinking.config,
        tools=[types.Tool(function_declarations=declarations)] if declarations else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        automatic_continuation=False,
        http_options=types.HttpOptions(
            extra_body={"contents": contents(prompt.messages, thinking, keeps_signatures)}
        ),
    )
    return Request(config, {name: tool.name for name, tool in tools.items()})


def contents(messages: Sequence[Message], thinking: Thinking, keeps_signatures: bool = True) -> list[Json]:
    """Never empty, and the user first. Results of tools stand alone: they must equal the calls in number."""
    found: list[Json] = []
    for message in recent(messages, HISTORY_CHARACTERS):
        if message.role is Role.TOOLS:
            _append(found, "model", _calls(message.uses, thinking, keeps_signatures))
            if message.uses:
                found.append({"role": "user", "parts": [_result(use) for use in message.uses]})
        elif message.text.strip():
            role = "user" if message.role is Role.USER else "model"
            _append(found, role, [{"text": said(message)}])
    if not found or found[0]["role"] == "model":
        found.insert(0, {"role": "user", "parts": [{"text": OPENING}]})
    return found


def wire_name(name: str) -> str:
    """Gemini's names of functions begin with a letter or an underscore; ours may begin with anything."""
    return name if name[:1].isalpha() or name[:1] == "_" else f"_{name[:63]}"


def _append(found: list[Json], role: str, parts: list[Json]) -> None:
    """To the last content if it is of the same role and no result of tools."""
    last = found[-1] if found else None
    if last is not None and last["role"] == role and "functionResponse" not in last["parts"][-1]:
        last["parts"] += parts
    elif parts:
        found.append({"role": role, "parts": parts})


def _calls(uses: Sequence[ToolUse], thinking: Thinking, keeps_signatures: bool) -> list[Json]:
    """Gemini signs the first call of a step, and sometimes others."""
    parts: list[Json] = []
    for use in uses:
        part: Json = {"functionCall": _named(use) | {"args": _json(use.arguments)}}
        signature = use.signature if keeps_signatures else ""
        if not signature and thinking.is_signed and not parts:
            signature = UNSIGNED
        parts.append(part | ({"thoughtSignature": signature} if signature else {}))
    return parts


def _result(use: ToolUse) -> Json:
    return {"functionResponse": _named(use) | {"response": _json(use.result)}}


def _named(use: ToolUse) -> Json:
    """An id only if Gemini gave one: a call and its result are matched by it, else by their order."""
    return {"name": wire_name(use.name)} | ({"id": use.vendor_id} if use.vendor_id else {})


def _json(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"result": value}
