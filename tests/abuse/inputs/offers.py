"""SDP offers (RFC 8866, RFC 9429) with something wrong in them. What the right one names answers nothing: no
call comes of it, and each is hung up."""

from dataclasses import dataclass

from hypothesis import strategies as st

from .mutation import mutated, mutated_lines, odd_bytes, weighted

_FINGERPRINT = ":".join(["AB"] * 32)
_TRANSPORT = (
    "c=IN IP4 0.0.0.0",
    "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
    "a=end-of-candidates",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuvwx",
    f"a=fingerprint:sha-256 {_FINGERPRINT}",
    "a=setup:actpass",
)
OFFER = (
    *("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "a=msid-semantic:WMS *"),
    *("m=audio 9 UDP/TLS/RTP/SAVPF 96 0", "a=mid:0", "a=sendrecv", "a=rtcp-mux", "a=ssrc:1 cname:a"),
    *("a=rtpmap:96 opus/48000/2", "a=fmtp:96 useinbandfec=1", "a=rtpmap:0 PCMU/8000", *_TRANSPORT),
    *("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1", "a=sctp-port:5000"),
    *("a=max-message-size:65536", *_TRANSPORT, ""),
)

_TYPES = (
    *("application/sdp", "application/sdp; charset=utf-8", "APPLICATION/SDP", "text/plain", ""),
    "a/b" * 500,
)


@dataclass(frozen=True, slots=True)
class OfferInput:
    content: bytes
    kind: str
    """Of content, as its header has it."""


_OFFERS = mutated_lines(OFFER).map(lambda text: text.encode("utf-8", "replace"))

offers = st.builds(
    OfferInput,
    weighted((15, _OFFERS), (3, mutated(_OFFERS)), (1, st.binary(max_size=100)), (1, odd_bytes)),
    weighted((19, st.just(_TYPES[0])), (1, st.sampled_from(_TYPES))),
)
