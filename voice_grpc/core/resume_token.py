"""The token with which a caller comes back to a conversation whose line was lost.

It says by itself whose and which conversation it is and until when it is good, and is signed (HMAC-SHA256,
RFC 2104): whoever has the secret can tell without asking anybody. Of the owner it has a keyed hash alone. No
clock and no randomness is here: time is an argument, and so is the nonce that makes each token another one.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass

from .errors import Forbidden, shown

VERSION = 1
MAX_TOKEN = 512
"""Characters. Ours have less than 300: an id of 128 is the longest."""

NONCE_BYTES = 12
_OWNER_BYTES = 16
_MAC_BYTES = hashlib.sha256().digest_size
_HEAD = struct.Struct(f">BQ{NONCE_BYTES}s{_OWNER_BYTES}s")
"""Version, expiry in Unix milliseconds, nonce, and a keyed hash of the owner; the session's id follows."""


class UnusableToken(Exception):
    """It is nobody's, or good no longer; the text says which, for people."""


@dataclass(frozen=True, slots=True)
class ResumeTokens:
    """How a server makes them."""

    issue: Callable[[str, str], tuple[str, float]]
    """For a session's id and its owner: a token, and until when it is good in Unix seconds."""
    window: float
    """Seconds for which one is good."""


def issued(secret: bytes, session_id: str, owner: str, expires_at: float, nonce: bytes) -> str:
    """`expires_at`: Unix seconds."""
    head = _HEAD.pack(VERSION, round(expires_at * 1_000), nonce, _owner_hash(secret, owner))
    body = head + session_id.encode()
    return base64.urlsafe_b64encode(body + _mac(secret, body)).rstrip(b"=").decode()


def session_of(secret: bytes, token: str, owner: str, now: float) -> str:
    """The id of the session that `token` is for. Raises `UnusableToken`, and `Forbidden` for one that is good
    and somebody else's. `now`: Unix seconds."""
    body = _signed_body(secret, token)
    version, expires_at, _, owner_hash = _HEAD.unpack_from(body)
    if version != VERSION:
        raise UnusableToken("it is of another version of this server")
    if now * 1_000 >= expires_at:
        raise UnusableToken("it has expired")
    session_id = body[_HEAD.size :].decode(errors="replace")
    if not hmac.compare_digest(owner_hash, _owner_hash(secret, owner)):
        raise Forbidden(f"session {shown(session_id)} belongs to somebody else")
    return session_id


def _signed_body(secret: bytes, token: str) -> bytes:
    """Everything is looked at in the same time, but for what cannot be a token at all."""
    if len(token) > MAX_TOKEN or not token.isascii():
        raise UnusableToken("it is none of ours")
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UnusableToken("it is none of ours") from None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    is_ours = hmac.compare_digest(mac, _mac(secret, body))
    if not is_ours or len(body) <= _HEAD.size:
        raise UnusableToken("it is none of ours, or the secret (VOICE_SECRET) is another one by now")
    return body


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b"resume-token\0" + body, "sha256")


def _owner_hash(secret: bytes, owner: str) -> bytes:
    return hmac.digest(secret, b"resume-owner\0" + owner.encode(), "sha256")[:_OWNER_BYTES]
