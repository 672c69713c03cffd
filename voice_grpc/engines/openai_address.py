"""Where a server is and how it lets us in, out of what the operator wrote as OPENAI_BASE_URL and key."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ..core.errors import EngineDenied, EngineError
from .openai_errors import BASE_ADVICE, KEY_ADVICE, missing

_VERSION = re.compile(r"/v\d\w*(/|$)")
_METHOD = re.compile(r"/(chat/completions|completions|models)$")


@dataclass(frozen=True, slots=True)
class Address:
    location: str
    """Scheme, host, port and path, without a name, a password or a query."""
    bases: tuple[str, ...]
    """What `/chat/completions` follows, the likeliest first. Most want `/v1`; some have no version."""
    query: str = field(default="", repr=False)
    """To be kept: Azure wants its `api-version` there."""
    authorization: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Never to be shown."""
    fault: str = ""

    def check(self) -> None:
        """Raises `EngineError` for what cannot be an address, or a key."""
        if error := self._error():
            raise error

    def url(self, base: int, method: str) -> str:
        return f"{self.bases[base]}{method}" + (f"?{self.query}" if self.query else "")

    def _error(self) -> EngineError | None:
        if self.fault:
            return missing(f"OPENAI_BASE_URL {self.fault}: {BASE_ADVICE}", BASE_ADVICE)
        if not (self.authorization.isascii() and self.authorization.isprintable()):
            text = "OPENAI_API_KEY holds characters that no key has"
            return EngineDenied("llm", text, advice=KEY_ADVICE)
        return None


def address(base_url: str, key: str) -> Address:
    """A key goes before a name and a password in the URL: both are said in the same header."""
    written, key = base_url.strip(), key.strip()
    if not written:
        return Address("", (), fault="is not set")
    try:
        parts = urlsplit(written if "://" in written else f"http://{written}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return Address("", (), fault="is no address")
    if parts.scheme not in ("http", "https") or not host:
        return Address("", (), fault="is no http(s) address")
    place = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{place}" + (f":{port}" if port else "")
    path = _METHOD.sub("", parts.path.rstrip("/")).rstrip("/")
    paths = (path,) if _VERSION.search(path) else (f"{path}/v1", path)
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    basic = base64.b64encode(f"{name}:{password}".encode("utf-8", "replace")).decode()
    authorization = f"Bearer {key}" if key else f"Basic {basic}" if parts.username else ""
    secrets = [key, password, parts.password or "", parts.query]
    if parts.username:
        secrets += [basic] if password else [basic, name]
    return Address(
        origin + path,
        tuple(origin + each for each in paths),
        parts.query,
        authorization,
        tuple(sorted({each for each in secrets if each}, key=len, reverse=True)),
    )
