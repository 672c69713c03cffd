"""One request for a transcript, from its first byte to its last."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..core.errors import Draining, EngineError
from .admission import RETRY_SECONDS, Admission
from .audio import AudioFile, BadAudio
from .errors import ApiError, bad_request
from .formats import TranscriptWriter, delta, event
from .metrics import ABANDONED, Metrics
from .params import ServedModel, Task, transcribe_params
from .transcriber import FileTranscriber, Preview, SpeechChunk
from .upload import MIB, uploaded

log = logging.getLogger(__name__)

_EVENT_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]


def _now() -> float:
    return asyncio.get_running_loop().time()


@contextmanager
def _blame() -> Iterator[None]:
    """Whose fault it is, as the protocol says it."""
    try:
        yield
    except BadAudio as error:
        raise bad_request(str(error), "file") from None
    except Draining as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, str(error), retry_after=RETRY_SECONDS) from None
    except EngineError as error:
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What there is once the model is loaded."""

    transcriber: FileTranscriber
    served: ServedModel
    max_megabytes: int
    max_audio_s: float


class TranscriptionHandler:
    """An ASGI application."""

    def __init__(
        self, admission: Admission, metrics: Metrics, loaded: Callable[[], Loaded], task: Task
    ) -> None:
        self._admission, self._metrics, self._loaded, self._task = admission, metrics, loaded, task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self._admission.check_key(request.headers.get("authorization", ""))
            with self._admission.admit():
                await self._answer(request, send)
        except ApiError as error:
            self._metrics.answered(error.status)
            raise
        except (asyncio.CancelledError, ClientDisconnect) as gone:
            self._metrics.requests.labels(ABANDONED).inc()
            if isinstance(gone, asyncio.CancelledError):
                raise
        except Exception:
            self._metrics.answered(HTTPStatus.INTERNAL_SERVER_ERROR)
            raise
        else:
            self._metrics.answered(HTTPStatus.OK)

    async def _answer(self, request: Request, send: Send) -> None:
        loaded, begun = self._loaded(), _now()
        async with uploaded(request, loaded.max_megabytes * MIB) as upload:
            params = transcribe_params(upload.fields, self._task, loaded.served)
            with _blame():
                async with loaded.transcriber.opened(upload.file.file, loaded.max_audio_s) as sound:
                    transcript = TranscriptWriter(params)
                    if params.is_streamed:
                        await self._stream(transcript, sound, send, begun)
                    else:
                        response = await self._whole(transcript, sound, begun)
                        await response(request.scope, request.receive, send)
        took = _now() - begun
        self._metrics.transcribed(transcript.seconds, took)
        said = "%.1f s of sound in %.2f s (%s, %s, %d chunks)"
        log.info(said, transcript.seconds, took, params.format, transcript.language, len(transcript.chunks))

    async def _whole(self, transcript: TranscriptWriter, sound: AudioFile, begun: float) -> Response:
        async with aclosing(self._loaded().transcriber.chunks(sound, transcript.params)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, SpeechChunk):
                    transcript.add(chunk)
        self._metrics.first_text.observe(_now() - begun)
        return transcript.response()

    async def _stream(self, transcript: TranscriptWriter, sound: AudioFile, send: Send, begun: float) -> None:
        """Once the first event is due the status is sent: what fails later is an event of its own."""

        async def tell(body: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": body, "more_body": more})

        is_silent = True
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": _EVENT_HEADERS})
        try:
            with _blame():
                async with aclosing(self._loaded().transcriber.chunks(sound, transcript.params)) as chunks:
                    async for chunk in chunks:
                        if isinstance(chunk, Preview):
                            text = transcript.preview(chunk.text)
                        else:
                            text = transcript.add(chunk)
                        if text and is_silent:
                            self._metrics.first_text.observe(_now() - begun)
                            is_silent = False
                        if text:
                            await tell(event(delta(text)))
        except ApiError as error:
            log.warning("a stream broke off: %s", error.message)
            await tell(event(error.body), more=False)
        else:
            await tell(event(transcript.done()), more=False)
