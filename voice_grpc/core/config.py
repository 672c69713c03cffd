"""What one session is like: the caller's wishes, checked, every default filled in."""

from dataclasses import dataclass, field, replace
from enum import Enum

from .tools import ToolDeclaration
from .turn.endpointing import EndpointSettings
from .turn.settings import TurnSettings
from .turn.state import State


class Encoding(Enum):
    PCM_S16LE = "pcm_s16le"
    PCM_F32LE = "pcm_f32le"
    MULAW = "mulaw"
    ALAW = "alaw"
    OPUS_PACKET = "opus_packet"
    OGG_OPUS = "ogg_opus"

    @property
    def is_opus(self) -> bool:
        return self in (Encoding.OPUS_PACKET, Encoding.OGG_OPUS)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of one channel; Opus has none."""
        return {Encoding.PCM_S16LE: 2, Encoding.PCM_F32LE: 4}.get(self, 1)


RATES_HZ = (8_000, 16_000, 24_000, 48_000)

MAX_AUDIO_BYTES = 65_536
MAX_TEXT = 8_000
"""Characters of a typed turn, a `Say` or a synthesis."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    encoding: Encoding = Encoding.PCM_S16LE
    rate_hz: int = 16_000
    channels: int = 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.encoding.sample_bytes * self.channels


@dataclass(frozen=True, slots=True)
class SessionConfig:
    session_id: str
    input: AudioFormat = field(default_factory=AudioFormat)
    output: AudioFormat = field(default_factory=lambda: AudioFormat(rate_hz=24_000))
    languages: tuple[str, ...] = ()
    persona: str = "default"
    instructions: str = ""
    has_own_instructions: bool = False
    """They are the caller's, not the persona's, which are not told back."""
    voice: str = ""
    speaking_rate: float = 1.0
    pitch: str = ""
    volume: str = ""
    """SSML prosody values of the persona, with `pitch`; empty: the voice's own."""
    is_manual: bool = False
    """Only the button begins and ends a turn."""
    turns: TurnSettings = field(default_factory=TurnSettings)
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)
    prefix_padding: float = 0.3
    """Seconds of sound kept from before an onset."""
    idle_timeout: float | None = None
    prompt: str = ""
    """Words that the transcription is to expect."""
    temperature: float | None = None
    max_tokens: int = 256
    has_echo_cancellation: bool = False
    has_playback_reports: bool = False
    has_playback_control: bool = False
    """The client lowers, holds and resumes what it plays."""
    is_half_duplex: bool = False
    playout_lead: float = 0.2
    sends_interims: bool = True
    sends_words: bool = False
    sends_metrics: bool = True
    tools: tuple[ToolDeclaration, ...] = ()
    greeting: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    is_recorded: bool = False
    """The caller allows it; of the configuration in force, it is also done."""


@dataclass(slots=True)
class LiveConfig:
    """The configuration in force: one cell a conversation, changed in one place, read where it is used."""

    current: SessionConfig
    state: State = State.LISTENING
    """Of the turn, by which some of it counts."""
    is_recording_withdrawn: bool = False
    """The caller allowed it, and does so no more."""
    _coming: SessionConfig | None = None

    @property
    def latest(self) -> SessionConfig:
        """As it will be once the changes that wait are in force: what the next change is a change of."""
        return self._coming or self.current

    def end_recording(self) -> None:
        """Nothing more is recorded, whatever changes besides."""
        self.current = replace(self.current, is_recorded=False)
        if self._coming is not None:
            self._coming = replace(self._coming, is_recorded=False)

    def expect(self, coming: SessionConfig) -> None:
        """A change was accepted, and waits for its turn."""
        self._coming = coming

    @property
    def endpoint(self) -> EndpointSettings:
        """Those that count in this state: with its own threshold, where it has one."""
        endpoint = self.current.endpoint
        own = {
            State.THINKING: endpoint.threshold_thinking,
            State.SPEAKING: endpoint.threshold_speaking,
            State.YIELDING: endpoint.threshold_speaking,
        }.get(self.state)
        return endpoint if own is None else replace(endpoint, threshold=own)
