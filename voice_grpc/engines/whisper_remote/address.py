"""Where a Whisper server is, read from `WHISPER_SERVER_URL` and `WHISPER_API_KEY`: which schemes there are,
their ports, and what is told of a URL or a key that is none.

A file of its own: the engines of all protocols name its type, and `stt.py`, which reads it, imports them.
"""

from dataclasses import replace
from typing import TypeAlias

from ...core.errors import EngineMissing
from ...net.addresses import Address, parse

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "tcp": 10300}
"""10300 is Wyoming's."""

ACCEPTED = "http(s)://HOST[:PORT][/PATH], ws(s)://HOST[:PORT][/PATH] or tcp://HOST:PORT (Wyoming)"

WhisperAddress: TypeAlias = Address
"""One of a scheme of `PORTS`, whose port is always there."""


def parse_address(url: str, key: str = "") -> WhisperAddress:
    """`key` is a bearer token and wins over `user:password@` in the URL. Raises `EngineMissing`."""
    url, key = url.strip(), key.strip()
    try:
        address = parse(url, key)
    except ValueError:
        address = Address("", "")
    if not address.host or address.scheme not in PORTS or not _is_clean(url):
        shown = f"a URL of the scheme {address.scheme!r}" if address.scheme else "no URL"
        raise EngineMissing("stt", f"WHISPER_SERVER_URL: got {shown}, accepted: {ACCEPTED}")
    if not (key.isascii() and _is_clean(key)):
        raise EngineMissing("stt", "WHISPER_API_KEY: holds characters that no header can, accepted: ASCII")
    return replace(address, port=address.port or PORTS[address.scheme])


def _is_clean(text: str) -> bool:
    """Neither spaces nor control characters: they have no place in a URL, nor in a token."""
    return text.isprintable() and not any(character.isspace() for character in text)
