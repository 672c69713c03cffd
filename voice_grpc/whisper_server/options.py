"""Settings of `voice-grpc whisper-server`, its command line and its help."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from ..net.forwarded import read_network
from ..process.command_line import (
    CommandLine,
    PathOrName,
    UserPath,
    check_each,
    read_by_command,
    without_placeholders,
)
from ..settings.engines import comma_separated


class WhisperServerSettings(BaseSettings):
    """The prefix is not WHISPER_SERVER_: Kubernetes sets WHISPER_SERVER_PORT to an address wherever a
    service is called whisper-server."""

    model_config = read_by_command("voice-grpc whisper-server", "VOICE_WHISPER_")

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for other machines.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    tls_cert: UserPath | None = Field(
        None, description="Its certificate in PEM, and those that lead to its authority: TLS is on."
    )
    tls_key: UserPath | None = Field(None, description="The private key of the certificate, in PEM.")
    api_key: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list,
        validation_alias="WHISPER_API_KEY",
        description="Bearer tokens that are let in, separated by commas. Without any, everybody is.",
    )
    drain_seconds: float = Field(30.0, ge=0, le=3600, description="For open requests to finish on SIGTERM.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Lines for people, or one JSON object each."
    )

    model: PathOrName = Field(
        "base",
        validation_alias="WHISPER_MODEL",
        description="base, tiny (English), a CTranslate2 model by path, or a hub id.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where there is one.")
    compute_type: str = Field(
        "auto",
        description="int8, float16, int8_float16, … as CTranslate2 names them. auto: int8 on a CPU, float16 "
        "on a GPU.",
    )
    threads: int = Field(1, ge=1, le=64, description="CPU threads of one batch.")
    workers: int = Field(0, ge=0, le=64, description="Batches at once; 0: one a core on a CPU, 1 on a GPU.")

    max_batch: int = Field(0, ge=0, le=256, description="Chunks in one batch; 0: 4 on a CPU, 16 on a GPU.")
    batch_wait: float = Field(
        0.005,
        ge=0.0,
        le=1.0,
        description="How long a batch that is not full waits while other requests are being decoded; when "
        "none are, it starts at once.",
    )
    max_requests: int = Field(
        64, ge=1, le=10_000, description="Requests at once; one more is told to come back."
    )
    max_connections: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Connections at once, however idle; 0: half of the open files that the system allows "
        "(ulimit -n), which is the most in any case.",
    )
    max_connections_per_address: int = Field(
        0, ge=0, le=100_000, description="Of them from one address; 0: a quarter."
    )
    proxies: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Addresses or networks of proxies, such as 10.0.0.0/8, which count in all alone.",
    )
    max_megabytes: int = Field(25, ge=1, le=4096, description="Size of an uploaded file (MiB).")
    max_audio: float = Field(7200.0, ge=1.0, le=86_400.0, description="Length of the sound in it.")

    @field_validator("api_key", "proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return comma_separated(value) if isinstance(value, str) else value

    @field_validator("proxies")
    @classmethod
    def _networks(cls, texts: list[str]) -> list[str]:
        return check_each(texts, read_network)

    @model_validator(mode="before")
    @classmethod
    def _without_placeholders(cls, values: dict[str, object]) -> dict[str, object]:
        return without_placeholders(values)


GROUPS = {
    "Listening": ("host", "port", "tls_cert", "tls_key", "api_key", "drain_seconds"),
    "Observing": ("log_level", "log_format"),
    "The model": ("model", "device", "compute_type", "threads", "workers"),
    "Load": ("max_batch", "batch_wait", "max_requests", "max_megabytes", "max_audio"),
    "Connections": ("max_connections", "max_connections_per_address", "proxies"),
}

HEAD = """\
usage: voice-grpc whisper-server [OPTION ...]

Serve Whisper over OpenAI's HTTP protocol: POST /v1/audio/transcriptions and /v1/audio/translations,
GET /v1/models, /health and /metrics. Says `listening on http://HOST:PORT`, or https://,
once the model is warm.

Each option can be given as a flag, as the variable beside it, or as that variable in a file `.env`
of the working directory; the first of these that is there counts. SIGTERM lets open requests
finish, Ctrl-C ends them within a second."""

COMMAND_LINE = CommandLine(WhisperServerSettings, HEAD, GROUPS)
