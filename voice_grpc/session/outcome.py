"""How answers come out: what the caller is told, and what is remembered, when one ends or is cut.

Told of what was done; no reply is begun, let out or cancelled here, that is `turns.py`'s.
"""

from dataclasses import replace

from ..core.commands import CancelReply
from ..core.config import SessionConfig
from ..core.conversation import Heard
from ..core.events import Why
from ..core.inbound import Playback, Playing
from ..core.outbound import Cut, Flush, InterruptedOut, NoticeOut, Phase, TurnChanged
from ..core.timeline import Mark
from .memory import Memory
from .playout import Standing
from .reply import Reply, Surroundings
from .stopwatch import metrics

REMEMBERED = 4
"""Past answers whose playback reports still count."""


class Outcomes:
    def __init__(self, around: Surroundings, memory: Memory) -> None:
        self._around, self._memory = around, memory
        self._played: dict[int, Reply] = {}
        """Committed ones, by turn: the last few."""

    def adjust(self, config: SessionConfig) -> None:
        self._around = replace(self._around, config=config)

    def expect(self, reply: Reply) -> None:
        """It was let out: what the client reports of its playback counts from now on."""
        self._played[reply.command.turn] = reply
        while len(self._played) > REMEMBERED:
            del self._played[next(iter(self._played))]

    def completed(self, reply: Reply) -> None:
        """It played to its end, or gave up by itself."""
        turn = reply.command.turn
        self._around.outbox.put_in_order(
            TurnChanged(turn, Phase.FAILED if reply.is_failed else Phase.COMPLETED)
        )
        self._memory.conversation.assistant_said(turn, reply.delivery.text)
        self._memory.changed()
        self._say_metrics(reply, None)

    def cancelled(self, reply: Reply, command: CancelReply, standing: Standing, took: float | None) -> None:
        """`took`: seconds from the onset of the speech that cut it, where speech did."""
        turn, outbox = reply.command.turn, self._around.outbox
        if command.why is Why.DEADLINE:
            stage = "llm" if reply.timeline.at(Mark.TTS_REQUEST) is None else "tts"
            text = f"no sound of an answer within {self._around.config.turns.turn_deadline:g} s"
            outbox.put(NoticeOut(stage, "TURN_DEADLINE", text, True, turn=turn))
            return
        cut = Cut(command.why.value)
        if command.returns_words:
            self._memory.conversation.take_back(turn)
            if reply.delivery.has_begun:
                outbox.put(InterruptedOut(turn, cut, 0, "", standing.is_reported))
                outbox.put(Flush(turn))
            outbox.put_in_order(TurnChanged(turn, Phase.DISCARDED, "its words go into the next turn"))
            return
        self.interrupted(turn, cut, standing)
        self._say_metrics(reply, took)

    def interrupted(self, turn: int, cut: Cut, standing: Standing) -> None:
        outbox = self._around.outbox
        outbox.put(InterruptedOut(turn, cut, standing.played, standing.heard_text, standing.is_reported))
        outbox.put(Flush(turn))
        outbox.put_in_order(TurnChanged(turn, Phase.INTERRUPTED, cut.value))
        self._remember(turn, standing)

    def failed(self, turn: int) -> None:
        """Not even the apology was heard."""
        outbox = self._around.outbox
        outbox.put(NoticeOut("tts", "TURN_DEADLINE", "not even the apology was heard", True, turn=turn))
        outbox.put_in_order(TurnChanged(turn, Phase.FAILED, "turn deadline"))

    def reported(self, report: Playback) -> None:
        """The client says how much of an answer was played; of one that was cut it corrects the memory."""
        reply = self._played.get(report.turn)
        if reply is None:
            text = f"playback.turn: got {report.turn}, accepted: a turn whose answer is or was just playing"
            self._around.outbox.put(
                NoticeOut("protocol", "BAD_MESSAGE", text, seq=report.seq, field="playback.turn")
            )
            return
        if report.playing is Playing.STARTED:
            reply.timeline.mark(Mark.FIRST_PLAYED, self._around.clock.now())
        reply.playout.report(report.played)
        if reply.is_committed and reply.is_cut:
            self._remember(report.turn, reply.playout.standing())

    def _remember(self, turn: int, standing: Standing) -> None:
        heard = Heard.REPORTED if standing.is_reported else Heard.ESTIMATED
        self._memory.conversation.assistant_said(turn, standing.heard_text, heard)
        self._memory.changed()

    def _say_metrics(self, reply: Reply, interrupt_stop: float | None) -> None:
        if self._around.config.sends_metrics:
            self._around.outbox.put_in_order(metrics(reply, interrupt_stop))
