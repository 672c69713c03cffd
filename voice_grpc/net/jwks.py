"""The public keys by which JSON Web Tokens are checked: a JWK Set (RFC 7517), in a file or at a URL.

What lives here: which keys count, where they come from and how long they stay. What must not: what a token
says (`json_web_token.py`).

A set at a URL is fetched in a thread, at the start, every `REFRESH_SECONDS`, and when a token names a key
that is not there: its issuer may have a new one. Anybody can name one, so that this happens once in
`UNKNOWN_KEY_SECONDS` at most, by one fetch for all who wait. What cannot be fetched leaves the keys that are
here in use, and the log says so once.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ..process.beside import beside
from ..process.reloaded import LARGEST_FILE, OperatorFile, Reloaded, kept_fresh
from .proxy import proxy_for

log = logging.getLogger(__name__)

ALGORITHMS: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", ("",))),
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
}
"""By the name in a token's head: kind and curves of its keys (RFC 7518 §3.1, RFC 8037 §3.1). None without a
signature, and none with a secret that whoever checks could sign with as well."""

LEAST_RSA_BITS = 2_048
"""RFC 7518 §3.3."""

_PUBLIC = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
"""What is read of a key: of one that is private, no more than its public part."""

MOST_KEYS = 100
"""Issuers have two or three, and some of those of large clouds a dozen."""

FETCH_SECONDS = 5.0
REFRESH_SECONDS = 300.0
"""How long a key that its issuer has withdrawn still counts."""
UNKNOWN_KEY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class VerificationKey:
    id: str
    """`kid`; empty: it has none."""
    kind: str
    curve: str
    algorithm: str
    """The only one that it is for; empty: any that it fits."""
    public: Any
    """As `cryptography` has it."""

    def fits(self, algorithm: str) -> bool:
        kind, curves = ALGORITHMS[algorithm]
        return self.kind == kind and self.curve in curves and self.algorithm in ("", algorithm)


Keys: TypeAlias = tuple[VerificationKey, ...]


def read_keys(content: bytes) -> Keys:
    """Those that are for signatures and fit an algorithm of `ALGORITHMS`. Raises `ValueError` where there is
    none, which repeats nothing of the content. Needs PyJWT."""
    try:
        listed = json.loads(content)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("it is no JWK Set, which is JSON with a list of `keys`") from None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError(f"its `keys` are no list of {MOST_KEYS} at most")
    keys = tuple(_readable(listed))
    if not keys:
        raise ValueError(f"none of its {len(listed)} keys is a public key for {', '.join(ALGORITHMS)}")
    return keys


def _readable(listed: Sequence[object]) -> Iterator[VerificationKey]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
    from jwt.exceptions import InvalidKeyError

    readers: dict[str, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
    for given in listed:
        if not isinstance(given, dict) or given.get("use", "sig") != "sig":
            continue
        kind = given.get("kty")
        names = _PUBLIC.get(kind, ()) if isinstance(kind, str) else ()
        algorithm, operations = given.get("alg", ""), given.get("key_ops", ["verify"])
        is_for_signatures = isinstance(operations, list) and "verify" in operations
        if not names or algorithm not in ("", *ALGORITHMS) or not is_for_signatures:
            continue
        try:
            public = readers[str(kind)].from_jwk({name: given[name] for name in names})
        except (InvalidKeyError, UnsupportedAlgorithm, KeyError, ValueError, TypeError):
            continue
        if kind == "RSA" and public.key_size < LEAST_RSA_BITS:
            continue
        yield VerificationKey(str(given.get("kid", "")), str(kind), given.get("crv", ""), algorithm, public)


def chosen(keys: Keys, id: str, algorithm: str) -> VerificationKey | None:
    """The one that a token means. One that names none means the only one that fits."""
    fitting = [key for key in keys if key.fits(algorithm) and (not id or key.id == id)]
    return fitting[0] if len(fitting) == 1 else None


class KeySource(Protocol):
    @property
    def keys(self) -> Keys: ...

    async def asked_again(self) -> bool:
        """Of a key that is not there: whether `keys` may be others now."""
        ...

    def kept(self) -> Any:
        """A context manager, in whose block the keys stay current."""
        ...


class KeyFile:
    """Read again when it changes, within `reloaded.LOOK_SECONDS`."""

    def __init__(self, path: Path, option: str) -> None:
        """Blocks: it reads the file. Raises `BadField`."""
        file = OperatorFile(path, option, "a URL, or a file, of a JWK Set with public keys (RFC 7517)")

        def read() -> Keys:
            try:
                return read_keys(file.read())
            except ValueError as error:
                raise file.wrong(str(error)) from None

        self.reloaded = Reloaded([path], read)

    @property
    def keys(self) -> Keys:
        return self.reloaded.value

    async def asked_again(self) -> bool:
        return await asyncio.to_thread(self.reloaded.look)

    def kept(self) -> Any:
        return kept_fresh(self.reloaded)


class KeyUrl:
    """`keys` is empty until they could be fetched for the first time."""

    def __init__(
        self, url: str, fetch: Callable[[str], Keys] | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`fetch` blocks, and raises `ValueError` that says why it failed."""
        self.url, self._fetch, self._now = url, fetch or fetched, now
        self.keys: Keys = ()
        self._asked_at: float | None = None
        """When it was last asked for a key that was not there, by `now`."""
        self._asking = asyncio.Lock()
        self._is_told = False
        """The log has been told that they cannot be fetched."""

    async def refresh(self) -> None:
        """Fetches them, and tells the log where that fails."""
        async with self._asking:
            await self._ask()

    async def asked_again(self) -> bool:
        since = self._now()
        async with self._asking:  # whoever waited here has had the fetch of the one before
            if self._asked_at is not None and self._asked_at >= since:
                return True
            if self._asked_at is not None and since - self._asked_at < UNKNOWN_KEY_SECONDS:
                return False
            self._asked_at = self._now()
            return await self._ask()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        async with beside(self._refresh_again(), "jwks"):
            yield

    async def _refresh_again(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self.refresh()

    async def _ask(self) -> bool:
        try:
            self.keys = await asyncio.to_thread(self._fetch, self.url)
        except ValueError as error:
            if not self._is_told:
                stays = "those that are here stay in use" if self.keys else "no JWT is let in until they can"
                log.warning("the keys of %s cannot be fetched: %s; %s", self.url, error, stays)
            self._is_told = True
            return False
        if self._is_told:
            log.info("the keys of %s are there again", self.url)
        self._is_told = False
        return True


def fetched(url: str) -> Keys:
    """Blocks, for `FETCH_SECONDS` at most. Follows nobody to another address. Raises `ValueError`.

    With an event loop of its own, since the time limits of HTTP clients are those of single reads: one that
    sends a byte every second would hold the thread, and all who wait for the keys, for as long as it likes.
    """
    import httpx2

    proxy = proxy_for(url)
    client = httpx2.AsyncClient(
        timeout=None,
        proxy=proxy.url if proxy else None,
        trust_env=False,
        verify=httpx2.create_ssl_context(),
    )
    try:
        return read_keys(asyncio.run(_content(client, url)))
    except TimeoutError:
        raise ValueError(f"no whole answer within {FETCH_SECONDS:g} s") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


async def _content(client: "httpx2.AsyncClient", url: str) -> bytes:  # type: ignore[name-defined] # noqa: F821
    """Closes the client. Raises `TimeoutError`, `ValueError` and what HTTP does."""
    content = b""
    async with (
        asyncio.timeout(FETCH_SECONDS),
        client,
        client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response,
    ):
        if response.status_code != HTTPStatus.OK:
            raise ValueError(f"it answers with the status {response.status_code}")
        async for piece in response.aiter_raw():  # as it came: an encoding may make much of little
            content += piece
            if len(content) > LARGEST_FILE:
                raise ValueError(f"it has more than {LARGEST_FILE} bytes")
    return content
