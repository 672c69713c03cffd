"""TLS of an HTTP server: the certificate that new connections get, read again when it changes.

A file of its own: an edge that is reached in plain text has nothing to do with it.
"""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...process.reloaded import Reloaded
from ..tls import Identity, TlsFiles, reloaded, tls_files


class ServerContext(ssl.SSLContext):
    """A context that stays, of which each connection gets the one that counts now."""

    reloaded: Reloaded[ssl.SSLContext]
    """Whoever serves looks at it: in a handshake there is no place where asyncio could wait for a thread."""

    def __new__(cls, _: TlsFiles) -> "ServerContext":
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, files: TlsFiles) -> None:
        """Blocks: it reads the files. Raises `BadField`."""
        self.reloaded = reloaded(files, _context)

    def wrap_bio(self, *args: Any, **named: Any) -> ssl.SSLObject:
        """What asyncio and uvloop ask for, once a connection."""
        return self.reloaded.value.wrap_bio(*args, **named)


def server_context(option: Callable[[str], str], cert: Path | None, key: Path | None) -> ServerContext | None:
    """Of a server's settings `tls_cert` and `tls_key`; None: it is to serve plain text. `option` says how an
    error names a setting. Blocks: it reads the files. Raises `BadField`."""
    files = tls_files(option, cert, key)
    return ServerContext(files) if files is not None else None


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
