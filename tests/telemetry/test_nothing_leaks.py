"""What people say and what opens doors is in no line of ours at any level, no span, no metric: a gateway
and a server are used in every way that has words or secrets in it, and all that they tell is searched.

The lines are written without the redaction that a process has besides: our own code leaves them out.
"""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import grpc.aio
import pytest

pytest.importorskip("prometheus_client", reason="the extra otel is not installed")

from voice_grpc.core.errors import EngineError
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import CallRequest
from voice_grpc.process.log_lines import JsonLines
from voice_grpc.settings.collector import ENDPOINT
from voice_grpc.telemetry.start import telemetry

from ..gateway.harness import Deployment, deployed
from ..rpc.test_resume import token
from ..rpc.test_tool_calls import WEATHER, struct
from ..rpc.test_transcribe_synthesize import SPEECH, audio
from ..serving import Served
from .collector import collecting, fetched

TOKEN, WRONG_TOKEN = "tok-4711-of-the-caller", "tok-0815-of-nobody"
AUTHORIZED = (("authorization", f"Bearer {TOKEN}"), ("x-user", "Clementine"))
KEYS = ("sk-key-of-the-model-4711", "key-of-the-recogniser-4711", "key-of-the-collector-4711")
SPOKEN, TYPED, ANSWER = "my secret garden blooms", "tell me of zeppelins", "Roses prefer marmalade."
WORDS = (
    *("garden", "zeppelin", "marmalade", "Clementine"),
    *("platypus", "Timbuktu", "thunderstorm", "persimmon", "kaleidoscope", "rhododendron", "obelisk"),
)


@contextmanager
def lines_of_ours() -> Iterator[io.StringIO]:
    """At debug, as JSON."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines(str))
    ours = [logging.getLogger(name) for name in ("voice_grpc", "gateway")]
    before = [each.level for each in ours]
    for each in ours:
        each.addHandler(handler)
        each.setLevel(logging.DEBUG)
    try:
        yield out
    finally:
        for each, level in zip(ours, before, strict=True):
            each.removeHandler(handler)
            each.setLevel(level)


def script() -> Script:
    call = CallRequest("weather", {"city": "Timbuktu", "days": 2})
    broken = EngineError("llm", "the model failed")
    answers = [ScriptedAnswer(ANSWER), ScriptedAnswer("", calls=(call,)), ScriptedAnswer(ANSWER)]
    return Script(
        stt=ScriptedStt([Hearing(SPOKEN)]),
        llm=ScriptedLlm([*answers, ScriptedAnswer(ANSWER, error=broken), ScriptedAnswer(ANSWER)]),
    )


async def converse(served: Served) -> str:
    """Spoken, typed, with a tool, with mistakes and a lost line. Returns the token to come back with."""
    async with served.talk(AUTHORIZED) as talk:
        await talk.config(
            session_id="talk-1",
            instructions="You love the platypus.",
            tools=[WEATHER],
            metadata={"note": "obelisk"},
            transcription=pb.TranscriptionConfig(prompt="rhododendron"),
        )
        await talk.speak()
        await talk.over(1)
        await talk.text(TYPED)
        call = (await talk.next("tool_call")).tool_call
        result = pb.ToolResult(call_id=call.call_id, result=struct(sky="thunderstorm"))
        await talk.send(pb.ConverseRequest(tool_result=result))
        await talk.over(2)
        await talk.send(pb.ConverseRequest(tool_result=pb.ToolResult(call_id="persimmon", error=TYPED)))
        await talk.send(pb.ConverseRequest(say=pb.Say(ssml="<speak>kaleidoscope")))
        await talk.text(TYPED)
        return token(talk)


async def mistake(served: Served, given: str) -> None:
    """Calls that are refused, each with something in it that is nobody's business."""
    configs = (
        pb.SessionConfig(session_id="talk-2", persona_id="persimmon"),
        pb.SessionConfig(session_id="talk-2", language_codes=["kaleidoscope"]),
        pb.SessionConfig(session_id="talk-2", resume_token=given),
        pb.SessionConfig(session_id="talk-3", greeting="<speak>kaleidoscope"),
    )
    for config in configs:
        async with served.talk(AUTHORIZED) as talk:
            await talk.send(pb.ConverseRequest(config=config))
            await talk.ended()
    async with served.talk((("authorization", f"Bearer {WRONG_TOKEN}"),)) as talk:
        await talk.ended()
    async with served.talk(AUTHORIZED) as talk:
        await talk.config(resume_token=given[:-4] + "AAAA")
        await talk.notice("BAD_MESSAGE")


async def one_stage(served: Served) -> None:
    call = served.stub.Transcribe(metadata=AUTHORIZED)
    asked = pb.TranscribeConfig(transcription=pb.TranscriptionConfig(prompt="rhododendron"))
    await call.write(pb.TranscribeRequest(config=asked))
    for request in audio(SPEECH):
        await call.write(pb.TranscribeRequest(audio=request.audio))
    await call.done_writing()
    async for _ in call:
        pass
    async for _ in served.stub.Synthesize(pb.SynthesizeRequest(text=TYPED), metadata=AUTHORIZED):
        pass
    wrong = pb.SynthesizeRequest(text=TYPED, voice=pb.VoiceConfig(voice_id="persimmon"))
    with pytest.raises(grpc.aio.AioRpcError, match="persimmon"):
        await served.stub.Synthesize(wrong, metadata=AUTHORIZED).read()


async def browse(here: Deployment, given: str) -> None:
    """A page that talks, one that nobody knows, and one that sends nonsense."""
    async with here.browser(f"bearer.{TOKEN}") as browser:
        await browser.send({"type": "start", "resume_token": given})
        await browser.said(type="ready")
        await browser.send({"type": "text", "text": TYPED})
        await browser.until(lambda: any(text["type"] == "metrics" for text in browser.texts), "an end")
        await browser.send({"type": "kaleidoscope"})
    async with here.browser(f"bearer.{WRONG_TOKEN}") as browser:
        await browser.send({"type": "start"})
        await browser.closed()


async def test_words_tokens_and_keys_are_in_nothing_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model, recogniser, of_collector = KEYS
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={of_collector}")
    given = ""
    async with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        with lines_of_ours() as out:
            async with (
                telemetry("127.0.0.1", 0) as seen,
                deployed(
                    script(),
                    observer=seen.observer,
                    tokens=[TOKEN],
                    max_parked=1,
                    openai_api_key=model,
                    whisper_api_key=recogniser,
                ) as here,
            ):
                given = await converse(here.served)
                await mistake(here.served, given)
                await one_stage(here.served)
                await browse(here, given)
                exposed = (await fetched(seen.metrics_port or 0))[1]
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    events = [line.get("event") for line in lines]
    assert {"session_began", "turn", "session_parked", "session_ended", "call_ended"} <= set(events)
    ids = {line["message"].split()[1].strip(":") for line in lines if line["message"].startswith("session ")}
    for line in lines:
        if line["message"].startswith("session "):
            assert line["message"].startswith(f"session {line['session_id']}: "), line
            assert line["trace_id"], line
    assert len(ids) > 1
    assert {"turn", "conversation", "transcription", "synthesis"} <= {span.name for span in collected.spans}
    assert "voice_calls_failed_total" in exposed
    for where, told in (("lines", out.getvalue()), ("spans", collected.everything), ("metrics", exposed)):
        for word in (*WORDS, TOKEN, WRONG_TOKEN, *KEYS, given, given[:24]):
            found = told.lower().find(word.lower())
            assert found < 0, f"{word!r} in {where}: …{told[max(0, found - 200) : found + 100]}"
