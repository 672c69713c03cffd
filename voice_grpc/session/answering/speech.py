"""What an answer and a synthesis share: clauses on their way to a voice, held back while it is far enough
ahead (`core/lookahead.py`), and its sound as packets."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ...codec.transcode import Encoder
from ...core.audio import Samples
from ...core.config import AudioFormat
from ...core.playout.lookahead import Lookahead
from ...core.responses import AudioOutput
from ...core.text.normalization import speakable
from ...core.text.ssml import with_prosody
from ...ports import Clause, Speech
from ..clock import ConversationClock


@dataclass(frozen=True, slots=True)
class Prosody:
    """How every clause is to sound, as SSML has it; empty: the voice's own."""

    pitch: str = ""
    volume: str = ""

    def mark(self, spoken: str) -> str:
        """The clause as an SSML document; empty where plain text says it all."""
        return with_prosody(spoken, self.pitch, self.volume) if self.pitch or self.volume else ""


PLAIN = Prosody()


def speakable_clause(clause: Clause, language: str, prosody: Prosody = PLAIN) -> Clause | None:
    """The clause as it is said in `language` (BCP 47; empty: English); None where there is nothing to say."""
    spoken = speakable(clause.text, language or "en")
    return Clause(clause.index, spoken, clause.ssml or prosody.mark(spoken)) if spoken else None


LOOK_SECONDS = 0.02
"""Between two looks at what is still to be heard: a frame."""


class VoiceLead:
    """Makes a voice wait that is far enough ahead of the ear. While the clock stands still it makes nothing,
    but for what is heard first: others may wait for that (`precedence.py`)."""

    def __init__(self, clock: ConversationClock, rate: float, unheard: Callable[[], float]) -> None:
        """`rate`: at which the voice speaks; `unheard`: seconds of sound that were taken and not heard
        yet."""
        self._clock, self._unheard = clock, unheard
        self._lookahead = Lookahead(rate)
        self._sounded = asyncio.Event()

    async def give(self, clause: Clause) -> None:
        """Returns when the voice may have it."""
        while True:
            if self._lookahead.has_sounded:
                await self._clock.running()
            now = self._clock.now()
            at = self._lookahead.gives_at(self._unheard(), now)
            if at is not None and at <= now:
                self._lookahead.gave(clause.index, clause.text, now)
                return
            self._sounded.clear()
            await self._clock.wait(self._sounded, None if at is None else max(at, now + LOOK_SECONDS))

    async def take(self, sound: Speech) -> None:
        """It was taken. Returns when more may be."""
        seconds = len(sound.samples) / sound.rate_hz
        self._lookahead.sounded(sound.clause_index, seconds, self._clock.now())
        self._sounded.set()
        while True:
            await self._clock.running()
            now = self._clock.now()
            at = self._lookahead.takes_at(self._unheard(), now)
            if at <= now:
                return
            await asyncio.sleep(max(at - now, LOOK_SECONDS))


class AudioPackets:
    """The sound of one turn as the caller gets it: encoded, numbered from 0, without a gap."""

    def __init__(self, turn: int, format: AudioFormat) -> None:
        self._turn = turn
        self._encoder = Encoder(format)
        self._index = self._offset = 0
        """Number of the next packet, and of its first sample at the output rate."""

    def pack(self, samples: Samples, segment: int, *, is_last: bool) -> list[AudioOutput]:
        """`is_last`: there is at least one, and the last of them says that nothing follows."""
        packets = []
        pieces = self._encoder.encode(samples, is_last=is_last)
        for piece in pieces:
            ends = is_last and piece is pieces[-1]
            place = (self._index, self._offset, piece.length, segment, ends)
            packets.append(AudioOutput(self._turn, piece.data, *place))
            self._index += 1
            self._offset += piece.length
        return packets
