"""When the stages of a turn begin and end: sessions on virtual time, and the spans drawn of them.

The question ends at 1.28, is noticed at 1.38 and committed at 1.78; its answer sounds from then on.
"""

import asyncio
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import urlsplit

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.session.harness import CONFIG, changed, converse, scripted
from tests.session.microphone import Action, microphone, pause, script, sound, user
from voice_grpc.core import requests as i
from voice_grpc.core.config import SessionConfig
from voice_grpc.core.responses import TurnMetrics, TurnPhase
from voice_grpc.core.timeline import Mark, Timeline
from voice_grpc.core.trace_context import TraceContext
from voice_grpc.core.turn.interruption import Interruption, OverlapVerdict
from voice_grpc.core.turn.settings import Speculation
from voice_grpc.engines.scripted import HANG, Script, ScriptedAnswer
from voice_grpc.ports import Observers, SessionIdentity
from voice_grpc.ports.observer import (
    AnswerFacts,
    ClauseTimes,
    EngineFacts,
    Happening,
    OverlapJudged,
    ReplyMade,
    SessionBegan,
    SessionOver,
    TurnEnded,
    WorkWasted,
)
from voice_grpc.telemetry.traces import GivenTraceIds, Traces

ME = SessionIdentity("talk", TraceContext("0af7651916cd43dd8448eb211c80319c"))
EPOCH = 1_000_000_000
"""The wall's time, in seconds, at the loop's 0."""
QUESTION = sound(user(1.28), pause(2.72))


H = TypeVar("H")


class Seen:
    """Draws spans of a session whose loop's time is virtual, and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Happening] = []
        self._memory, ids = InMemorySpanExporter(), GivenTraceIds()
        provider = TracerProvider(id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._memory))
        self.traces = Traces(provider.get_tracer("test"), ids, self._wall_ns)
        self.traces.observe(SessionBegan(ME))

    def observe(self, happening: Happening) -> None:
        self.told.append(happening)
        self.traces.observe(happening)

    @staticmethod
    def _wall_ns() -> int:
        try:
            now = asyncio.get_running_loop().time()
        except RuntimeError:
            now = 0.0
        return round((EPOCH + now) * 1e9)

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._memory.get_finished_spans() if span.name == name]

    def times(self, name: str) -> list[tuple[float, float]]:
        """Begin and end of each span, by the loop's time, in ms."""
        return [
            (
                round((span.start_time or 0) / 1e6 - EPOCH * 1e3),
                round((span.end_time or 0) / 1e6 - EPOCH * 1e3),
            )
            for span in self.spans(name)
        ]

    def of(self, kind: type[H]) -> list[H]:
        return [each for each in self.told if isinstance(each, kind)]


def seen(actions: Iterable[Action], talk: Script, config: SessionConfig = CONFIG) -> Seen:
    looking = Seen()
    converse(actions, talk, config, observer=Observers(looking), identity=ME)
    return looking


def test_spans_have_the_times_of_what_happened() -> None:
    """The model is asked at the soft end, before the turn is over, and writes 0.6 s later."""
    answer = ScriptedAnswer("Hello there my friend. What can I do for you?", first_token=0.6)
    early = changed(speculation=Speculation.TTS)
    looking = seen(microphone(QUESTION), scripted(answers=[answer]), early)
    ((began, ended),) = looking.times("turn")
    assert 0 <= began < 80
    assert looking.times("endpointing") == [(1_280, 1_780)]
    ((stt_began, stt_ended),) = looking.times("stt")
    assert stt_began == 1_280 < stt_ended <= 1_780
    ((asked, written),) = looking.times("llm")
    assert asked == stt_ended < 1_780
    assert written - asked >= 600
    clauses = looking.times("tts")
    assert len(clauses) == 2
    assert clauses[0][0] == asked + 600
    assert looking.times("playout") == [(clauses[0][0], ended)]


def test_a_turn_that_was_cut_says_by_what() -> None:
    actions = script(microphone(QUESTION), [(2.2, i.Interrupt(0))])
    looking = seen(actions, scripted(answers=["This goes on and on and on and on and on for long."]))
    (turn,) = looking.spans("turn")
    assert turn.attributes is not None
    assert turn.attributes["voice.turn.end"] == "interrupted"
    assert turn.attributes["voice.turn.cut_reason"] == "request"
    assert looking.times("playout")[0][1] == 2_200


def test_a_turn_that_failed_has_its_stages_and_is_an_error() -> None:
    """The model hangs; the apology that ends the turn is heard."""
    looking = seen(microphone(QUESTION), scripted(answers=[ScriptedAnswer("Hello", first_token=HANG)]))
    (turn,) = looking.spans("turn")
    assert turn.status.status_code is StatusCode.ERROR
    assert looking.times("endpointing") == [(1_280, 1_780)]
    assert len(looking.spans("llm")) == 1
    assert looking.times("playout")[0][0] == 8_280


def test_a_voice_over_an_answer_is_told_by_what_it_was() -> None:
    long = ScriptedAnswer("This is a long answer that goes on and on for quite a while, and then some more.")
    over = [*microphone(QUESTION), *microphone(sound(user(0.64), pause(3.0)), start=4.0)]
    yielding = changed(interruption=Interruption.YIELD)
    for words, verdict in (("no wait", OverlapVerdict.INTERRUPTION), ("uh-huh", OverlapVerdict.BACKCHANNEL)):
        looking = seen(over, scripted(["hello there", words], [long, "Well."]), yielding)
        assert [each.verdict for each in looking.of(OverlapJudged)] == [verdict]


def test_every_turn_ends_once_and_its_costs_are_told() -> None:
    looking = seen(microphone(sound(QUESTION, QUESTION)), scripted(answers=["Hello there. Good."]))
    turns = looking.of(TurnEnded)
    assert [(turn.turn, turn.end) for turn in turns] == [(1, TurnPhase.COMPLETED), (2, TurnPhase.COMPLETED)]
    made = looking.of(ReplyMade)
    assert sum(each.characters for each in made) >= 2 * len("Hello there. Good.") - 2
    assert all(each.output_tokens > 0 for each in made)


def test_what_was_prepared_in_vain_is_told() -> None:
    """The session ends in the silence in which an answer is prepared already."""
    looking, talk, early = Seen(), scripted(), changed(speculation=Speculation.LLM)
    converse(microphone(QUESTION), talk, early, observer=looking, identity=ME, cancel_at=1.6)
    (wasted,) = looking.of(WorkWasted)
    assert wasted.replies == len(talk.llm.prompts) > 0
    assert wasted.tokens > 0
    assert not looking.spans("turn")


def test_a_session_that_ends_in_mid_answer_ends_its_turn() -> None:
    looking = Seen()
    talk = scripted(answers=["This is a long answer that goes on and on for quite a while."])
    converse(microphone(QUESTION), talk, observer=looking, identity=ME, cancel_at=2.5)
    (turn,) = looking.of(TurnEnded)
    assert (turn.end, turn.reason) == (TurnPhase.INTERRUPTED, "ended")


def test_the_conversation_says_why_it_ended_and_failures_are_errors() -> None:
    looking = Seen()
    looking.observe(SessionOver(ME, "SLOW_CLIENT", 1.0, is_failure=True))
    (span,) = looking.spans("conversation")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "SLOW_CLIENT"
    looking.observe(TurnEnded(ME, 1, TurnPhase.COMPLETED, "", Timeline(), 1.0, 1.0))
    assert looking.spans("turn") == []  # nothing is kept of one that is over


def test_a_line_that_takes_another_s_place_begins_before_that_ends() -> None:
    looking = Seen()
    looking.observe(SessionBegan(ME))
    looking.observe(SessionOver(ME, "SUPERSEDED", 1.0, is_failure=True))
    (first,) = looking.spans("conversation")
    looking.observe(TurnEnded(ME, 1, TurnPhase.COMPLETED, "", Timeline(), 1.0, 1.0))
    looking.observe(SessionOver(ME, "client", 1.0))
    _, second = looking.spans("conversation")
    (turn,) = looking.spans("turn")
    assert [link.context for link in turn.links] == [second.context] != [first.context]
    reasons = [dict(span.attributes or {})["voice.session.end_reason"] for span in (first, second)]
    assert reasons == ["SUPERSEDED", "client"]


PLACES = [
    ("in process", "embedded", {}),
    ("", "_OTHER", {}),
    ("https://generativelanguage.googleapis.com", "gcp.gemini", {"server.port": 443}),
    ("https://eu-aiplatform.googleapis.com", "gcp.vertex_ai", {"server.port": 443}),
    ("eu-texttospeech.googleapis.com:443", "gcp.gen_ai", {"server.port": 443}),
    ("https://api.openai.com/v1", "openai", {"server.port": 443}),
    ("http://10.0.0.7:8000/v1", "_OTHER", {"server.port": 8000}),
    ("ws://whisper.lan/v1", "_OTHER", {"server.port": 80}),
    ("tcp://[::1]:10300", "_OTHER", {"server.port": 10300}),
]
HOSTS = {location: urlsplit(location).hostname for location, *_ in PLACES if "://" in location}


def seen_of(engine: EngineFacts) -> Seen:
    """A turn of which one engine did all."""
    looking, timeline = Seen(), Timeline()
    for mark, at in (
        (Mark.SPEECH_END, 0.5), (Mark.STT_FINAL, 0.75), (Mark.LLM_REQUEST, 1.0), (Mark.LLM_FIRST_TOKEN, 1.25),
    ):  # fmt: skip
        timeline.mark(mark, at)
    metrics = TurnMetrics(1, {}, {"input_tokens": 7, "output_tokens": 3})
    facts = AnswerFacts(metrics, (ClauseTimes(1.5, 9, 1.75, 2.0),), engine, engine)
    looking.observe(TurnEnded(ME, 1, TurnPhase.COMPLETED, "", timeline, 2.0, 2.0, facts, engine))
    return looking


@pytest.mark.parametrize(("location", "provider", "place"), PLACES)
def test_every_engine_is_told_by_the_conventions(location: str, provider: str, place: dict[str, int]) -> None:
    looking = seen_of(EngineFacts("some-model", location))
    engine: dict[str, object] = {
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": "some-model",
        "gen_ai.conversation.id": "talk",
        **place,
    }
    if place:
        engine["server.address"] = HOSTS.get(location) or "eu-texttospeech.googleapis.com"
    used = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}
    first = {"gen_ai.response.time_to_first_chunk": 0.25}
    clause = {"voice.clause": 0, "voice.tts.characters": 9}
    for name, operation, output, own in (
        ("stt", "transcribe", "text", {}),
        ("llm", "chat", "text", used | first),
        ("tts", "synthesize", "speech", clause | first),
    ):
        (span,) = looking.spans(name)
        assert span.kind is (SpanKind.CLIENT if place else SpanKind.INTERNAL)
        told = {"gen_ai.operation.name": operation, "gen_ai.output.type": output}
        assert dict(span.attributes or {}) == told | engine | own


def test_a_turn_without_an_answer_says_who_transcribed_it() -> None:
    looking, timeline = Seen(), Timeline()
    timeline.mark(Mark.SPEECH_END, 1.0)
    timeline.mark(Mark.STT_FINAL, 1.5)
    stt = EngineFacts("some-model", "in process")
    looking.observe(TurnEnded(ME, 1, TurnPhase.DISCARDED, "", timeline, 2.0, 2.0, None, stt))
    (span,) = looking.spans("stt")
    assert dict(span.attributes or {})["gen_ai.request.model"] == "some-model"


def test_the_traces_of_turns_follow_from_the_conversations() -> None:
    looking = seen(microphone(QUESTION), scripted())
    (turn,) = looking.spans("turn")
    assert turn.context is not None
    assert f"{turn.context.trace_id:032x}" == ME.trace.of_turn(1) != ME.trace.trace_id
