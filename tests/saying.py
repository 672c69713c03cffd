"""Speech that is the same samples in every run."""

from voice_grpc.bench.stt_utterances import spoken
from voice_grpc.core.audio import Samples


def said(text: str) -> Samples:
    """At 16 kHz, by Piper."""
    return next(spoken([text], varies=False)).samples
