"""Takes secrets out of whatever is about to be said: logs, errors, tables.

Two kinds. Known ones, such as a key from the settings, are found in every spelling that headers, URLs,
JSON and tracebacks have for them. Unknown ones, such as a caller's token, are found by where they stand:
behind `Bearer`, and between `://` and `@`.

Who writes a message leaves secrets out of it. This is for what they overlook, and for the libraries below
them: a vendor that repeats a key in its error, a client that logs its headers.
"""

import base64
import binascii
import json
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from types import TracebackType
from urllib.parse import quote, quote_plus, unquote

from .log_lines import JsonLines, TextLines

HIDDEN = "***"

SHORTEST = 6
"""Characters: what is shorter is looked for in no log, where it would be found in the middle of words."""
SHORT = 4
"""Characters: what is shorter is hidden as a word alone."""

_PLACES = re.compile(
    rf"""(?P<bearer>\bBearer\ |\bbearer\.)[^\s"',;]{{{SHORTEST},}}  # a header, a WebSocket subprotocol
    |(?P<scheme>://|\b(?:stun|turn)s?:)[^\s/@"']+@                  # user and password of a URL
    """,
    re.VERBOSE,
)


class Redaction:
    """A function of text: the same with `HIDDEN` in the place of each secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        hidden = self._known.sub(HIDDEN, text) if self._known is not None else text
        return _PLACES.sub(_without_secret, hidden)

    def excepthook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """For `sys.excepthook`: a bug that ends the process is told without secrets too."""
        sys.stderr.write(self("".join(traceback.format_exception(kind, error, trace))))


def log_to_stderr(level: str, redact: Redaction, quiet: Iterable[str] = (), *, is_json: bool = False) -> None:
    """Also what ends the process. The loggers in `quiet`, and those below them, tell warnings alone."""
    sys.excepthook = redact.excepthook
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(redact) if is_json else TextLines(redact))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in quiet:
        logging.getLogger(name).setLevel(logging.WARNING)


def hide(text: str, secrets: Iterable[str]) -> str:
    """`text` with `HIDDEN` in the place of these secrets, however they are spelt: somebody may repeat them.

    One of a few characters is hidden only where it stands as a word.
    """
    spelt = {form for secret in secrets if secret for form in _forms(secret) if form}
    for form in sorted(spelt, key=len, reverse=True):
        is_short = len(form) < SHORT
        text = re.sub(rf"\b{re.escape(form)}\b" if is_short else re.escape(form), HIDDEN, text)
    return text


def _without_secret(found: re.Match[str]) -> str:
    return f"{found['bearer']}{HIDDEN}" if found["bearer"] else f"{found['scheme']}{HIDDEN}@"


def _forms(secret: str) -> Iterator[str]:
    """As it is, and as headers, URLs, JSON and tracebacks spell it."""
    yield from (secret, secret.strip(), unquote(secret), quote_plus(secret, errors="replace"))
    for quoted in (quote(secret, "", errors="replace"), quote(secret, errors="replace")):
        yield from (quoted, quoted.replace("%20", "+"))
    yield from (json.dumps(secret)[1:-1], repr(secret)[1:-1])
    raw = secret.encode("utf-8", "replace")
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw), binascii.hexlify(raw)):
        yield from (encoded.decode(), encoded.decode().rstrip("="))
