"""What `GOOGLE_TTS_CREDENTIALS` may hold, and the tokens that come of it.

Tokens are had outside of gRPC: its own plugin would make every failure an `UNAVAILABLE`, and take a
thread a call. Nothing here repeats what the variable or the file holds.
"""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from google.auth.credentials import Credentials, TokenState
from google.auth.exceptions import GoogleAuthError

from ...core.errors import EngineMissing, EngineUnreachable
from ...process.home import expanded
from .errors import SERVICE, auth_failure

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
ACCEPTED = (
    "a path to, or itself, the JSON of a service account key, of authorized_user credentials "
    "(gcloud auth application-default login), of external_account (workload identity) or of "
    "impersonated_service_account credentials"
)

_TOKEN_SECONDS = 3.0
"""For one request to whoever gives tokens; google-auth itself would wait 120 s."""

Headers: TypeAlias = tuple[tuple[str, str], ...]


def load(given: str) -> Credentials:
    """The credentials in `given`, a path or the JSON itself. Reads files: not for the event loop. Raises
    `EngineMissing`."""
    text = given.strip()
    if not text:
        raise _unusable("it is not set")
    try:
        info = json.loads(text if text.startswith("{") else _read(text))
    except ValueError:
        raise _unusable("it is no valid JSON") from None
    kind = info.get("type") if isinstance(info, dict) else None
    loader = _LOADERS.get(kind) if isinstance(kind, str) else None
    if loader is None:
        raise _unusable(f'its JSON has no "type" that is one of {", ".join(_LOADERS)}')
    try:
        return loader(info)
    except (GoogleAuthError, ValueError, KeyError, TypeError, AttributeError):
        raise _unusable(f"its JSON is no complete {kind}: a field is missing or wrong") from None


class Tokens:
    """The headers that a call needs, refreshed in a thread when they are due.

    A token that will expire soon is still given out while the next one is fetched.
    """

    def __init__(self, credentials: Credentials, seconds: float = 2 * _TOKEN_SECONDS) -> None:
        """`seconds`: how long a call waits for its token."""
        self._credentials, self._seconds = credentials, seconds
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="google-token")
        self._refreshing: asyncio.Future[None] | None = None

    async def headers(self) -> Headers:
        """Raises `EngineDenied`, `EngineUnreachable`."""
        state = self._credentials.token_state
        if state is not TokenState.FRESH:
            refreshing = self._refresh()
            if state is TokenState.INVALID:
                await self._wait(refreshing)
        headers: dict[str, str] = {}
        self._credentials.apply(headers)  # type: ignore[no-untyped-call]
        return tuple((name.lower(), value) for name, value in headers.items())

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is sent to the service and to whoever gives tokens, and must come back in no message."""
        names = ("token", "refresh_token", "client_secret")
        found = (getattr(self._credentials, name, None) for name in names)
        return tuple(value for value in found if isinstance(value, str))

    def close(self) -> None:
        """A request that is on its way ends by itself within `_TOKEN_SECONDS`."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _refresh(self) -> "asyncio.Future[None]":
        """One at a time, whoever waits for it."""
        if self._refreshing is None or self._refreshing.done():
            loop = asyncio.get_running_loop()
            self._refreshing = loop.run_in_executor(self._pool, _refresh, self._credentials)
            self._refreshing.add_done_callback(_look)
        return self._refreshing

    async def _wait(self, refreshing: "asyncio.Future[None]") -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await asyncio.shield(refreshing)
        except TimeoutError:
            raise EngineUnreachable("tts", f"{SERVICE}: no access token within {self._seconds:g} s") from None
        except (GoogleAuthError, ValueError, OSError) as error:
            raise auth_failure(error, self.secrets) from None


def _look(refreshed: "asyncio.Future[None]") -> None:
    """A failure that nobody waited for is found again by the next call that needs the token."""
    if not refreshed.cancelled():
        refreshed.exception()


def _refresh(credentials: Credentials) -> None:
    from google.auth.transport.requests import Request

    with _closing(Request()) as request:
        credentials.refresh(partial(request, timeout=_TOKEN_SECONDS))  # type: ignore[no-untyped-call]


class _closing:
    """google-auth's `Request` leaves its session to the garbage collector."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def __enter__(self) -> Any:
        return self._request

    def __exit__(self, *_: object) -> None:
        self._request.session.close()


def _read(text: str) -> str:
    """A text that does not look like a path is not repeated: it may be a key."""
    is_pathlike = len(text) < 256 and (text.endswith(".json") or text[0] in "/.~")
    what = f"the file {text}" if is_pathlike else "what it names, which is no JSON object either,"
    try:
        return Path(expanded(text)).read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a text file"
        raise _unusable(f"{what} cannot be read ({reason})") from None


def _unusable(reason: str) -> EngineMissing:
    return EngineMissing("tts", f"GOOGLE_TTS_CREDENTIALS: {reason}; accepted: {ACCEPTED}")


def _service_account(info: dict[str, Any]) -> Credentials:
    """Signs its own tokens, without a request: google.aip.dev/auth/4111."""
    from google.oauth2 import service_account

    loader: Any = service_account.Credentials
    return _checked(loader.from_service_account_info(info, scopes=list(SCOPES), always_use_jwt_access=True))


def _authorized_user(info: dict[str, Any]) -> Credentials:
    from google.oauth2 import credentials

    loader: Any = credentials.Credentials
    return _checked(loader.from_authorized_user_info(info))


def _external_account(info: dict[str, Any]) -> Credentials:
    """Which of the three kinds: as google-auth tells them apart."""
    from google.auth import aws, identity_pool, pluggable

    module: Any = identity_pool
    if info.get("subject_token_type") == "urn:ietf:params:aws:token-type:aws4_request":
        module = aws
    elif (info.get("credential_source") or {}).get("executable") is not None:
        module = pluggable
    return _checked(module.Credentials.from_info(info, scopes=list(SCOPES)))


def _impersonated(info: dict[str, Any]) -> Credentials:
    from google.auth import impersonated_credentials

    loader: Any = impersonated_credentials.Credentials
    return _checked(loader.from_impersonated_service_account_info(info, scopes=list(SCOPES)))


def _checked(loaded: object) -> Credentials:
    """google-auth's loaders have no types."""
    assert isinstance(loaded, Credentials), "what its loaders give"
    return loaded


_LOADERS: dict[str, Callable[[dict[str, Any]], Credentials]] = {
    "service_account": _service_account,
    "authorized_user": _authorized_user,
    "external_account": _external_account,
    "impersonated_service_account": _impersonated,
}
