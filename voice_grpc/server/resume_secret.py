"""The secret that the tokens of callers who come back hang on: given, or made once and kept.

Every server of a deployment needs the same one (`VOICE_SECRET`). A single server makes its own: beside its
SQLite store in a file that nobody else may read, so that tokens outlive it as conversations do; in memory,
where the store is there too.
"""

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path

from ..core.errors import StoreError
from ..net.addresses import is_url
from ..settings import Settings
from ..store import default_path

log = logging.getLogger(__name__)

SECRET_BYTES = 32
ENDING = ".secret"
"""Of the file, behind the name of the store's."""


NOT_SHARED = (
    "VOICE_SECRET is not set: callers whose server is lost cannot come back to another one; set it, "
    "and the same on every server that shares the store"
)


def lacks_shared_secret(settings: Settings) -> bool:
    """Callers may come back, and several servers share the store, but no secret."""
    is_shared = is_url(settings.store.get_secret_value())
    return is_shared and settings.resume_window > 0 and not settings.secret.get_secret_value()


def resume_secret(settings: Settings) -> bytes:
    """Raises `StoreError` where the file cannot be made or read."""
    given = settings.secret.get_secret_value()
    if given:
        return given.encode()
    where = settings.store.get_secret_value()
    if where == "memory":
        return secrets.token_bytes(SECRET_BYTES)
    if lacks_shared_secret(settings):
        log.warning(NOT_SHARED)
    if is_url(where):
        return secrets.token_bytes(SECRET_BYTES)
    return _kept(_beside(Path(where) if where else default_path()))


def fault_of_kept_secret(store: Path) -> StoreError | None:
    """Of the one beside this file, which is made where it is not there, but not here."""
    path = _beside(store)
    try:
        if path.exists():
            _read(path)
    except StoreError as error:
        return error
    return None


def _beside(store: Path) -> Path:
    return store.with_name(store.name + ENDING)


def _kept(path: Path) -> bytes:
    """That of the file. Of several servers that find none one makes it, whole or not at all. Raises
    `StoreError`, and so does `_read`."""
    try:
        if not path.exists():
            _make(path)
    except OSError as error:
        raise _not_kept(path, error) from error
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        secret = path.read_bytes()
    except OSError as error:
        raise _not_kept(path, error) from error
    if len(secret) < SECRET_BYTES:
        raise StoreError(
            f"The secret {path} is too short: remove it, and a new one is made; or set VOICE_SECRET."
        )
    return secret


def _not_kept(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The secret {path} of the session store cannot be kept ({error.strerror}):"
        " check the permissions of its directory, or set VOICE_SECRET."
    )


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, secrets.token_bytes(SECRET_BYTES))
        os.fsync(handle)
        with suppress(FileExistsError):  # then it is the other's that counts
            path.hardlink_to(draft)
    finally:
        os.close(handle)
        draft.unlink()
