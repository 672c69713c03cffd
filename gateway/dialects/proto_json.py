"""`voice.v1.json`: proto3 JSON in text frames, sound in binary ones.

The first text frame holds `config`, and may hold `authorization` ("Bearer …") beside it. An end that is
an error is told as `{"error": {"code", "reason", "message", "field"}}` before the close.

A binary frame is a header of 24 bytes, little-endian, and then the sound in the declared encoding:

     0 u8  version, 1                      4 u32 turn
     1 u8  flags: 1 is_last,               8 u32 chunk_index
           2 offset_samples counts,       12 u32 duration_samples
           4 discontinuity                16 u64 offset_samples
           8 seq counts                   24     sound
     2 u16 segment_index

Upwards only the flags 2, 4 and 8 and offset_samples count, and with the flag 8 the four bytes of chunk_index,
which are the request's `seq` then; the rest is 0 or ignored.
"""

import json
import re
import struct

from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import DecodeError

from voice_grpc.net.bearer import bearer_token
from voice_grpc.pb import voice_pb2 as pb

from ..close_codes import CloseReason, bad_message
from .dialect import Frame, OpeningFrame

NAME = "voice.v1.json"

MAX_LEVELS = 24
"""Objects and lists in one another, of a schema or a result, that the server takes. What is much deeper can
be written as protobuf, and is read by nobody: it is told here."""

_NESTED, _STEPS = (".parameters", ".result"), 5
"""How the paths of the fields end that hold any JSON object, and of how many steps they are at most."""

_SURROGATE = re.compile("[\ud800-\udfff]")

HEADER = struct.Struct("<BBHIIIQ")
VERSION = 1
IS_LAST, HAS_OFFSET, DISCONTINUITY, HAS_SEQ = 1, 2, 4, 8


def read_sound(frame: bytes) -> pb.ConverseRequest:
    """What a binary frame holds. Raises `Refused`."""
    if len(frame) < HEADER.size or frame[0] != VERSION:
        got = f"{len(frame)} bytes" + (f" of version {frame[0]}" if frame else "")
        raise bad_message(
            f"audio: got {got}, accepted: a header of 24 bytes of version 1, then sound", "audio"
        )
    _, flags, _, _, seq, _, offset = HEADER.unpack_from(frame)
    audio = pb.AudioInput(data=frame[HEADER.size :], discontinuity=bool(flags & DISCONTINUITY))
    if flags & HAS_OFFSET:
        audio.offset_samples = offset
    return pb.ConverseRequest(seq=seq if flags & HAS_SEQ else 0, audio=audio)


def sound_frame(turn: int, audio: pb.AudioOutput) -> bytes:
    flags = HAS_OFFSET | (IS_LAST if audio.is_last else 0)
    place = (min(audio.segment_index, 0xFFFF), turn, audio.chunk_index, audio.duration_samples)
    return HEADER.pack(VERSION, flags, *place, audio.offset_samples) + audio.data


class JsonDialect:
    """Text for everything but sound."""

    def first(self, frame: Frame) -> OpeningFrame:
        if isinstance(frame, bytes):
            raise bad_message('config: got sound, accepted: {"config": {…}} as the first frame', "config")
        given = parsed(frame)
        authorization = given.pop("authorization", "")
        if not isinstance(authorization, str):
            raise bad_message('authorization: got no text, accepted: "Bearer TOKEN"', "authorization")
        token = bearer_token(authorization)
        if authorization and not token:
            raise bad_message('authorization: got no bearer token, accepted: "Bearer TOKEN"', "authorization")
        return OpeningFrame([_request(given)], token)

    def up(self, frame: Frame) -> list[pb.ConverseRequest]:
        if isinstance(frame, bytes):
            return [read_sound(frame)]
        return [_request(parsed(frame))]

    def down(self, response: pb.ConverseResponse) -> list[Frame]:
        if response.WhichOneof("payload") == "audio":
            return [sound_frame(response.turn, response.audio)]
        return [MessageToJson(response, indent=None)]

    def over(self, close_reason: CloseReason) -> list[Frame]:
        return [json.dumps({"error": error_json(close_reason)})] if close_reason.message else []


def error_json(close_reason: CloseReason) -> dict[str, str | int]:
    """How an end that is an error is told, here and in HTTP."""
    error: dict[str, str | int] = {"code": close_reason.code, "message": close_reason.message}
    if close_reason.reason:
        error["reason"] = close_reason.reason
    if close_reason.field:
        error["field"] = close_reason.field
    return error


def parsed(frame: str) -> dict[str, object]:
    """A text frame. Raises `Refused`."""
    try:
        given = json.loads(frame)
        broken = _broken_text(given)
    except (ValueError, RecursionError) as error:
        raise bad_message(
            f"got no JSON ({str(error)[:60]}), accepted: one JSON object a text frame"
        ) from None
    if not isinstance(given, dict):
        raise bad_message(f"got {type(given).__name__}, accepted: one JSON object a text frame")
    if broken is not None:
        field, text = broken
        said = f"got {text!r:.40} with half of a surrogate pair, accepted: text in Unicode"
        raise bad_message(f"{field or 'a key'}: {said}", field)
    return given


def _broken_text(given: object, path: str = "") -> tuple[str, str] | None:
    """The first text that JSON can spell (RFC 8259 §8.2) and UTF-8 cannot, and the field that it is in."""
    if isinstance(given, str):
        return (path, given) if _SURROGATE.search(given) else None
    items = given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ()
    for key, value in items:
        found = _broken_text(str(key), path) or _broken_text(value, f"{path}.{key}".lstrip("."))
        if found is not None:
            return found
    return None


def _request(given: dict[str, object]) -> pb.ConverseRequest:
    """Raises `Refused`."""
    try:
        request = ParseDict(given, pb.ConverseRequest())
        pb.ConverseRequest.FromString(
            request.SerializeToString()
        )  # deeper than 100 messages it is written and never read
    except (ParseError, DecodeError, TypeError, ValueError, RecursionError) as error:
        field, depth = _deepest(given)
        if depth > MAX_LEVELS:
            said = f"got {depth} levels of objects and lists in one another, accepted: at most {MAX_LEVELS}"
            raise bad_message(f"{field}: {said}", field) from None
        said = " ".join(str(error).split())[:160]
        raise bad_message(f"got no ConverseRequest in proto3 JSON: {said}") from None
    return request


def _deepest(given: dict[str, object]) -> tuple[str, int]:
    """The field that holds any JSON and is nested most, such as `config.tools[3].parameters`, and how deep it
    is; 0: there is none on the way to what is nested most."""
    path: str = ""
    value: object = given
    for _ in range(_STEPS):
        if not isinstance(value, dict | list) or not value:
            break
        items = value.items() if isinstance(value, dict) else enumerate(value)
        key, value = max(items, key=lambda item: _depth(item[1]))
        path += f"[{key}]" if isinstance(key, int) else f".{key}"
        if path.endswith(_NESTED):
            return path.removeprefix("."), _depth(value)
    return path, 0


def _depth(value: object) -> int:
    """However deep: layer by layer, since Python follows no more than a thousand calls."""
    depth, layer = 0, [value]
    while layer := [item for item in layer if isinstance(item, dict | list)]:
        depth += 1
        layer = [inner for item in layer for inner in (item.values() if isinstance(item, dict) else item)]
    return depth
