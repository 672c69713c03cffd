"""What of the settings is secret, for the `Redaction` of logs, errors and tables (`process/redaction.py`)."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..net.addresses import is_url, secrets_in
from ..net.valkey_address import read_valkey_address
from ..process.home import expanded
from ..process.redaction import Redaction, log_to_stderr
from .collector import header_secrets
from .server import Settings

QUIET = ("httpx2", "google_genai")
"""Loggers that write a line a request."""

TALKATIVE = (
    *("websockets", "google", "google_genai", "httpcore2", "hpack", "piper"),
    *("boto3", "botocore", "s3transfer", "urllib3"),
)
"""Loggers that write, at debug, what is sent, received or said: words and sound, and headers."""

_SECRET_FIELDS = ("private_key", "private_key_id", "client_secret", "refresh_token", "token", "access_token")
"""Fields of Google's credential files."""
_SECRET_VARIABLES = ("GOOGLE_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Of those that vendors' SDKs read (`environment.py`)."""
_LARGEST_FILE = 100_000


def log_without_secrets(level: str, settings: Settings) -> Redaction:
    """Logs go to standard error from now on. Reads the credentials' file: not for the event loop."""
    redact = Redaction(secrets_of(settings))
    quiet = () if settings.log_words else TALKATIVE
    log_to_stderr(
        level, redact, quiet if level == "debug" else (*quiet, *QUIET), is_json=settings.log_format == "json"
    )
    return redact


def secrets_of(settings: Settings) -> list[str]:
    """Everything in them that nobody is to see. Reads the credentials' file: not for the event loop."""
    found = [token.get_secret_value() for token in settings.tokens]
    found += [
        settings.secret.get_secret_value(),
        settings.whisper_api_key.get_secret_value(),
        settings.gemini_api_key.get_secret_value(),
        settings.openai_api_key.get_secret_value(),
        *(os.environ.get(name, "") for name in _SECRET_VARIABLES),
        *header_secrets(),
    ]
    for url in (settings.whisper_server_url, settings.openai_base_url):
        found += secrets_in(url.get_secret_value())
    if is_url(store := settings.store.get_secret_value()):
        found += read_valkey_address(store).secrets
    found += _secrets_in_credentials(settings.google_tts_credentials.get_secret_value())
    found += _secrets_in_credentials(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", ""))
    return [secret for secret in found if secret]


def _secrets_in_credentials(given: str) -> Iterator[str]:
    text = given.strip()
    if not text:
        return
    if not text.startswith("{"):
        try:
            with Path(expanded(text)).open("rb") as file:
                text = file.read(_LARGEST_FILE).decode("utf-8", "replace")
        except (OSError, ValueError):
            yield from () if _is_pathlike(text) else (text,)
            return
    yield text
    try:
        info = json.loads(text)
    except ValueError:
        yield from text.splitlines()
        return
    yield from _secrets_in(info)


def _is_pathlike(text: str) -> bool:
    return len(text) < 256 and (text.endswith(".json") or text[0] in "/.~")


def _secrets_in(info: object) -> Iterator[str]:
    """Secret fields, wherever they are; of a key also its lines."""
    if isinstance(info, list):
        for each in info:
            yield from _secrets_in(each)
    elif isinstance(info, dict):
        for name, value in info.items():
            if isinstance(value, str) and name in _SECRET_FIELDS:
                yield value
                yield from (line for line in value.splitlines() if "-----" not in line)
            else:
                yield from _secrets_in(value)
