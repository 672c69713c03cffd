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
from .transcriber import FileTranscriber, Preview, SpeechPiece
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
    """Whose fault it is, in the terms of the protocol."""
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

    def __init__(self, door: Admission, metrics: Metrics, works: Callable[[], Loaded], task: Task) -> None:
        self._door, self._metrics, self._works, self._task = door, metrics, works, task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self._door.check_key(request.headers.get("authorization", ""))
            with self._door.admit():
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
        works, begun = self._works(), _now()
        async with uploaded(request, works.max_megabytes * MIB) as upload:
            want = transcribe_params(upload.fields, self._task, works.served)
            with _blame():
                async with works.transcriber.opened(upload.file.file, works.max_audio_s) as sound:
                    transcript = TranscriptWriter(want)
                    if want.is_streamed:
                        await self._stream(transcript, sound, send, begun)
                    else:
                        response = await self._whole(transcript, sound, begun)
                        await response(request.scope, request.receive, send)
        took = _now() - begun
        self._metrics.transcribed(transcript.seconds, took)
        said = "%.1f s of sound in %.2f s (%s, %s, %d pieces)"
        log.info(said, transcript.seconds, took, want.format, transcript.language, len(transcript.pieces))

    async def _whole(self, transcript: TranscriptWriter, sound: AudioFile, begun: float) -> Response:
        async with aclosing(self._works().transcriber.pieces(sound, transcript.wanted)) as pieces:
            async for piece in pieces:
                if isinstance(piece, SpeechPiece):
                    transcript.add(piece)
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
                async with aclosing(self._works().transcriber.pieces(sound, transcript.wanted)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Preview):
                            text = transcript.glimpse(piece.text)
                        else:
                            text = transcript.add(piece)
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
