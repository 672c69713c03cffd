"""What Prometheus reads of one server. Every method may be called from any thread."""

from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_FACTORS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 5.0)
_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)

_OUTCOMES = {
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.SERVICE_UNAVAILABLE: "overloaded",
}
ABANDONED = "abandoned"


class Metrics:
    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "whisper_requests",
            "Requests for a transcript by outcome: ok, bad_request, unauthorized, too_large, overloaded "
            "(also while loading), abandoned (the caller went away), error",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("ok", "bad_request", "error", ABANDONED, *_OUTCOMES.values()):
            self.requests.labels(outcome)
        self.open = Gauge("whisper_requests_open", "Requests being read or answered", registry=registry)
        self.queue = Gauge(
            "whisper_queue_length", "Chunks of sound that wait for the model", registry=registry
        )
        self.ready = Gauge("whisper_ready", "1 once the model is warm", registry=registry)
        self.batch_size = Histogram(
            "whisper_batch_size", "Chunks in one call of the model", buckets=_SIZES, registry=registry
        )
        self.audio = Counter("whisper_audio_seconds", "Sound that was transcribed", registry=registry)
        self.processing = Counter(
            "whisper_processing_seconds", "Time that workers spent in the model", registry=registry
        )
        self.latency = Histogram(
            "whisper_request_duration_seconds",
            "From the first byte of a request to the last of its transcript",
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_text = Histogram(
            "whisper_first_text_seconds",
            "From the first byte of a request to the first text of it, streamed or not",
            buckets=_SECONDS,
            registry=registry,
        )
        self.real_time_factor = Histogram(
            "whisper_real_time_factor",
            "Duration of a request by the duration of its sound: below 1 is faster than speech",
            buckets=_FACTORS,
            registry=registry,
        )

    def answered(self, status: int) -> None:
        by_class = "ok" if status < HTTPStatus.BAD_REQUEST else "bad_request"
        by_class = "error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else by_class
        self.requests.labels(_OUTCOMES.get(HTTPStatus(status), by_class)).inc()

    def transcribed(self, audio_s: float, took_s: float) -> None:
        self.audio.inc(audio_s)
        self.latency.observe(took_s)
        if audio_s > 0:
            self.real_time_factor.observe(took_s / audio_s)

    def text(self) -> bytes:
        return generate_latest(self.registry)
