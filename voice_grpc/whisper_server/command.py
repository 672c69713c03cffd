"""`voice-grpc whisper-server`: its command line, and what to install where something is missing."""

import asyncio
import os
import sys
from importlib import import_module

from ..core.errors import EngineMissing, VoiceError
from ..process.installation import advice
from ..process.redaction import Redaction, log_to_stderr
from ..process.signals import INTERRUPTED
from .options import COMMAND_LINE, WhisperServerSettings

_NEEDED = ("starlette", "uvicorn", "python_multipart", "prometheus_client")

QUIET = ("uvicorn", "faster_whisper", "python_multipart")
"""Loggers that write a line a request, or a line a block of an upload."""


def command(argv: list[str]) -> int:
    """The exit code: 0 after a signal, 2 when it cannot begin."""
    if "-h" in argv or "--help" in argv:
        _say(COMMAND_LINE.help_text())
        return 0
    try:
        settings = COMMAND_LINE.parse(argv)
        redact, is_json = Redaction(_secrets_of(settings)), settings.log_format == "json"
        log_to_stderr(settings.log_level, redact, QUIET, is_json=is_json)
        _check_installed()
        from .serving import serve

        asyncio.run(serve(settings, _say))
    except KeyboardInterrupt:
        return INTERRUPTED  # before the signal handlers were there
    except VoiceError as error:
        print(f"voice-grpc whisper-server: {error}", file=sys.stderr)  # noqa: T201 - for the person
        return 2
    return 0


def _secrets_of(settings: WhisperServerSettings) -> list[str]:
    """The keys that are let in, and what opens the hub that a model may come from."""
    keys = [key.get_secret_value() for key in settings.api_key]
    return [*keys, os.environ.get("HF_TOKEN", ""), os.environ.get("HUGGING_FACE_HUB_TOKEN", "")]


def _check_installed() -> None:
    for name in _NEEDED:
        try:
            import_module(name)
        except ImportError as error:
            lacking = name.replace("_", "-")
            said = f"{lacking} is not installed: run {advice('local', 'whisper-server')}"
            raise EngineMissing("stt", said) from error


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - progress for the person, and the address for programs
