"""What of the settings is secret, for the `Redaction` of logs, errors and tables (`net/redaction.py`)."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..net.addresses import secrets_in
from ..net.home import expanded
from ..net.redaction import Redaction, log_to_stderr
from ..net.valkey_address import is_url, read_valkey_address
from .server import Settings

QUIET = ("httpx2", "google_genai")
"""Loggers that write a line a request."""

_SECRET_FIELDS = ("private_key", "private_key_id", "client_secret", "refresh_token", "token", "access_token")
"""Fields of Google's credential files."""
_LARGEST_FILE = 100_000


def log_without_secrets(level: str, settings: Settings) -> Redaction:
    """Logs go to standard error from now on. Reads the credentials' file: not for the event loop."""
    redact = Redaction(secrets_of(settings))
    log_to_stderr(level, redact, quiet=() if level == "debug" else QUIET)
    return redact


def secrets_of(settings: Settings) -> list[str]:
    """Everything in them that nobody is to see. Reads the credentials' file: not for the event loop."""
    found = [token.get_secret_value() for token in settings.tokens]
    found += [
        settings.whisper_api_key.get_secret_value(),
        settings.gemini_api_key.get_secret_value(),
        settings.openai_api_key.get_secret_value(),
        os.environ.get("GOOGLE_API_KEY", ""),
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
