"""Listening sockets: small messages leave at once, and what cannot be listened on is one kind of error.

A file of its own, as what it is about.
"""

import asyncio
import socket

import pytest

from voice_grpc.net.listener import listen


async def test_connections_do_not_wait_for_acknowledgements() -> None:
    listener = await asyncio.to_thread(listen, "127.0.0.1", 0)
    options: list[int] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted: socket.socket = writer.get_extra_info("socket")
        options.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(serve, sock=listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        assert await reader.read() == b""
        writer.close()
    assert options == [1]


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a..b", "x" * 70, "ü" * 70])
def test_what_is_no_address_of_this_machine_is_an_os_error(host: str) -> None:
    with pytest.raises(OSError, match=r".+"):
        listen(host, 0)


def test_a_port_that_is_taken_is_an_os_error() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1])
