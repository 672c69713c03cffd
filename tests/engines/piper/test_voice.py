"""The fears: a clause that changes its loudness midway, a seam that is heard, and a voice that cannot be cut.

Runs the real voice, also as it would be if its decoder had another name.
"""

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from voice_grpc.core.audio import KNEE, LOUDNESS, Floats, rms, to_float
from voice_grpc.engines.piper.decoder import LatentDecoder
from voice_grpc.engines.piper.onnx_cut import cut
from voice_grpc.engines.piper.voice import Inputs, LevelVoice, open_voice
from voice_grpc.model_files.cache import model_path

if importlib.util.find_spec("piper") is None and os.environ.get("REQUIRE_ALL") != "1":
    pytest.skip("needs the extra `local`", allow_module_level=True)


class Phonemizer:
    """Of a `PiperVoice`, what is taken of it: each letter is a phoneme."""

    config = SimpleNamespace(
        sample_rate=22_050, espeak_voice="en-us", length_scale=1.0, noise_scale=0.667, noise_w_scale=0.8,
        num_speakers=3, default_speaker_id=2,
    )  # fmt: skip

    def phonemize(self, text: str) -> list[list[str]]:
        return [list(text), []]

    def phonemes_to_ids(self, phonemes: list[str]) -> list[int]:
        return [ord(phoneme) for phoneme in phonemes]


@dataclass(slots=True)
class Humming:
    """A model that hums in two chunks, the second `louder` by so much, and keeps what it was given."""

    louder: float = 1.0
    given: Inputs | None = None

    def chunks(self, inputs: Inputs) -> Iterator[Floats]:
        self.given = inputs
        yield hum()
        yield hum() * np.float32(self.louder)


def hum() -> Floats:
    """At half of `LOUDNESS` about, whose samples below a twentieth of the peak do not count."""
    wave: Floats = np.sin(np.arange(2205) * (2 * np.pi * 100 / 22_050)).astype(np.float32)
    return wave * np.float32(LOUDNESS / np.sqrt(2))


def test_all_that_is_said_has_the_gain_of_the_sample() -> None:
    model = Humming()
    voice = LevelVoice(Phonemizer(), model)
    assert voice.gain == pytest.approx(2.0, rel=0.05)
    model.louder = 0.25
    loud, faint = [to_float(chunk) for chunk in voice.say("Sure.", 1.0)]
    assert np.allclose(loud, hum() * voice.gain, atol=1 / 32768)
    assert np.allclose(faint, 0.25 * loud, atol=1 / 32768)


def test_what_is_louder_than_the_sample_is_bent_and_not_clipped() -> None:
    model = Humming()
    voice = LevelVoice(Phonemizer(), model)
    model.louder = 20.0
    _, loud = [to_float(chunk) for chunk in voice.say("Stop!", 1.0)]
    assert KNEE < np.max(np.abs(loud)) < 0.9


def test_the_model_is_given_phonemes_and_the_rate_and_who_speaks() -> None:
    model = Humming()
    list(LevelVoice(Phonemizer(), model).say("ab", 2.0))
    assert model.given is not None
    assert {name: value.tolist() for name, value in model.given.items() if name != "scales"} == {
        "input": [[97, 98]],
        "input_lengths": [2],
        "sid": [2],
    }
    assert model.given["scales"] == pytest.approx([0.667, 0.5, 0.8])


@pytest.fixture(scope="module")
def joe() -> Path:
    return model_path("joe")


def session(path: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_chunks_of_the_real_decoder_are_its_sound_made_at_once(joe: Path, tmp_path: Path) -> None:
    """Within a tenth of a step of PCM16."""
    files = tmp_path / "encoder.onnx", tmp_path / "decoder.onnx"
    seam = cut(joe, *files)
    given = {
        "input": np.arange(10, 60, dtype=np.int64)[None],
        "input_lengths": np.array([50], np.int64),
        "scales": np.array([0.667, 1.0, 0.8], np.float32),
    }
    (latents,) = session(files[0]).run(seam.names, given)
    second = session(files[1])
    (whole,) = second.run([seam.sound], {seam.latents: latents})
    chunks = list(LatentDecoder(second, seam, [latents]).chunks(latents, []))
    assert len(chunks) >= 2
    assert np.max(np.abs(whole)) > 0.1
    assert np.allclose(np.concatenate(chunks), whole.reshape(-1), rtol=0, atol=0.1 / 32768)


def test_a_voice_that_cannot_be_cut_speaks_all_the_same(
    joe: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "xx-whole.onnx"
    path.write_bytes(joe.read_bytes().replace(b"/dec/", b"/out/"))
    path.with_name("xx-whole.onnx.json").write_bytes(joe.with_name(joe.name + ".json").read_bytes())
    (sound,) = open_voice(path, 1).say("The capital of France is Paris.", 1.0)
    assert len(sound) > 22_050
    assert rms(sound) > 0.03
    assert "xx-whole is not heard before its clause is whole: it has no decoder" in caplog.text
