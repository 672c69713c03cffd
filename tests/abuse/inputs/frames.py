"""Frames of a browser's socket in its three dialects: of the contract, of another dialect, mutated, none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import Error, MessageToJson
from google.protobuf.message import DecodeError
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gateway.dialects.proto_json import HEADER, VERSION
from gateway.dialects.proto_json import NAME as JSON
from gateway.dialects.simple import KEYS, TYPES
from voice_grpc.pb import voice_pb2 as pb

from .calls import FIRSTS, NO_MESSAGES, REQUESTS
from .mutation import mutated, odd_bytes, odd_texts, weighted

PROTO, SIMPLE = "voice.v1.proto", ""
HALF = '"\\ud800"'
"""Half of a surrogate pair, as JSON can spell it."""


@dataclass(frozen=True, slots=True)
class WebSocketFrame:
    content: bytes
    is_text: bool
    """Its content may be no UTF-8 all the same."""


@dataclass(frozen=True, slots=True)
class SocketInput:
    subprotocol: str
    """Empty: none is offered."""
    frames: tuple[WebSocketFrame, ...]
    leaves: bool
    """Without a word, instead of waiting to be answered."""


def _text(content: str) -> WebSocketFrame:
    return WebSocketFrame(content.encode("utf-8", "surrogatepass"), is_text=True)


def _binary(content: bytes) -> WebSocketFrame:
    return WebSocketFrame(content, is_text=False)


# ---------------------------------------------------------------- no dialect at all

_VALUES: SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd_texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(odd_texts, inner, max_size=3)),
    max_leaves=6,
)
_ODD_JSON = st.one_of(
    _VALUES.map(json.dumps),
    st.sampled_from(
        [
            *("[" * 20_000, '{"a":' * 20_000, "1" * 5_000, "[]", "null", '"', "{", HALF),
            *(f"{{{HALF}: 1}}", f'{{"type": {HALF}}}', f'{{"config": {{"instructions": {HALF}}}}}'),
            '{"config": {}, "text": {}}',
            *('{"config": 1}', '{"config": {"sessionId": 1e400}}', '{"type": "start", "token": 1}'),
        ]
    ),
)
_ODD_FRAMES = st.one_of(
    _ODD_JSON.map(_text),
    odd_texts.map(_text),
    odd_bytes.map(lambda content: WebSocketFrame(content, is_text=True)),
    NO_MESSAGES.filter(lambda content: len(content) < 1_000).map(_binary),
    st.sampled_from([_binary(bytes(262_144)), _binary(bytes(262_145)), _text("a" * 100_000)]),
)

# ---------------------------------------------------------------- each dialect


def _as_json(content: bytes) -> str:
    """A request as JSON, and `{}` for what cannot be said in it."""
    try:
        return MessageToJson(pb.ConverseRequest.FromString(content), indent=None)
    except (DecodeError, Error):
        return "{}"


@st.composite
def _start(draw: st.DrawFn) -> str:
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=3, unique=True))
    rates = st.sampled_from([8_000, 16_000, 48_000, 44_100, True])
    given = {key: draw(rates if key.endswith("rate") else odd_texts) for key in keys if key != "token"}
    return json.dumps({"type": "start", **given})


@st.composite
def _said(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(sorted(set(TYPES) - {"stop"})))
    more = {"text": draw(odd_texts)} if kind == "text" else {"ms": draw(st.sampled_from([0, 1.5, 1e9, -1]))}
    return json.dumps({"type": kind, **more})


_SOUND = st.sampled_from([bytes(640), b"\0\x30" * 320, b"\1"])
_HEADERS = st.builds(
    lambda version, flags, offset: HEADER.pack(version, flags, 0, 0, 0, 0, offset),
    st.sampled_from([VERSION, VERSION, 0, 255]),
    st.integers(0, 7),
    st.sampled_from([0, 320, 2**64 - 1]),
)
_JSON_REQUESTS = REQUESTS.map(_as_json)


def _mutated_text(texts: SearchStrategy[str]) -> SearchStrategy[WebSocketFrame]:
    encoded = texts.map(lambda text: text.encode())
    return mutated(encoded).map(lambda content: WebSocketFrame(content, is_text=True))


_FIRST: Mapping[str, SearchStrategy[WebSocketFrame]] = {
    PROTO: FIRSTS.filter(lambda content: len(content) < 100_000).map(_binary),
    JSON: FIRSTS.map(_as_json).map(_text),
    SIMPLE: _start().map(_text),
}
_LATER: Mapping[str, SearchStrategy[WebSocketFrame]] = {
    PROTO: REQUESTS.map(_binary),
    JSON: st.one_of(
        _JSON_REQUESTS.map(_text), st.builds(lambda head, sound: _binary(head + sound), _HEADERS, _SOUND)
    ),
    SIMPLE: st.one_of(_said().map(_text), _SOUND.map(_binary)),
}
_MUTATED: Mapping[str, SearchStrategy[WebSocketFrame]] = {
    PROTO: mutated(REQUESTS).map(_binary),
    JSON: _mutated_text(_JSON_REQUESTS),
    SIMPLE: _mutated_text(_said()),
}


def _opened(subprotocol: str) -> WebSocketFrame:
    """As it should be."""
    match subprotocol:
        case "voice.v1.proto":
            return _binary(pb.ConverseRequest(config=pb.SessionConfig()).SerializeToString())
        case "voice.v1.json":
            return _text('{"config": {}}')
    return _text('{"type": "start"}')


@st.composite
def sockets(draw: st.DrawFn) -> SocketInput:
    """One in three begins with something else than a start."""
    subprotocol = draw(st.sampled_from([PROTO, JSON, SIMPLE]))
    first = weighted((3, st.just(_opened(subprotocol))), (2, _FIRST[subprotocol]), (1, _ODD_FRAMES))
    later = draw(st.lists(_LATER[subprotocol], max_size=12))
    last = draw(weighted((2, st.none()), (1, _MUTATED[subprotocol]), (1, _ODD_FRAMES)))
    frames = (draw(first), *later, *([] if last is None else [last]))
    return SocketInput(subprotocol, frames, draw(st.sampled_from((False, False, False, True))))


WRONG: Mapping[str, WebSocketFrame] = {
    PROTO: _text("the end"),
    JSON: _binary(b""),
    SIMPLE: _text('{"type": "the end"}'),
}
"""A frame that ends a socket of each dialect for certain."""
