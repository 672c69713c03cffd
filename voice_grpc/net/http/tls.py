"""TLS of an HTTP server: the certificate that new connections get, looked at every few seconds.

A file of its own: an edge that is reached in plain text has nothing to do with it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ..tls import Identity, Reloaded, TlsFiles, tls_files

LOOK_SECONDS = 5.0
"""Between two looks at the files: in a handshake there is no place where asyncio could wait for a thread."""


class ServerContext(ssl.SSLContext):
    """A context that stays, of which each connection gets the one that counts now."""

    _reloaded: Reloaded[ssl.SSLContext]

    def __new__(cls, _: TlsFiles) -> "ServerContext":
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, files: TlsFiles) -> None:
        """Blocks: it reads the files. Raises `BadField`."""
        self._reloaded = Reloaded(files, _context)

    def wrap_bio(self, *args: Any, **named: Any) -> ssl.SSLObject:
        """What asyncio and uvloop ask for, once a connection."""
        return self._reloaded.value.wrap_bio(*args, **named)

    async def keep_fresh(self, every: float) -> None:
        """Looks at the files all `every` seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(every)
            await asyncio.to_thread(self._reloaded.look)


def server_context(option: Callable[[str], str], cert: Path | None, key: Path | None) -> ServerContext | None:
    """Of a server's settings `tls_cert` and `tls_key`; None: it is to serve plain text. `option` says how an
    error names a setting. Blocks: it reads the files. Raises `BadField`."""
    files = tls_files(option, cert, key)
    return ServerContext(files) if files is not None else None


@asynccontextmanager
async def kept_fresh(context: ServerContext | None) -> AsyncIterator[None]:
    """While the block runs the certificate is that of the files."""
    if context is None:
        yield
        return
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(context.keep_fresh(LOOK_SECONDS), name="certificate")
        try:
            yield
        finally:
            keeping.cancel()


def _context(files: TlsFiles, _: Identity, authorities: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(files.cert.path, files.key.path)
    except OSError as error:  # SSLError is one
        raise files.cert.wrong(str(error.strerror or error)) from None
    if authorities:
        context.load_verify_locations(cadata=authorities.decode("ascii", "replace"))
        context.verify_mode = ssl.CERT_REQUIRED
    return context
