"""What comes at an HTTP port: requests that are almost right, bodies in chunks that are not, and noise."""

from dataclasses import dataclass

from hypothesis import strategies as st

from .mutation import cut_up, mutated, odd_texts, weighted
from .offers import OFFER

_METHODS = (
    *("GET", "GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "CONNECT", "PRI", "get", "", "G\0T"),
    "X" * 300,
)
_TARGETS = (
    *("/", "/health", "/v1/info", "/v1/ws", "/v1/webrtc", "/v1/webrtc/x", "/v1/sessions/x", "/web/app.js"),
    *("/web/", "/web/../settings.py", "/web/%2e%2e/settings.py", "//web//app.js", "/web/%00"),
    *("/v1/sessions/%ff", "/v1/sessions/..", "*", "http://a.example/health", "health", "/é"),
    *("/" + "a" * 20_000, "/?" + "a=1&" * 500),
)
_VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP/1", "", "ICY")
_HEADERS = (
    *("Host: localhost", "Host: localhost", "Host: 127.0.0.1:1", "Host: evil.example", "Host: [", "Host:"),
    *("Origin: http://[", "Origin: null", "Origin: http://localhost", "Authorization: Bearer stranger"),
    *("Authorization: Bearer \u00e9", "Authorization: Bearer", "Content-Type: application/sdp"),
    *("Content-Length: 5", "Content-Length: 0", "Content-Length: -1", "Content-Length: 99999999999999999999"),
    *("Content-Length: 5, 6", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked"),
    *("Transfer-Encoding: x", "Expect: 100-continue", "Connection: close", "Connection: keep-alive, Upgrade"),
    *("Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 99", "Range: bytes=-1,5-,a"),
    *("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Key: a", "Sec-WebSocket-Protocol: ,,"),
    *(
        "Sec-WebSocket-Protocol: voice.v1.json, bearer.stranger",
        'Sec-WebSocket-Extensions: a; b="',
        " folded",
    ),
    *('If-None-Match: "', "If-Modified-Since: never", "X-Forwarded-For: 1.2.3.4, x", "no colon", ": empty"),
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    *("A: " + "b" * 17_000, "Cookie: \0", "Upgrade: h2c", "Access-Control-Request-Method: POST"),
)
_BODIES = (
    *(b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"),
    b"FFFFFFFFFFFFFFFFF\r\n",
    *(b"-1\r\n", b"5\r\nhel", b"zz\r\nhello\r\n", b"0\r\n\r\n" * 3, b"1\r\na\r\n" * 2_000, bytes(70_000)),
    *("\r\n".join(OFFER).encode(), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
)


@dataclass(frozen=True, slots=True)
class RawInput:
    pieces: tuple[bytes, ...]
    """Each in a write of its own."""
    leaves: bool
    """In the middle, instead of waiting for an answer."""


@st.composite
def _request(draw: st.DrawFn) -> bytes:
    line = " ".join(draw(st.sampled_from(each)) for each in (_METHODS, _TARGETS, _VERSIONS))
    headers = draw(st.lists(st.sampled_from(_HEADERS), max_size=7))
    if draw(st.booleans()):
        headers.insert(0, "Host: localhost")
    if draw(st.integers(0, 9)) == 0:
        headers.append(f"X-Odd: {draw(odd_texts)}")
    end = draw(st.sampled_from(("\r\n", "\r\n", "\r\n", "\n", "\r")))
    return end.join([line, *headers, "", ""]).encode() + draw(st.sampled_from(_BODIES))


_NOISE = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3" + bytes(200),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\r\n" * 500,
        ]
    ),
)
"""Among it a TLS hello, and the preface of HTTP/2."""

raw_requests = st.builds(
    RawInput,
    cut_up(weighted((6, _request()), (2, mutated(_request())), (1, _NOISE))),
    st.sampled_from((False, False, True)),
)
