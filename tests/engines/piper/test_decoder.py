"""The fears: a seam that is heard, and chunks so small that they cost more than they bring."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from voice_grpc.engines.piper.decoder import FIRST_FRAMES, LatentDecoder, Tensor, chunk_ends
from voice_grpc.engines.piper.onnx_cut import Seam, UncutModel

SEAM = Seam("z", ["g"], "sound")
SPEAKER = np.full((1, 1, 1), 2.0, np.float32)
HOP = 4


class Smoothing:
    """A session of onnxruntime whose sample is the mean of its frame and of `reach` frames on both sides,
    times the condition."""

    def __init__(self, reach: int) -> None:
        self._reach = reach

    def run(self, names: Sequence[str], given: Mapping[str, Tensor]) -> list[Tensor]:
        assert (list(names), list(given)) == (["sound"], ["z", "g"])
        width = 2 * self._reach + 1
        frames = np.convolve(given["z"][0, 0], np.ones(width) / width)[self._reach :][: given["z"].shape[2]]
        return [(np.repeat(frames, HOP) * given["g"].item()).astype(np.float32).reshape(1, 1, -1)]


class Spread:
    """One whose every sample depends on every frame."""

    def run(self, names: Sequence[str], given: Mapping[str, Tensor]) -> list[Tensor]:
        z = given["z"]
        return [np.full((1, 1, HOP * z.shape[2]), z.mean(), np.float32)]


class Deaf:
    """One that makes no whole number of samples of a frame."""

    def run(self, names: Sequence[str], given: Mapping[str, Tensor]) -> list[Tensor]:
        return [np.zeros((1, 1, HOP * given["z"].shape[2] + 1), np.float32)]


def latents(frames: int) -> Tensor:
    return np.random.default_rng(7).standard_normal((1, 1, frames)).astype(np.float32)


def decoder(session: Any) -> LatentDecoder:
    return LatentDecoder(session, SEAM, [latents(10), SPEAKER])


@pytest.mark.parametrize("reach", [0, 1, 10, 15])
@pytest.mark.parametrize("frames", [1, FIRST_FRAMES, FIRST_FRAMES + 1, 700])
def test_chunks_are_the_sound_made_at_once(reach: int, frames: int) -> None:
    """But for rounding, which is not the same at every place of an array."""
    session, z = Smoothing(reach), latents(frames)
    chunks = list(decoder(session).chunks(z, [SPEAKER]))
    (whole,) = session.run(["sound"], {"z": z, "g": SPEAKER})
    assert len(chunks) == len(chunk_ends(frames))
    assert np.allclose(np.concatenate(chunks), whole[0, 0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("session", "reason"),
    [(Spread(), "16 frames or more"), (Smoothing(16), "16 frames"), (Deaf(), "samples of")],
)
def test_a_decoder_that_does_not_work_frame_by_frame_is_refused(session: Any, reason: str) -> None:
    with pytest.raises(UncutModel, match=reason):
        decoder(session)


@pytest.mark.parametrize("frames", [1, 19, 20, 21, 50, 104, 110, 111, 162, 267, 350, 690, 5000])
def test_chunks_begin_small_and_grow(frames: int) -> None:
    ends = [0, *chunk_ends(frames)]
    sizes = [end - start for start, end in pairwise(ends)]
    assert ends[-1] == frames
    assert sizes[0] == min(FIRST_FRAMES, frames)
    assert all(0 < after <= 4.5 * before for before, after in pairwise(sizes)), "the ear would run dry"
    assert max(sizes) <= 270, "the others would wait"
    assert len(sizes) <= 3 + frames / 180
