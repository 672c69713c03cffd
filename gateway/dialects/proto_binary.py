"""`voice.v1.proto`: binary frames that are ConverseRequest and ConverseResponse, passed through.

A file of its own: one dialect.
"""

from ..close_codes import CloseReason, no_message
from .dialect import Frame, OpeningFrame

NAME = "voice.v1.proto"


class ProtoDialect:
    """Frames as they are."""

    def first(self, frame: Frame) -> OpeningFrame:
        return OpeningFrame(self.up(frame))

    def up(self, frame: Frame) -> list[bytes]:
        if isinstance(frame, str):
            raise no_message(f"{NAME}: got a text frame, accepted: binary frames, one ConverseRequest each")
        return [frame]

    def down(self, message: bytes) -> list[Frame]:
        return [message]

    def over(self, close_reason: CloseReason) -> list[Frame]:
        """The close code and its reason tell it."""
        return []
