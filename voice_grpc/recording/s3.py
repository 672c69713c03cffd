"""Recordings in a bucket of an S3-compatible store (the extra `s3`), by the names that they have on a disk.

A recording comes here whole, once it is made; boto3 sends it in parts where it is large, and tries again.
That a conversation was erased is kept for a while (`ERASED`), for the servers that still make a recording
of it. Credentials, region and endpoint are read by boto3 from its own variables and files.
"""

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from ..ports.wall_clock import unix_now
from .directory import is_of, owner_in
from .names import EVENTS, RecordingName, owner_digest, quoted

ERASED = "erased/"
"""Below the prefix: an empty object for each conversation that was erased."""

ERASED_DAYS = 30
"""That these are kept: a server that is down for longer with a recording of one puts it here all the same."""

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 15, 4

_TYPES = {EVENTS: "application/x-ndjson"}
_HEAD_BYTES = 4096

_DAY_SECONDS = 86_400


def s3_client() -> Any:
    """Raises `UsageError` where the SDK is not installed, and `OSError` where it has no region, or no such
    profile."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise UsageError("--recordings s3://… needs the extra `s3`: pip install 'voice-grpc[s3]'") from None
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells whole requests, with their signatures
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        request_checksum_calculation="when_required",  # not every compatible store knows the newer ones
        response_checksum_validation="when_required",
    )
    with _as_os_errors():
        return boto3.session.Session().client("s3", config=config)


class S3Archive:
    """Implements `recorder.Archive`."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        """`prefix`: empty, or ends with a slash."""
        self._client, self._bucket, self._prefix = client, bucket, prefix

    def check(self) -> None:
        """Whether a recording could be put here. Raises `OSError`."""
        key = f"{self._prefix}check"
        with _as_os_errors():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=b"")
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def keep(self, name: RecordingName, files: Sequence[Path]) -> None:
        """As of `Archive`. What was erased while it was put here is taken away again."""
        owner = _owner_of(files)
        if self._is_erased(name, owner):
            return
        for file in files:
            kind = {"ContentType": _TYPES.get(file.suffix, "audio/ogg")}
            key = f"{self._prefix}{name.day}/{file.name}"
            with _as_os_errors():
                self._client.upload_file(str(file), self._bucket, key, ExtraArgs=kind)
        if self._is_erased(name, owner):
            self._remove([f"{self._prefix}{name.day}/{file.name}" for file in files])

    def erase(self, session_id: str, owner: str) -> bool:
        key = self._erased_key(session_id, owner_digest(owner))
        with _as_os_errors():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=io.BytesIO())
        own = list[str]()
        for day in self._days():
            found = list(self._found(f"{day}{quoted(session_id)}."))
            names = {RecordingName.read(Path(key).name): key for key, _ in found if key.endswith(EVENTS)}
            for name, events in names.items():
                if name is not None and name.session_id == session_id and self._is_of(events, owner):
                    own += [key for key, _ in found if key.startswith(events.removesuffix(EVENTS))]
        self._remove(own)
        return bool(own)

    def expire(self, oldest: float) -> int:
        """Also forgets what was erased long ago."""
        long_ago = unix_now() - ERASED_DAYS * _DAY_SECONDS
        self._remove([key for key, at in self._found(f"{self._prefix}{ERASED}") if at < long_ago])
        if oldest == float("-inf"):
            return 0
        old = [key for day in self._days() for key, at in self._found(day) if at < oldest]
        self._remove(old)
        return sum(key.endswith(EVENTS) for key in old)

    # ------------------------------------------------------------ objects

    def _days(self) -> list[str]:
        """The prefixes of all days."""
        with _as_os_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
            )
            found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]
        return [prefix for prefix in found if prefix != f"{self._prefix}{ERASED}"]

    def _found(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Keys, and when each was written, in Unix seconds."""
        with _as_os_errors():
            paginator = self._client.get_paginator("list_objects_v2")
            for page in paginator.paginate(Bucket=self._bucket, Prefix=prefix):
                for each in page.get("Contents", ()):
                    yield each["Key"], each["LastModified"].timestamp()

    def _remove(self, keys: Sequence[str]) -> None:
        """One by one: a bulk request has a checksum that not every compatible store knows."""
        for key in keys:
            with _as_os_errors():
                self._client.delete_object(Bucket=self._bucket, Key=key)

    def _is_of(self, key: str, owner: str) -> bool:
        with _as_os_errors():
            found = self._client.get_object(Bucket=self._bucket, Key=key)
            return is_of(found["Body"].read(_HEAD_BYTES), owner)

    def _erased_key(self, session_id: str, digest: str) -> str:
        return f"{self._prefix}{ERASED}{quoted(session_id)}.{digest or 'nobody'}"

    def _is_erased(self, name: RecordingName, digest: str) -> bool:
        """After it began."""
        key = self._erased_key(name.session_id, digest)
        times = [at for found, at in self._found(key) if found == key]
        return any(at >= int(name.started.timestamp()) for at in times)


def _owner_of(files: Sequence[Path]) -> str:
    """The digest of the owner, by the first line of the events."""
    for file in files:
        if file.suffix == EVENTS:
            with file.open("rb") as events:
                return owner_in(events.read(_HEAD_BYTES)) or ""
    return ""


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """What the SDK raises, as what a disk would."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise OSError(str(error)) from error
