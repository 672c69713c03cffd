"""What a span says of the engine that did its work, by the GenAI semantic conventions where they have a word.

One set for all stages: `stt`, `llm` and `tts`, of a turn and of a call of one stage. The conventions have no
operation for transcripts and voices, so that those are named as the methods are that do them alone.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind

from ..ports.observer import EngineFacts

Value = str | int | float | bool
Attributes = Mapping[str, Value]

CONVERSATION, MODEL = "gen_ai.conversation.id", "gen_ai.request.model"
OPERATION, PROVIDER, OUTPUT_TYPE = "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.output.type"
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
SERVER, PORT, ERROR = "server.address", "server.port", "error.type"
"""By the semantic conventions (1.41, those of GenAI in development)."""

STAGES = {"stt": ("transcribe", "text"), "llm": ("chat", "text"), "tts": ("synthesize", "speech")}
"""`gen_ai.operation.name` and `gen_ai.output.type` of a stage, by the name of its span."""

PROVIDERS = {
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "texttospeech.googleapis.com": "gcp.gen_ai",
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api.cohere.com": "cohere",
    "api.perplexity.ai": "perplexity",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
}
"""`gen_ai.provider.name` by the end of the host's name."""
EMBEDDED, OTHER = "embedded", "_OTHER"
"""`gen_ai.provider.name` of an engine in the process, and, as the conventions name what is not in their list,
of another server or of who stood in and whose place is not known."""

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
"""Where an address names none."""


def of_engine(stage: str, engine: EngineFacts | None) -> tuple[dict[str, Value], SpanKind]:
    """`stage`: one of `STAGES`. `engine`: None where nobody knows who it was."""
    operation, output = STAGES[stage]
    attributes: dict[str, Value] = {OPERATION: operation, OUTPUT_TYPE: output}
    if engine is None:
        return attributes | {PROVIDER: OTHER}, SpanKind.INTERNAL
    host, port = _place(engine.location)
    attributes |= {PROVIDER: _provider(engine.location, host), MODEL: engine.name}
    if not host:
        return attributes, SpanKind.INTERNAL
    attributes |= {SERVER: host} | ({PORT: port} if port else {})
    return attributes, SpanKind.CLIENT


def _provider(location: str, host: str) -> str:
    if not host:
        return EMBEDDED if location else OTHER
    return next((name for end, name in PROVIDERS.items() if host.endswith(end)), OTHER)


def _place(location: str) -> tuple[str, int]:
    """Host and port of a URL, or of `host:port` as gRPC writes it; an empty host where it is in this process,
    or nobody knows where it is."""
    if "://" not in location and ":" not in location:
        return "", 0
    place = urlsplit(location if "://" in location else f"//{location}")
    return place.hostname or "", place.port or PORTS.get(place.scheme, 0)
