"""The recorder that the settings ask for: of a directory, or of a bucket and the directory on the way to it.

A file of its own: server and doctor both make one, and sessions know only the port.
"""

import logging
from pathlib import Path

from ..codec import opus
from ..core.errors import UsageError
from ..net.s3_address import S3Address, is_s3
from ..recording.directory import RecordingDirectory
from ..recording.recorder import FileRecorder
from ..recording.s3 import S3Archive, s3_client
from ..recording.writer import RecordingLimits
from ..settings import Settings
from ..store.retention import Retention
from ..store.sqlite import default_path

log = logging.getLogger(__name__)


def recording_places(settings: Settings) -> tuple[RecordingDirectory, S3Archive | None]:
    """Only where recordings are asked for. Raises `UsageError` where an extra is missing, and `OSError` where
    the SDK of a bucket cannot begin."""
    if not opus.is_available():
        raise UsageError("--recordings needs the extra `opus`: pip install 'voice-grpc[opus]'")
    if not is_s3(settings.recordings):
        return RecordingDirectory(Path(settings.recordings)), None
    address = S3Address.read(settings.recordings)
    archive = S3Archive(s3_client(), address.bucket, address.prefix)
    return RecordingDirectory(default_path().parent / "recordings"), archive


def recorder(settings: Settings) -> FileRecorder | None:
    """None: nothing is recorded. That recordings cannot be written now is logged: conversations go on
    without them. Imports the SDK of a bucket, and asks disk and bucket: not for the event loop.

    Raises `UsageError`.
    """
    if not settings.recordings:
        return None
    try:
        directory, archive = recording_places(settings)
    except OSError as error:
        raise UsageError(f"--recordings: {error}") from None
    for check in (directory.check, *([archive.check] if archive is not None else [])):
        try:
            check()
        except OSError as error:
            log.error("recordings: nothing can be written to %s now: %s", settings.recordings, error)
    return FileRecorder(
        directory,
        archive,
        retention=Retention(settings.retention_days),
        limits=RecordingLimits(settings.recording_limit),
    )
