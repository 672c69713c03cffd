"""`voice-grpc serve --check-config`: all that is wrong with a configuration at once, and nothing started.

Every setting is read, whatever is wrong with others; one that is wrong has its default in what is looked at
after that. Nothing listens, no model is loaded and no file is made; keys at a URL are fetched, and a store or
a collector that others run is asked.
"""

import asyncio
import socket
import sys
from collections.abc import Iterator

from ...core.errors import OperatorError, VoiceError
from ...net.tls import is_loopback
from ...settings import Settings
from ...settings.command_line import COMMAND_LINE
from ...settings.environment import export_vendor_variables
from ...settings.personas import load_personas
from ...settings.redaction import log_without_secrets
from .access import check_access
from .certificates import check_certificates
from .collector import check_collector
from .engines import check_engines
from .recordings import check_recordings
from .result import CheckResult
from .store import check_store

OPTION = "--check-config"


def check_config(argv: list[str]) -> int:
    """The exit code: 0, or 2 where a server could not begin, or would lack something that is asked for."""
    settings, faults = COMMAND_LINE.examined([word for word in argv if word != OPTION])
    said = [str(fault) for fault in faults]
    if settings is not None:
        try:
            export_vendor_variables()
        except OperatorError as error:
            said.append(str(error))
        redact = log_without_secrets("error", settings)
        found = asyncio.run(_checked(settings))
        said += [*_own_faults(settings), *(_told(result) for result in found if not result.works)]
        said = [redact(line) for line in said]
        for note in (*_notes(settings), *(_well(result) for result in found if result.works)):
            print(redact(note))  # noqa: T201 - what the command is for
    for line in said:
        print(f"voice-grpc serve: {line}", file=sys.stderr)  # noqa: T201 - for the person
    count = f"{len(said)} to fix" if said else "the configuration is right"
    print(count)  # noqa: T201 - what the command is for
    return 2 if said else 0


async def _checked(settings: Settings) -> list[CheckResult]:
    found = await check_certificates(settings) + await check_access(settings) + await check_store(settings)
    found += await check_recordings(settings) + await check_engines(settings)
    return found + await check_collector()


def _own_faults(settings: Settings) -> Iterator[str]:
    """Of what nothing else looks at."""
    try:
        load_personas(settings.personas)
    except VoiceError as error:
        yield str(error)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.bind(address)
    except (OSError, UnicodeError):
        option = COMMAND_LINE.option("host")
        yield f"{option}: got {settings.host!r}, accepted: an address of this machine"


def _notes(settings: Settings) -> Iterator[str]:
    """Not wrong, but perhaps not meant."""
    for name in settings.placeholders:
        yield f"{name} still holds its placeholder: taken as not set"
    if settings.tls_cert is None and not is_loopback(settings.host):
        yield f"plain text on {settings.host}: whoever is on the way can read it (--tls-cert, --tls-key)"
    is_open = not (settings.tokens or settings.token_file or settings.jwt_jwks)
    if is_open and not is_loopback(settings.host):
        yield f"everybody who reaches {settings.host} is let in (--tokens, --token-file, --jwt-jwks)"


def _told(result: CheckResult) -> str:
    where = f" {result.where}" if result.where and result.where not in result.error else ""
    fix = f" → {result.fix}" if result.fix and result.fix not in result.error else ""
    return " ".join(f"{result.stage} {result.engine}{where}: {result.error}{fix}".split())


def _well(result: CheckResult) -> str:
    said = f": {result.result}" if result.result else ""
    return f"{result.stage} {result.engine} {result.where}{said}"
