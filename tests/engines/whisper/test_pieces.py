"""How much is one piece of work: none is longer than others are to wait for."""

import numpy as np
import pytest

from voice_grpc.core.audio import RATE_HZ, silence
from voice_grpc.engines.whisper.chunking import LONGEST_PART_S, LONGEST_TURN_S, first_chunk
from voice_grpc.engines.whisper.stt import WhisperStream, WhisperStt
from voice_grpc.engines.whisper.transcribe import TranscribedChunk, TranscriptionRequest, TranscriptionResult
from voice_grpc.ports import Claim, SttOptions, Urgency


class CountingStt(WhisperStt):
    """Hears nothing, chunk by chunk, and notes how long each is and how urgent it was."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[tuple[float, Urgency]] = []

    async def transcribe(
        self, request: TranscriptionRequest, claim: Claim, *, is_optional: bool
    ) -> TranscriptionResult:
        chunks: list[TranscribedChunk] = []
        rest: TranscriptionRequest | None = request
        while rest is not None:
            chunk = TranscribedChunk(first_chunk(rest.audio, rest.longest_s), None)
            self.pieces.append((chunk.samples / RATE_HZ, claim.urgency))
            chunks.append(chunk)
            rest = rest.after(TranscriptionResult((chunk,), "", is_sure_of_language=False))
        return TranscriptionResult(tuple(chunks), "", is_sure_of_language=False)


@pytest.mark.parametrize(
    ("urgency", "longest"), [(Urgency.FINAL, LONGEST_TURN_S), (Urgency.PART, LONGEST_PART_S)]
)
async def test_a_long_final_is_many_pieces(urgency: Urgency, longest: float) -> None:
    stt = CountingStt()
    stream = WhisperStream(stt, ("en",), SttOptions(claim=Claim.of("anna", urgency)))
    stream.feed(silence(60.0) + np.int16(1))
    await stream.final()
    lengths = [length for length, _ in stt.pieces]
    assert max(lengths) <= longest
    assert sum(lengths) == pytest.approx(60.0)
    assert {asked for _, asked in stt.pieces} == {urgency}
