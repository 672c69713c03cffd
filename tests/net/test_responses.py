"""A call that the far end has ended while something was written to it: nothing that came is lost."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest

from voice_grpc.net.responses import StreamedResponses

COUNT = 50
LOCAL = (("grpc.enable_http_proxy", 0),)


class Service(grpc.GenericRpcHandler):
    """Says `COUNT` things at once to whoever says anything, and ends the call with `code`."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:  # type: ignore[type-arg]
        return grpc.stream_stream_rpc_method_handler(self._answer)

    async def _answer(
        self, requests: AsyncIterator[bytes], context: "grpc.aio.ServicerContext[bytes, bytes]"
    ) -> AsyncIterator[bytes]:
        await anext(requests)
        for n in range(COUNT):
            yield b"%d" % n
        if self._code is not grpc.StatusCode.OK:
            await context.abort(self._code, "that was all")


async def refuses(call: "grpc.aio.StreamStreamCall[bytes, bytes]") -> bool:
    """Whether it takes no more: it is over."""
    try:
        await call.write(b"more")
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        return True
    return False


@pytest.mark.parametrize("code", [grpc.StatusCode.OK, grpc.StatusCode.ABORTED])
async def test_all_that_came_is_read_though_the_call_was_written_to_after_its_end(
    code: grpc.StatusCode,
) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Service(code),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", LOCAL)
    try:
        call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream("/test/Say")()
        responses: StreamedResponses[bytes] = StreamedResponses(call)
        await call.write(b"go on")
        came = [await responses.next()]
        while not await refuses(call):
            pass
        try:
            while (message := await responses.next()) is not None:
                came.append(message)
            ended = grpc.StatusCode.OK
        except grpc.aio.AioRpcError as error:
            ended = error.code()
        assert came == [b"%d" % n for n in range(COUNT)]
        assert ended is code
        await responses.close()
    finally:
        await channel.close()
        await server.stop(None)
