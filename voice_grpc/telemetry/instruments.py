"""Which metrics there are, as OpenTelemetry names them. The table of `docs/observing.md` and the
dashboard are held against it.

Names and units follow OpenTelemetry's conventions: seconds are `s`, things that are counted stand in braces.
In Prometheus dots are underscores, seconds a suffix, and counters end in `_total`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    HISTOGRAM = "histogram"
    COUNTER = "counter"
    UP_DOWN = "updowncounter"
    GAUGE = "gauge"


BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0)
"""Upper bounds in seconds: close together where people tell delays (0.2 to 1.5 s), up to the deadlines."""
LONG_BUCKETS = (1.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
"""Of what lasts minutes."""
CALL_BUCKETS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
"""Of what lasts seconds or minutes."""


@dataclass(frozen=True, slots=True)
class Instrument:
    name: str
    kind: Kind
    unit: str
    about: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = BUCKETS
    """Of a histogram, the upper bounds of its buckets."""

    @property
    def prometheus(self) -> str:
        """The name of its samples; of a histogram without `_bucket`, `_sum` and `_count`."""
        name = self.name.replace(".", "_")
        name += "_seconds" if self.unit == "s" else ""
        return f"{name}_total" if self.kind is Kind.COUNTER else name


END, CUT = "voice.turn.end", "voice.turn.cut_reason"
STAGE, REASON, VERDICT = "voice.stage", "voice.reason", "voice.verdict"
METHOD, DELAY, MODEL, TOKENS = "rpc.method", "voice.delay", "gen_ai.request.model", "gen_ai.token.type"

STAGES: dict[str, Instrument] = {
    field: Instrument(f"voice.turn.{field}", Kind.HISTOGRAM, "s", about, labels)
    for field, about, labels in (
        ("voice_to_voice", "From the user's last sound to the first of the answer, as it leaves", ()),
        ("mouth_to_ear", "The same, as the client says that it plays", ()),
        ("end_of_turn_delay", "From the user's last sound until the turn was taken to be over", ()),
        ("hold", "Silence that was to end the turn", ()),
        ("stt_final_delay", "From the user's last sound to the words that are answered", ()),
        ("llm_first_token", "From asking the model to its first words", (MODEL,)),
        ("tts_first_audio", "From giving the voice its first clause to its first sound", ()),
        ("interrupt_stop", "From the onset of an interruption to the silence of the answer", ()),
    )
}
"""Of a turn, by field of TurnMetrics."""

SESSION_SECONDS = Instrument(
    "voice.session.duration",
    Kind.HISTOGRAM,
    "s",
    "Of conversations that ended, on the line or waiting for one",
    (REASON,),
    LONG_BUCKETS,
)
CALL_SECONDS = Instrument(
    "voice.call.duration",
    Kind.HISTOGRAM,
    "s",
    "Of calls of Transcribe and Synthesize that ended",
    (METHOD, REASON),
    CALL_BUCKETS,
)
FINAL_DELAY = Instrument(
    "voice.transcribe.final_delay",
    Kind.HISTOGRAM,
    "s",
    "Of Transcribe, from the last sound of an utterance to its words",
)
FIRST_AUDIO = Instrument(
    "voice.synthesize.first_audio",
    Kind.HISTOGRAM,
    "s",
    "Of Synthesize, from giving the voice a clause to its first sound",
)
TRANSCRIBED = Instrument(
    "voice.transcribe.audio", Kind.COUNTER, "s", "Of sound in the utterances that Transcribe gave words to"
)
TURNS = Instrument("voice.turns", Kind.COUNTER, "{turn}", "Turns, by how they ended", (END, CUT))
NOTICES = Instrument("voice.notices", Kind.COUNTER, "{notice}", "Notices to clients", (STAGE, REASON))
FALLBACKS = Instrument(
    "voice.engine.fallbacks", Kind.COUNTER, "{fallback}", "Answers that another engine stood in for", (STAGE,)
)
LLM_TOKENS = Instrument(
    "voice.llm.tokens", Kind.COUNTER, "{token}", "Of the model, whether heard or not", (TOKENS,)
)
CHARACTERS = Instrument("voice.tts.characters", Kind.COUNTER, "{character}", "Given to the voice")
WASTED_REPLIES = Instrument(
    "voice.speculation.wasted_replies", Kind.COUNTER, "{reply}", "Answers prepared and thrown away"
)
WASTED_TOKENS = Instrument("voice.speculation.wasted_tokens", Kind.COUNTER, "{token}", "Written in them")
WASTED_CHARACTERS = Instrument(
    "voice.speculation.wasted_characters", Kind.COUNTER, "{character}", "Of them, given to the voice"
)
WASTED_AUDIO = Instrument("voice.speculation.wasted_audio", Kind.COUNTER, "s", "Of sound in them")
INTERRUPTIONS = Instrument(
    "voice.interruptions", Kind.COUNTER, "{voice}", "Voices over an answer, by what they were", (VERDICT,)
)
FAILED_CALLS = Instrument(
    "voice.calls.failed", Kind.COUNTER, "{call}", "Calls refused or ended by an error", (METHOD, REASON)
)
SESSIONS = Instrument("voice.sessions.active", Kind.UP_DOWN, "{session}", "Conversations that are open")
PARKED = Instrument(
    "voice.sessions.parked",
    Kind.GAUGE,
    "{session}",
    "Conversations whose line was lost, and that wait for another",
)
STREAMS = Instrument(
    "voice.streams.active", Kind.GAUGE, "{stream}", "The same, and other calls that take a place"
)
CAPACITY = Instrument("voice.sessions.capacity", Kind.GAUGE, "{session}", "How many there may be")
TAKES_MORE = Instrument("voice.sessions.admitted", Kind.GAUGE, "1", "1 while one more is let in, else 0")
LATE = Instrument(
    "voice.load.delay",
    Kind.GAUGE,
    "s",
    "What admission control sees: event loop, transcripts, answers",
    (DELAY,),
)
LIMIT = Instrument(
    "voice.load.limit", Kind.GAUGE, "s", "Of each, beyond which nobody more is let in", (DELAY,)
)


def instruments() -> Iterator[Instrument]:
    """All of them."""
    yield from STAGES.values()
    yield from (SESSION_SECONDS, CALL_SECONDS, FINAL_DELAY, FIRST_AUDIO, TRANSCRIBED)
    yield from (TURNS, NOTICES, FALLBACKS, LLM_TOKENS, CHARACTERS, WASTED_REPLIES)
    yield from (WASTED_TOKENS, WASTED_CHARACTERS, WASTED_AUDIO, INTERRUPTIONS, FAILED_CALLS)
    yield from (SESSIONS, PARKED, STREAMS, CAPACITY, TAKES_MORE, LATE, LIMIT)
