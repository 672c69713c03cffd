"""What Gemini, its client and the network say when something is wrong, as our errors.

No text of others comes through but Google's own message, without anything that looks like a key: it
names the key of a suspended project, and a client's error may quote the header that it could not send.
"""

import re
from enum import Enum

import httpx2
from google.auth.exceptions import GoogleAuthError, TransportError
from google.genai.errors import APIError, UnknownApiResponseError

from ...core.errors import (
    EngineDenied,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)

KEY_ADVICE = "check GEMINI_API_KEY and what it may do: https://aistudio.google.com/apikey"
VERTEX_ADVICE = (
    "check GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION and the credentials (GOOGLE_APPLICATION_CREDENTIALS, "
    "or `gcloud auth application-default login`)"
)
MODEL_ADVICE = (
    "set GEMINI_MODEL to a model that this key may use: https://ai.google.dev/gemini-api/docs/models"
)

_SECRET = re.compile(r"AIza[\w-]{8,}|AQ\.[\w.-]{8,}|(?<=api_key:)[^\s'\"]+|(?<=key=)[^\s&'\"]+")
"""Keys of both generations, and what stands where one is named."""
_SHOWN = 300
"""Characters of Google's message."""

_TIMEOUTS = (408, 504)
_DENIED = (401, 403)
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


def engine_error(error: Exception, model: str, *, on_vertex: bool = False) -> EngineError:
    """`error` is anything that came out of the client."""
    kind = type(error).__name__
    match error:
        case EngineError():
            found = error
        case APIError():
            found = _refusal(error, model, VERTEX_ADVICE if on_vertex else KEY_ADVICE)
        case httpx2.LocalProtocolError() | UnicodeError():
            text = "the Gemini key holds characters that no key has"
            found = EngineDenied("llm", text, advice=KEY_ADVICE)
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            text = "GOOGLE_GEMINI_BASE_URL (GOOGLE_VERTEX_BASE_URL) is not an http(s) address"
            found = EngineMissing("llm", text)
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | TransportError():
            found = EngineUnreachable("llm", f"no connection to Gemini ({kind})")
        case TimeoutError():
            found = EngineTimeout("llm", f"{model} did not answer in time")
        case httpx2.HTTPError() | OSError():
            found = EngineUnreachable("llm", f"the connection to Gemini broke ({kind})")
        case GoogleAuthError():
            text = f"Google's credentials are missing or refused ({kind})"
            found = EngineDenied("llm", text, advice=VERTEX_ADVICE)
        case UnknownApiResponseError():
            found = EngineError("llm", f"{model}: the answer is not Gemini's; is the base URL right?")
        case _:
            found = EngineError("llm", f"{model} failed ({kind})")
    return found


def cannot_open(error: Exception, on_vertex: bool) -> EngineError:
    """The client could not be made at all: nothing, or not enough, is configured."""
    if isinstance(error, GoogleAuthError):
        return engine_error(error, "", on_vertex=True)
    missing = VERTEX_ADVICE if on_vertex else "set GEMINI_API_KEY"
    return EngineMissing("llm", f"Gemini is not configured: {missing}")


def _refusal(error: APIError, model: str, denied_advice: str) -> EngineError:
    code, text = error.code, f"{model}: {_shown(error)}"
    if _is_denied(error):
        return EngineDenied("llm", text, advice=denied_advice)
    if code == 404:
        missing = EngineMissing("llm", f"{text}; {MODEL_ADVICE}")
        missing.advice = MODEL_ADVICE
        return missing
    if code == 429:
        return EngineQuota("llm", text)
    if code in _TIMEOUTS:
        return EngineTimeout("llm", text)
    return EngineError("llm", text, retryable=not 300 <= (code or 500) < 500)


def _is_denied(error: APIError) -> bool:
    return error.code in _DENIED or (error.code == 400 and bool(_DENIED_WORDS.search(str(error.message))))


def _shown(error: APIError) -> str:
    message = " ".join(str(error.message or "no reason given").split())
    status = f" {error.status}" if error.status else ""
    return f"HTTP {error.code}{status}: {_SECRET.sub('***', message)[:_SHOWN]}"
