"""The HTTP server of `--metrics-port`, and what a connection to it may cost.

It stands apart from the event loop, so that a server which is late can still say how late it is: a thread for
each connection, of which there are few. A connection is one question and its answer:

    head     HEAD_BYTES, else it is closed
    all      SECONDS, from when it was accepted to when its answer is taken, else it is closed
    at once  MAX_CONNECTIONS; one more closes the one that has waited longest for its question, or is closed
"""

import io
import sys
import threading
import time
from socket import SHUT_RDWR, socket
from socketserver import ThreadingMixIn
from typing import Any, BinaryIO, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from ..core.errors import BadState
from ..net.listener import listen

HEAD_BYTES = 16_384
SECONDS = 10.0
MAX_CONNECTIONS = 32
"""A Prometheus asks by one or two; each is a thread of this process."""

_LOOK_SECONDS = 0.25
"""Between two looks for those whose time is up."""


class Exposition:
    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        """Raises `BadState` when the port is taken."""
        try:
            listener = listen(host, port)
        except OSError as error:
            accepted = f"a port of this machine that is free ({error.strerror})"
            raise BadState("--metrics-port (VOICE_METRICS_PORT)", port, accepted) from None
        self._server = _Server(listener)
        self._server.set_app(make_wsgi_app(registry))
        self.port: int = listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK_SECONDS,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Waits for the thread that accepts: not for the event loop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__((host, port), _Scrape, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = host, port
        self.setup_environ()
        self._lock = threading.Lock()
        self._accepted: dict[Any, float] = {}
        """When each was; the longest ago comes first."""
        self._unheard: dict[Any, None] = {}
        """Those whose question has not come yet, in the same order."""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Called in the thread that accepts. False: it is closed."""
        with self._lock:
            if len(self._accepted) >= MAX_CONNECTIONS:
                longest = next(iter(self._unheard), None)
                if longest is None:
                    return False
                self._end(longest)
            self._accepted[request] = time.monotonic()
            self._unheard[request] = None
            return True

    def heard(self, request: Any) -> None:
        """The question has come, or none will."""
        with self._lock:
            self._unheard.pop(request, None)

    def service_actions(self) -> None:
        """Called in the thread that accepts, again and again."""
        with self._lock:
            last = time.monotonic() - SECONDS
            for request in [request for request, at in self._accepted.items() if at < last]:
                self._end(request)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks off is no bug."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def _end(self, request: socket) -> None:
        """Its thread wakes, and closes it."""
        self._forget(request)
        try:
            request.shutdown(SHUT_RDWR)
        except OSError:
            return  # the caller was first

    def _forget(self, request: Any) -> None:
        self._accepted.pop(request, None)
        self._unheard.pop(request, None)


class _Scrape(WSGIRequestHandler):
    """One question."""

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BytesIO(_head(cast(BinaryIO, self.rfile)))
        cast(_Server, self.server).heard(self.connection)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: who asks is nobody's business."""


def _head(file: BinaryIO) -> bytes:
    """Request line and headers; empty where they do not come, or are too long."""
    head = b""
    while line := file.readline(HEAD_BYTES - len(head)):
        head += line
        if line in (b"\r\n", b"\n"):
            return head
    return b""
