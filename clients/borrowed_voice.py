"""A user for the demo: the server's own voice, raised until it is clearly somebody else's."""

from typing import TYPE_CHECKING

import numpy as np

from voice_grpc.client import NO_ACCESS, Access, failures
from voice_grpc.pb import voice_pb2 as pb

from .sound import INPUT_HZ, OUTPUT_HZ, Samples, audible_span, raised

if TYPE_CHECKING:
    from voice_grpc.pb.voice_pb2_grpc import VoiceServiceAsyncStub

PITCH = 1.12
"""Two semitones up: a smaller person, and still the vowels that Whisper knows."""

SYNTHESIZE_WITHIN = 20.0


async def spoken(
    stub: "VoiceServiceAsyncStub", words: str, pitch: float = PITCH, access: Access = NO_ACCESS
) -> Samples:
    """`words` at `INPUT_HZ`, without the silence around them. Raises `CallFailed`.

    Spoken slower by as much as raising it will shorten it.
    """
    pcm = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=OUTPUT_HZ, channels=1)
    voice = pb.VoiceConfig(speaking_rate=1 / pitch)
    request = pb.SynthesizeRequest(text=words, voice=voice, output_audio=pcm)
    data = bytearray()
    with failures():
        async for response in stub.Synthesize(request, timeout=SYNTHESIZE_WITHIN, metadata=access.metadata):
            data += response.audio.data
    clip = raised(np.frombuffer(bytes(data), "<i2").astype(np.int16), OUTPUT_HZ, pitch)
    first, last = audible_span(clip, INPUT_HZ)
    return clip[first:last]
