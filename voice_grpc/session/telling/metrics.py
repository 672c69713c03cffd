"""The times of a turn: what the user's side contributed before a reply existed, and the sums at its end."""

from dataclasses import dataclass

from ...core.events import Event, SpeechEnded, SpeechStarted, Transcribed
from ...core.responses import TurnMetrics
from ...core.timeline import Mark, Timeline
from ...core.turn.patience import Decision
from ...ports import Usage


@dataclass(slots=True)
class TurnTimes:
    """All in monotonic seconds; None: it did not happen in this turn."""

    turn_start: float | None = None
    """The first speech of the turn."""
    speech_start: float | None = None
    """The last."""
    speech_end: float | None = None
    soft_end: float | None = None
    stt_final: float | None = None

    def note(self, event: Event, now: float) -> None:
        match event:
            case SpeechStarted(speech=speech):
                self.speech_start = now - speech
                if self.turn_start is None:
                    self.turn_start = self.speech_start
            case SpeechEnded(silence=silence):
                self.speech_end, self.soft_end = now - silence, now
            case Transcribed():
                self.stt_final = now

    def mark(self, timeline: Timeline) -> None:
        """What is known of the speech that an answer is to."""
        for mark, at in (
            (Mark.SPEECH_START, self.turn_start),
            (Mark.SPEECH_END, self.speech_end),
            (Mark.SOFT_END, self.soft_end),
            (Mark.STT_FINAL, self.stt_final),
        ):
            if at is not None:
                timeline.mark(mark, at)

    def reset(self) -> None:
        self.turn_start = self.speech_end = self.soft_end = self.stt_final = None


@dataclass(frozen=True, slots=True)
class ReplyCosts:
    """What a reply took besides time."""

    usage: Usage
    characters: int
    """Given to the voice."""
    audio_sent: float
    """Seconds of sound that left."""
    audio_made: float
    underruns: int
    """Times that the sound was behind the ear."""


@dataclass(slots=True)
class Waste:
    """What was prepared and thrown away."""

    replies: int = 0
    tokens: int = 0
    """That a model wrote."""
    characters: int = 0
    """Given to the voice."""
    audio: float = 0.0
    """Seconds of sound."""

    def add(self, other: "Waste | ReplyCosts") -> None:
        if isinstance(other, ReplyCosts):
            other = Waste(1, other.usage.output_tokens, other.characters, other.audio_made)
        self.replies += other.replies
        self.tokens += other.tokens
        self.characters += other.characters
        self.audio += other.audio

    def __str__(self) -> str:
        made = f"{self.tokens} tokens, {self.characters} characters, {self.audio:.1f} s of sound"
        return f"{self.replies} prepared answers thrown away: {made}"


def turn_metrics(
    turn: int,
    timeline: Timeline,
    costs: ReplyCosts,
    interrupt_stop: float | None,
    decision: Decision | None,
    waste: Waste,
) -> TurnMetrics:
    """What a turn took; what does not apply is left out. `interrupt_stop`: seconds from the onset of the
    speech that cut it. `decision`: why it was taken to be over. `waste`: of the turn, before it was over."""
    seconds = {
        "end_of_turn_delay": timeline.end_of_turn_delay,
        "stt_final_delay": timeline.stt_final_delay,
        "llm_first_token": timeline.llm_first_token,
        "tts_first_audio": timeline.tts_first_audio,
        "voice_to_voice": timeline.voice_to_voice,
        "mouth_to_ear": timeline.mouth_to_ear,
        "interrupt_stop": interrupt_stop,
        "audio_sent": costs.audio_sent,
        "wasted_audio": waste.audio if waste.replies else None,
        "hold": decision.hold if decision else None,
    }
    counts = {
        "input_tokens": costs.usage.input_tokens,
        "output_tokens": costs.usage.output_tokens,
        "tts_characters": costs.characters,
        "underruns": costs.underruns,
        "wasted_replies": waste.replies,
        "wasted_tokens": waste.tokens,
        "wasted_characters": waste.characters,
    }
    given = {k: v for k, v in seconds.items() if v is not None and v >= 0}
    return TurnMetrics(turn, given, counts, decision)
