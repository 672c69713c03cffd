"""The spans of a conversation and of its turns, drawn once a turn is over from when things happened in it.

    conversation                          on one line, from begin to end; the caller's span is its parent
    parked                                below that, while it waits for another line
    turn                                  a trace of its own, linked to the conversation; where the caller has
    ├─ endpointing   stt   llm            a trace, all of it is in that one, under the conversation
    ├─ tts           one a clause
    └─ playout

Times are the conversation's clock, mapped to the wall's at the end of the turn: while a conversation is held
its clock stands still, and spans of that turn from before it are later by that much.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)

from ..core.responses import TurnPhase
from ..core.timeline import Mark
from ..core.trace_context import TraceContext
from ..ports.observer import (
    AnswerFacts,
    EngineFacts,
    Happening,
    SessionBegan,
    SessionIdentity,
    SessionOver,
    TurnEnded,
)
from .engine_attributes import CONVERSATION, ERROR, FIRST_CHUNK, INPUT, OUTPUT, Attributes, Value, of_engine

SESSION = "session.id"


class GivenTraceIds(RandomIdGenerator):
    """Ids of spans are random; that of the next trace to begin is told beforehand. For one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.next: str = ""

    def generate_trace_id(self) -> int:
        given, self.next = self.next, ""
        return int(given, 16) if given else super().generate_trace_id()


@dataclass(frozen=True, slots=True)
class Stage:
    """A span below a turn's; `start` and `end` in seconds of the conversation's clock."""

    name: str
    start: float
    end: float
    attributes: Attributes
    kind: SpanKind = SpanKind.INTERNAL


class Traces:
    """Implements `ports.Observer`."""

    def __init__(self, tracer: Tracer, ids: GivenTraceIds, wall_ns: Callable[[], int] = time.time_ns) -> None:
        """`ids`: of `tracer`. `wall_ns`: nanoseconds since 1970."""
        self._tracer, self._ids, self._wall_ns = tracer, ids, wall_ns
        self._open: dict[SessionIdentity, list[Span]] = {}
        """The spans of conversations, one for each line: as many as the server has streams."""
        self._parked: dict[SessionIdentity, Span] = {}
        """Of those that wait: as many as the server lets wait."""
        self._last: tuple[TurnEnded, Context] | None = None

    def observe(self, happening: Happening) -> None:
        match happening:
            case SessionBegan(session):
                if (waited := self._parked.pop(session, None)) is not None:
                    waited.end(self._wall_ns())
                self._open.setdefault(session, []).append(self._begin(session))
            case SessionOver():
                self._over(happening)
            case TurnEnded():
                self._draw(happening)

    def context_of(self, happening: Happening) -> Context | None:
        """With the span of a turn that was just drawn."""
        return self._last[1] if self._last is not None and self._last[0] is happening else None

    # ------------------------------------------------------------ a conversation

    def _begin(self, session: SessionIdentity) -> Span:
        trace = session.trace
        parent = parent_of(trace)
        self._ids.next = "" if trace.parent_id else trace.trace_id
        attributes = {SESSION: session.session_id, CONVERSATION: session.session_id}
        return self._tracer.start_span(
            "conversation",
            parent,
            SpanKind.SERVER,
            attributes,
            start_time=self._wall_ns(),
        )

    def _over(self, over: SessionOver) -> None:
        session = over.session
        if not over.is_carried:
            self._end(self._parked.pop(session, None), over)
            return
        spans = self._open.pop(session, [])
        span, later = (spans[0], spans[1:]) if spans else (None, [])
        if later:  # a line that takes another's place begins before that ends
            self._open[session] = later
        self._end(span, over)
        if over.goes_on and span is not None:
            below = set_span_in_context(span, Context())
            attributes = {SESSION: session.session_id, CONVERSATION: session.session_id}
            self._parked[session] = self._tracer.start_span(
                "parked", below, attributes=attributes, start_time=self._wall_ns()
            )

    def _end(self, span: Span | None, over: SessionOver) -> None:
        if span is not None:
            span.set_attribute("voice.session.end_reason", over.why)
            if over.is_failure:
                fail(span, over.why)
            span.end(self._wall_ns())

    # ------------------------------------------------------------ a turn

    def _draw(self, ended: TurnEnded) -> None:
        lines, parked = self._open.get(ended.session), self._parked.get(ended.session)
        conversation = lines[-1] if lines else parked
        if conversation is None:
            return
        wall = self._wall_ns()
        begun = min((at for mark in Mark if (at := ended.timeline.at(mark)) is not None), default=ended.ended)

        def at_wall(seconds: float) -> int:
            return wall - round((ended.ended - seconds) * 1e9)

        in_callers = bool(ended.session.trace.parent_id)
        self._ids.next = "" if in_callers else ended.session.trace.of_turn(ended.turn)
        turn = self._tracer.start_span(
            "turn",
            set_span_in_context(conversation, Context()) if in_callers else Context(),
            attributes=_of_turn(ended),
            links=[Link(conversation.get_span_context())],
            start_time=at_wall(begun),
        )
        context = set_span_in_context(turn, Context())
        for stage in _stages(ended) if turn.is_recording() else ():
            span = self._tracer.start_span(
                stage.name, context, stage.kind, stage.attributes, start_time=at_wall(stage.start)
            )
            span.end(at_wall(max(stage.start, stage.end)))
        if ended.end is TurnPhase.FAILED:
            turn.set_status(Status(StatusCode.ERROR))
        turn.end(wall)
        self._last = (ended, context)


def fail(span: Span, why: str) -> None:
    span.set_attribute(ERROR, why)
    span.set_status(Status(StatusCode.ERROR))


def parent_of(trace: TraceContext) -> Context:
    """The caller's span; empty: the trace begins here."""
    if not trace.parent_id:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if trace.is_sampled else TraceFlags.DEFAULT)
    state = TraceState.from_header([trace.state]) if trace.state else None
    ids = (int(trace.trace_id, 16), int(trace.parent_id, 16))
    return set_span_in_context(NonRecordingSpan(SpanContext(*ids, True, flags, state)), Context())


def _of_turn(ended: TurnEnded) -> dict[str, Value]:
    id = ended.session.session_id
    attributes: dict[str, Value] = {
        SESSION: id,
        CONVERSATION: id,
        "voice.turn": ended.turn,
        "voice.turn.end": ended.end.value,
    }
    if ended.reason:
        is_cut = ended.end is TurnPhase.INTERRUPTED
        attributes["voice.turn.cut_reason" if is_cut else "voice.turn.reason"] = ended.reason
    if ended.end is TurnPhase.FAILED:
        attributes[ERROR] = "failed"
    if ended.answer is not None:
        metrics = ended.answer.metrics
        attributes |= {f"voice.turn.{name}": value for name, value in metrics.seconds.items()}
        attributes |= {f"voice.turn.{name}": value for name, value in metrics.counts.items() if value}
    return attributes


def _stages(ended: TurnEnded) -> Iterator[Stage]:
    at, answer = ended.timeline.at, ended.answer
    spoken, committed, final = at(Mark.SPEECH_END), at(Mark.COMMIT), at(Mark.STT_FINAL)
    if spoken is not None and committed is not None:
        decision = answer.metrics.decision if answer is not None else None
        facts = {} if decision is None else {"voice.turn.finished": decision.finished}
        yield Stage("endpointing", spoken, committed, facts)
    if spoken is not None and final is not None:
        attributes, kind = _of_stage("stt", ended, ended.stt)
        yield Stage("stt", spoken, final, attributes, kind)
    if answer is not None:
        yield from _model_and_voice(ended, answer)
    if (first_frame := at(Mark.FIRST_FRAME_OUT)) is not None:
        end = at(Mark.ENDED)
        yield Stage("playout", first_frame, ended.ended if end is None else end, {})


def _model_and_voice(ended: TurnEnded, answer: AnswerFacts) -> Iterator[Stage]:
    at = ended.timeline.at
    asked, written = at(Mark.LLM_REQUEST), at(Mark.LLM_END)
    if asked is not None and answer.llm is not None:
        attributes, kind = _of_stage("llm", ended, answer.llm)
        counts = answer.metrics.counts
        attributes |= {INPUT: counts["input_tokens"], OUTPUT: counts["output_tokens"]}
        if (first := at(Mark.LLM_FIRST_TOKEN)) is not None:
            attributes[FIRST_CHUNK] = first - asked
        yield Stage("llm", asked, ended.ended if written is None else written, attributes, kind)
    attributes, kind = _of_stage("tts", ended, answer.tts)
    for index, clause in enumerate(answer.clauses):
        facts = attributes | {"voice.clause": index, "voice.tts.characters": clause.characters}
        if clause.first_audio is not None:
            facts[FIRST_CHUNK] = clause.first_audio - clause.requested
        end = ended.ended if clause.last_audio is None else clause.last_audio
        yield Stage("tts", clause.requested, end, facts, kind)


def _of_stage(name: str, ended: TurnEnded, engine: EngineFacts | None) -> tuple[dict[str, Value], SpanKind]:
    attributes, kind = of_engine(name, engine)
    return attributes | {CONVERSATION: ended.session.session_id}, kind
