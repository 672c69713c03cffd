"""Silero v6 through onnxruntime: is there speech in these 32 ms?

One thread serves all sessions. A window costs about 0.2 ms there; what waits when the thread
comes round is computed together and answered in one hop back to the loop. The model file that
can be had without torch (`faster_whisper`'s) fixes the state to one stream, so "together" is a
loop over streams, not one call.

Nobody's flood of sound is in anybody's way here: a stream has one window at most that waits, since its
session hears one after the other (`session/hearing/listener.py`), so each waits for one of every other
stream.
"""

import asyncio
import math
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias

import numpy as np

from ..core.audio import WINDOW, Floats
from ..core.errors import EngineError, EngineMissing
from ..model_files.cache import model_path
from ..process.installation import advice
from .worker_threads import WorkerThreads, hand_over, take_waiting

CONTEXT = 64
"""Samples of the previous window that the model sees before each one (its own streaming code)."""

_STATE = (1, 1, 128)
_WARM_UP_WINDOWS = 4
_CLOSE_S = 2.0

_Probability: TypeAlias = "asyncio.Future[float]"
_Job: TypeAlias = tuple["SileroStream", Floats, _Probability]


class SileroStream:
    """The state of one session. Only the engine's thread advances it."""

    __slots__ = ("_c", "_h", "_seen", "_vad")

    def __init__(self, vad: "SileroVad") -> None:
        self._vad = vad
        self._seen = np.zeros((1, CONTEXT + WINDOW), np.float32)
        self._h = self._c = np.zeros(_STATE, np.float32)

    async def probability(self, window: Floats) -> float:
        """A window once given counts, even when its caller is cancelled while it waits.

        Raises `ValueError` for any shape but (512,), `EngineError` when the engine is not open.
        """
        if window.shape != (WINDOW,):
            raise ValueError(f"a window has shape ({WINDOW},), got {window.shape}")
        return await self._vad.submit(self, window)

    def advance(self, model: Any, window: Floats) -> float:
        """One step of the recurrent model; the engine's thread calls it in the order of the windows."""
        seen = self._seen
        seen[0, :CONTEXT] = seen[0, -CONTEXT:]
        seen[0, CONTEXT:] = window
        out, self._h, self._c = model.run(None, {"input": seen, "h": self._h, "c": self._c})
        probability = float(out[0])
        if math.isnan(probability):  # one NaN sample would stay in the state for ever
            seen[:] = 0.0
            self._h = self._c = np.zeros(_STATE, np.float32)
            return 0.0
        return probability


class SileroVad:
    """Implements `ports.Vad`."""

    is_embedded = True

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """`model`: an ONNX file with the inputs `input`, `h` and `c`; by default the packaged one.
        `threads` of onnxruntime for one window."""
        self._path, self._intra_op_threads = model, threads
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: WorkerThreads | None = None
        self._is_open = False

    @property
    def name(self) -> str:
        return "silero-vad v6"

    @property
    def location(self) -> str:
        return "in process"

    async def warm(self) -> None:
        """Raises `EngineMissing` when onnxruntime is not installed."""
        if self._thread is None:
            model = await asyncio.to_thread(_load, self._path, self._intra_op_threads)
            self._thread = WorkerThreads("vad", partial(_serve, model, self._jobs))
            self._thread.start(1)
            self._is_open = True
        stream = self.open()
        for _ in range(_WARM_UP_WINDOWS):
            await stream.probability(np.zeros(WINDOW, np.float32))

    def open(self) -> SileroStream:
        return SileroStream(self)

    def submit(self, stream: SileroStream, window: Floats) -> _Probability:
        """Hand one window to the thread. The samples are copied: a cancelled caller may reuse its own."""
        if not self._is_open:
            raise EngineError("vad", f"{self.name} is closed or was never warmed", retryable=False)
        answer: _Probability = asyncio.get_running_loop().create_future()
        self._jobs.put((stream, window.copy(), answer))
        return answer

    async def close(self) -> None:
        """What was already given is still answered: it takes milliseconds."""
        self._is_open = False
        if self._thread is not None:
            self._jobs.put(None)
            await self._thread.join(_CLOSE_S)


def _load(path: Path | None, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineMissing("vad", f"onnxruntime is not installed: run {advice()}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    file = path or model_path("silero-vad")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the root of onnxruntime's errors is Exception
        raise EngineError("vad", f"cannot load {file}: {_first_line(error)}", retryable=False) from error


def _serve(model: Any, jobs: "SimpleQueue[_Job | None]") -> None:
    """The thread: take all that waits, compute it, answer it in one call a loop."""
    goes_on = True
    while goes_on:
        batch, goes_on = take_waiting(jobs)
        hand_over([(answer, _compute(model, stream, window)) for stream, window, answer in batch])


def _compute(model: Any, stream: SileroStream, window: Floats) -> float | EngineError:
    try:
        return stream.advance(model, window)
    except Exception as error:  # noqa: BLE001 - one bad window must not end the thread of all sessions
        return EngineError("vad", f"silero-vad failed: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
