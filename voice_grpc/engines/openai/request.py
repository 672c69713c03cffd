"""What a server is asked: a prompt as the body of `POST /chat/completions`, with what it is known to take.

Pure functions. What is common to all turns of a session comes first, so that a server finds the prefix it
has cached. Chat templates are strict: user and assistant take turns, a tool's result follows its call, and
the user begins.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import Any

from ...core.conversation import Message, Role
from ...core.tools import ToolDeclaration, ToolUse
from ...ports import Prompt
from ..http.json_values import Json
from ..prompt_history import CUT_OFF, OPENING, instructions, recent, said
from .capabilities import Capabilities

SILENCE = "(The user says nothing.)"
"""Where the last message is an answer, which llama.cpp would go on with as if it were the next one's
beginning."""

_LONGEST_ID = 40
"""Characters of a call's id that OpenAI takes."""

# ---------------------------------------------------------------- the conversation as chat messages


def messages(prompt: Prompt, characters: int, *, takes_system: bool) -> list[Json]:
    """`characters`: of earlier turns. Without a system role its text begins the first message."""
    told = _told(recent(prompt.messages, characters))
    system = instructions(prompt)
    if not takes_system:
        return [{**told[0], "content": f"{system}\n\n{told[0]['content']}"}, *told[1:]]
    return [{"role": "system", "content": system}, *told]


def _told(conversation: Sequence[Message]) -> list[Json]:
    """The user first and not the assistant last; never two of one role in a row."""
    found: list[Json] = []
    ids: set[str] = set()
    for message in conversation:
        if message.role is Role.TOOLS:
            for each in _step(message.uses, ids):
                _append(found, each)
        elif message.text.strip():
            role = "user" if message.role is Role.USER else "assistant"
            _append(found, {"role": role, "content": said(message)})
    if not found or found[0]["role"] != "user":
        found.insert(0, {"role": "user", "content": OPENING})
    if found[-1]["role"] == "assistant":
        found.append({"role": "user", "content": SILENCE})
    return found


def _append(found: list[Json], message: Json) -> None:
    """Words join what was said before them, and calls the words that announced them. Between results
    and a user who did not wait for the answer stands an answer of which nothing was heard."""
    last = found[-1] if found else {}
    if last.get("role") == message["role"] != "tool" and "tool_calls" not in last:
        joined = "\n".join(text for text in (last["content"], message["content"]) if text)
        found[-1] = {**last, **message, "content": joined}
        return
    if last.get("role") == "tool" and message["role"] == "user":
        found.append({"role": "assistant", "content": CUT_OFF})
    found.append(message)


def _step(uses: Sequence[ToolUse], ids: set[str]) -> Iterator[Json]:
    """One message that calls, and one for each result."""
    if not uses:
        return
    named = [(_id(use, ids), use) for use in uses]
    calls = [
        {"id": id_, "type": "function", "function": {"name": use.name, "arguments": _object(use.arguments)}}
        for id_, use in named
    ]
    yield {"role": "assistant", "content": "", "tool_calls": calls}
    for id_, use in named:
        yield {"role": "tool", "tool_call_id": id_, "content": use.result}


def _id(use: ToolUse, ids: set[str]) -> str:
    """The server's own id of a call, or one of ours, with the nine letters and digits that Mistral wants."""
    ours = (f"call{number:05d}" for number in count(len(ids)))
    wanted = [use.vendor_id] if 0 < len(use.vendor_id) <= _LONGEST_ID else []
    found = next(each for each in chain(wanted, ours) if each not in ids)
    ids.add(found)
    return found


def _object(arguments: str) -> str:
    """`arguments` where they are a JSON object, which Ollama and many templates parse; else an empty one."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except ValueError:
        return "{}"


# ---------------------------------------------------------------- the body


def request(prompt: Prompt, model: str, capabilities: Capabilities) -> Json:
    body: Json = {
        "model": model,
        "messages": messages(prompt, capabilities.history, takes_system=capabilities.takes_system),
        "stream": True,
        capabilities.limit: prompt.max_tokens + capabilities.room,
    }
    if capabilities.counts_usage:
        body["stream_options"] = {"include_usage": True}
    if capabilities.effort:
        body["reasoning_effort"] = capabilities.effort
    if capabilities.switches_template:
        body["chat_template_kwargs"] = {"enable_thinking": False}
    if prompt.temperature is not None and capabilities.sets_temperature:
        body["temperature"] = prompt.temperature
    if prompt.tools and capabilities.takes_tools:
        body["tools"] = [_declaration(tool) for tool in prompt.tools]
    return body


def _declaration(tool: ToolDeclaration) -> dict[str, Any]:
    """A schema says that it describes an object also where it has no properties: not all servers infer it."""
    parameters = {"type": "object", "properties": {}} | dict(tool.parameters)
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}
