"""Calls of every method of the contract: messages of it in any order, mutated ones, bytes that are none, and
odd metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from voice_grpc.pb import voice_pb2 as pb

from ..attacked import STRANGER
from .messages import messages
from .mutation import mutated, odd_bytes, weighted

METHODS = pb.DESCRIPTOR.services_by_name["VoiceService"].methods_by_name

Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class CallInput:
    method: str
    metadata: Metadata
    messages: tuple[bytes, ...]
    """One, where the method takes no more."""
    leaves: bool
    """Cancels at once, instead of waiting to be answered."""


def _deep(levels: int) -> bytes:
    """A tool with objects in objects as its parameters: beyond 100 messages it is written and never read."""
    nested: dict[str, Any] = reduce(lambda inner, _: {"a": inner}, range(levels), {})
    given = {"config": {"tools": [{"name": "deep", "parameters": nested}]}}
    return ParseDict(given, pb.ConverseRequest(), max_recursion_depth=1_000).SerializeToString()


NO_MESSAGES = st.one_of(odd_bytes, st.binary(max_size=60), st.sampled_from([_deep(60), b"\xff" * 300_000]))
"""Most are none; the last is longer than a server takes."""

# ---------------------------------------------------------------- Converse

_FORMATS = st.builds(
    pb.AudioFormat,
    encoding=st.sampled_from([number for number in pb.AudioEncoding.values() if number]),
    sample_rate_hz=st.sampled_from([8_000, 16_000, 24_000, 48_000]),
    channels=st.sampled_from([1, 2]),
)

CONFIGS: SearchStrategy[Message] = st.builds(
    pb.SessionConfig,
    session_id=st.sampled_from(["", "", "mine", "other"]),
    input_audio=st.one_of(st.none(), _FORMATS),
    output_audio=st.one_of(st.none(), _FORMATS),
    language_codes=st.sampled_from([[], ["en"], ["de", "en"]]),
    greeting=st.sampled_from(["", "Good day."]),
    capabilities=st.builds(pb.ClientCapabilities, playback_reports=st.booleans(), half_duplex=st.booleans()),
    turn_detection=st.builds(
        pb.TurnDetection,
        mode=st.sampled_from([1, 2]),
        profile=st.sampled_from([1, 2, 3]),
        speculation=st.sampled_from([0, 1, 2, 3, 4]),
    ),
)
"""That are taken."""

_ARMS: Mapping[str, type[Message]] = {
    arm.name: GetMessageClass(arm.message_type)  # type: ignore[arg-type] # two stubs of one class
    for arm in pb.ConverseRequest.DESCRIPTOR.oneofs_by_name["payload"].fields
}

_TURNS = st.integers(0, 4)
_SENSIBLE: Mapping[str, SearchStrategy[Message]] = {
    "text": st.builds(pb.TextInput, text=st.just("Hello?"), interrupt=st.booleans(), text_only=st.booleans()),
    "say": st.builds(pb.Say, text=st.just("Your taxi is here."), interruptible=st.booleans()),
    "activity": st.builds(pb.UserActivity, kind=st.sampled_from([1, 2, 3])),
    "interrupt": st.builds(pb.Interrupt, turn=_TURNS),
    "audio": st.builds(pb.AudioInput, data=st.sampled_from([bytes(640), b"\0\x30" * 320, b"\0\x30" * 8_000])),
    "playback": st.builds(
        pb.PlaybackReport,
        turn=_TURNS,
        state=st.sampled_from([1, 2, 3, 4]),
        played_samples=st.integers(0, 9**6),
    ),
    "config_update": st.builds(pb.ConfigUpdate, config=CONFIGS),
}
"""What is understood, so that something happens while the rest comes."""


@st.composite
def _request(draw: st.DrawFn) -> bytes:
    """Anything but a second config and the end."""
    arm = draw(st.sampled_from(sorted(set(_ARMS) - {"config", "end_session"})))
    is_sensible = arm in _SENSIBLE and draw(st.booleans())
    made = draw(_SENSIBLE[arm] if is_sensible else messages(_ARMS[arm]))
    request = pb.ConverseRequest(seq=draw(st.sampled_from((0, 1, 2**64 - 1))))
    getattr(request, arm).SetInParent()
    getattr(request, arm).CopyFrom(made)
    return request.SerializeToString()


def _first(config: Message) -> bytes:
    return pb.ConverseRequest(config=config).SerializeToString()  # type: ignore[arg-type] # it is one


REQUESTS = _request()
FIRSTS: SearchStrategy[bytes] = weighted(
    (16, CONFIGS.map(_first)),
    (1, messages(pb.SessionConfig).map(_first)),
    (1, mutated(CONFIGS.map(_first))),
    (1, messages(pb.ConverseRequest).map(lambda message: message.SerializeToString())),
    (1, NO_MESSAGES),
)
"""Most are right: there is more behind them."""

LASTS: SearchStrategy[bytes | None] = weighted(
    (6, st.none()),
    (1, mutated(REQUESTS)),
    (1, NO_MESSAGES),
    (1, CONFIGS.map(_first)),
    (1, st.just(pb.ConverseRequest(end_session=pb.EndSession()).SerializeToString())),
)
"""What ends a stream, where it is not left or heard out."""


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, ...]:
    """All that is sent in one stream of Converse."""
    last = draw(LASTS)
    return (draw(FIRSTS), *draw(st.lists(REQUESTS, max_size=20)), *([] if last is None else [last]))


# ---------------------------------------------------------------- everything

_TOKENS = (
    *("", "Bearer", "Bearer ", "Bearer nobody", "bearer stranger", "Basic c3RyYW5nZXI="),
    "Bearer " + "a" * 5_000,
)
_ODD_METADATA: SearchStrategy[Metadata] = st.one_of(
    st.sampled_from(_TOKENS).map(lambda token: (("authorization", token),)),
    st.sampled_from(_TOKENS).map(lambda token: (("authorization", token), *STRANGER.metadata)),
    st.sampled_from(["1.2.3.4", "999.1", "::1, 1.2.3.4", ",,,", "unix:/x", "a" * 4_000]).map(
        lambda address: (*STRANGER.metadata, ("x-forwarded-for", address))
    ),
    st.sampled_from([b"", b"\0\xff", b"\r\n" * 50]).map(
        lambda value: (*STRANGER.metadata, ("odd-bin", value))
    ),
    st.just((*STRANGER.metadata, ("odd", "a" * 12_000))),
)


@st.composite
def calls(draw: st.DrawFn) -> CallInput:
    """Half of them Converse."""
    method = METHODS[draw(weighted((1, st.just("Converse")), (1, st.sampled_from(sorted(METHODS)))))]
    one = messages(GetMessageClass(method.input_type)).map(lambda message: message.SerializeToString())
    if method.name == "Converse":
        given = draw(conversations())
    elif method.client_streaming:
        given = tuple(draw(st.lists(weighted((20, one), (1, mutated(one)), (1, NO_MESSAGES)), max_size=12)))
    else:
        given = (draw(weighted((2, one), (1, mutated(one)), (1, NO_MESSAGES))),)
    metadata = draw(weighted((9, st.just(STRANGER.metadata)), (1, _ODD_METADATA)))
    return CallInput(method.name, metadata, given, draw(st.sampled_from((False, False, False, True))))
