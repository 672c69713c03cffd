"""What a Whisper server says when something is wrong, as our errors.

What lives here: the words and the statuses that mean something of their own with Whisper servers. What
must not: what HTTP and httpx2 mean everywhere (`http/errors.py`). Of what others say only the server's own
message comes through, short and without our secrets.
"""

import json
import re
from http import HTTPStatus
from typing import Any

from ...core import errors as e
from ...net.proxy import through
from ..http.errors import kind_of, passes_after, refused, shown, transport_error
from .address import WhisperAddress

_SHOWN = 160
"""Characters of what a server says that are passed on."""

_DEEPEST = 5
"""Levels of an error that are searched for its message: FastAPI's round OpenAI's has four."""

_KEY_ADVICE = "set WHISPER_API_KEY, or user:password@ in WHISPER_SERVER_URL, to what that server accepts"
_PLACE_ADVICE = "check the path of WHISPER_SERVER_URL, WHISPER_PROTOCOL and WHISPER_SERVER_MODEL"
_LOG_ADVICE = "see the log of the Whisper server"
_URL_ADVICE = "check WHISPER_SERVER_URL"


BUSY = (502, 503, 504)


class Busy(e.EngineUnreachable):
    """`BUSY`: it, or a proxy before it, says that it still loads its model, or has too much to do."""

    advice = "wait until it has loaded its model, or give it more room"


class Throttled(e.EngineQuota):
    """`again`: seconds after which it may be asked again, as it says; 0: it does not."""

    def __init__(self, message: str, again: float, retry_after: float | None) -> None:
        """`retry_after`: the same where it says so, else what such a status lets hope."""
        super().__init__("stt", message, retry_after=retry_after)
        self.again = again


class TooLong(e.EngineError):
    """It takes no file of this size."""


class BadAnswer(Exception):
    """An answer that began well and is no transcript. `said`: by the server, as it came."""

    def __init__(self, what: str, said: str = "", *, is_cut: bool = False) -> None:
        super().__init__(what)
        self.said, self.is_cut = said, is_cut


def missing(message: str, advice: str = _PLACE_ADVICE) -> e.EngineMissing:
    """There is no Whisper server where one was said to be, or not of that protocol."""
    return e.EngineMissing("stt", message, advice=advice)


def refusal(address: WhisperAddress, status: int, body: bytes, retry_after: str = "") -> e.EngineError:
    """What an answer means whose status is not 200."""
    where, said = address.location, _shown(address, complaint(body))
    text = f"{where} answered {status}" + (f": {said}" if said else f" ({_phrase(status)})")
    kind = kind_of(status)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLong("stt", f"{text}; the file is too large for it", retryable=False)
    passes = passes_after(status, {"retry-after": retry_after}, said)
    if status in BUSY:
        return Busy("stt", f"{text}{through(address.origin)}", retry_after=passes)
    if kind is e.EngineDenied:
        return kind("stt", f"{where} refused the credentials ({status})", advice=_KEY_ADVICE)
    if kind is e.EngineQuota:
        again = float(retry_after) if re.fullmatch(r"\d{1,6}(\.\d+)?", retry_after) else 0.0
        return Throttled(f"{text}; to be asked again in {again:g} s" if again else text, again, passes)
    if 300 <= status < 400:
        return missing(f"{where} is somewhere else now ({status})", "set WHISPER_SERVER_URL to where it is")
    if kind is e.EngineMissing or status == HTTPStatus.NOT_IMPLEMENTED:
        return missing(f"{text}; check WHISPER_PROTOCOL, the path and the model")
    if status >= 500:
        return e.EngineUnreachable("stt", text, advice=_LOG_ADVICE, retry_after=passes)
    return refused("stt", status, text)


def bad_answer(address: WhisperAddress, error: BadAnswer) -> e.EngineError:
    text = f"{address.location} {error}"
    if error.is_cut:
        return e.EngineUnreachable("stt", text, retry_after=0.0)
    shown = _shown(address, error.said)
    advice = "check that WHISPER_SERVER_URL is a Whisper server, and see its log"
    return e.EngineError("stt", f"{text}: {shown}" if shown else text, advice=advice)


def unreachable(address: WhisperAddress, error: Exception) -> e.EngineError:
    """What httpx2 raises while `address` is asked."""
    return transport_error("stt", address.location, error, address_advice=_URL_ADVICE)


def late(address: WhisperAddress, what: str) -> e.EngineTimeout:
    text = f"{address.location} did not answer in time{through(address.origin)}: {what}"
    return e.EngineTimeout("stt", text)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "which is no status of HTTP"


def complaint(body: bytes) -> str:
    """What an error says: an object with a message (OpenAI), a text (whisper.cpp), or `detail` (FastAPI),
    which may hold either, or a list of places in the request. Empty for a page for people."""
    text = body.decode("utf-8", "replace").strip()
    try:
        return message_of(json.loads(text))
    except (ValueError, RecursionError):
        return "" if text.startswith(("<", "{", "[")) else text


def message_of(said: Any, deep: int = _DEEPEST) -> str:
    """The words in `said`, an error that was parsed; at most `deep` levels of it are searched."""
    if not deep:
        return ""
    if isinstance(said, list):
        return "; ".join(filter(None, (message_of(each, deep - 1) for each in said)))
    if not isinstance(said, dict):
        return said if isinstance(said, str) else ""
    if isinstance(said.get("msg"), str):
        place = said.get("loc")
        where = ".".join(str(part) for part in place[1:]) if isinstance(place, list) else ""
        return f"{where}: {said['msg']}" if where else str(said["msg"])
    return next(
        filter(None, (message_of(said.get(key), deep - 1) for key in ("error", "detail", "message"))), ""
    )


def _shown(address: WhisperAddress, said: str) -> str:
    return shown(said, address.secrets, limit=_SHOWN)
