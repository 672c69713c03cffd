"""Whether recordings could be written now: to the directory, and to the bucket where there is one.

A file of its own: a recorder is no engine, and is asked in another way.
"""

import asyncio
from collections.abc import Callable

from ...core.errors import VoiceError
from ...settings import Settings
from ..recordings import recording_places
from .result import CheckResult


async def check_recordings(settings: Settings) -> list[CheckResult]:
    """None where nothing is recorded."""
    return await asyncio.to_thread(_checked, settings) if settings.recordings else []


def _checked(settings: Settings) -> list[CheckResult]:
    try:
        directory, archive = recording_places(settings)
    except VoiceError as error:
        return [CheckResult("record", "opus", where=settings.recordings, error=str(error), fix=str(error))]
    except OSError as error:
        fix = "set the SDK's variables: AWS_REGION, AWS_PROFILE, …"
        return [CheckResult("record", "s3", where=settings.recordings, error=str(error), fix=fix)]
    results = [_result("directory", str(directory.path), directory.check)]
    if archive is not None:
        results.append(_result("s3", settings.recordings, archive.check))
    return results


def _result(kind: str, where: str, check: Callable[[], None]) -> CheckResult:
    try:
        check()
    except OSError as error:
        fix = f"let the server's user write to {where}, or set --recordings to a place where it can"
        return CheckResult("record", kind, where=where, error=str(error), fix=fix)
    return CheckResult("record", kind, where=where, works=True, result="can be written")
