"""`voice-grpc whisper-server`: its command line, and what to install where something is missing."""

import asyncio
import logging
import sys
from importlib import import_module

from ..core.errors import EngineMissing, VoiceError
from .options import COMMAND_LINE

_NEEDED = ("starlette", "uvicorn", "python_multipart", "prometheus_client")


def command(argv: list[str]) -> int:
    """The exit code: 0 after a signal, 2 when it cannot begin."""
    if "-h" in argv or "--help" in argv:
        _say(COMMAND_LINE.help_text())
        return 0
    try:
        settings = COMMAND_LINE.parse(argv)
        logging.basicConfig(
            level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
        )
        for noisy in ("uvicorn", "faster_whisper", "python_multipart"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        _check_installed()
        from .serving import serve

        asyncio.run(serve(settings, _say))
    except KeyboardInterrupt:
        return 130  # before the signal handlers were there
    except VoiceError as error:
        print(f"voice-grpc whisper-server: {error}", file=sys.stderr)  # noqa: T201 - for the person
        return 2
    return 0


def _check_installed() -> None:
    for name in _NEEDED:
        try:
            import_module(name)
        except ImportError as error:
            lacking = name.replace("_", "-")
            said = f"{lacking} is not installed: run pip install 'voice-grpc[local,whisper-server]'"
            raise EngineMissing("stt", said) from error


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - progress for the person, and the address for programs
