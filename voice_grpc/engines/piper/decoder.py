"""Latents → sound, some frames at a time, with the same samples as all at once.

What lives here: how far a frame reaches in the sound, and how many frames a chunk has. What must not: where
latents come from, and how loud the sound is.

The decoder is a convolution (HiFi-GAN), so a frame of latents changes the sound near it and nothing else. A
chunk is decoded with so many frames more on both sides, and their sound is thrown away.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ...core.audio import Floats
from .onnx_cut import Seam, UncutModel

Tensor: TypeAlias = npt.NDArray[np.float32]

_FARTHEST = 16
"""Frames; no decoder of Piper's reaches that far (medium and low: 11, and high: 14, by their kernels)."""

FIRST_FRAMES = 20
"""0.23 s at 22.05 kHz. Up to 0.09 s of it are the silence before the first word. The rest lasts until the
second chunk is there: 0.05 s on an idle machine, and 0.14 s where two others keep its two cores busy."""
_GROWTH = 3
"""Each chunk has so many times the frames of the one before: sound is made in a twentieth of what it lasts,
or in a seventh on that busy machine."""
_MOST_FRAMES = 180
"""2.1 s, made in 0.12 s, and half as long again at the end: so long others wait for the thread, and so does
who wants nothing more."""


def chunk_ends(frames: int) -> list[int]:
    """Where each chunk of so many frames of latents ends, in frames. A chunk costs some frames of context on
    either side, so a short rest is no chunk of its own."""
    ends, size = [min(FIRST_FRAMES, frames)], FIRST_FRAMES
    while (left := frames - ends[-1]) > 0:
        size = min(size * _GROWTH, _MOST_FRAMES)
        ends.append(ends[-1] + (left if 2 * left <= 3 * size else size))
    return ends


class LatentDecoder:
    """The second half of a voice. For one thread."""

    def __init__(self, session: Any, seam: Seam, sample: Sequence[Tensor]) -> None:
        """`session` of onnxruntime; `sample`: latents and conditions of some speech, in the order of
        `Seam.names`. Raises `UncutModel` for a decoder that does not work frame by frame."""
        self._session, self._seam = session, seam
        self._hop = self._reach = 0
        self._measure(sample)

    def chunks(self, latents: Tensor, conditions: Sequence[Tensor]) -> Iterator[Floats]:
        """The sound of `latents`, shape (1, channels, frames), each chunk made when it is asked for."""
        start = 0
        for end in chunk_ends(latents.shape[2]):
            first = max(0, start - self._reach)
            sound = self._decode(latents[:, :, first : end + self._reach], conditions)
            yield sound[(start - first) * self._hop : (end - first) * self._hop]
            start = end

    def _decode(self, latents: Tensor, conditions: Sequence[Tensor]) -> Floats:
        given = dict(zip(self._seam.names, [np.ascontiguousarray(latents), *conditions], strict=True))
        (sound,) = self._session.run([self._seam.sound], given)
        decoded: Floats = sound.reshape(-1)
        return decoded

    def _measure(self, sample: Sequence[Tensor]) -> None:
        """Samples a frame, and how many frames the change of one frame reaches, seen by changing it."""
        middle, frames = _FARTHEST, 2 * _FARTHEST + 1
        latents, *conditions = sample
        before = latents[:, :, np.arange(frames) % latents.shape[2]]
        after = before.copy()
        after[:, :, middle] += 1.0
        sounds = [self._decode(each, conditions) for each in (before, after)]
        changed = np.flatnonzero(sounds[0] != sounds[1])
        self._hop, rest = divmod(len(sounds[0]), frames)
        if rest or not len(changed):
            raise UncutModel(f"its decoder makes {len(sounds[0])} samples of {frames} frames")
        first, last = int(changed[0]) // self._hop, int(changed[-1]) // self._hop
        self._reach = max(middle - first, last - middle)
        if self._reach >= _FARTHEST:
            raise UncutModel(f"a frame of it reaches {_FARTHEST} frames or more")
