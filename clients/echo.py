"""The loudspeaker taken out of the microphone, before it is sent: WebRTC's AEC3, as the server has it.

Two device threads meet here, each for some microseconds. Both devices count the same time, so that as much
is taken of what was played as comes from the microphone; how far apart they are the canceller finds itself.
"""

import threading
from importlib.util import find_spec

import numpy as np
import soxr

from .audio import INPUT_HZ, OUTPUT_HZ, Samples

BLOCK = 160
"""Samples of one step at `INPUT_HZ`: 10 ms."""

HEADROOM = round(0.04 * INPUT_HZ)
"""Samples that were played and wait at the beginning: the devices call back in turns, and in bursts."""

MOST_WAITING = round(0.1 * INPUT_HZ)
"""As much as they may come to: what waits longer is behind its own echo, which comes some 100 ms after a
loudspeaker's callback (three periods, and the room). The oldest is dropped."""


def is_installed() -> bool:
    """Without `pywebrtc-audio` nothing is cancelled here, and the server does what it can."""
    return find_spec("pywebrtc_audio") is not None


class DeviceEcho:
    """Of one loudspeaker and one microphone. Raises `ImportError` where `is_installed` is false."""

    def __init__(self) -> None:
        from pywebrtc_audio import AudioProcessor

        self._processor = AudioProcessor(sample_rate=INPUT_HZ, echo_cancellation=True)
        self._resampler = soxr.ResampleStream(OUTPUT_HZ, INPUT_HZ, 1, dtype="float32", vr=True)
        self._lock = threading.Lock()
        self._far: Samples = np.zeros(HEADROOM, np.int16)
        """What was played, at `INPUT_HZ`, and not yet heard."""

    @property
    def waiting(self) -> int:
        """Samples that were played and are not heard yet, at `INPUT_HZ`."""
        return len(self._far)

    def play(self, samples: Samples) -> None:
        """The loudspeaker's thread: they are played next, at `OUTPUT_HZ`."""
        floats = self._resampler.resample_chunk(samples.astype(np.float32))
        played = np.clip(np.rint(floats), -32768, 32767).astype(np.int16)
        with self._lock:
            self._far = np.concatenate((self._far, played))
            if len(self._far) > MOST_WAITING:
                self._far = self._far[-HEADROOM:]

    def cleaned(self, heard: Samples) -> Samples:
        """The microphone's thread: whole `BLOCK`s at `INPUT_HZ`, without what is played. 8 ms later."""
        with self._lock:
            far, self._far = self._far[: len(heard)], self._far[len(heard) :]
        far = np.pad(far, (0, len(heard) - len(far)))
        blocks = [
            self._processor.process(heard[at : at + BLOCK], far[at : at + BLOCK])
            for at in range(0, len(heard), BLOCK)
        ]
        return np.concatenate(blocks)
