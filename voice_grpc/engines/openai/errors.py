"""What a server, its client and the network say when something is wrong, as our errors.

What lives here: the words by which servers tell one mistake from another. What must not: statuses and
what httpx2 raises (`http/errors.py`). No text of others comes through but the server's own message,
without our secrets and without anything that looks like a key.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import httpx2

from ...core.errors import (
    EngineBlocked,
    EngineDenied,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineUnreachable,
)
from ..http.errors import passes_after, refused, shown, transport_error
from ..http.json_values import mapping, sequence, text

KEY_ADVICE = "check OPENAI_API_KEY and what it may do on that server"
MODEL_ADVICE = "set OPENAI_MODEL to a model that the server has (GET /v1/models lists them)"
BASE_ADVICE = "set OPENAI_BASE_URL to what /chat/completions follows, such as http://HOST:8000/v1"
CREDIT_ADVICE = "raise the vendor's quota or credit, or spread the load"

SERVER = "the language model server"

_NO_MODEL = re.compile(
    r"model_?not_?found|model\b.{0,120}?\b(not found|does not exist|not loaded)"
    r"|(unknown|invalid|no such|not a valid) model|try pulling it",
    re.IGNORECASE | re.DOTALL,
)
_NO_KEY = re.compile(
    r"(invalid|incorrect|expired|missing|no).{0,20}api.?key"
    r"|api.?key.{0,20}(not valid|invalid|expired|required)",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(r"insufficient_quota|insufficient.balance|billing", re.IGNORECASE)
_RATE = re.compile(r"rate_limit", re.IGNORECASE)
_OVERLOADED = re.compile(r"overloaded|unavailable|server_error|temporar|try again", re.IGNORECASE)
_BLOCKED = re.compile(r"content_filter|content_policy|responsibleai", re.IGNORECASE)
_LOADING = re.compile(r"loading|not ready|starting", re.IGNORECASE)


_GATEWAY = (502, 503, 504)
"""Statuses that a proxy may have given in the place of the server (RFC 9110, 15.6)."""


class Refusal(Exception):
    """An error as the server says it. `str` is its message, as it came."""

    def __init__(
        self, status: int, message: str, about: str, code: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """`status`: of HTTP, or what stands for it in the error; 0: none. `about`: the fields concerned,
        where they are named apart. `code`: its `code` and `type`. `headers`: of the answer.
        """
        super().__init__(message)
        self.status, self.about, self.code = status, about, code
        self.way = ""
        """Which proxy it came through, for people; empty without one."""
        self._headers = headers or {}

    @property
    def retry_after(self) -> float | None:
        """As `EngineError` has it. An error within a stream may have no status, only words."""
        status = self.status
        if _OVERLOADED.search(f"{self.code} {self}") and status < 500:
            status = status or 503
        return passes_after(status, self._headers, str(self))

    @property
    def is_of_model(self) -> bool:
        return self.status in (0, 400, 404) and bool(_NO_MODEL.search(f"{self.code} {self}"))

    @property
    def is_loading(self) -> bool:
        """llama.cpp listens before its model is there, and says so (503, "Loading model")."""
        return self.status == 503 and bool(_LOADING.search(str(self)))


class StaleConnection(Exception):
    """It was closed at the other end, or broke, before anything of an answer came."""


def refusal(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Refusal:
    """What an answer says whose status is not 200; anything between us and the server may have written it."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        plain = body.decode("utf-8", "replace").strip()
        return Refusal(status, "" if plain.startswith("<") else plain, "", "", headers)
    return _refusal(said if isinstance(said, dict) else {"message": str(said)}, status, headers)


def refusal_in(chunk: Mapping[str, Any]) -> Refusal | None:
    """The error that `chunk`, an event of a stream that began well, may be."""
    if chunk.get("error") or chunk.get("object") == "error":
        return _refusal(chunk, 0)
    return None


def _refusal(said: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Refusal:
    """OpenAI's `{"error": {…}}`, SGLang's with the same fields outside, Ollama's `{"error": "…"}`, and
    FastAPI's `{"detail": …}`, which quotes the whole request unless it is asked only where and what.
    """
    error = said.get("error")
    if isinstance(error, str):
        said = {**said, "message": error}
    fields = mapping(error) or said
    places, messages = [text(fields.get("param"))], [text(fields.get("message"))]
    detail = said.get("detail")
    messages.append(text(detail))
    for each in map(mapping, sequence(detail)):
        places += [str(part) for part in sequence(each.get("loc"))[1:2]]
        messages.append(text(each.get("msg")))
    code = fields.get("code")
    if not status and isinstance(code, int):
        status = code
    about = " ".join(place for place in places if place)
    named = f"{code or ''} {text(fields.get('type'))}".strip()
    return Refusal(status, " ".join(m for m in messages if m), about, named, headers)


def engine_error(error: Exception, model: str, secrets: Iterable[str]) -> EngineError:
    """`error` is anything that came out of the client. `model`: as a message may name it."""
    kind = type(error).__name__
    match error:
        case EngineError():
            return error
        case Refusal():
            return _of_refusal(error, f"{model}: {_told(error, secrets)}")
        case StaleConnection():
            return EngineUnreachable("llm", f"the connection to {SERVER} broke ({error})")
        case httpx2.HTTPError() | httpx2.InvalidURL() | OSError():
            return transport_error("llm", SERVER, error, address_advice=BASE_ADVICE)
        case ValueError():
            return EngineError("llm", f"{model}: the server does not speak the protocol; {BASE_ADVICE}")
    return EngineError("llm", f"{model} failed ({kind})")


def missing(message: str, advice: str) -> EngineMissing:
    """`advice` stands in the message too: a server that is not configured right is found at its start."""
    return EngineMissing("llm", f"{message}: {advice}", advice=advice)


def _of_refusal(said: Refusal, message: str) -> EngineError:
    status, words = said.status, f"{said.code} {said}"
    if _BLOCKED.search(words):
        return EngineBlocked("llm", message)
    if status == 402 or _NO_CREDIT.search(words):
        return EngineQuota("llm", message, retryable=False, advice=CREDIT_ADVICE)
    if status == 429 or _RATE.search(words):
        return EngineQuota("llm", message, advice=CREDIT_ADVICE, retry_after=said.retry_after)
    if status < 500 and _NO_KEY.search(words):
        return EngineDenied("llm", message, advice=KEY_ADVICE)
    if said.is_of_model:
        return missing(message, MODEL_ADVICE)
    if status in (404, 405) or 300 <= status < 400:
        return missing(message, f"{BASE_ADVICE}; {MODEL_ADVICE}" if status == 404 else BASE_ADVICE)
    return refused("llm", status, message, {EngineDenied: KEY_ADVICE}, retry_after=said.retry_after)


def _told(said: Refusal, secrets: Iterable[str]) -> str:
    message = shown(said, secrets)
    status = f"HTTP {said.status}" if said.status else "an error in the answer"
    if said.status in _GATEWAY:
        status += said.way
    return f"{status}: {message}" if message else status
