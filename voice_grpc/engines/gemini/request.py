"""What Gemini is asked: a prompt as contents and configuration. Pure functions.

The contents are plain JSON that replaces what the SDK made of a stand-in: of its own types it makes the
same JSON in 0.4 ms a message, on the event loop (google-genai 3.4: 8.7 ms for 21 messages, 24 for 61;
this way 1.2 and 1.5).

What is common to all turns of a session comes first, so that Gemini finds the prefix it has cached.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from google.genai import types

from ...core.conversation import Message, Role
from ...core.tools import ToolUse
from ...ports import Prompt
from ..http.json_values import Json
from ..prompt_history import HISTORY_CHARACTERS, OPENING, instructions, recent, said

# ---------------------------------------------------------------- thinking


@dataclass(frozen=True, slots=True)
class ThinkingBudget:
    """How little a model is told to think: what is thought is silence.

    Sources: ai.google.dev/gemini-api/docs/generate-content/thinking ("thinking levels", "thinking budgets"),
    whats-new-gemini-3.7 ("minimal is not supported and returns an error"), read in November 2026.
    """

    config: types.ThinkingConfig | None
    """None: nothing is said about it, and the model does as it likes."""
    room: int
    """Tokens added to the limit of an answer: thoughts count against it, and can use up all of it."""
    is_signed: bool = False
    """The model refuses calls of this turn that come back without a thought signature."""


def thinking(model: str) -> tuple[ThinkingBudget, ...]:
    """What to ask for, the least thinking first; the next one when the model refuses it, the last is nothing.

    `model`: as the operator wrote it, also with `models/` or a resource name before it.
    """
    name = model.rsplit("/", 1)[-1].lower()
    family = re.match(r"gemini-(?:(\d+)(?:\.(\d+))?-)?(.*)", name)
    if family is None:
        return (ThinkingBudget(None, 0 if name.startswith("gemma") else _UNKNOWN_ROOM),)
    major, minor, kind = int(family[1] or 0), int(family[2] or 0), family[3]
    if family[1] and major < 2 or (major, minor) == (2, 0):
        return (ThinkingBudget(None, 0),)
    if (major, minor) == (2, 5):
        return _with_budget(kind)
    if major < 3 and not kind.endswith("latest"):
        return (ThinkingBudget(None, _UNKNOWN_ROOM),)
    return _with_level(major, minor, kind)


_UNKNOWN_ROOM = 2048
_ROOM = {types.ThinkingLevel.MINIMAL: 256, types.ThinkingLevel.LOW: 1024}
"""A level is an allowance, not a limit: `minimal` may still think a little on what looks hard to it."""
_LEAST_PRO_BUDGET = 128
"""Tokens; 2.5 Pro takes no less, and Flash takes 0."""
_LAST_MINIMAL_FLASH = (3, 6)
"""Flash models after it refuse `minimal`; Flash-Lite takes it in all versions, Pro in none."""


def _with_budget(kind: str) -> tuple[ThinkingBudget, ...]:
    budget = _LEAST_PRO_BUDGET if kind.startswith("pro") else 0
    config = types.ThinkingConfig(thinking_budget=budget)
    return ThinkingBudget(config, budget), ThinkingBudget(None, _UNKNOWN_ROOM)


def _with_level(major: int, minor: int, kind: str) -> tuple[ThinkingBudget, ...]:
    is_old_flash = kind.startswith("flash") and (3, 0) <= (major, minor) <= _LAST_MINIMAL_FLASH
    takes_minimal = kind.startswith("flash-lite") or is_old_flash
    levels = [types.ThinkingLevel.LOW]
    if takes_minimal:
        levels.insert(0, types.ThinkingLevel.MINIMAL)
    asked = [
        ThinkingBudget(types.ThinkingConfig(thinking_level=level), _ROOM[level], True) for level in levels
    ]
    return *asked, ThinkingBudget(None, _UNKNOWN_ROOM, True)


# ---------------------------------------------------------------- contents

UNSIGNED = "skip_thought_signature_validator"
"""What Gemini 3 takes for the signature of a call that it did not make, such as one of another engine in
the fallback chain (ai.google.dev/gemini-api/docs/thought-signatures, "FAQs")."""


STAND_IN = types.Content(role="user", parts=[types.Part(text=OPENING)])
"""What the SDK is given as contents; those of `GeminiRequest.config` replace it."""


@dataclass(frozen=True, slots=True)
class GeminiRequest:
    config: types.GenerateContentConfig
    tools: dict[str, str]
    """Our name of each tool, by the name that Gemini knows it by."""


def request(prompt: Prompt, thinking: ThinkingBudget, *, keeps_signatures: bool = True) -> GeminiRequest:
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
    return GeminiRequest(config, {name: tool.name for name, tool in tools.items()})


def contents(
    messages: Sequence[Message], thinking: ThinkingBudget, keeps_signatures: bool = True
) -> list[Json]:
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


def _calls(uses: Sequence[ToolUse], thinking: ThinkingBudget, keeps_signatures: bool) -> list[Json]:
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
