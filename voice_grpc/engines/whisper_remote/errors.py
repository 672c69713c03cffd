"""What a Whisper server, its HTTP and the network say when something is wrong, as our errors.

Of what others say only the server's own message comes through, short and without our secrets.
"""

import json
import os
import re
import socket
from http import HTTPStatus
from typing import Any

import httpx2

from ...core import errors as e
from .address import WhisperAddress

_SHOWN = 160
"""Characters of what a server says that are passed on."""

_DEEPEST = 5
"""Levels of an error that are searched for its message: FastAPI's round OpenAI's has four."""

_KEY_ADVICE = "set WHISPER_API_KEY, or user:password@ in WHISPER_SERVER_URL, to what that server accepts"
_PLACE_ADVICE = "check the path of WHISPER_SERVER_URL, WHISPER_PROTOCOL and WHISPER_SERVER_MODEL"
_LOG_ADVICE = "see the log of the Whisper server"
_CERTIFICATE_ADVICE = "let SSL_CERT_FILE name the authority that signed it"


BUSY = (502, 503, 504)


class Busy(e.EngineUnreachable):
    """`BUSY`: it, or a proxy before it, says that it still loads its model, or has too much to do."""

    advice = "wait until it has loaded its model, or give it more room"


class Throttled(e.EngineQuota):
    """`again`: seconds after which it may be asked again, as it says; 0: it does not."""

    def __init__(self, message: str, again: float) -> None:
        super().__init__("stt", message)
        self.again = again


class TooLong(e.EngineError):
    """It takes no file of this size."""


class BadAnswer(Exception):
    """An answer that began well and is no transcript. `said`: by the server, as it came."""

    def __init__(self, what: str, said: str = "", *, is_cut: bool = False) -> None:
        super().__init__(what)
        self.said, self.is_cut = said, is_cut


def missing(message: str, advice: str = _PLACE_ADVICE) -> e.EngineMissing:
    error = e.EngineMissing("stt", message)
    error.advice = advice
    return error


def refusal(address: WhisperAddress, status: int, body: bytes, retry_after: str = "") -> e.EngineError:
    """Of an answer that is no 200."""
    where, said = address.location, _shown(address, complaint(body))
    text = f"{where} answered {status}" + (f": {said}" if said else f" ({_phrase(status)})")
    match status:
        case 401 | 403:
            text = f"{where} refused the credentials ({status})"
            return e.EngineDenied("stt", text, advice=_KEY_ADVICE)
        case 402 | 429:
            again = float(retry_after) if re.fullmatch(r"\d{1,6}(\.\d+)?", retry_after) else 0.0
            return Throttled(f"{text}; to be asked again in {again:g} s" if again else text, again)
        case 404 | 405 | 501:
            return missing(f"{text}; check WHISPER_PROTOCOL, the path and the model")
        case 413:
            return TooLong("stt", f"{text}; the file is too large for it", retryable=False)
        case _ if 300 <= status < 400:
            return missing(
                f"{where} is somewhere else now ({status})", "set WHISPER_SERVER_URL to where it is"
            )
        case _ if status >= 500:
            return (
                Busy("stt", text) if status in BUSY else e.EngineUnreachable("stt", text, advice=_LOG_ADVICE)
            )
    return e.EngineError("stt", text, retryable=status == HTTPStatus.REQUEST_TIMEOUT)


def bad_answer(address: WhisperAddress, error: BadAnswer) -> e.EngineError:
    text = f"{address.location} {error}"
    if error.is_cut:
        return e.EngineUnreachable("stt", text)
    shown = _shown(address, error.said)
    advice = "check that WHISPER_SERVER_URL is a Whisper server, and see its log"
    return e.EngineError("stt", f"{text}: {shown}" if shown else text, advice=advice)


def unreachable(address: WhisperAddress, error: Exception) -> e.EngineError:
    """Of what httpx2 raises."""
    where, kind = address.location, type(error).__name__
    match error:
        case httpx2.PoolTimeout():
            return late(address, "no connection was free")
        case httpx2.TimeoutException():
            return late(address, "no connection was made")
        case httpx2.ConnectError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
            text = f"the certificate of {where} is not trusted here"
            return e.EngineUnreachable("stt", text, retryable=False, advice=_CERTIFICATE_ADVICE)
        case httpx2.ConnectError() | httpx2.ProxyError():
            return e.EngineUnreachable("stt", f"{where} cannot be reached ({_reason(error)})")
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            return missing(f"{where} is no address of a server", "check WHISPER_SERVER_URL")
        case httpx2.NetworkError() | httpx2.RemoteProtocolError():
            return e.EngineUnreachable("stt", f"the connection to {where} broke ({kind})")
    return e.EngineError("stt", f"{where} does not speak HTTP as it should ({kind})")


def late(address: WhisperAddress, what: str) -> e.EngineTimeout:
    return e.EngineTimeout("stt", f"{address.location} did not answer in time: {what}")


def _reason(error: BaseException) -> str:
    """Of the system, such as `Connection refused`: the library's own words may hold anything."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror) and cause.strerror:
            return cause.strerror
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "which is no status of HTTP"


# ------------------------------------------------------------ what it says


def complaint(body: bytes) -> str:
    """What an error says: an object with a message (OpenAI), a text (whisper.cpp), or `detail` (FastAPI),
    which may hold either, or a list of places in the request. Empty for a page for people."""
    text = body.decode("utf-8", "replace").strip()
    try:
        return message_of(json.loads(text))
    except (ValueError, RecursionError):
        return "" if text.startswith(("<", "{", "[")) else text


def message_of(said: Any, deep: int = _DEEPEST) -> str:
    """Of an error that was read already."""
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
    """Hidden first and cut afterwards: half of a secret would not be found."""
    return " ".join(address.hide(said).split())[:_SHOWN]
