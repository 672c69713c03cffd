"""What of an answer has left: its words ahead of their sound, in order, and nothing more once it is muted.

Which words lie where in the sound is kept here, so that what was heard can be told. When sound leaves is
`playout.py`'s to say.
"""

from dataclasses import replace

from ..core.config import AudioFormat
from ..core.heard import SpokenClause, heard_text
from ..core.outbound import AudioOut, Phase, TextOut, TurnChanged
from ..core.pacer import Chunk
from ..core.timeline import Mark, Timeline
from ..transcode import Encoder
from .outbox import Outbox


class Delivery:
    def __init__(self, turn: int, format: AudioFormat, outbox: Outbox, timeline: Timeline) -> None:
        self._turn, self._rate_hz = turn, format.rate_hz
        self._outbox, self._timeline = outbox, timeline
        self._encoder = Encoder(format)
        self._clauses: list[SpokenClause] = []
        self._shown = 0
        """Clauses whose words have left."""
        self._made = 0
        """Samples, of all clauses."""
        self._pieces = self._left = 0
        """How many left, and the samples in them."""
        self._is_muted = False

    # ------------------------------------------------------------ words and where they are

    def add_clause(self, text: str) -> int:
        """Returns the index of the segment."""
        self._clauses.append(SpokenClause(len(self._clauses), text, self._made, 0))
        return len(self._clauses) - 1

    @property
    def segments(self) -> int:
        return len(self._clauses)

    def extend(self, segment: int, samples: int) -> None:
        """So much more sound of it was made; the segments before it have all of theirs."""
        for index, clause in enumerate(self._clauses[:segment]):
            if not clause.is_whole:
                self._clauses[index] = replace(clause, is_whole=True)
        clause = self._clauses[segment]
        start = clause.start if clause.length else self._made
        self._clauses[segment] = SpokenClause(segment, clause.text, start, clause.length + samples)
        self._made += samples

    def end(self) -> None:
        """All the sound was made."""
        if self._clauses:
            self._clauses[-1] = replace(self._clauses[-1], is_whole=True)

    def drop_unspoken(self) -> None:
        """The clauses that the voice did not get to are not part of the answer."""
        while len(self._clauses) > self._shown and not self._clauses[-1].length:
            self._clauses.pop()

    @property
    def has_begun(self) -> bool:
        return self._shown > 0

    @property
    def text(self) -> str:
        """All of it that was let out."""
        return "".join(clause.text for clause in self._clauses[: self._shown]).strip()

    def heard(self, played: int) -> str:
        """Of what was let out, once `played` samples were."""
        return heard_text(self._clauses[: self._shown], played, self._rate_hz)

    # ------------------------------------------------------------ letting out

    def mute(self) -> None:
        """Nothing leaves any more, whoever is still at work."""
        self._is_muted = True

    def show(self, text: str) -> None:
        """Words of an answer in text alone leave as they come."""
        if self._is_muted:
            return
        self._begin()
        self._outbox.put_in_order(TextOut(self._turn, self.add_clause(text), text))
        self._shown = len(self._clauses)

    def finish_text(self) -> None:
        """That was the last word."""
        if self._clauses and not self._is_muted:
            self._outbox.put_in_order(TextOut(self._turn, len(self._clauses) - 1, "", is_final=True))

    def send(self, chunk: Chunk, now: float) -> None:
        if self._is_muted:
            return
        self._begin()
        while self._shown <= chunk.segment < len(self._clauses):
            self._outbox.put_in_order(TextOut(self._turn, self._shown, self._clauses[self._shown].text))
            self._shown += 1
        self._timeline.mark(Mark.FIRST_FRAME_OUT, now)
        if chunk.is_last:
            self.finish_text()
        pieces = self._encoder.encode(chunk.samples, is_last=chunk.is_last)
        for piece in pieces:
            is_last = chunk.is_last and piece is pieces[-1]
            place = (self._pieces, self._left, piece.length, chunk.segment, is_last)
            self._outbox.put_in_order(AudioOut(self._turn, piece.data, *place))
            self._pieces += 1
            self._left += piece.length

    def _begin(self) -> None:
        if self._shown == 0:
            self._outbox.put_in_order(TurnChanged(self._turn, Phase.SPEAKING))
