"""The model, the application and uvicorn, put together. It answers from the first moment: `/health` with
"loading" and everything else with 503, until the model is warm."""

import asyncio
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .. import __version__
from ..core.errors import BadState
from ..engines.whisper.decoding import DecodeOptions, DecodeRequest
from ..engines.whisper.model import PACKAGED, Hardware, WhisperModel, compute_types, found_device, hum
from ..net.forwarded import read_network
from ..net.http.edge import HttpEdge, http_server
from ..net.http.places import ConnectionBounds
from ..net.http.tls import server_context
from ..net.open_files import connections_that_fit
from ..process.cores import usable_cores
from .admission import Admission
from .app import ALIAS, Routes, application
from .batching import Batcher, Batching
from .disconnect import DisconnectMiddleware
from .handler import Loaded
from .metrics import Metrics
from .options import COMMAND_LINE, WhisperServerSettings
from .params import ServedModel
from .transcriber import FileTranscriber
from .upload import MIB, bounded

log = logging.getLogger(__name__)

_STEP_S = {"cpu": 1.0, "cuda": 2.0}
"""Windows of 4, 5, 6 … seconds. Measured with base on a CPU and 37 utterances (318 words): with windows to
the sample 4.1 % of the words were wrong and the median was 132 ms; with steps of 1 s 4.1 % and 148, of 2 s
4.1 % and 155, of 5 s 4.7 % and 242. Longer steps fill batches, which is worth something on a GPU only."""
_MOST = {"cpu": 4, "cuda": 16}
"""Chunks in one batch. On two cores two batches of 4 took 630 ms where 8 calls, two at a time, took 784,
and one batch of 8 took 1,065: a core is full with four. The one for CUDA is not measured."""
_DECODERS = 4
_CLOSE_S = 1.8
_CANCELLED_S = 0.5
"""Seconds for requests that are cut off to say so."""
_KEEP_ALIVE_S = 240
"""An idle connection of a client's pool outlives the pauses between two sentences."""


class WhisperServer:
    """`start`, then `load`, then `drain`, then `close`.

    To make it blocks, since it reads certificates; `BadField` is raised for those that cannot be used.
    """

    def __init__(self, settings: WhisperServerSettings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        keys = [key.get_secret_value() for key in settings.api_key]
        self._admission = Admission(keys, settings.max_requests, self._metrics)
        self._names = names(settings.model)
        facts = {"model": self._names[0], "version": __version__}
        self._routes = Routes(self._admission, self._metrics, self._names[0], facts)
        routes = bounded(application(self._routes), settings.max_megabytes * MIB)
        self._app = DisconnectMiddleware(routes)
        self._pool = ThreadPoolExecutor(_DECODERS, thread_name_prefix="whisper-decode")
        self._batcher: Batcher | None = None
        bounds = ConnectionBounds(
            connections_that_fit(settings.max_connections),
            settings.max_connections_per_address,
            [read_network(text) for text in settings.proxies],
        )
        self.tls = server_context(COMMAND_LINE.option, settings.tls_cert, settings.tls_key)
        self._uvicorn = http_server(self._app, HttpEdge(bounds, idle_seconds=_KEEP_ALIVE_S), self.tls)
        self._listener: socket.socket | None = None

    async def start(self, listener: socket.socket) -> None:
        await self._uvicorn.startup(sockets=[listener])
        self._listener = listener

    async def tick(self) -> None:
        """What uvicorn does beside answering, until `drain`."""
        await self._uvicorn.main_loop()

    async def load(self, say: Callable[[str], None]) -> None:
        """Raises `EngineMissing`, `EngineError`."""
        begun = asyncio.get_running_loop().time()
        hardware = await asyncio.to_thread(_hardware, self._settings)
        model = await asyncio.to_thread(WhisperModel, self._settings.model, hardware)
        most = self._settings.max_batch or _MOST[hardware.device]
        await asyncio.to_thread(_warm, model, hardware.device, most)
        how = Batching(hardware.workers, most, self._settings.batch_wait)
        self._batcher = Batcher(model, how, self._metrics)
        self._batcher.start()
        self._routes.facts |= {"device": hardware.device, "compute_type": hardware.compute_type}
        self._routes.loaded = Loaded(
            FileTranscriber(model, self._batcher, self._pool),
            ServedModel(self._names, model.is_multilingual, model.codes),
            self._settings.max_megabytes,
            self._settings.max_audio,
        )
        self._admission.is_ready = True
        self._metrics.ready.set(1)
        took_ms = 1000 * (asyncio.get_running_loop().time() - begun)
        on = f"{hardware.device}, {hardware.compute_type}, {hardware.workers} x {most}"
        say(f"{self._names[0]} on {on}, warm in {took_ms:.0f} ms")

    async def drain(self, grace: float) -> None:
        """No new connections; open requests finish within `grace` seconds or are cut off."""
        server = self._uvicorn
        self._app.is_closing = True
        server.should_exit = True
        server.config.timeout_graceful_shutdown = grace  # type: ignore[assignment] # a float will do
        await server.shutdown(sockets=[self._listener] if self._listener else [])
        await self._cut()

    def hurry(self) -> None:
        """A `drain` under way ends at once."""
        self._uvicorn.force_exit = True

    async def _cut(self) -> None:
        left = list(self._uvicorn.server_state.tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_CANCELLED_S)
        for connection in list(self._uvicorn.server_state.connections):
            connection.transport.close()

    async def close(self) -> None:
        if self._batcher is not None:
            await self._batcher.close(_CLOSE_S)
        self._pool.shutdown(wait=False, cancel_futures=True)


def names(model: str) -> tuple[str, ...]:
    """What requests may call it: its own name, OpenAI's, and what the command was given."""
    own = PACKAGED.get(model, model)
    path = Path(model)
    own = path.absolute().name if path.is_absolute() or model.startswith(".") else own
    return tuple(dict.fromkeys((own, ALIAS, model)))


def _hardware(settings: WhisperServerSettings) -> Hardware:
    device = found_device(settings.device)
    known = compute_types(device)
    compute_type = known[0] if settings.compute_type == "auto" else settings.compute_type
    if compute_type not in known:
        flag = f"--compute-type ({COMMAND_LINE.variable('compute_type')})"
        raise BadState(flag, compute_type, f"on {device} here: auto, {', '.join(known)}")
    workers = settings.workers or (1 if device == "cuda" else max(1, usable_cores() // settings.threads))
    return Hardware(device, compute_type, settings.threads, workers, _STEP_S[device])


def _warm(model: WhisperModel, device: str, batch: int) -> None:
    """A GPU compiles and allocates for each kind of pass, and for company; a CPU has little to prepare."""
    sound = hum()
    on_gpu = device == "cuda"
    for decode_pass in model.passes if on_gpu else model.passes[:1]:
        for count in (1, batch) if on_gpu else (1,):
            model.decode([DecodeRequest(sound, decode_pass, DecodeOptions(("en",)))] * count, lambda: False)
