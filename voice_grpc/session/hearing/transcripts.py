"""What the caller is told of the user's words: interims with rising revisions, then one final a segment."""

from ...core.audio import sample_count
from ...core.config import LiveConfig
from ...core.responses import Transcript, WordInfo
from ...core.transcript.agreement import AgreedText, LocalAgreement
from ...ports import Transcription
from ..telling.outbox import Outbox
from .utterance import Utterance


class Transcripts:
    """What the caller is told of the user's words."""

    def __init__(self, config: LiveConfig, outbox: Outbox) -> None:
        self._config, self._outbox = config, outbox
        self._segment = 0
        self._revision = 0
        self._of: Utterance | None = None
        """The one whose passes are compared."""
        self._agreement = LocalAgreement()

    def interim(self, turn: int | None, utterance: Utterance, said: Transcription) -> None:
        """None: what was said belongs to no turn, and is not told."""
        if utterance is not self._of:
            self._of, self._agreement = utterance, LocalAgreement()
        agreed = self._agreement.take(said.text)
        if turn is not None and agreed is not None and self._config.current.sends_interims:
            self._send(turn, utterance, said, agreed)

    def final(self, turn: int, utterance: Utterance | None, said: Transcription) -> None:
        """Never revised. Without an utterance nothing was heard, and that is said too."""
        self._send(turn, utterance, said)
        self._segment += 1
        self._revision = 0

    def _send(
        self, turn: int, utterance: Utterance | None, said: Transcription, agreed: AgreedText | None = None
    ) -> None:
        """`agreed`: of an interim; without it this is the final."""
        is_final = agreed is None
        self._revision += 1
        start, end = (utterance.start, utterance.end) if utterance else (0, 0)
        if is_final and utterance is not None:
            end = utterance.final_end
        words: tuple[WordInfo, ...] = ()
        if is_final and self._config.current.sends_words:
            words = tuple(
                WordInfo(word.text, start + sample_count(word.start), start + sample_count(word.end))
                for word in said.words
            )
        self._outbox.put(
            Transcript(
                turn,
                self._segment,
                self._revision,
                said.text,
                is_final,
                start,
                end,
                1.0 if agreed is None else min(agreed.stability, 0.99),
                len(said.text) if agreed is None else agreed.stable_characters,
                said.language,
                words,
            )
        )
