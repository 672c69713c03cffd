"""What the caller is told of the user's words: interims with rising revisions, then one final a turn."""

from ..core.audio import sample_count
from ..core.config import SessionConfig
from ..core.outbound import TranscriptOut, WordHeard
from ..ports import Transcription
from .outbox import Outbox
from .utterance import Utterance


class Transcripts:
    def __init__(self, config: SessionConfig, outbox: Outbox) -> None:
        self.config = config
        self._outbox = outbox
        self._segment = 0
        self._revision = 0

    def interim(self, turn: int, utterance: Utterance, heard: Transcription) -> None:
        if self.config.sends_interims:
            self._send(turn, utterance, heard, is_final=False)

    def final(self, turn: int, utterance: Utterance | None, heard: Transcription) -> None:
        """Never revised. Without an utterance nothing was heard, and that is said too."""
        self._send(turn, utterance, heard, is_final=True)
        self._segment += 1
        self._revision = 0

    def _send(self, turn: int, utterance: Utterance | None, heard: Transcription, *, is_final: bool) -> None:
        self._revision += 1
        start, end = (utterance.start, utterance.end) if utterance else (0, 0)
        words: tuple[WordHeard, ...] = ()
        if is_final and self.config.sends_words:
            words = tuple(
                WordHeard(word.text, start + sample_count(word.start), start + sample_count(word.end))
                for word in heard.words
            )
        self._outbox.put(
            TranscriptOut(
                turn,
                self._segment,
                self._revision,
                heard.text,
                is_final,
                start,
                end,
                1.0 if is_final else min(heard.stability, 0.99),
                heard.language,
                words,
            )
        )
