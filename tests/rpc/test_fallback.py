"""A vendor's bad second costs nobody a turn: conversations on chains, over gRPC, and what they are told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from voice_grpc.core.errors import EngineBlocked, EngineUnreachable
from voice_grpc.engines.scripted import (
    Hearing,
    Script,
    ScriptedAnswer,
    ScriptedLlm,
    ScriptedStt,
    ScriptedTts,
    Voicing,
)
from voice_grpc.fallback import LlmChain, SttChain, TtsChain
from voice_grpc.fallback.circuit_breaker import FAILURES
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import Engines, Voice

from ..serving import ConverseCall, answered, noise, serving

DOWN = EngineUnreachable("llm", "nobody answers")


@dataclass(frozen=True)
class Chained(Script):
    """Each stage has a second engine, which works."""

    second_stt: ScriptedStt = field(default_factory=lambda: ScriptedStt([Hearing("heard by the second")]))
    second_llm: ScriptedLlm = field(default_factory=lambda: ScriptedLlm([ScriptedAnswer("I am the second.")]))
    second_tts: ScriptedTts = field(default_factory=ScriptedTts)

    def __post_init__(self) -> None:
        for engine in (self.second_stt, self.second_llm, self.second_tts):
            engine.name = "second"

    @property
    def engines(self) -> Engines:
        plain = super().engines
        return Engines(
            plain.vad,
            SttChain([self.stt, self.second_stt]),
            LlmChain([self.llm, self.second_llm]),
            TtsChain([self.tts, self.second_tts]),
            plain.apology,
        )


def stages(talk: ConverseCall, reason: str = "ENGINE_FALLBACK") -> list[str]:
    return [pb.Stage.Name(n.stage) for n in talk.notices if n.reason == reason]


def finals(talk: ConverseCall) -> list[pb.Transcript]:
    return [transcript for transcript in talk.transcripts() if transcript.is_final]


async def test_the_second_model_answers_and_the_caller_is_told() -> None:
    script = Chained(llm=ScriptedLlm([ScriptedAnswer("", error=DOWN)]))
    async with serving(script) as served, served.talk() as talk:
        await talk.config()
        turn = await answered(talk)
        assert talk.terminals(turn) == [pb.TurnEvent.STATE_COMPLETED]
        assert talk.words(turn) == "I am the second."
        assert talk.chunks(turn)
        (notice,) = talk.notices
        assert (notice.reason, notice.stage) == ("ENGINE_FALLBACK", pb.STAGE_LLM)
        assert "second" in notice.message
        assert "nobody answers" in notice.message


async def test_the_second_recogniser_hears_and_the_caller_is_told_once_an_utterance() -> None:
    script = Chained(stt=ScriptedStt([Hearing("", error=EngineUnreachable("stt", "no server"))]))
    async with serving(script) as served, served.talk() as talk:
        await talk.config()
        for utterance in range(1, 3):
            await talk.speak()
            await talk.until(lambda: len(finals(talk)) >= utterance, "a final")  # noqa: B023 - awaited here
            await talk.over(max(response.turn for response in talk.said))
        assert {final.text for final in finals(talk)} == {"heard by the second"}
        assert stages(talk) == ["STAGE_STT", "STAGE_STT"]


async def test_the_second_voice_goes_on_between_two_clauses() -> None:
    answer = ScriptedAnswer("This is the first sentence. And this is the second one.")
    script = Chained(llm=ScriptedLlm([answer]), tts=ScriptedTts(Voicing(error_at=1)))
    async with serving(script) as served, served.talk() as talk:
        await talk.config()
        turn = await answered(talk)
        assert talk.terminals(turn) == [pb.TurnEvent.STATE_COMPLETED]
        assert stages(talk) == ["STAGE_TTS"]
        assert len(script.tts.spoken) == 1
        assert len(script.second_tts.spoken) == 1


async def test_turn_after_turn_while_a_vendor_is_down() -> None:
    """It is asked a few times, and then left out; the server says which engines are ready."""
    script = Chained(llm=ScriptedLlm([ScriptedAnswer("", error=DOWN)]))
    async with serving(script) as served, served.talk() as talk:
        await talk.config()
        for _ in range(FAILURES + 3):
            turn = await answered(talk)
            assert talk.terminals(turn) == [pb.TurnEvent.STATE_COMPLETED]
        assert len(script.llm.prompts) == FAILURES
        assert len(stages(talk)) == FAILURES + 3
        info = await served.stub.GetServerInfo(pb.GetServerInfoRequest())
        ready = [(e.name, e.ready) for e in info.engines if e.stage == pb.STAGE_LLM]
        assert ready == [("script", False), ("second", True)]
        assert all(e.ready for e in info.engines if e.stage != pb.STAGE_LLM)


async def test_what_safety_blocked_is_apologised_for_and_not_asked_of_the_second() -> None:
    script = Chained(
        llm=ScriptedLlm([ScriptedAnswer("", error=EngineBlocked("llm", "blocked by its rules"))])
    )
    async with serving(script) as served, served.talk() as talk:
        await talk.config()
        turn = await answered(talk)
        assert talk.terminals(turn) == [pb.TurnEvent.STATE_FAILED]
        assert stages(talk, "ENGINE_BLOCKED") == ["STAGE_LLM"]
        assert not script.second_llm.prompts


async def test_single_requests_fail_over_too() -> None:
    script = Chained(
        stt=ScriptedStt([Hearing("", error=EngineUnreachable("stt", "no server"))]),
        tts=ScriptedTts(Voicing(error_at=0)),
    )
    async with serving(script) as served:
        sounds = [part async for part in served.stub.Synthesize(pb.SynthesizeRequest(text="Hello there."))]
        assert sounds
        assert script.second_tts.spoken == ["Hello there."]
        call = served.stub.Transcribe()
        await call.write(pb.TranscribeRequest(config=pb.TranscribeConfig()))
        await call.write(pb.TranscribeRequest(audio=pb.AudioInput(data=noise(1.0).tobytes())))
        await call.done_writing()
        heard = [part async for part in call]
        assert "heard by the second" in str(heard)


class Crowd(ScriptedTts):
    """As many voices as Google has."""

    async def voices(self) -> Sequence[Voice]:
        return [Voice(f"en-US-Chirp3-HD-{number:04}", "en-US", "google") for number in range(1_200)]


async def test_with_a_thousand_voices_a_wrong_one_is_still_told_as_what_it_is() -> None:
    """A status has room for some of their names, not for all."""
    async with serving(Script(tts=Crowd())) as served, served.talk() as talk:
        await talk.send(pb.ConverseRequest(config=pb.SessionConfig(voice=pb.VoiceConfig(voice_id="none"))))
        how = await talk.ended()
        assert how.reason == "BAD_FIELD"
        assert "and 1180 more (ListVoices)" in how.message
