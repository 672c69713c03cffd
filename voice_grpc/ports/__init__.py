"""What a session needs from the world. Engines and stores implement these; sessions know nothing else.

    claim.py       for whom, and how urgent it is
    engine.py      what all engines share, and who stands behind one
    vad.py  stt.py  llm.py  tts.py      a stage each: voice activity, speech to text, language model, voice
    echo.py        the assistant's own voice, taken out of the microphone's sound
    end_of_turn.py whether the user has finished, by the sound and by the words
    store.py       conversations that outlive their streams, and who holds each
    observer.py    who looks on while conversations are held, and what is told of them
    recorder.py    conversations kept as sound and events
    use_ledger.py  what a caller uses, counted by all servers together
    wall_clock.py  the time of day, as what is kept bears it
    streaming.py   how an engine reads a vendor's stream, and gives it up

Every engine is loaded once, warmed before the server says SERVING, shared by all sessions,
and never blocks the event loop: what computes, computes in threads that the engine owns.
A failure is an `EngineError`; every coroutine and iterator here may be cancelled at any
await, and the work behind it stops then, also where it is done elsewhere.
"""

from dataclasses import dataclass

from .claim import NOBODY, Claim, Urgency
from .echo import BLOCK, EchoCanceller, EchoStream
from .end_of_turn import AcousticEndOfTurn, TextEndOfTurn
from .engine import Apology, Engine, EngineMember, Fallback, members
from .llm import DEFAULT_MAX_TOKENS, CallRequest, Llm, LlmItem, Prompt, TextDelta, Usage
from .observer import NOBODY_LOOKS, Observer, Observers, SessionIdentity
from .recorder import (
    CONVERSATION_ENDED,
    OnTrouble,
    RecordedMessage,
    Recorder,
    Recording,
    SoundPiece,
    SpokenAt,
)
from .store import Lease, SavedSession, Store
from .stt import Stt, SttOptions, SttStream, Transcription, Word
from .tts import Clause, Speech, Tts, TtsItem, Voice, VoiceChoice
from .use_ledger import UseLedger
from .vad import Vad, VadStream


@dataclass(frozen=True, slots=True)
class Engines:
    """One of each stage, shared by all sessions; those who judge the end of a turn and who cancels the echo
    may be absent."""

    vad: Vad
    stt: Stt
    llm: Llm
    tts: Tts
    apology: Apology
    acoustic_end: AcousticEndOfTurn | None = None
    text_end: TextEndOfTurn | None = None
    echo: EchoCanceller | None = None
    are_crowded: bool = False
    """An embedded recogniser and an embedded language model at work want more cores than there are."""

    @property
    def takes_turns(self) -> bool:
        """Those who hear and who answer now had better work one after the other."""
        return self.are_crowded and self.stt.is_embedded and self.llm.is_embedded


__all__ = [
    "CONVERSATION_ENDED",
    "BLOCK",
    "DEFAULT_MAX_TOKENS",
    "NOBODY",
    "NOBODY_LOOKS",
    "AcousticEndOfTurn",
    "Apology",
    "CallRequest",
    "Claim",
    "Clause",
    "EchoCanceller",
    "EchoStream",
    "Engine",
    "EngineMember",
    "Engines",
    "Fallback",
    "Lease",
    "Llm",
    "LlmItem",
    "Observer",
    "Observers",
    "OnTrouble",
    "Prompt",
    "RecordedMessage",
    "Recorder",
    "Recording",
    "SavedSession",
    "SessionIdentity",
    "SoundPiece",
    "Speech",
    "SpokenAt",
    "Store",
    "Stt",
    "SttOptions",
    "SttStream",
    "TextDelta",
    "TextEndOfTurn",
    "Transcription",
    "Tts",
    "TtsItem",
    "Urgency",
    "Usage",
    "UseLedger",
    "Vad",
    "VadStream",
    "Voice",
    "VoiceChoice",
    "Word",
    "members",
]
