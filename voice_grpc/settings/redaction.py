"""Takes the secrets of the settings out of whatever is about to be said: logs, errors, tables.

Engines promise messages without secrets. This is for what they overlook, and for the libraries below
them: a vendor that repeats a key in its error, a client that logs its headers.
"""

import base64
import binascii
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, quote_plus

from ..net.addresses import secrets_in
from .server import Settings

HIDDEN = "***"

SHORTEST = 6
"""Characters: what is shorter is no secret, and would be found in the middle of words."""

_SECRET_FIELDS = ("private_key", "private_key_id", "client_secret", "refresh_token", "token", "access_token")
"""Of Google's credential files."""
_LARGEST_FILE = 100_000


class Redaction:
    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern is not None else text

    def excepthook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """For `sys.excepthook`: a bug that ends the process is told without secrets too."""
        sys.stderr.write(self("".join(traceback.format_exception(kind, error, trace))))


class RedactedFormatter(logging.Formatter):
    """The whole record as it will be written, its traceback included."""

    def __init__(self, redact: Redaction) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def log_to_stderr(level: str, redact: Redaction) -> None:
    """Also what ends the process."""
    sys.excepthook = redact.excepthook
    handler = logging.StreamHandler()
    handler.setFormatter(RedactedFormatter(redact))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for chatty in ("httpx2", "google_genai"):  # a line a request
        logging.getLogger(chatty).setLevel("DEBUG" if level == "debug" else "WARNING")


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
    found += _of_credentials(settings.google_tts_credentials.get_secret_value())
    found += _of_credentials(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", ""))
    return [secret for secret in found if secret]


def _of_credentials(given: str) -> Iterator[str]:
    text = given.strip()
    if not text:
        return
    if not text.startswith("{"):
        try:
            with Path(os.path.expanduser(text)).open("rb") as file:
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
    yield from _in(info)


def _is_pathlike(text: str) -> bool:
    return len(text) < 256 and (text.endswith(".json") or text[0] in "/.~")


def _in(info: object) -> Iterator[str]:
    """Secret fields, wherever they are; of a key also its lines."""
    if isinstance(info, list):
        for part in info:
            yield from _in(part)
    elif isinstance(info, dict):
        for name, value in info.items():
            if isinstance(value, str) and name in _SECRET_FIELDS:
                yield value
                yield from (line for line in value.splitlines() if "-----" not in line)
            else:
                yield from _in(value)


def _forms(secret: str) -> Iterator[str]:
    """As it is, and as headers, URLs, JSON and tracebacks spell it."""
    yield from (secret, secret.strip(), quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], repr(secret)[1:-1])
    raw = secret.encode("utf-8", "replace")
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw), binascii.hexlify(raw)):
        yield from (encoded.decode(), encoded.decode().rstrip("="))
