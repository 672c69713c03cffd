"""Transcribe and Synthesize: speech to text alone, text to speech alone, over a real server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration

from voice_grpc.core.audio import Samples, silence
from voice_grpc.core.errors import EngineDenied, EngineError
from voice_grpc.engines.scripted import (
    SECONDS_A_CHARACTER,
    Hearing,
    Script,
    ScriptedStt,
    ScriptedTts,
    Voicing,
    tone,
)
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import Clause, Speech, VoiceChoice

from ..serving import RATE_HZ, WITHIN, Ended, Served, ended, scripted, serving

Code = grpc.StatusCode
PCM, FLOAT = pb.AUDIO_ENCODING_PCM_S16LE, pb.AUDIO_ENCODING_PCM_F32LE
MULAW, ALAW = pb.AUDIO_ENCODING_MULAW, pb.AUDIO_ENCODING_ALAW

# ---------------------------------------------------------------- speech to text


async def transcribed(
    served: Served, *requests: pb.TranscribeRequest
) -> tuple[list[pb.TranscribeResponse], Ended | None]:
    """All that came for `requests` and a half-close, and how it ended if not well."""
    call, said = served.stub.Transcribe(), []
    try:
        async with asyncio.timeout(WITHIN):
            for request in requests:
                await call.write(request)
            await call.done_writing()
            while isinstance(response := await call.read(), pb.TranscribeResponse):
                said.append(response)
    except grpc.aio.AioRpcError as error:
        return said, ended(error)
    finally:
        call.cancel()
    return said, None


def config(**given: Any) -> pb.TranscribeRequest:
    return pb.TranscribeRequest(config=pb.TranscribeConfig(**given))


def audio(samples: Samples) -> list[pb.TranscribeRequest]:
    cuts = range(0, len(samples), 1_600)
    return [pb.TranscribeRequest(audio=pb.AudioInput(data=samples[at : at + 1_600].tobytes())) for at in cuts]


SPEECH = np.concatenate([silence(0.2), tone(1.0, rate_hz=RATE_HZ)])
END = pb.TranscribeRequest(audio_end=pb.AudioInputEnd())


def finals(said: list[pb.TranscribeResponse]) -> list[str]:
    return [response.transcript.text for response in said if response.transcript.is_final]


async def test_half_close_gives_the_last_final() -> None:
    async with serving(scripted(hearing="hello there")) as served:
        said, wrong = await transcribed(served, config(), *audio(SPEECH))
    assert wrong is None
    assert finals(said) == ["hello there"]
    assert said[-1].transcript.is_final
    assert [r.speech_event.kind for r in said if r.HasField("speech_event")] == [1, 2]
    final = said[-1].transcript
    assert 0 <= final.start_samples <= 0.2 * RATE_HZ
    assert abs(final.end_samples - len(SPEECH)) <= 512


async def test_each_utterance_is_a_segment() -> None:
    """Ended by what the client says, or by a silence as long as `hold`."""
    script = Script(stt=ScriptedStt([Hearing("one"), Hearing("two"), Hearing("three")]))
    hold = pb.TurnDetection(hold=Duration(nanos=100_000_000))
    gap = np.concatenate([SPEECH, silence(1.0)])
    async with serving(script) as served:
        said, wrong = await transcribed(
            served, config(turn_detection=hold), *audio(SPEECH), END, *audio(gap), *audio(SPEECH)
        )
    assert wrong is None
    assert finals(said)[0] == "one"
    assert finals(said)[-1] in ("two", "three")
    segments = [r.transcript.segment for r in said if r.transcript.is_final]
    assert segments == list(range(len(segments)))


async def test_nothing_but_silence_gives_no_transcript() -> None:
    async with serving() as served:
        said, wrong = await transcribed(served, config(), *audio(silence(1.0)))
    assert (said, wrong) == ([], None)


@pytest.mark.parametrize("rate_hz", [8_000, 24_000, 48_000])
async def test_positions_are_told_at_the_rate_of_the_input(rate_hz: int) -> None:
    sound = np.concatenate([silence(0.5, rate_hz), tone(0.5, rate_hz=rate_hz)])
    format = pb.AudioFormat(encoding=PCM, sample_rate_hz=rate_hz)
    async with serving() as served:
        said, wrong = await transcribed(served, config(input_audio=format), *audio(sound))
    assert wrong is None
    assert abs(said[-1].transcript.end_samples / rate_hz - 1.0) < 0.05


async def test_a_recogniser_that_fails_is_a_notice_and_the_stream_lives() -> None:
    broken = Hearing("", error=EngineError("stt", "no ears"))
    async with serving(Script(stt=ScriptedStt([broken, Hearing("two")]))) as served:
        said, wrong = await transcribed(served, config(), *audio(SPEECH), END)
        assert wrong is None
        assert [r.notice.message for r in said if r.HasField("notice")] == ["no ears"]
        assert finals(said) == [""]


async def test_a_bad_chunk_is_a_notice() -> None:
    odd = pb.TranscribeRequest(audio=pb.AudioInput(data=b"123"))
    async with serving() as served:
        said, wrong = await transcribed(served, config(), odd, *audio(SPEECH))
    assert wrong is None
    notice = said[0].notice
    assert (notice.reason, notice.field, notice.request_seq) == ("BAD_MESSAGE", "audio.data", 2)
    assert finals(said) == ["hello there"]


def wrong_transcriptions() -> list[tuple[str, list[pb.TranscribeRequest]]]:
    format = pb.AudioFormat(encoding=PCM, sample_rate_hz=7_000)
    threshold = pb.TurnDetection(threshold=float("nan"))
    big = pb.TranscribeRequest(audio=pb.AudioInput(data=bytes(65_538)))
    return [
        ("config", []),
        ("audio", audio(SPEECH)[:1]),
        ("audio_end", [END]),
        ("config", [config(), config()]),
        ("audio.data", [config(), big]),
        ("config.input_audio.sample_rate_hz", [config(input_audio=format)]),
        ("config.language_codes", [config(language_codes=["xx"])]),
        ("config.turn_detection.threshold", [config(turn_detection=threshold)]),
        ("config.transcription.prompt", [config(transcription=pb.TranscriptionConfig(prompt="x" * 1_001))]),
    ]


@pytest.mark.parametrize(("field", "requests"), wrong_transcriptions())
async def test_a_wrong_transcription_names_its_field(
    field: str, requests: list[pb.TranscribeRequest]
) -> None:
    async with serving() as served:
        said, wrong = await transcribed(served, *requests)
        assert wrong is not None
        assert (wrong.code, wrong.reason, list(wrong.fields)) == (Code.INVALID_ARGUMENT, "BAD_FIELD", [field])
        assert said == []
        good, wrong = await transcribed(served, pb.TranscribeRequest(), config(), *audio(SPEECH))
        assert (finals(good), wrong) == (["hello there"], None)


async def test_a_caller_that_leaves_in_mid_utterance(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as served:
        call = served.stub.Transcribe()
        for request in (config(), *audio(SPEECH)):
            await call.write(request)
        await call.read()
        call.cancel()
        await served.assert_serves()
    assert not caplog.records


# ---------------------------------------------------------------- text to speech


async def synthesized(served: Served, **given: Any) -> tuple[list[pb.SynthesizeResponse], Ended | None]:
    call, said = served.stub.Synthesize(pb.SynthesizeRequest(**given)), []
    try:
        async with asyncio.timeout(WITHIN):
            async for response in call:
                said.append(response)
    except grpc.aio.AioRpcError as error:
        return said, ended(error)
    finally:
        call.cancel()
    return said, None


TEXT = "Good morning. How are you today?"
"""Two segments."""


async def test_sound_comes_in_chunks_with_the_text_of_each_segment() -> None:
    async with serving() as served:
        said, wrong = await synthesized(served, text=TEXT)
    assert wrong is None
    chunks = [response.audio for response in said]
    assert [c.chunk_index for c in chunks] == list(range(len(chunks)))
    lengths = [c.duration_samples for c in chunks]
    assert [c.offset_samples for c in chunks] == list(np.cumsum([0, *lengths[:-1]]))
    assert [c.is_last for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert max(lengths) <= 2_400
    assert "".join(r.segment_text for r in said).split() == TEXT.split()
    assert [r.audio.segment_index for r in said if r.segment_text] == [0, 1]


@pytest.mark.parametrize(("encoding", "width"), [(PCM, 2), (FLOAT, 4), (MULAW, 1), (ALAW, 1)])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
async def test_lengths_are_right_to_the_sample(
    encoding: pb.AudioEncoding, width: int, rate_hz: int, channels: int
) -> None:
    """Resampled or not: the native length times the ratio of the rates."""
    format = pb.AudioFormat(encoding=encoding, sample_rate_hz=rate_hz, channels=channels)
    async with serving() as served:
        said, wrong = await synthesized(served, text=TEXT, output_audio=format)
        native = sum(round(len(text) * SECONDS_A_CHARACTER * 24_000) for text in served.script.tts.spoken)
    assert wrong is None
    assert sum(r.audio.duration_samples for r in said) == native * rate_hz // 24_000
    assert all(len(r.audio.data) == r.audio.duration_samples * width * channels for r in said)
    if encoding == PCM:
        sound = np.frombuffer(b"".join(r.audio.data for r in said), "<i2")
        assert 0.1 < np.sqrt(np.mean((sound / 32768.0) ** 2)) < 0.25


async def test_voice_rate_and_language_reach_the_engine() -> None:
    async with serving() as served:
        voice = pb.VoiceConfig(voice_id="hum", speaking_rate=1.5)
        said, wrong = await synthesized(served, text=TEXT, voice=voice, language_code="es-ES")
        assert (len(said) > 0, wrong) == (True, None)
        choice = served.script.tts.choices[0]
    assert (choice.id, choice.rate, choice.language) == ("hum", 1.5, "es-ES")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 8_001}, "text"),
        ({"text": "x", "voice": pb.VoiceConfig(voice_id="bass")}, "voice.voice_id"),
        ({"text": "x", "voice": pb.VoiceConfig(speaking_rate=9)}, "voice.speaking_rate"),
        ({"text": "x", "language_code": "nonsense"}, "language_code"),
        ({"text": "x", "output_audio": pb.AudioFormat(encoding=PCM, channels=3)}, "output_audio.channels"),
        ({"text": "x", "output_audio": pb.AudioFormat()}, "output_audio.encoding"),
    ],
)
async def test_a_wrong_synthesis_names_its_field(given: dict[str, Any], field: str) -> None:
    async with serving() as served:
        said, wrong = await synthesized(served, **given)
        assert wrong is not None
        assert (wrong.code, list(wrong.fields), said) == (Code.INVALID_ARGUMENT, [field], [])
        assert (await synthesized(served, text="Well."))[1] is None


async def test_a_language_that_is_spoken_though_not_understood_is_taken() -> None:
    """What can be said depends on the voices, not on the recogniser."""
    script = scripted()
    script.stt.languages = frozenset({"en"})
    async with serving(script) as served:
        assert (await synthesized(served, text="Hola.", language_code="es"))[1] is None


@pytest.mark.parametrize("text", ["...", "🙂", "```x```", "***"])
async def test_text_that_cannot_be_spoken(text: str) -> None:
    """Nothing to say is said with an empty last chunk, not with an error, and not with silence for ever."""
    async with serving() as served:
        said, wrong = await synthesized(served, text=text)
    assert wrong is None
    assert said[-1].audio.is_last


async def test_a_voice_that_fails_ends_the_call() -> None:
    script = Script(tts=ScriptedTts(Voicing(error_at=1)))
    async with serving(script) as served:
        said, wrong = await synthesized(served, text=TEXT)
    assert wrong is not None
    assert (wrong.code, wrong.reason) == (Code.UNAVAILABLE, "ENGINE_ERROR")
    assert wrong.retry_after is not None
    assert wrong.retry_after >= 5.0
    assert wrong.message == "the voice broke"
    assert said


class DeniedTts(ScriptedTts):
    """A voice whose credentials are refused."""

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        async for _ in clauses:
            raise EngineDenied("tts", "the key is refused")
        yield Speech(0, silence(0.1), RATE_HZ)


async def test_a_voice_whose_credentials_are_refused_is_no_use_to_ask_again() -> None:
    """In a synthesis as in a conversation."""
    async with serving(Script(tts=DeniedTts())) as served:
        _, wrong = await synthesized(served, text=TEXT)
        async with served.talk() as talk:
            await talk.config()
            await talk.text("Hello.")
            notice = await talk.notice("ENGINE_DENIED")
    assert wrong is not None
    assert (wrong.code, wrong.reason) == (Code.FAILED_PRECONDITION, "ENGINE_DENIED")
    assert wrong.retry_after is None
    assert not notice.retryable


async def test_a_listener_that_leaves_stops_the_voice(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as served:
        call = served.stub.Synthesize(pb.SynthesizeRequest(text="And so on. " * 700))
        async for _ in call:
            break
        call.cancel()
        await served.assert_serves()
        assert len(served.script.tts.spoken) < 700
    assert not caplog.records
