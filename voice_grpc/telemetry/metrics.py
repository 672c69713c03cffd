"""Fills the instruments of `instruments.py` from what observers are told."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation

from ..core.errors import Reason
from ..core.responses import TurnPhase
from ..ports.observer import (
    CallOver,
    ClauseSpoken,
    EngineStoodIn,
    Happening,
    LoadSeen,
    NoticeTold,
    OverlapJudged,
    ReplyMade,
    SessionBegan,
    SessionOver,
    StatusTold,
    TurnEnded,
    UtteranceTranscribed,
    WorkWasted,
)
from . import instruments as i

Labels = Mapping[str, str]


class MetricRecorder:
    """Implements `ports.Observer`. Gauges are read by whoever collects, in a thread of its own: each is one
    reference to what was seen last, replaced on the event loop."""

    def __init__(self, meter: Meter, context_of: Callable[[Happening], Context | None]) -> None:
        """`context_of`: the span of what happened, for the exemplars of what it took; None: nobody traces."""
        self._context_of = context_of
        self._load: LoadSeen | None = None
        self._made: dict[str, Any] = {each.name: self._make(meter, each) for each in i.instruments()}

    def observe(self, happening: Happening) -> None:
        match happening:
            case TurnEnded():
                self._turn_ended(happening)
            case ReplyMade(_, input_tokens, output_tokens, characters):
                self._add(i.LLM_TOKENS, input_tokens, {i.TOKENS: "input"})
                self._add(i.LLM_TOKENS, output_tokens, {i.TOKENS: "output"})
                self._add(i.CHARACTERS, characters)
            case WorkWasted(_, replies, tokens, characters, audio):
                self._add(i.WASTED_REPLIES, replies)
                self._add(i.WASTED_TOKENS, tokens)
                self._add(i.WASTED_CHARACTERS, characters)
                self._add(i.WASTED_AUDIO, audio)
            case NoticeTold(_, stage, reason):
                self._add(i.NOTICES, 1, {i.STAGE: stage, i.REASON: reason})
                if reason == Reason.ENGINE_FALLBACK:
                    self._add(i.FALLBACKS, 1, {i.STAGE: stage})
            case OverlapJudged(_, verdict):
                self._add(i.INTERRUPTIONS, 1, {i.VERDICT: verdict.value})
            case StatusTold(method, reason):
                self._add(i.FAILED_CALLS, 1, {i.METHOD: method, i.REASON: reason})
            case SessionBegan():
                self._add(i.SESSIONS, 1)
            case SessionOver(_, why, seconds, is_carried=is_carried):
                self._add(i.SESSIONS, -1 if is_carried else 0)
                self._made[i.SESSION_SECONDS.name].record(seconds, {i.REASON: why})
            case CallOver() | UtteranceTranscribed() | ClauseSpoken() | EngineStoodIn():
                self._of_call(happening)
            case LoadSeen():
                self._load = happening

    def _turn_ended(self, ended: TurnEnded) -> None:
        labels = {i.END: ended.end.value}
        if ended.end is TurnPhase.INTERRUPTED:
            labels[i.CUT] = ended.reason
        self._add(i.TURNS, 1, labels)
        if ended.answer is None:
            return
        context, model = self._context_of(ended), ended.answer.llm
        for field, instrument in i.STAGES.items():
            if (seconds := ended.answer.metrics.seconds.get(field)) is not None:
                has_model = model is not None and i.MODEL in instrument.labels
                of_model = {i.MODEL: model.name} if has_model and model else {}
                self._made[instrument.name].record(seconds, of_model, context=context)

    def _of_call(self, happening: CallOver | UtteranceTranscribed | ClauseSpoken | EngineStoodIn) -> None:
        match happening:
            case CallOver(call, why, seconds):
                self._record(i.CALL_SECONDS, seconds, happening, {i.METHOD: call.method, i.REASON: why})
            case UtteranceTranscribed(failure=failure):
                if not failure:
                    self._add(i.TRANSCRIBED, happening.audio)
                    self._record(i.FINAL_DELAY, happening.transcribed - happening.spoken, happening)
            case ClauseSpoken(times=times):
                self._add(i.CHARACTERS, times.characters)
                if times.first_audio is not None:
                    self._record(i.FIRST_AUDIO, times.first_audio - times.requested, happening)
            case EngineStoodIn(stage):
                self._add(i.FALLBACKS, 1, {i.STAGE: stage})

    def _record(
        self, instrument: i.Instrument, seconds: float, of: Happening, labels: Labels | None = None
    ) -> None:
        """Work that was done before the sound ended took no time."""
        context = self._context_of(of)
        self._made[instrument.name].record(max(0.0, seconds), labels, context=context)

    def _add(self, instrument: i.Instrument, amount: float, labels: Labels | None = None) -> None:
        """Nothing adds nothing: a counter is there from its first increment on."""
        if amount:
            self._made[instrument.name].add(amount, labels)

    # ------------------------------------------------------------ made

    def _make(self, meter: Meter, each: i.Instrument) -> object:
        facts = (each.name, each.unit, each.about)
        match each.kind:
            case i.Kind.HISTOGRAM:
                return meter.create_histogram(*facts, explicit_bucket_boundaries_advisory=list(each.bounds))
            case i.Kind.COUNTER:
                return meter.create_counter(*facts)
            case i.Kind.UP_DOWN:
                counter = meter.create_up_down_counter(*facts)
                counter.add(0)  # there from the beginning: who scales by it needs the 0
                return counter
            case i.Kind.GAUGE:
                return meter.create_observable_gauge(
                    each.name, [lambda options: self._seen(each, options)], each.unit, each.about
                )

    def _seen(self, instrument: i.Instrument, options: CallbackOptions) -> Iterable[Observation]:
        load = self._load
        if load is None:
            return []
        if instrument in (i.LATE, i.LIMIT):
            place = 0 if instrument is i.LATE else 1
            return [Observation(both[place], {i.DELAY: name}) for name, both in load.delays.items()]
        counts = {i.PARKED: load.parked, i.STREAMS: load.streams, i.CAPACITY: load.capacity}
        counts |= {i.TAKES_MORE: int(load.takes_more)}
        return [Observation(counts[instrument])]
