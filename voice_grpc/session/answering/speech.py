"""What an answer and a synthesis share: clauses on their way to a voice, held back while it is far enough
ahead (`core/playout/lookahead.py`), and its sound as packets."""

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
from ...ports.observer import MAX_CLAUSES, ClauseTimes
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


class VoicedClauses:
    """When the voice was given each clause of an answer, and when its sound came."""

    def __init__(self) -> None:
        self._by_index: dict[int, ClauseTimes] = {}
        self.fallback = ""
        """Name of the engine that spoke in the place of the first one; empty: the first one did."""

    @property
    def times(self) -> tuple[ClauseTimes, ...]:
        return tuple(self._by_index.values())

    def asked(self, clause: Clause, now: float) -> None:
        if len(self._by_index) < MAX_CLAUSES:
            self._by_index[clause.index] = ClauseTimes(now, len(clause.text))

    def sounded(self, index: int, now: float) -> None:
        if (times := self._by_index.get(index)) is not None:
            times.last_audio = now
            if times.first_audio is None:
                times.first_audio = now


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

    def look(self) -> None:
        """The clock was let go: nobody waits here for the ear."""
        self._sounded.set()

    async def give(self, clause: Clause) -> bool:
        """Returns when the voice may have it; False: it is to have nothing more for now."""
        while True:
            if self._lookahead.has_sounded:
                await self._clock.unheld()
            if self._clock.is_let_go:
                return False
            now = self._clock.now()
            at = self._lookahead.gives_at(self._unheard(), now)
            if at is not None and at <= now:
                self._lookahead.gave(clause.index, clause.text, now)
                return True
            self._sounded.clear()
            await self._clock.wait(self._sounded, None if at is None else max(at, now + LOOK_SECONDS))

    async def take(self, sound: Speech) -> None:
        """It was taken. Returns when more may be: all of it once the clock was let go."""
        seconds = len(sound.samples) / sound.rate_hz
        self._lookahead.sounded(sound.clause_index, seconds, self._clock.now())
        self._sounded.set()
        while True:
            await self._clock.unheld()
            now = self._clock.now()
            at = self._lookahead.takes_at(self._unheard(), now)
            if at <= now or self._clock.is_let_go:
                return
            await asyncio.sleep(max(at - now, LOOK_SECONDS))


class AudioPackets:
    """The sound of one turn as the caller gets it: encoded, numbered from 0, without a gap."""

    def __init__(self, turn: int, format: AudioFormat) -> None:
        self._turn, self._format = turn, format
        self._encoder = Encoder(format)
        self._index = self._offset = 0
        """Number of the next packet, and of its first sample at the output rate."""

    def go_on_from(self, offset: int, unsent: int) -> None:
        """The next packet begins at this sample, for a client that has dropped what came behind it. `unsent`:
        packets that were made and did not leave."""
        self._encoder, self._offset = Encoder(self._format), offset
        self._index -= unsent

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
