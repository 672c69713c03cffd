"""What the user does, as a script: speech and pauses as sound in frames, and everything else at its time.

    ears = user(1.28) + pause(0.8)
    microphone(ears)        →  [(0.02, Audio), (0.04, Audio), …]

A frame of 20 ms leaves when it has been captured: the one that holds [n x 20 ms, (n + 1) x 20 ms)
leaves at start + (n + 1) x 20 ms whatever the server does.
"""

from collections.abc import Iterable

import numpy as np

from voice_grpc.codec import g711
from voice_grpc.core import requests as i
from voice_grpc.core.audio import RATE_HZ, Samples, silence, to_pcm16
from voice_grpc.core.config import AudioFormat, Encoding

FRAME_SECONDS = 0.02

GRID = 0.16
"""Both the frames of 20 ms and the detector's windows of 32 ms begin anew: sound that starts and ends
here has exact times."""

Action = tuple[float, i.ConverseRequest | BaseException | None]
"""At what time: a message; an exception that ends the stream of requests; None: half-close."""


def user(seconds: float) -> Samples:
    """A voice: a tone at -12 dBFS, which the scripted detector takes for speech."""
    return to_pcm16(0.25 * np.sin(2 * np.pi * 220.0 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ))


def pause(seconds: float) -> Samples:
    return silence(seconds)


def sound(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def microphone(heard: Samples, start: float = 0.0, format: AudioFormat | None = None) -> list[Action]:
    """`heard` at `RATE_HZ`, sent in frames of the format from `start` on."""
    format = format or AudioFormat()
    size = round(FRAME_SECONDS * RATE_HZ)
    frames = [heard[at : at + size] for at in range(0, len(heard), size)]
    return [
        (start + (n + 1) * FRAME_SECONDS, i.AudioInput(encode(frame, format), seq=n + 1))
        for n, frame in enumerate(frames)
    ]


def encode(heard: Samples, format: AudioFormat) -> bytes:
    """At the format's rate by repeating or leaving out samples: crude, and still a voice."""
    step = RATE_HZ / format.rate_hz
    samples = heard[(np.arange(round(len(heard) / step)) * step).astype(int)]
    samples = np.repeat(samples, format.channels)
    match format.encoding:
        case Encoding.PCM_F32LE:
            return (samples / np.float32(32768)).astype("<f4").tobytes()
        case Encoding.MULAW:
            return g711.encode_mulaw(samples)
        case Encoding.ALAW:
            return g711.encode_alaw(samples)
        case _:
            return samples.astype("<i2").tobytes()


def script(*parts: Iterable[Action]) -> list[Action]:
    """All of it, by time; what happens at the same time happens in the order given."""
    return sorted((action for part in parts for action in part), key=lambda action: action[0])
