"""How an answer gives way to a voice over it: at the client where it can, else in what has not left yet.

Only one of the two does it. A client that obeys is told by PlaybackControl, and keeps what it has; the
sound of any other is lowered here, and it falls silent once it has played what it had (`max_playout_lead`).

A file of its own: who of the two gives way, and how, is one decision.
"""

from ...core import commands as c
from ...core.responses import PlaybackAction, PlaybackControl
from ..context import SessionContext
from .alive_replies import AliveReplies
from .reply import Reply


class Yielding:
    def __init__(self, context: SessionContext, replies: AliveReplies) -> None:
        self._context, self._replies = context, replies

    def carry_out(self, command: c.Duck | c.Unduck | c.HoldReply | c.ResumeReply) -> None:
        reply = self._replies.reply(command.number)
        obeys = self._context.config.current.has_playback_control
        match command:
            case c.Duck() | c.Unduck():
                is_lowered = isinstance(command, c.Duck)
                if obeys:
                    self._tell(reply, PlaybackAction.DUCK if is_lowered else PlaybackAction.UNDUCK)
                else:
                    reply.playout.volume.lower(is_lowered)
            case c.HoldReply():
                reply.playout.hold(is_ear_held=obeys)
                if obeys:
                    self._tell(reply, PlaybackAction.HOLD)
            case c.ResumeReply():
                position = reply.playout.resume()
                if obeys:
                    self._tell(reply, PlaybackAction.RESUME, position)

    def _tell(self, reply: Reply, action: PlaybackAction, position: int = 0) -> None:
        self._context.outbox.put(PlaybackControl(reply.command.turn, action, position))
