"""What a dialect is: a translation between a browser's frames and the messages of Converse. No I/O.

A text frame is `str`, a binary one `bytes`.

A file of its own: the three dialects know it, and it knows none of them.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from voice_grpc.pb import voice_pb2 as pb

from ..close_codes import CloseReason

Frame: TypeAlias = str | bytes


@dataclass(frozen=True, slots=True)
class OpeningFrame:
    """What the first frame holds."""

    requests: list[pb.ConverseRequest]
    """The config, and what else the frame said."""
    token: str = ""
    """Empty: the frame brings none."""


class Dialect(Protocol):
    """One object a socket. Raises `close_codes.Refused` for what ends the socket."""

    def first(self, frame: Frame) -> OpeningFrame: ...

    def up(self, frame: Frame) -> list[pb.ConverseRequest]:
        """What a later frame says; nothing for what is ignored."""
        ...

    def down(self, response: pb.ConverseResponse) -> list[Frame]:
        """How a response is told; nothing for what this dialect does not tell."""
        ...

    def over(self, close_reason: CloseReason) -> list[Frame]:
        """Said before the socket is closed; nothing where the close code is all."""
        ...
