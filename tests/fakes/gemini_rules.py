"""What Gemini accepts of a request, and in which words it refuses the rest.

Sources: the REST reference (ai.google.dev/api/generate-content, /api/caching#FunctionDeclaration), the
guides on thinking, thought signatures and function calling, and error messages that users report.
"""

import base64
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

UNSIGNED = "skip_thought_signature_validator"
"""Accepted in place of a signature."""

_TOP = {
    *("contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "safetySettings"),
    *("cachedContent", "labels"),
}
_CONFIG = {
    *("temperature", "topP", "topK", "maxOutputTokens", "candidateCount", "stopSequences", "seed"),
    *("thinkingConfig", "responseMimeType", "presencePenalty", "frequencyPenalty"),
}
_PART = {"text", "functionCall", "functionResponse", "thoughtSignature", "thought"}
_DECLARATION = {"name", "description", "parameters", "parametersJsonSchema", "response"}
_OPAQUE = {"args", "response", "parametersJsonSchema", "parameters", "labels"}
_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_MOST_OUTPUT = 65_536


@dataclass(slots=True)
class Refusal(Exception):
    """An error as Google says it."""

    code: int
    status: str
    message: str
    details: list[Json] = field(default_factory=list)

    @property
    def body(self) -> Json:
        error: Json = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        return {"error": error}


def invalid(message: str) -> Refusal:
    return Refusal(400, "INVALID_ARGUMENT", message)


def reason(reason: str) -> Json:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


REFUSALS = {
    "wrong key": Refusal(
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        [reason("API_KEY_INVALID")],
    ),
    "expired key": Refusal(
        400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", [reason("API_KEY_INVALID")]
    ),
    "no key": Refusal(
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity). Please use API "
        "Key or other form of API consumer identity to call this API.",
    ),
    "leaked": Refusal(
        403, "PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."
    ),
    "suspended": Refusal(
        403,
        "PERMISSION_DENIED",
        "Permission denied: Consumer 'api_key:{key}' has been suspended.",
        [reason("CONSUMER_SUSPENDED")],
    ),
    "unauthenticated": Refusal(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential.",
    ),
    "region": Refusal(
        400,
        "FAILED_PRECONDITION",
        "User location is not supported for the API use without a billing account linked.",
    ),
    "quota": Refusal(
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details. Please retry in 17.2s.",
        [
            {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}],
            },
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"},
        ],
    ),
    "overloaded": Refusal(
        503,
        "UNAVAILABLE",
        "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please "
        "try again later.",
    ),
    "internal": Refusal(500, "INTERNAL", "An internal error has occurred. Please retry."),
    "deadline": Refusal(
        504, "DEADLINE_EXCEEDED", "The service is unable to finish processing within the deadline."
    ),
    "vague": invalid("Request contains an invalid argument."),
}


@dataclass(frozen=True, slots=True)
class Family:
    """How a model thinks, by its name."""

    has_levels: bool
    """Gemini 3 and later; 2.5 has budgets."""
    least_budget: int = 0
    levels: frozenset[str] = frozenset({"LOW", "MEDIUM", "HIGH"})
    thinks: bool = True


def family(model: str) -> Family:
    found = re.match(r"gemini-(?:(\d+)(?:\.(\d+))?-)?(.+)", model)
    if found is None or (found[1] is not None and (int(found[1]), int(found[2] or 0)) < (2, 5)):
        return Family(False, thinks=False)
    version, kind = (int(found[1] or 9), int(found[2] or 0)), found[3]
    if version[0] == 2:
        return Family(False, 128 if kind.startswith("pro") else 0)
    with_minimal = kind.startswith("flash-lite") or (kind.startswith("flash") and version <= (3, 6))
    levels = {"LOW", "MEDIUM", "HIGH"} | ({"MINIMAL"} if with_minimal else set())
    return Family(True, levels=frozenset(levels))


def camel(value: Any) -> Any:
    """As Google's JSON parser does, which takes fields in both spellings; what is the caller's own stays."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub(r"_([a-z])", lambda found: found[1].upper(), key): each for key, each in value.items()}
    return {key: each if key in _OPAQUE else camel(each) for key, each in named.items()}


def check(body: Json, model: str, signatures: Collection[bytes]) -> None:
    """Raises `Refusal`. `body`: in camel case. `signatures`: those that were given out."""
    _known(body, _TOP, "")
    contents = _list(body.get("contents"), "contents is not specified")
    _check_contents(contents)
    if family(model).has_levels:
        _check_signatures(contents, signatures)
    if (system := body.get("systemInstruction")) is not None:
        _check_parts(system, {"text"}, "system_instruction")
    _check_config(body.get("generationConfig") or {}, model)
    _check_tools(body.get("tools") or [])


def declared(body: Json) -> list[str]:
    """Names of the functions that may be called."""
    return [each["name"] for tool in body.get("tools") or [] for each in tool["functionDeclarations"]]


def _check_contents(contents: list[Json]) -> None:
    for content in contents:
        if content.get("role") not in ("user", "model"):
            raise invalid("Please use a valid role: user, model.")
        _check_parts(content, _PART, "contents")
    if contents[0]["role"] != "user":
        raise invalid("Please ensure that the first content is of the role user.")
    if contents[-1]["role"] != "user":
        raise invalid(
            "Please ensure that single turn requests end with a user role or the role field is empty."
        )
    for before, content in zip([None, *contents], contents, strict=False):
        calls, results = _of(content, "functionCall"), _of(content, "functionResponse")
        if calls and (content["role"] != "model" or before is None or before["role"] != "user"):
            raise invalid(
                "Please ensure that function call turn comes immediately after a user turn or after a "
                "function response turn."
            )
        expected = _of(before, "functionCall") if before is not None else []
        if results and not expected:
            raise invalid(
                "Please ensure that function response turn comes immediately after a function call turn."
            )
        if len(results) != len(expected):
            raise invalid(
                "Please ensure that the number of function response parts is equal to the number of function "
                "call parts of the function call turn."
            )
        for call, result in zip(expected, results, strict=True):
            if call["name"] != result["name"] or call.get("id") != result.get("id"):
                raise invalid("Please ensure that function responses match the function calls.")


def _check_parts(content: Json, accepted: set[str], path: str) -> None:
    parts = _list(content.get("parts"), f"{path}.parts must not be empty.")
    for part in parts:
        _known(part, accepted, f" at '{path}.parts'")
        _decoded(part.get("thoughtSignature", ""))
        data = [key for key in ("text", "functionCall", "functionResponse") if key in part]
        if len(data) != 1 or part.get("text") == "":
            raise invalid(
                f"{path}.parts[0].data: required oneof field 'data' must have one initialized field"
            )
        for key in data:
            if key != "text" and not isinstance(part[key].get("name"), str):
                raise invalid(f"{path}: function name must not be empty")
        if "functionResponse" in part and not isinstance(part["functionResponse"].get("response"), dict):
            raise invalid("function_response.response: must be a JSON object")


def _check_signatures(contents: list[Json], given_out: Collection[bytes]) -> None:
    """Of the current turn: what came before its user's words is not looked at."""
    asked = [
        i
        for i, content in enumerate(contents)
        if content["role"] == "user" and "text" in content["parts"][-1]
    ]
    for position, content in enumerate(contents):
        calls = [part for part in content["parts"] if "functionCall" in part]
        if calls and position > asked[-1] and "thoughtSignature" not in calls[0]:
            name = calls[0]["functionCall"]["name"]
            raise invalid(
                "Function call is missing a thought_signature in functionCall parts. This is required for "
                "tools to work correctly, and missing thought_signature may lead to degraded model "
                f"performance. Additional data, function call `default_api:{name}` , "
                f"position {position}."
            )
        for part in calls:
            signature = part.get("thoughtSignature", UNSIGNED)
            if signature != UNSIGNED and _decoded(signature) not in given_out:
                raise invalid("Corrupted thought signature.")


def _decoded(signature: str) -> bytes:
    """Both alphabets of base64 are taken."""
    try:
        return base64.b64decode(signature.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        raise invalid(
            "Invalid value at 'contents[1].parts[0].thought_signature' (TYPE_BYTES), Base64 decoding failed "
            f'for "{signature}"'
        ) from None


def _check_config(config: Json, model: str) -> None:
    _known(config, _CONFIG, " at 'generation_config'")
    temperature, limit = config.get("temperature", 1.0), config.get("maxOutputTokens", 1)
    if not 0 <= temperature <= 2:
        raise invalid(f"temperature must be in the range [0.0, 2.0], got {temperature}")
    if not 1 <= limit <= _MOST_OUTPUT:
        raise invalid(f"max_output_tokens must be positive and at most {_MOST_OUTPUT}, got {limit}")
    asked = config.get("thinkingConfig") or {}
    _known(asked, {"thinkingBudget", "thinkingLevel", "includeThoughts"}, " at 'thinking_config'")
    budget, level, rules = asked.get("thinkingBudget"), asked.get("thinkingLevel"), family(model)
    if budget is not None and level is not None:
        raise invalid("You can only set only one of thinking budget and thinking level.")
    if (budget is not None or level is not None) and not rules.thinks:
        raise invalid("Thinking is not supported by this model.")
    if budget is not None and rules.has_levels:
        raise invalid(
            "Budget 0 is invalid. This model only works in thinking mode."
            if not budget
            else "The thinking budget is not supported."
        )
    if budget is not None and not (budget == -1 or rules.least_budget <= budget <= 32_768):
        raise invalid(
            f"The thinking budget {budget} is invalid. Please choose a value between "
            f"{rules.least_budget} and 32768."
        )
    if level is not None and not rules.has_levels:
        raise invalid("Thinking level is not supported for this model.")
    if level is not None and str(level).upper() not in rules.levels:
        raise invalid(f"Thinking level is unsupported: THINKING_LEVEL_{str(level).upper()}")


def _check_tools(tools: list[Json]) -> None:
    seen: set[str] = set()
    for tool in tools:
        _known(tool, {"functionDeclarations"}, " at 'tools[0]'")
        for each in _list(
            tool.get("functionDeclarations"), "tools[0].function_declarations: must not be empty"
        ):
            _known(each, _DECLARATION, " at 'tools[0].function_declarations[0]'")
            name = each.get("name", "")
            if not _FUNCTION_NAME.fullmatch(name):
                raise invalid(
                    "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric "
                    "(a-z, A-Z, 0-9), underscores (_), dots (.) or dashes (-), with a maximum length of 64."
                )
            if name in seen:
                raise invalid(f"Duplicate function declaration found: {name}")
            seen.add(name)
            if "parameters" in each and "parametersJsonSchema" in each:
                raise invalid("parameters and parameters_json_schema are mutually exclusive")
            schema = each.get("parametersJsonSchema", {"type": "object"})
            if not isinstance(schema, dict) or schema.get("type") != "object":
                raise invalid(f"functionDeclaration parameters schema of {name} should be of type OBJECT.")


def _known(found: Mapping[str, object], accepted: Iterable[str], place: str) -> None:
    for key in found:
        if key not in accepted:
            raise invalid(f'Invalid JSON payload received. Unknown name "{key}"{place}: Cannot find field.')


def _list(value: object, otherwise: str) -> list[Json]:
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        raise invalid(f"* GenerateContentRequest.{otherwise}")
    return value


def _of(content: Json, what: str) -> list[Json]:
    return [part[what] for part in content["parts"] if what in part]
