"""The spans of calls of one stage, drawn as each piece of their work is done.

    transcription   of a call of Transcribe; the caller's span is its parent
    └─ stt          one an utterance, from its last sound to its words
    synthesis       of a call of Synthesize, likewise
    └─ tts          one a clause

Names and attributes of `stt` and `tts` are those of a turn's (`traces.py`, `engine_attributes.py`). Times are
the event loop's, mapped to the wall's when they are told.
"""

import time
from collections.abc import Callable

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer, set_span_in_context

from ..ports.observer import (
    CallBegan,
    CallIdentity,
    CallOver,
    ClauseSpoken,
    EngineFacts,
    Happening,
    UtteranceTranscribed,
)
from .engine_attributes import FIRST_CHUNK, Attributes, of_engine
from .traces import GivenTraceIds, fail, parent_of

NAMES = {"Transcribe": "transcription", "Synthesize": "synthesis"}
"""Of the span of a call, by its method."""


class CallTraces:
    """Implements `ports.Observer`."""

    def __init__(self, tracer: Tracer, ids: GivenTraceIds, wall_ns: Callable[[], int] = time.time_ns) -> None:
        """As of `Traces`."""
        self._tracer, self._ids, self._wall_ns = tracer, ids, wall_ns
        self._open: dict[CallIdentity, Span] = {}
        """The spans of calls: as many as the server has streams."""
        self._last: tuple[Happening, Context] | None = None

    def observe(self, happening: Happening) -> None:
        match happening:
            case CallBegan(call):
                self._open[call] = self._begin(call)
            case CallOver():
                self._over(happening)
            case UtteranceTranscribed(_, stt, audio, spoken, transcribed):
                self._draw(happening, "stt", (spoken, transcribed), stt, {"voice.stt.audio": audio})
            case ClauseSpoken(_, tts, index, times):
                facts: dict[str, float] = {"voice.clause": index, "voice.tts.characters": times.characters}
                if times.first_audio is not None:
                    facts[FIRST_CHUNK] = times.first_audio - times.requested
                ended = happening.now if times.last_audio is None else times.last_audio
                self._draw(happening, "tts", (times.requested, ended), tts, facts)

    def context_of(self, happening: Happening) -> Context | None:
        """With the span of what was just drawn."""
        return self._last[1] if self._last is not None and self._last[0] is happening else None

    def _begin(self, call: CallIdentity) -> Span:
        trace = call.trace
        self._ids.next = "" if trace.parent_id else trace.trace_id
        return self._tracer.start_span(
            NAMES[call.method],
            parent_of(trace),
            SpanKind.SERVER,
            {"rpc.method": call.method},
            start_time=self._wall_ns(),
        )

    def _over(self, over: CallOver) -> None:
        if (span := self._open.pop(over.call, None)) is None:
            return
        span.set_attribute("voice.call.end_reason", over.why)
        span.set_attribute("voice.call.pieces", over.work.pieces)
        span.set_attribute("voice.call.audio", over.work.audio)
        if over.is_failure:
            fail(span, over.why)
        span.end(self._wall_ns())
        self._last = over, set_span_in_context(span, Context())

    def _draw(
        self,
        happening: UtteranceTranscribed | ClauseSpoken,
        name: str,
        times: tuple[float, float],
        engine: EngineFacts,
        facts: Attributes,
    ) -> None:
        if (call := self._open.get(happening.call)) is None:
            return
        wall, (began, ended) = self._wall_ns(), times

        def at_wall(seconds: float) -> int:
            return wall - round((happening.now - seconds) * 1e9)

        attributes, kind = of_engine(name, engine)
        below = set_span_in_context(call, Context())
        span = self._tracer.start_span(name, below, kind, {**attributes, **facts}, start_time=at_wall(began))
        if happening.failure:
            fail(span, happening.failure)
        span.end(at_wall(max(began, ended)))
        self._last = happening, set_span_in_context(span, Context())
