"""Applications on real sockets: who goes away is noticed, and nothing outlives the block."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .http import cut, serving_app
from .script import Script


def application(script: Script) -> Starlette:
    async def wait(request: Request) -> Response:
        with script.call(await request.body()):
            await asyncio.sleep(3600)
        raise AssertionError

    async def stream(request: Request) -> Response:
        async def lines() -> AsyncIterator[bytes]:
            with script.call() as seen:
                for _ in range(10_000):
                    seen.parts += 1
                    yield b"line\n"
                    await asyncio.sleep(0.005)
                    if "cut" in request.query_params:
                        cut(request.scope)

        return StreamingResponse(lines())

    async def echo(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    return Starlette(
        routes=[
            Route("/wait", wait, methods=["POST"]),
            Route("/stream", stream),
            Route("/echo", echo, methods=["POST"]),
        ]
    )


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Script, httpx2.AsyncClient]]:
    script = Script()
    async with (
        serving_app(application(script)) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield script, client
    assert len(asyncio.all_tasks()) == 1


async def test_a_large_request_comes_whole() -> None:
    async with served() as (_, client):
        assert len((await client.post("/echo", content=b"x" * 3_000_000)).content) == 3_000_000


async def test_who_leaves_before_the_answer_is_gone() -> None:
    async with served() as (script, client):
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(client.post("/wait", content=b"hello"))
            await script.until_open(1)
            asking.cancel()
        await script.until_open(0)
    assert (script.calls[0].what, script.calls[0].end) == (b"hello", "gone")


async def test_who_leaves_in_the_middle_is_gone() -> None:
    async with served() as (script, client):
        async with client.stream("GET", "/stream") as answer:
            assert await anext(answer.aiter_lines()) == "line"
        await script.until_open(0)
    assert script.calls[0].end == "gone"


async def test_a_cut_connection_breaks_the_answer() -> None:
    async with served() as (script, client):
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get("/stream?cut")
        await script.until_open(0)
        assert (await client.post("/echo", content=b"x")).text == "x"
    assert script.calls[0].end == "gone"


async def test_leaving_the_block_cuts_what_is_open_at_once() -> None:
    async with httpx2.AsyncClient() as client:
        script = Script()
        async with serving_app(application(script)) as port:
            request = client.build_request("GET", f"http://127.0.0.1:{port}/stream")
            answer = await client.send(request, stream=True)
            await script.until_open(1)
        assert script.calls[0].end == "gone"
        await answer.aclose()


async def test_small_writes_are_not_held_back() -> None:
    """Nagle's algorithm with delayed acknowledgements would make of each write 40 ms."""
    async with served() as (_, client), client.stream("GET", "/stream") as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        start = time.perf_counter()
        for _ in range(4):
            await anext(lines)
        assert time.perf_counter() - start < 0.1


async def test_a_port_that_is_taken_is_an_error() -> None:
    async with serving_app(application(Script())) as port:
        with pytest.raises(OSError, match="in use"):
            async with serving_app(application(Script()), port):
                pass
