"""A caller that goes away: the request is cancelled wherever it waits."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from voice_grpc.whisper_server.disconnect import DisconnectMiddleware

SCOPE = {"type": "http"}
BODY: Message = {"type": "http.request", "body": b"x", "more_body": False}


class Caller:
    """Sends one body and hangs up when told to."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.messages.put_nowait(BODY)
        self.answers: list[Message] = []

    async def receive(self) -> Message:
        return await self.messages.get()

    async def send(self, message: Message) -> None:
        self.answers.append(message)

    def hang_up(self) -> None:
        self.messages.put_nowait({"type": "http.disconnect"})


async def answer(send: Send, body: bytes = b"done") -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def waiting(outcomes: list[str], begun: asyncio.Event) -> Callable[[Scope, Receive, Send], Any]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            outcomes.append("cancelled")
            raise

    return app


async def test_the_work_is_cancelled_when_the_caller_hangs_up() -> None:
    outcomes: list[str] = []
    begun, caller = asyncio.Event(), Caller()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(DisconnectMiddleware(waiting(outcomes, begun))(SCOPE, caller.receive, caller.send))
        await begun.wait()
        caller.hang_up()
    assert (outcomes, caller.answers) == (["cancelled"], [])


async def test_an_answer_passes_and_leaves_no_task() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == BODY
        await answer(send)

    caller = Caller()
    await DisconnectMiddleware(app)(SCOPE, caller.receive, caller.send)
    assert [message["type"] for message in caller.answers] == ["http.response.start", "http.response.body"]
    assert len(asyncio.all_tasks()) == 1


async def test_a_bug_comes_out_as_it_is() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    caller = Caller()
    with pytest.raises(ZeroDivisionError):
        await DisconnectMiddleware(app)(SCOPE, caller.receive, caller.send)


async def test_what_is_cut_off_by_a_drain_is_told_so() -> None:
    outcomes: list[str] = []
    begun, caller = asyncio.Event(), Caller()
    attention = DisconnectMiddleware(waiting(outcomes, begun))
    async with asyncio.TaskGroup() as tasks:
        call = tasks.create_task(attention(SCOPE, caller.receive, caller.send))
        await begun.wait()
        attention.is_closing = True
        call.cancel()
    assert outcomes == ["cancelled"]
    assert caller.answers[0]["status"] == 503


async def test_any_other_cancelling_goes_on() -> None:
    begun, caller = asyncio.Event(), Caller()
    async with asyncio.TaskGroup() as tasks:
        call = tasks.create_task(DisconnectMiddleware(waiting([], begun))(SCOPE, caller.receive, caller.send))
        await begun.wait()
        call.cancel()
    assert call.cancelled()
    assert caller.answers == []
