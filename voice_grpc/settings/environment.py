"""Variables that are not ours: vendors' SDKs read them from the environment, and know nothing of `.env`.

A file of its own: these are no settings of ours, and what reads settings must not meet them.
"""

import os
from pathlib import Path

from dotenv import dotenv_values

from ..core.errors import UsageError, shown
from ..process.command_line import is_placeholder
from ..process.home import expanded

VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "GOOGLE_API_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_GENAI_USE_ENTERPRISE",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_VERTEX_BASE_URL",
    "SSL_CERT_FILE",
)
"""Names that the SDKs of Amazon (for `--recordings s3://…`) and Google read, and OpenSSL."""

PREFIX = "OTEL_"
"""Of names that OpenTelemetry's SDK reads: too many to list, and each release has more."""

_PATHS = ("GOOGLE_APPLICATION_CREDENTIALS", "SSL_CERT_FILE")
"""Of them, the paths whose readers know no `~`."""


def export_vendor_variables(path: Path = Path(".env")) -> None:
    """Put those of `.env` at `path` into the environment; one that the environment has already wins.

    A file that cannot be read was refused by the settings before. Raises `UsageError` for a path whose `~`
    is nowhere.
    """
    given = dotenv_values(path, interpolate=False) if path.is_file() else {}
    for name, value in given.items():
        if (name in VARIABLES or name.startswith(PREFIX)) and value and not is_placeholder(value):
            os.environ.setdefault(name, value)
    for name in _PATHS:
        if value := os.environ.get(name):
            try:
                os.environ[name] = expanded(value)
            except ValueError as error:
                raise UsageError(f"{name}: got {shown(value)}, accepted: {error}") from None
