"""`voice.v1.proto`: binary frames that are ConverseRequest and ConverseResponse, passed through. What this
gateway's version of the contract does not know passes too.

A file of its own: one dialect.
"""

from google.protobuf.message import DecodeError

from voice_grpc.pb import voice_pb2 as pb

from ..close_codes import CloseReason, bad_message, no_message
from .dialect import Frame, OpeningFrame

NAME = "voice.v1.proto"


class ProtoDialect:
    """Frames as they are."""

    def first(self, frame: Frame) -> OpeningFrame:
        return OpeningFrame(self.up(frame))

    def up(self, frame: Frame) -> list[pb.ConverseRequest]:
        if isinstance(frame, str):
            raise no_message(f"{NAME}: got a text frame, accepted: binary frames, one ConverseRequest each")
        try:
            return [pb.ConverseRequest.FromString(frame)]
        except DecodeError as error:
            said = f"request: got {str(error)!r:.60}, accepted: a ConverseRequest"
            raise bad_message(said, "request") from None

    def down(self, response: pb.ConverseResponse) -> list[Frame]:
        return [response.SerializeToString()]

    def over(self, close_reason: CloseReason) -> list[Frame]:
        """The close code and its reason tell it."""
        return []
