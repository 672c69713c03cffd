"""What an answer and a synthesis share: clauses on their way to a voice, and its sound as packets."""

from dataclasses import dataclass

from ..codec.transcode import Encoder
from ..core.audio import Samples
from ..core.config import AudioFormat
from ..core.responses import AudioOutput
from ..core.text.normalization import speakable
from ..core.text.ssml import with_prosody
from ..ports import Clause


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
