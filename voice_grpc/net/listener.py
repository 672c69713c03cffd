"""A TCP socket that listens, for servers that are handed one: HTTP, WebSocket.

A file of its own: whoever listens opens the socket before anything slow begins, and none of the others of
this folder has to do with it.
"""

import errno
import socket

from .addresses import unbracketed

BACKLOG = 2048
"""Connections that may wait to be accepted; the system may allow fewer."""


def listen(host: str, port: int) -> socket.socket:
    """The first address of `host`, an IPv6 address with or without brackets; port 0 takes a free one. Raises
    `OSError`. May ask the name service: it blocks.

    The protocol is named: asyncio sets TCP_NODELAY on the connections of no other socket, and without it
    a small message waits 40 ms for the acknowledgement of the one before (Nagle; measured on loopback).
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(unbracketed(host), port, type=socket.SOCK_STREAM)[0]
    except UnicodeError:  # of the IDNA codec, for `a..b`
        raise OSError(errno.EINVAL, "not a host name") from None
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
