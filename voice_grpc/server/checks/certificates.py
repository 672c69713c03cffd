"""Whose certificate the server shows, and until when; soon to be renewed is not broken, and said.

A file of its own: a certificate is no engine, and nobody is asked.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from ...core.errors import BadField
from ...net.tls import Identity, tls_faults, tls_files, utc_now
from ...settings import Settings
from ...settings.command_line import COMMAND_LINE
from .result import CheckResult

SOON = timedelta(days=14)
"""Certificates of 90 days are renewed 30 before their end; this late it went wrong."""


async def check_certificates(settings: Settings, now: Callable[[], datetime] = utc_now) -> list[CheckResult]:
    """None where the server is to speak plain text."""
    return await asyncio.to_thread(_checked, settings, now())


def _checked(settings: Settings, now: datetime) -> list[CheckResult]:
    given = (settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    if faults := tls_faults(COMMAND_LINE.option, *given):
        return [_broken(fault) for fault in faults]
    files = tls_files(COMMAND_LINE.option, *given)
    if files is None:
        return []
    try:
        identity, _ = files.read()
    except BadField as error:
        return [_broken(error)]
    where = str(settings.tls_cert)
    if fault := identity.fault(now):
        return [CheckResult("tls", "certificate", where=where, error=fault, fix="renew it")]
    return [CheckResult("tls", "certificate", where=where, works=True, result=_told(identity, now))]


def _broken(error: BadField) -> CheckResult:
    """Whose error says what is accepted: there is nothing to add."""
    return CheckResult("tls", "certificate", where=str(error.value), error=str(error))


def _told(identity: Identity, now: datetime) -> str:
    soon = ", which is soon: renew it" if identity.ends - now < SOON else ""
    return f"{', '.join(identity.names)} until {identity.ends:%Y-%m-%d %H:%M} UTC{soon}"
