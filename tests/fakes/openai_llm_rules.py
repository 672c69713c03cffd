"""What servers of OpenAI's chat completions refuse, each in its own words; and what it calls things.

Taken from OpenAI's answers as their users quote them, from vLLM's `protocol.py`, Ollama's `openai.go`, and
from llama.cpp's server, which was asked. Where a real server would do something that nobody wants (llama.cpp
goes on with an assistant's message that stands last), this one refuses.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

KEY = "sk-fake-openai-key-1234567890"

MODELS = {
    "openai": ("text-embedding-3-small", "gpt-4.1-mini", "gpt-5-mini", "gpt-5.4-mini"),
    "vllm": ("Qwen/Qwen3-8B",),
    "ollama": ("nomic-embed-text:latest", "qwen3:4b", "granite4:3b"),
    "llamacpp": ("/models/gemma-3-4b-it-Q4_K_M.gguf",),
}
EFFORTS = {
    "gpt-5-mini": ("minimal", "low", "medium", "high"),
    "gpt-5.4-mini": ("none", "low", "medium", "high", "xhigh"),
    "Qwen/Qwen3-8B": ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "qwen3:4b": ("none", "low", "medium", "high"),
    "granite4:3b": ("none",),
}
"""Of models that take `reasoning_effort`; the others of OpenAI do not know it."""

_KNOWN = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"),
        *("temperature", "tools", "tool_choice", "reasoning_effort", "parallel_tool_calls", "top_p", "stop"),
    }
)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    code: int
    message: str
    param: str | None = None
    kind: str = "invalid_request_error"
    name: str | None = None
    """`code` in OpenAI's errors."""

    def body(self, style: str) -> Json:
        error: Json = {"message": self.message, "type": self.kind}
        if style == "llamacpp":
            return {"error": error | {"code": self.code}}
        if style == "vllm":
            return {"error": error | {"param": self.param, "code": self.code}}
        return {"error": error | {"param": self.param, "code": self.name}}


@dataclass(frozen=True, slots=True)
class Traits:
    """Of one server, beside its style."""

    lists_models: bool = True
    takes_tools: bool = True
    takes_usage: bool = True
    takes_system: bool = True
    is_vague: bool = False
    """It says no more of an unknown field than that it will not."""
    context: int = 10_000
    """Words of a prompt."""
    prefix: str = "/v1"
    """What its paths begin with."""


def denied(style: str, key: str) -> Refused:
    words = {
        "llamacpp": "Invalid API Key",
        "vllm": "Unauthorized",
    }.get(
        style, f"Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com."
    )
    kind = "authentication_error" if style == "llamacpp" else "invalid_request_error"
    return Refused(401, words, kind=kind, name="invalid_api_key")


QUOTA = Refused(
    429,
    "You exceeded your current quota, please check your plan and billing details.",
    kind="insufficient_quota",
    name="insufficient_quota",
)
OVERLOADED = Refused(503, "That model is currently overloaded with other requests.", kind="server_error")
LOADING = Refused(503, "Loading model", kind="unavailable_error")


def no_model(style: str, model: str) -> Refused:
    if style == "ollama":
        return Refused(404, f'model "{model}" not found, try pulling it first', kind="not_found_error")
    if style == "vllm":
        return Refused(404, f"The model `{model}` does not exist.", "model", "NotFoundError")
    text = f"The model `{model}` does not exist or you do not have access to it."
    return Refused(404, text, name="model_not_found")


def check(body: Json, style: str, traits: Traits, models: Sequence[str]) -> None:
    """Raises `Refused`. `models`: those it has."""
    model = body.get("model")
    if not isinstance(model, str):
        raise Refused(400, "you must provide a model parameter")
    if style != "llamacpp" and model not in models:
        raise no_model(style, model)
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise Refused(400, "Invalid 'messages': empty array. Expected minimum length 1.", "messages")
    _check_fields(body, style, traits)
    _check_effort(body, style, model)
    _check_limits(body, style, model)
    _check_tools(body, style, traits, model)
    roles = list(_check_messages(body["messages"]))
    _check_template(roles, style, traits)
    words = sum(len(str(message.get("content")).split()) for message in body["messages"])
    if words > traits.context:
        raise Refused(
            400,
            f"request ({words} tokens) exceeds the available context size ({traits.context} tokens), try "
            "increasing it",
            kind="exceed_context_size_error",
            name="context_length_exceeded",
        )


def _check_fields(body: Json, style: str, traits: Traits) -> None:
    unknown = sorted(set(body) - _KNOWN)
    if style == "openai" and unknown:
        said = "Bad request" if traits.is_vague else f"Unrecognized request argument supplied: {unknown[0]}"
        raise Refused(400, said)
    if "stream_options" in body:
        if not traits.takes_usage:
            raise Refused(400, "Unrecognized request argument supplied: stream_options")
        if body.get("stream") is not True:
            text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
            raise Refused(400, text, "stream_options")
    if not isinstance(body.get("chat_template_kwargs", {}), dict):
        raise Refused(400, "chat_template_kwargs: Input should be a valid dictionary", "chat_template_kwargs")


def _check_effort(body: Json, style: str, model: str) -> None:
    effort = body.get("reasoning_effort")
    if effort is None or style == "llamacpp":
        return
    if model not in EFFORTS:
        raise Refused(400, "Unrecognized request argument supplied: reasoning_effort")
    if style == "ollama" and effort != "none" and EFFORTS[model] == ("none",):
        raise Refused(400, f'"{model}" does not support thinking', kind="api_error")
    if effort not in EFFORTS[model]:
        values = ", ".join(f"'{each}'" for each in EFFORTS[model])
        text = f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model. "
        raise Refused(
            400, f"{text}Supported values are: {values}.", "reasoning_effort", name="unsupported_value"
        )


def _check_limits(body: Json, style: str, model: str) -> None:
    reasons = style == "openai" and model in EFFORTS
    if reasons and "max_tokens" in body:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead."
        )
        raise Refused(400, text, "max_tokens", name="unsupported_parameter")
    for field in ("max_tokens", "max_completion_tokens"):
        limit = body.get(field, 1)
        if not isinstance(limit, int) or limit < 1:
            raise Refused(400, f"Invalid '{field}': integer below minimum value. Expected >= 1.", field)
    temperature = body.get("temperature", 1)
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise Refused(400, f"Invalid 'temperature': {temperature}. Expected 0 to 2.", "temperature")
    if reasons and temperature != 1:
        text = (
            f"Unsupported value: 'temperature' does not support {temperature} with this model. Only the "
            "default (1) value is supported."
        )
        raise Refused(400, text, "temperature", name="unsupported_value")


def _check_tools(body: Json, style: str, traits: Traits, model: str) -> None:
    if "tools" not in body:
        return
    if not traits.takes_tools:
        words = {
            "ollama": f"registry.ollama.ai/library/{model} does not support tools",
            "vllm": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
            "llamacpp": "tools param requires --jinja flag",
        }
        raise Refused(400, words.get(style, "This model does not support tools."))
    if not isinstance(body["tools"], list) or not body["tools"]:
        raise Refused(400, "Invalid 'tools': empty array. Expected minimum length 1.", "tools")
    for place, tool in enumerate(body["tools"]):
        function = tool.get("function", {})
        if tool.get("type") != "function" or not _NAME.fullmatch(function.get("name", "")):
            raise Refused(400, f"Invalid 'tools[{place}].function.name'", f"tools[{place}].function.name")
        if function.get("parameters", {}).get("type") != "object":
            text = f"Invalid schema for function '{function['name']}': schema must have type 'object'."
            raise Refused(400, text, f"tools[{place}].function.parameters")


def _check_messages(messages: list[Json]) -> Iterator[str]:
    """The roles. Every result answers a call of the step before it, and no call goes without."""
    waiting: list[str] = []
    for place, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        at = f"messages.[{place}].role"
        if role not in _ROLES:
            raise Refused(400, f"Invalid value: '{role}'. Supported values are: {_ROLES}.", at)
        if not isinstance(content, str):
            raise Refused(400, "All non-assistant messages must contain 'content'", at)
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                text = (
                    "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                )
                raise Refused(400, f"Invalid parameter: {text}", at)
            waiting.remove(message["tool_call_id"])
        elif waiting:
            break
        waiting += [_checked_call(call) for call in message.get("tool_calls", ())]
        yield role
    if waiting:
        text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
        raise Refused(
            400,
            f"{text} 'tool_call_id'. The following tool_call_ids did not have response messages: "
            f"{', '.join(waiting)}",
            "messages",
        )


def _checked_call(call: Json) -> str:
    id_, function = call.get("id"), call.get("function", {})
    if call.get("type") != "function" or not isinstance(id_, str) or not 0 < len(id_) <= 40:
        raise Refused(400, "Invalid 'tool_calls.id': string too long. Expected maximum length 40.")
    try:
        is_object = isinstance(json.loads(function.get("arguments", "")), dict)
    except ValueError:
        is_object = False
    if not is_object or not function.get("name"):
        raise Refused(400, "invalid tool call arguments")
    return id_


def _check_template(roles: list[str], style: str, traits: Traits) -> None:
    """Templates of Mistral and of Gemma, after OpenAI's own rules, which know nothing of turns."""
    if "system" in roles[1:] or ("system" in roles and not traits.takes_system):
        raise Refused(400, "System role not supported")
    spoken = [role for role in roles if role != "system"]
    if style == "openai":
        return
    if not spoken or spoken[0] != "user" or spoken[-1] == "assistant":
        raise Refused(
            400, "After the optional system message, the conversation must start with a user message"
        )
    pairs = list(zip(spoken, spoken[1:], strict=False))
    if any(pair in (("user", "user"), ("tool", "user"), ("assistant", "assistant")) for pair in pairs):
        raise Refused(400, "Conversation roles must alternate user/assistant/user/assistant/...")
