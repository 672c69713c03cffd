"""Smart Turn v3.2 through onnxruntime: the spectrogram of eight seconds in, one probability out.

One thread serves all sessions, a turn at a time: the int8 model scales its activations by all that it is
given, so that turns computed together would answer differently from each alone. What waits is bounded, since
a verdict that comes when the silence is over helps nobody; what its caller has given up is passed over.
"""

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...core.audio import RATE_HZ, Samples
from ...core.errors import EngineError, EngineMissing
from ...model_files.cache import model_path
from ..worker_threads import WorkerThreads, hand_over
from .features import FRAMES, MELS, WINDOW_SECONDS, log_mel

MODEL = "smart-turn"
"""Its name among the model files."""

WAITING_AT_MOST = 8
"""Turns. The last of them waits for about half a second, which is as long as a silence is held."""

_STAGE = "turn"
_INPUT = "input_features"
_CLOSE_S = 1.8


@dataclass(frozen=True, slots=True)
class _Job:
    samples: Samples
    answer: "asyncio.Future[float]"


class _Jobs:
    """What waits for the thread, in the order it came."""

    def __init__(self) -> None:
        self._waiting: deque[_Job] = deque()
        self._is_closed = False
        self._changed = threading.Condition()

    def put(self, job: _Job) -> None:
        """Raises `EngineError` when too many wait, or when it is closed."""
        with self._changed:
            if self._is_closed:
                raise _closed()
            self._waiting = deque(each for each in self._waiting if not each.answer.cancelled())
            if len(self._waiting) >= WAITING_AT_MOST:
                raise EngineError(_STAGE, f"{WAITING_AT_MOST} turns wait to be judged already")
            self._waiting.append(job)
            self._changed.notify()

    def take(self) -> _Job | None:
        """Waits for one that somebody waits for. None once it is closed."""
        with self._changed:
            while not self._is_closed:
                while self._waiting:
                    job = self._waiting.popleft()
                    if not job.answer.cancelled():
                        return job
                self._changed.wait()
            return None

    def close(self) -> list[_Job]:
        """What was left."""
        with self._changed:
            self._is_closed = True
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        return left


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
        self._jobs = _Jobs()
        self._threads: WorkerThreads | None = None

    @property
    def name(self) -> str:
        return f"smart-turn {self._path.stem}" if self._path is not None else "smart-turn v3.2"

    @property
    def location(self) -> str:
        return "in process"

    async def warm(self) -> None:
        """Raises `EngineMissing` without onnxruntime or the file, `EngineError` for one that is no model."""
        if self._threads is None:
            model = await asyncio.to_thread(_load, self._path, self._intra_op_threads)
            self._threads = WorkerThreads("turn", partial(_serve, model, self._jobs))
            self._threads.start(1)
        await self.probability(np.zeros(WINDOW_SECONDS * RATE_HZ, np.int16))

    async def probability(self, samples: Samples) -> float:
        """That the turn is over, by its last eight seconds. The samples are copied: they may grow meanwhile.

        Raises `ValueError` for anything but int16 of shape (n,); `EngineError` for a verdict that is no
        probability, when too many wait, and when the engine is not open.
        """
        if samples.ndim != 1 or samples.dtype != np.int16:
            raise ValueError(f"samples are int16 of shape (n,), got {samples.dtype} of {samples.shape}")
        if self._threads is None:
            raise _closed()
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(samples[-WINDOW_SECONDS * RATE_HZ :].copy(), answer))
        return await answer

    async def close(self) -> None:
        """What waits is refused; what is being computed is answered, within about 0.1 s."""
        hand_over([(job.answer, _closed()) for job in self._jobs.close()])
        if self._threads is not None:
            await self._threads.join(_CLOSE_S)
            self._threads = None


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


def _serve(model: Any, jobs: _Jobs) -> None:
    """The thread."""
    while (job := jobs.take()) is not None:
        hand_over([(job.answer, _judged(model, job.samples))])


def _judged(model: Any, samples: Samples) -> float | EngineError:
    try:
        probability = float(model.run(None, {_INPUT: log_mel(samples)[np.newaxis]})[0].item())
    except Exception as error:  # noqa: BLE001 - one bad turn must not end the thread of all sessions
        return EngineError(_STAGE, f"Smart Turn failed: {_first_line(error)}")
    if not 0.0 <= probability <= 1.0:
        return EngineError(_STAGE, f"Smart Turn gave {probability}, which is no probability")
    return probability


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
