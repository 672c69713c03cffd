"""Synthesize for a client that does not read: what is not read is not made, and the call is ended."""

import asyncio
import math

import grpc.aio
import pytest

from voice_grpc.engines.scripted import SECONDS_A_CHARACTER, Script
from voice_grpc.pb import voice_pb2 as pb

from ..serving import LOCAL, WITHIN, serving, stub_of
from ..session.answering.eager_voice import EagerVoice

SENTENCE = "She told it to everybody who came by, and everybody came by again. "
FORMAT = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_F32LE, sample_rate_hz=48_000, channels=2)
BYTES_A_SECOND = 48_000 * 2 * 4
SMALL_WINDOW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16_384), *LOCAL)
IN_TRANSIT = 500_000
"""Bytes that both ends of gRPC take of such a stream, although nobody reads it."""


async def test_what_is_not_read_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight minutes of sound, 184 MB in this format, from a voice that makes them in no time."""
    monkeypatch.setattr("voice_grpc.rpc.streams.SEND_SECONDS", 0.3)
    voice = EagerVoice(pace=math.inf)
    async with (
        serving(Script(tts=voice)) as served,
        grpc.aio.insecure_channel(served.target, SMALL_WINDOW) as channel,
    ):
        request = pb.SynthesizeRequest(text=SENTENCE * 115, output_audio=FORMAT)
        call = stub_of(channel).Synthesize(request)
        async with asyncio.timeout(WITHIN):
            await voice.left.wait()
        in_transit = IN_TRANSIT / BYTES_A_SECOND
        clause = len(SENTENCE) * SECONDS_A_CHARACTER
        assert voice.account.seconds(math.inf) <= in_transit + 2 * clause
        assert voice.account.characters(math.inf) * SECONDS_A_CHARACTER <= in_transit + 3 * clause
        call.cancel()


async def test_what_is_read_is_made_to_its_end() -> None:
    voice = EagerVoice(pace=math.inf)
    async with serving(Script(tts=voice)) as served:
        call = served.stub.Synthesize(pb.SynthesizeRequest(text=SENTENCE * 20))
        samples = 0
        async with asyncio.timeout(WITHIN):
            while isinstance(response := await call.read(), pb.SynthesizeResponse):
                samples += response.audio.duration_samples
    assert samples / 24_000 == pytest.approx(voice.account.seconds(math.inf), abs=0.01)
    assert voice.account.characters(math.inf) == pytest.approx(len(SENTENCE) * 20, abs=21)
