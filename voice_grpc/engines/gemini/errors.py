"""What Gemini, its client and the network say when something is wrong, as our errors.

What lives here: Google's words and the SDK's errors. What must not: statuses and what httpx2 raises
(`http/errors.py`). No text of others comes through but Google's own message, without anything that looks
like a key: it names the key of a suspended project.
"""

import re
from collections.abc import Iterable
from enum import Enum

import httpx2
from google.auth.exceptions import GoogleAuthError, TransportError
from google.genai.errors import APIError, UnknownApiResponseError

from ...core.errors import EngineDenied, EngineError, EngineMissing, EngineUnreachable
from ..http.errors import kind_of, passes_after, reason, refused, shown, transport_error
from ..http.json_values import mapping, sequence, text

KEY_ADVICE = "check GEMINI_API_KEY and what it may do: https://aistudio.google.com/apikey"
VERTEX_ADVICE = (
    "check GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION and the credentials (GOOGLE_APPLICATION_CREDENTIALS, "
    "or `gcloud auth application-default login`)"
)
MODEL_ADVICE = (
    "set GEMINI_MODEL to a model that this key may use: https://ai.google.dev/gemini-api/docs/models"
)

SERVER = "Gemini"
URL_ADVICE = "let GOOGLE_GEMINI_BASE_URL (GOOGLE_VERTEX_BASE_URL) be an http(s) address, or leave it out"

_DENIED_WORDS = re.compile(
    r"api key (not valid|not found|expired)|valid api key|location is not supported|(enable|a) billing",
    re.IGNORECASE,
)
"""What Gemini says with HTTP 400 of a key, a region or an account; 401 and 403 need no words."""
_VAGUE = "request contains an invalid argument"
"""All that Gemini says of many a mistake, a thinking level that a model does not know among them."""


class Complaint(Enum):
    """What about a request is refused that can be put right and asked again at once."""

    THINKING = "thinking"
    SIGNATURE = "signature"


def complaint(error: BaseException) -> Complaint | None:
    if not isinstance(error, APIError) or error.code != 400 or _is_denied(error):
        return None
    said = str(error.message or "").lower()
    if "thought_signature" in said or "thought signature" in said or "thoughtsignature" in said:
        return Complaint.SIGNATURE
    if "thinking" in said or _VAGUE in said:
        return Complaint.THINKING
    return None


def is_stale(error: BaseException) -> bool:
    """Whether a connection that was kept open had been closed at the other end meanwhile."""
    return isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError)


def engine_error(
    error: Exception, model: str, secrets: Iterable[str] = (), *, on_vertex: bool = False
) -> EngineError:
    """`error` is anything that came out of the client. `secrets`: what its message may hold and must not."""
    match error:
        case EngineError():
            return error
        case APIError():
            return _of_refusal(error, f"{model}: {_told(error, secrets)}", on_vertex)
        case httpx2.LocalProtocolError() | UnicodeError():
            return EngineDenied("llm", "the Gemini key holds characters that no key has", advice=KEY_ADVICE)
        case TransportError():
            return EngineUnreachable("llm", f"{SERVER} cannot be reached ({reason(error)})")
        case httpx2.HTTPError() | httpx2.InvalidURL() | OSError():
            return transport_error("llm", SERVER, error, address_advice=URL_ADVICE)
        case GoogleAuthError():
            text = f"Google's credentials are missing or refused ({type(error).__name__})"
            return EngineDenied("llm", text, advice=VERTEX_ADVICE)
        case UnknownApiResponseError():
            return EngineError("llm", f"{model}: the answer is not Gemini's; is the base URL right?")
    return EngineError("llm", f"{model} failed ({type(error).__name__})")


def cannot_open(error: Exception, on_vertex: bool) -> EngineError:
    """The client could not be made at all: nothing, or not enough, is configured."""
    if isinstance(error, GoogleAuthError | EngineError):
        return engine_error(error, "", on_vertex=True)
    advice = VERTEX_ADVICE if on_vertex else "set GEMINI_API_KEY"
    return EngineMissing("llm", f"Gemini is not configured: {advice}", advice=advice)


def _of_refusal(error: APIError, message: str, on_vertex: bool) -> EngineError:
    denied_advice = VERTEX_ADVICE if on_vertex else KEY_ADVICE
    if _is_denied(error):
        return EngineDenied("llm", message, advice=denied_advice)
    if error.code == 404:
        return EngineMissing("llm", f"{message}; {MODEL_ADVICE}", advice=MODEL_ADVICE)
    return refused("llm", error.code or 0, message, retry_after=_retry_after(error))


def _retry_after(error: APIError) -> float | None:
    """As `EngineError` has it: google.rpc.RetryInfo, or what the message says, else by the status. A quota of
    a day is used up until tomorrow, whatever `retryDelay` says."""
    said = error.details if isinstance(error.details, dict) else {}
    details = [mapping(each) for each in sequence(mapping(said.get("error", said)).get("details"))]
    named = [text(each.get("retryDelay")).removesuffix("s") for each in details]
    told = next((each for each in named if re.fullmatch(r"\d{1,9}(\.\d+)?", each)), "")
    violations = [mapping(v) for each in details for v in sequence(each.get("violations"))]
    if any("perday" in text(violation.get("quotaId")).lower() for violation in violations):
        return None
    headers = {"retry-after": told} if told else {}
    return passes_after(error.code or 0, headers, str(error.message or ""))


def _is_denied(error: APIError) -> bool:
    if error.code == 400:
        return bool(_DENIED_WORDS.search(str(error.message)))
    return kind_of(error.code or 0) is EngineDenied


def _told(error: APIError, secrets: Iterable[str]) -> str:
    status = f" {error.status}" if error.status else ""
    return f"HTTP {error.code}{status}: {shown(error.message or 'no reason given', secrets)}"
