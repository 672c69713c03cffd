"""What goes wrong between us and somebody's HTTP server, as our errors; and how much of it is told.

What lives here: one map of httpx2's errors, one of HTTP's statuses, one way to show what others say. What
must not: the words by which one vendor tells one mistake from another (each vendor's `errors.py`).
"""

import os
import re
import socket
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime

import httpx2

from ...core.errors import (
    EngineDenied,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)
from ...net.proxy import proxy_for, through
from ...process.redaction import HIDDEN, hide

PROXY_ADVICE = "check that proxy, or let NO_PROXY name the hosts that are reached without one"
CERTIFICATE_ADVICE = "let SSL_CERT_FILE name the authority that signed it"

_SHOWN = 300
"""Characters of what others say."""

_LOOKS_SECRET = re.compile(
    r"\b(?:sk|gsk|pk|xai|hf)[-_][\w*.-]{6,}"  # OpenAI (which quotes half of a wrong one), Groq, xAI, …
    r"|AIza[\w-]{8,}|AQ\.[\w.-]{8,}|ya29\.[\w.-]+"  # Google's keys of both generations, and its tokens
    r"|eyJ[\w-]+\.[\w-]+(?:\.[\w-]+)?"  # a signed assertion (RFC 7519)
    r"|-----BEGIN.*"  # a private key (RFC 7468)
    r"|(?i:bearer\s+)\S+|(?i:basic\s+)(?=\S*[\d=+/])\S{6,}"  # RFC 6750, RFC 7617
    r"|(?<=://)[^/\s@]+@"  # a name and a password in a URL
    r"|(?<=api_key:)[^\s'\"]+|(?<=key=)[^\s&'\"]+",
    re.DOTALL,
)


def shown(text: object, secrets: Iterable[str] = (), *, limit: int = _SHOWN) -> str:
    """What others say, for people: one line of at most `limit` characters, without `secrets` however they
    are spelt, and without what looks like a key. Hidden first and cut afterwards: half of a secret would
    not be found."""
    said = hide(str(text), secrets)
    said = " ".join(_LOOKS_SECRET.sub(HIDDEN, said).split())
    return said if len(said) <= limit else f"{said[: limit - 1]}…"


def kind_of(status: int) -> type[EngineError]:
    """Whose fault an answer of HTTP `status` is that is no success (RFC 9110, 15); 402 is how servers say
    that there is no credit."""
    match status:
        case 401 | 403:
            return EngineDenied
        case 402 | 429:
            return EngineQuota
        case 404 | 405:
            return EngineMissing
        case 408 | 504:
            return EngineTimeout
        case _ if 300 <= status < 400:
            return EngineMissing
    return EngineError


def refused(
    stage: str,
    status: int,
    message: str,
    advice: Mapping[type[EngineError], str] | None = None,
    *,
    retry_after: float | None = None,
) -> EngineError:
    """`kind_of(status)` with `message`, and with the vendor's `advice` for that kind. `retry_after`: see
    `passes_after`."""
    kind = kind_of(status)
    if kind is EngineError:
        is_passing = not 400 <= status < 500
        return EngineError(
            stage, message, retryable=is_passing, retry_after=retry_after if is_passing else None
        )
    error = kind(stage, message, advice=(advice or {}).get(kind, ""))
    error.retry_after = retry_after if error.retryable else None
    return error


# ---------------------------------------------------------------- what passes, and when

_QUOTA_SECONDS, _BUSY_SECONDS = 1.0, 0.5
"""Until it is asked again, where a server only says that it passes: a limit by the minute lets go of some
requests every second; a server that has too much to do has one fewer soon."""
_BUSY_STATUSES = (500, 502, 503, 529)
"""529: overloaded, as Anthropic and who is made like it have it."""
_SPAN = re.compile(
    r"(?:try again|retry|wait)[^.\d]{0,40}?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)\s?(ms|s))",
    re.IGNORECASE,
)
"""In words, as OpenAI, Groq and Gemini say it: `Please try again in 6m0s`, `in 350ms`, `retry in 1.2s`."""


def passes_after(status: int, headers: Mapping[str, str], said: str = "") -> float | None:
    """Seconds after which a refusal of HTTP `status` may be no more, as its headers or words say, else as its
    status lets hope; None: nothing says that it passes. `headers`: their names in lower case, or whatever
    finds them in any."""
    told = _told_in_headers(headers)
    if told is None:
        told = span_in(said)
    if status == 429:
        return _QUOTA_SECONDS if told is None else told
    if status in _BUSY_STATUSES:
        return _BUSY_SECONDS if told is None else told
    return None


def span_in(said: str) -> float | None:
    """The seconds to wait that a message names; None: it names none."""
    if (found := _SPAN.search(said)) is None:
        return None
    hours, minutes, rest, unit = found.groups()
    return (
        int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest) / (1000 if unit.lower() == "ms" else 1)
    )


def _told_in_headers(headers: Mapping[str, str]) -> float | None:
    """RFC 9110, 10.2.3: seconds, or a date, which counts from the server's own; and OpenAI's milliseconds."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value := headers.get(name, "").strip()):
            return float(value) / unit
    try:
        due = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, (due - parsedate_to_datetime(headers.get("date", ""))).total_seconds())
    except (ValueError, TypeError):
        return None


def transport_error(stage: str, server: str, error: Exception, *, address_advice: str) -> EngineError:
    """What httpx2 and the system raise while `server`, as a message may name it, is asked.

    `address_advice`: where the operator says its address. Nothing of the library's own words comes
    through: they may hold anything, such as the header that could not be sent.
    """
    kind, way = type(error).__name__, _way(error)
    match error:
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            text = f"{server} has no http(s) address: {address_advice}"
            return EngineMissing(stage, text, advice=address_advice)
        case httpx2.ConnectError() if "CERTIFICATE" in str(error):
            text = f"the certificate of {server} is not trusted here"
            return EngineUnreachable(stage, text, retryable=False, advice=CERTIFICATE_ADVICE)
        case httpx2.ProxyError():
            status = re.match(r"\d{3}\b", str(error))
            why = f"which answered HTTP {status[0]}" if status else "which refused"
            return EngineUnreachable(stage, f"{server} cannot be reached{way}, {why}", advice=PROXY_ADVICE)
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            text = f"{server} cannot be reached{way} ({reason(error)})"
            return EngineUnreachable(stage, text, advice=PROXY_ADVICE if way else "")
        case httpx2.PoolTimeout():
            return EngineTimeout(stage, f"{server} did not answer in time: no connection was free")
        case TimeoutError() | httpx2.TimeoutException():
            return EngineTimeout(stage, f"{server} did not answer in time{way}")
        case httpx2.NetworkError() | httpx2.RemoteProtocolError() | OSError():
            return EngineUnreachable(stage, f"the connection to {server} broke{way} ({kind})")
    return EngineError(stage, f"{server} does not speak HTTP as it should ({kind})")


def _way(error: Exception) -> str:
    """Which proxy the request that failed went through; empty without one."""
    if not isinstance(error, httpx2.RequestError):
        return ""
    try:
        return through(str(error.request.url))
    except RuntimeError:  # it failed before there was a request
        return ""


def reason(error: BaseException) -> str:
    """The system's word for it, such as `Connection refused`, wherever in the chain of causes; else the
    name of the error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror) and cause.strerror:
            return cause.strerror
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


OPENING_ERRORS = (ImportError, OSError, ValueError, httpx2.InvalidURL)
"""What making a client raises when the environment's proxies or certificates cannot be used."""


def unopened(stage: str, server: str, url: str, error: Exception) -> EngineError:
    """One of `OPENING_ERRORS`, raised while a client for `url` was opened."""
    proxy = proxy_for(url)
    if proxy is not None and not isinstance(error, OSError):  # which is of the certificates
        text = f"{server} cannot be reached: {proxy} cannot be used, accepted: http://HOST:PORT"
        return EngineUnreachable(stage, text, retryable=False, advice=PROXY_ADVICE)
    text = f"no HTTP client for {server} ({type(error).__name__})"
    return EngineUnreachable(stage, text, retryable=False, advice="check SSL_CERT_FILE")
