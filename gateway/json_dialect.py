"""`voice.v1.json`: proto3 JSON in text frames, sound in binary ones (`sound_frame.py`).

The first text frame holds `config`, and may hold `authorization` ("Bearer …") beside it. An end that is
an error is told as `{"error": {"code", "reason", "message", "field"}}` before the close.
"""

import json

from google.protobuf.json_format import MessageToJson, ParseDict, ParseError

from voice_grpc.pb import voice_pb2 as pb

from . import sound_frame
from .closing import Farewell, bad_message
from .dialect import Frame, Opening

NAME = "voice.v1.json"


class JsonDialect:
    def first(self, frame: Frame) -> Opening:
        if isinstance(frame, bytes):
            raise bad_message('config: got sound, accepted: {"config": {…}} as the first frame', "config")
        given = parsed(frame)
        authorization = given.pop("authorization", "")
        if not isinstance(authorization, str):
            raise bad_message('authorization: got no text, accepted: "Bearer TOKEN"', "authorization")
        return Opening([_request(given)], authorization.removeprefix("Bearer ").strip())

    def up(self, frame: Frame) -> list[bytes]:
        if isinstance(frame, bytes):
            return [pb.ConverseRequest(audio=sound_frame.read(frame)).SerializeToString()]
        return [_request(parsed(frame))]

    def down(self, message: bytes) -> list[Frame]:
        response = pb.ConverseResponse.FromString(message)
        if response.WhichOneof("payload") == "audio":
            return [sound_frame.written(response.turn, response.audio)]
        return [MessageToJson(response, indent=None)]

    def over(self, farewell: Farewell) -> list[Frame]:
        return [json.dumps({"error": told(farewell)})] if farewell.message else []


def told(farewell: Farewell) -> dict[str, str | int]:
    """Of an end that is an error."""
    error: dict[str, str | int] = {"code": farewell.code, "message": farewell.message}
    if farewell.reason:
        error["reason"] = farewell.reason
    if farewell.field:
        error["field"] = farewell.field
    return error


def parsed(frame: str) -> dict[str, object]:
    """A text frame. Raises `Refused`."""
    try:
        given = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise bad_message(
            f"got no JSON ({str(error)[:60]}), accepted: one JSON object a text frame"
        ) from None
    if not isinstance(given, dict):
        raise bad_message(f"got {type(given).__name__}, accepted: one JSON object a text frame")
    return given


def _request(given: dict[str, object]) -> bytes:
    try:
        return ParseDict(given, pb.ConverseRequest()).SerializeToString()
    except (ParseError, TypeError, ValueError, RecursionError) as error:
        raise bad_message(
            f"got no ConverseRequest in proto3 JSON: {' '.join(str(error).split())[:160]}"
        ) from None
