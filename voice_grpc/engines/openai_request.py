"""What a server is asked: a prompt as the body of `POST /chat/completions`, on the terms learned so far."""

from typing import Any

from ..core.tools import ToolDeclaration
from ..ports import Prompt
from .openai_history import Json, messages
from .openai_terms import Terms


def request(prompt: Prompt, model: str, terms: Terms) -> Json:
    body: Json = {
        "model": model,
        "messages": messages(prompt, terms.history, takes_system=terms.takes_system),
        "stream": True,
        terms.limit: prompt.max_tokens + terms.room,
    }
    if terms.counts_usage:
        body["stream_options"] = {"include_usage": True}
    if terms.effort:
        body["reasoning_effort"] = terms.effort
    if terms.switches_template:
        body["chat_template_kwargs"] = {"enable_thinking": False}
    if prompt.temperature is not None and terms.sets_temperature:
        body["temperature"] = prompt.temperature
    if prompt.tools and terms.takes_tools:
        body["tools"] = [_declaration(tool) for tool in prompt.tools]
    return body


def _declaration(tool: ToolDeclaration) -> dict[str, Any]:
    """A schema says that it is one of an object also where it has nothing in it: not all servers guess."""
    parameters = {"type": "object", "properties": {}} | dict(tool.parameters)
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}
