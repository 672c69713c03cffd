"""Where a Whisper server is, read from one URL; the only place that knows what in it is secret."""

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ...core.errors import EngineMissing

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "tcp": 10300}
"""10300 is Wyoming's."""

ACCEPTED = "http(s)://HOST[:PORT][/PATH], ws(s)://HOST[:PORT][/PATH] or tcp://HOST:PORT (Wyoming)"

HIDDEN = "…"
_SHORTEST = 4
"""Characters: what is shorter would be found in the middle of words."""


@dataclass(frozen=True, slots=True)
class WhisperAddress:
    scheme: str
    host: str
    port: int
    path: str = ""
    """Without a slash at its end."""
    query: str = field(default="", repr=False)
    """May hold a token."""
    authorization: str = field(default="", repr=False)
    """Value of the header; empty: none is asked for."""

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def location(self) -> str:
        """For people: without any secret."""
        return f"{self.origin}{self.path}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}

    def hide(self, text: str) -> str:
        """`text` without what is secret here: a server may repeat it in its error."""
        for secret in self._secrets():
            text = text.replace(secret, HIDDEN)
        return text

    def _secrets(self) -> list[str]:
        """The longest first."""
        kind, _, value = self.authorization.partition(" ")
        found = {value}
        for part in self.query.split("&"):
            written = part.partition("=")[2]
            found |= {written, unquote(written)}
        if kind == "Basic":
            pair = base64.b64decode(value).decode()
            name, _, password = pair.partition(":")
            found |= {pair, password} if password else {name}
        return sorted((each for each in found if len(each) >= _SHORTEST), key=len, reverse=True)


def parse_address(url: str, key: str = "") -> WhisperAddress:
    """`key` is a bearer token and wins over `user:password@` in the URL. Raises `EngineMissing`."""
    url, key = url.strip(), key.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in PORTS or not _is_clean(url):
        shown = f"a URL of the scheme {parts.scheme!r}" if parts.scheme else "no URL"
        raise EngineMissing("stt", f"WHISPER_SERVER_URL: got {shown}, accepted: {ACCEPTED}")
    if not (key.isascii() and _is_clean(key)):
        raise EngineMissing("stt", "WHISPER_API_KEY: holds characters that no header can, accepted: ASCII")
    authorization = f"Bearer {key}" if key else ""
    if not key and parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return WhisperAddress(
        parts.scheme, host, port or PORTS[parts.scheme], parts.path.rstrip("/"), parts.query, authorization
    )


def _is_clean(text: str) -> bool:
    """Neither spaces nor control characters: they have no place in a URL, nor in a token."""
    return text.isprintable() and not any(character.isspace() for character in text)
