"""The buffer of a realtime session: the sound as events, and what comes of it in pieces."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import soxr

from ..core.audio import RATE_HZ, Samples, sample_count

_COMMIT_AT_LEAST_S = 0.1
"""Less is refused (`input_audio_buffer_commit_empty`)."""


class Voice:
    """The sound of one utterance as events, at the rate that the server takes."""

    def __init__(self, rate_hz: int) -> None:
        self._least = sample_count(_COMMIT_AT_LEAST_S, rate_hz)
        is_same = rate_hz == RATE_HZ
        self._stream = None if is_same else soxr.ResampleStream(RATE_HZ, rate_hz, 1, dtype="int16")
        self._sent = 0

    def said(self, samples: Samples, *, is_last: bool = False) -> Iterator[dict[str, object]]:
        sound: Samples = self._stream.resample_chunk(samples, last=is_last) if self._stream else samples
        if len(sound):
            self._sent += len(sound)
            audio = base64.b64encode(sound.astype("<i2", copy=False).tobytes()).decode()
            yield {"type": "input_audio_buffer.append", "audio": audio}

    def rest(self) -> Iterator[dict[str, object]]:
        """What the resampler still holds, and silence where it was less than can be committed."""
        yield from self.said(np.zeros(0, np.int16), is_last=True)
        if self._sent < self._least:
            self._stream = None
            yield from self.said(np.zeros(self._least - self._sent, np.int16))


class Pieces:
    """What is transcribed: one piece, or several where the server cut them by itself."""

    def __init__(self) -> None:
        self.is_committed = self.is_acknowledged = False
        """All the sound, by us; by the server."""
        self._texts: dict[str, str] = {}
        """By item, in their order; vLLM has a single one without a name."""
        self._running: set[str] = set()

    @property
    def text(self) -> str:
        return " ".join(text for text in (piece.strip() for piece in self._texts.values()) if text)

    @property
    def is_done(self) -> bool:
        return self.is_acknowledged and not self._running

    def take(self, event: Mapping[str, Any]) -> None:
        item = str(event.get("item_id") or "")
        match str(event["type"]).removeprefix("conversation.item.input_audio_"):
            case "input_audio_buffer.committed":
                self._texts.setdefault(item, "")
                self._running.add(item)
                self.is_acknowledged = self.is_committed
            case "transcription.delta":
                self._texts[item] = self._texts.get(item, "") + str(event["delta"])
            case "transcription.completed":
                self._texts[item] = str(event["transcript"])
                self._running.discard(item)
                self.is_acknowledged = self.is_committed
            case "transcription.done":
                self._texts[item] = str(event["text"])
                self.is_acknowledged = True
