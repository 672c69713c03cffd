"""What is answered where."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .admission import Admission
from .errors import ApiError, answer_api_error, answer_bug, answer_http_error
from .handler import Loaded, TranscriptionHandler
from .metrics import CONTENT_TYPE, Metrics

ALIAS = "whisper-1"
"""OpenAI's own name, which many tools send whatever the server has."""


@dataclass(slots=True)
class Routes:
    """What the routes answer from. `loaded` is there once the model is."""

    admission: Admission
    metrics: Metrics
    model: str
    """The name it is listed by."""
    facts: dict[str, Any]
    """About the server, for whoever asks after its health."""
    loaded: Loaded | None = None
    created: int = field(default_factory=lambda: int(datetime.now(UTC).timestamp()))

    async def health(self, request: Request) -> Response:
        """Whether to send requests here."""
        if self.admission.is_ready:
            return JSONResponse({"status": "ok", **self.facts})
        loading = {"status": "loading", **self.facts}
        return JSONResponse(loading, HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": "5"})

    async def live(self, request: Request) -> Response:
        """Whether to leave it running."""
        return JSONResponse({"status": "ok"})

    async def show_metrics(self, request: Request) -> Response:
        return Response(self.metrics.text(), media_type=CONTENT_TYPE)

    async def models(self, request: Request) -> Response:
        self.admission.check_key(request.headers.get("authorization", ""))
        return JSONResponse({"object": "list", "data": [self._card(name) for name in (self.model, ALIAS)]})

    async def one_model(self, request: Request) -> Response:
        self.admission.check_key(request.headers.get("authorization", ""))
        name = request.path_params["name"]
        if name not in (self.model, ALIAS):
            said = f"The model {name[:80]!r} does not exist here; there is: {self.model}"
            raise ApiError(HTTPStatus.NOT_FOUND, said, "model", "model_not_found")
        return JSONResponse(self._card(name))

    def _card(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": self.created, "owned_by": "voice-grpc"}

    def now_loaded(self) -> Loaded:
        assert self.loaded is not None, "nobody is let in before"
        return self.loaded


def application(routes: Routes) -> Starlette:
    def transcription(task: Any) -> Callable[..., Any]:
        return TranscriptionHandler(routes.admission, routes.metrics, routes.now_loaded, task)

    return Starlette(
        routes=[
            Route("/v1/audio/transcriptions", transcription("transcribe"), methods=["POST"]),
            Route("/v1/audio/translations", transcription("translate"), methods=["POST"]),
            Route("/v1/models", routes.models),
            Route("/v1/models/{name:path}", routes.one_model),
            Route("/health", routes.health),
            Route("/health/live", routes.live),
            Route("/metrics", routes.show_metrics),
        ],
        exception_handlers={
            ApiError: answer_api_error,
            HTTPStatus.NOT_FOUND: answer_http_error,
            HTTPStatus.METHOD_NOT_ALLOWED: answer_http_error,
            Exception: answer_bug,
        },
    )
