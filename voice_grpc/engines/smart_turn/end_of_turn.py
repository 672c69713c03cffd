"""Smart Turn v3.2 through onnxruntime: the spectrogram of eight seconds in, one probability out.

One thread serves all sessions, a turn at a time: the int8 model scales its activations by all that it is
given, so that turns computed together would answer differently from each alone. Callers take turns
(`fair_queue.py`). What waits is bounded for each of them, since a verdict that comes when the silence is over
helps nobody; what its session has given up is passed over.
"""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np

from ...core.audio import RATE_HZ, Samples
from ...core.errors import EngineError, EngineMissing
from ...model_files.cache import model_path
from ...ports import NOBODY, Claim
from ..worker_pool import WorkerPool
from .features import FRAMES, MELS, WINDOW_SECONDS, log_mel

MODEL = "smart-turn"
"""Its name among the model files."""

WAITING_AT_MOST = 8
"""Turns of one caller. The last of them waits for about half a second where nobody else asks, which is as
long as a silence is held."""

_STAGE = "turn"
_INPUT = "input_features"
_CLOSE_S = 1.8


class SmartTurn:
    """Implements `ports.AcousticEndOfTurn`."""

    is_embedded = True

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """`model`: an ONNX file with the inputs and outputs of Smart Turn v3; by default the fetched one.

        `threads` of onnxruntime for one turn: on two shared cores two of them take 60 instead of 65 ms
        (medians) and more CPU time, and Whisper transcribes in the same silence.
        """
        self._path = model
        self._intra_op_threads = threads
        self._pool = WorkerPool(_STAGE, "Smart Turn", most=WAITING_AT_MOST)
        self._model: Any = None

    @property
    def name(self) -> str:
        return f"smart-turn {self._path.stem}" if self._path is not None else "smart-turn v3.2"

    @property
    def location(self) -> str:
        return "in process"

    async def warm(self) -> None:
        """Raises `EngineMissing` without onnxruntime or the file, `EngineError` for one that is no model."""
        if self._model is None:
            self._model = await asyncio.to_thread(_load, self._path, self._intra_op_threads)
            self._pool.start()
        await self.probability(np.zeros(WINDOW_SECONDS * RATE_HZ, np.int16))

    async def probability(self, samples: Samples, claim: Claim = NOBODY) -> float:
        """That the turn is over, by its last eight seconds. The samples are copied: they may grow meanwhile.

        Raises `ValueError` for anything but int16 of shape (n,); `EngineError` for a verdict that is no
        probability, when too many wait, and when the engine is not open.
        """
        if samples.ndim != 1 or samples.dtype != np.int16:
            raise ValueError(f"samples are int16 of shape (n,), got {samples.dtype} of {samples.shape}")
        if self._model is None:
            raise _closed()
        model, heard = self._model, samples[-WINDOW_SECONDS * RATE_HZ :].copy()
        probability: float = await self._pool.submit(lambda _: _judged(model, heard), claim)
        return probability

    async def close(self) -> None:
        """What waits is refused; what is being computed is answered, within about 0.1 s."""
        await self._pool.close(_CLOSE_S)
        self._model = None


def _closed() -> EngineError:
    return EngineError(_STAGE, "Smart Turn is closed or was never warmed", retryable=False)


def _load(path: Path | None, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineMissing(_STAGE, "onnxruntime is not installed: run pip install onnxruntime") from error
    file = path or model_path(MODEL)
    if not file.is_file():
        raise EngineMissing(_STAGE, f"no file {file}; Smart Turn is one .onnx file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        model = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the root of onnxruntime's errors is Exception
        raise EngineError(_STAGE, f"cannot load {file}: {_first_line(error)}", retryable=False) from error
    inputs = {each.name: list(each.shape) for each in model.get_inputs()}
    if inputs.keys() != {_INPUT} or inputs[_INPUT][1:] != [MELS, FRAMES]:
        wanted = f"one input {_INPUT!r} of (turns, {MELS}, {FRAMES})"
        raise EngineError(
            _STAGE, f"{file} is no Smart Turn v3: it takes {inputs}, not {wanted}", retryable=False
        )
    return model


def _judged(model: Any, samples: Samples) -> float:
    """Raises `EngineError`."""
    try:
        probability = float(model.run(None, {_INPUT: log_mel(samples)[np.newaxis]})[0].item())
    except Exception as error:
        raise EngineError(_STAGE, f"Smart Turn failed: {_first_line(error)}") from error
    if not 0.0 <= probability <= 1.0:
        raise EngineError(_STAGE, f"Smart Turn gave {probability}, which is no probability")
    return probability


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
