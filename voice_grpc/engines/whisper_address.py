"""Where a Whisper server is, read from one URL; the only place that knows what in it is secret."""

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ..core.errors import EngineMissing

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "tcp": 10300}
"""10300 is Wyoming's."""

ACCEPTED = "http(s)://HOST[:PORT][/PATH], ws(s)://HOST[:PORT][/PATH] or tcp://HOST:PORT (Wyoming)"


@dataclass(frozen=True, slots=True)
class Address:
    scheme: str
    host: str
    port: int
    path: str = ""
    """Without a slash at its end."""
    query: str = ""
    authorization: str = field(default="", repr=False)
    """Value of the header; empty: none is asked for."""

    @property
    def location(self) -> str:
        """For people: without any secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}


def parse_address(url: str, key: str = "") -> Address:
    """`key` is a bearer token and wins over `user:password@` in the URL. Raises `EngineMissing`."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if host is None or parts.scheme not in PORTS:
        shown = f"a URL of the scheme {parts.scheme!r}" if parts.scheme else "no URL"
        raise EngineMissing("stt", f"WHISPER_SERVER_URL: got {shown}, accepted: {ACCEPTED}")
    authorization = f"Bearer {key}" if key else ""
    if not key and parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Address(
        parts.scheme, host, port or PORTS[parts.scheme], parts.path.rstrip("/"), parts.query, authorization
    )
