"""Variables that are not ours: vendors' SDKs read them from the environment, and know nothing of `.env`.

A file of its own: these are no settings of ours, and what reads settings must not meet them.
"""

import os
from pathlib import Path

from dotenv import dotenv_values

from ..core.errors import UsageError, shown
from ..net.command_line import is_placeholder
from ..net.home import expanded

VARIABLES = (
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
"""Names that Google's SDK and OpenSSL read."""

_PATHS = ("GOOGLE_APPLICATION_CREDENTIALS", "SSL_CERT_FILE")
"""Of them, the paths. Neither reader knows `~`."""


def export_vendor_variables(path: Path = Path(".env")) -> None:
    """Put those of `.env` at `path` into the environment; one that the environment has already wins.

    A file that cannot be read was refused by the settings before. Raises `UsageError` for a path whose `~`
    is nowhere.
    """
    given = dotenv_values(path, interpolate=False) if path.is_file() else {}
    for name, value in given.items():
        if name in VARIABLES and value and not is_placeholder(value):
            os.environ.setdefault(name, value)
    for name in _PATHS:
        if value := os.environ.get(name):
            try:
                os.environ[name] = expanded(value)
            except ValueError as error:
                raise UsageError(f"{name}: got {shown(value)}, accepted: {error}") from None
