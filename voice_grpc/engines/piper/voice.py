"""One Piper voice: a text → sound, chunk by chunk, all of it at the loudness of speech.

What lives here: loading, and the gain. What must not: threads and clauses (`tts.py`).

The gain is measured once, when the voice is loaded, and then it is that of all that the voice says: what is
heard of a clause before the rest of it is made cannot be made louder later, and a lone "Sure." is as loud as
in a sentence (Piper's own peak normalisation makes it twice as loud).
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeAlias

import numpy as np

from ...core.audio import Floats, Samples, level, limited, to_pcm16
from ...core.errors import EngineError, EngineMissing
from ...process.installation import advice
from .decoder import LatentDecoder, Tensor
from .onnx_cut import Seam, UncutModel, cut

_log = logging.getLogger(__name__)

_SAMPLE = "Here is what I found for you."
"""Said when the voice is loaded: a second and a half, of which the gain is taken. It is a statement, as most
of what is said; en_US-joe-medium says greetings 2 dB louder, calls 4 dB, and questions up to 4 dB fainter."""

Inputs: TypeAlias = Mapping[str, Any]
"""Of the model, by name: phoneme ids, scales, and who speaks where there are several."""

_OpenSession: TypeAlias = Callable[[Path], Any]
"""An ONNX file → a session of onnxruntime."""


class _Model(Protocol):
    def chunks(self, inputs: Inputs) -> Iterator[Floats]:
        """The sound, each chunk made when it is asked for."""
        ...


class WholeModel:
    """A model that cannot be cut: all the sound is one chunk."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def chunks(self, inputs: Inputs) -> Iterator[Floats]:
        yield self._session.run(None, inputs)[0].reshape(-1)


class CutModel:
    """A model in two halves: the second makes sound of some of what the first gives."""

    def __init__(self, encoder: Any, decoder: Any, seam: Seam, sample: Inputs) -> None:
        """Raises `UncutModel` for a decoder that does not work frame by frame, seen by `sample`."""
        self._encoder, self._seam = encoder, seam
        self._decoder = LatentDecoder(decoder, seam, self._encode(sample))

    def chunks(self, inputs: Inputs) -> Iterator[Floats]:
        latents, *conditions = self._encode(inputs)
        yield from self._decoder.chunks(latents, conditions)

    def _encode(self, inputs: Inputs) -> Sequence[Tensor]:
        encoded: Sequence[Tensor] = self._encoder.run(self._seam.names, inputs)
        return encoded


class LevelVoice:
    """What a voice says, always at the same gain. For one thread at a time."""

    def __init__(self, phonemizer: Any, model: _Model) -> None:
        """`phonemizer`: a `PiperVoice`, of which the phonemes and the settings are taken."""
        self._phonemizer, self._model = phonemizer, model
        self.rate_hz = int(phonemizer.config.sample_rate)
        self.espeak_language = str(phonemizer.config.espeak_voice)
        self.gain = np.float32(level(np.concatenate(list(self._sound(_SAMPLE, 1.0)))))

    def say(self, text: str, rate: float) -> Iterator[Samples]:
        """Each chunk is made when it is asked for. `rate`: 1 is the usual one, and 0.5 to 2 there are."""
        for chunk in self._sound(text, rate):
            yield to_pcm16(limited(chunk * self.gain))

    def _sound(self, text: str, rate: float) -> Iterator[Floats]:
        for inputs in _sentences(self._phonemizer, text, rate):
            yield from self._model.chunks(inputs)


def open_voice(path: Path, threads: int) -> LevelVoice:
    """`path`: an ONNX file with its `.onnx.json` beside it. `threads` of onnxruntime.

    Raises `EngineMissing` without the extra or a file, `EngineError` for one that cannot be read.
    """
    config_path = path.with_name(path.name + ".json")
    for file in (path, config_path):
        if not file.is_file():
            raise EngineMissing("tts", f"no file {file}; a Piper voice is an .onnx file with its .onnx.json")
    try:
        from piper import PiperConfig, PiperVoice
    except ImportError as error:
        text = f"piper-tts is not installed: run {advice('local')}"
        raise EngineMissing("tts", text) from error
    try:
        config = PiperConfig.from_dict(json.loads(config_path.read_text("utf-8")))
        phonemizer = PiperVoice(session=None, config=config)
        return LevelVoice(phonemizer, _open_model(path, threads, phonemizer))
    except Exception as error:
        raise EngineError("tts", f"cannot load the Piper voice {path}: {error}", retryable=False) from error


def _open_model(path: Path, threads: int, phonemizer: Any) -> _Model:
    """Whole where it cannot be cut, or the halves have no place on the disk while they are loaded."""
    try:
        return _open_halves(path, threads, next(_sentences(phonemizer, _SAMPLE, 1.0)))
    except (UncutModel, OSError) as error:
        _log.warning("%s is not heard before its clause is whole: %s", path.stem, error)
        return WholeModel(_open_session(path, threads))


def _open_halves(path: Path, threads: int, sample: Inputs) -> CutModel:
    """By way of files: a session keeps the bytes that it is made of, and of a file it keeps nothing."""
    with TemporaryDirectory(prefix="voice-grpc-") as folder:
        files = [Path(folder, name) for name in ("encoder.onnx", "decoder.onnx")]
        seam = cut(path, *files)
        try:
            encoder, decoder = [_open_session(file, threads) for file in files]
            return CutModel(encoder, decoder, seam, sample)
        except UncutModel:
            raise
        except Exception as error:
            raise UncutModel(f"its halves do not work: {error}") from error


def _open_session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _sentences(phonemizer: Any, text: str, rate: float) -> Iterator[Inputs]:
    """What the model is given for each sentence of `text`; espeak says where one ends."""
    config = phonemizer.config
    slowness = config.length_scale / min(max(rate, 0.5), 2.0)
    scales = np.array([config.noise_scale, slowness, config.noise_w_scale], np.float32)
    speaker = {"sid": np.array([config.default_speaker_id], np.int64)} if config.num_speakers > 1 else {}
    for phonemes in phonemizer.phonemize(text):
        if phonemes:
            ids = np.array([phonemizer.phonemes_to_ids(phonemes)], np.int64)
            lengths = np.array([ids.shape[1]], np.int64)
            yield {"input": ids, "input_lengths": lengths, "scales": scales, **speaker}
