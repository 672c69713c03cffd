"""`Call` against servers that do what is asked, and against ones that do not."""

import asyncio
import socket
import time
from contextlib import AsyncExitStack
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.clients.fake_conversation import Character
from tests.clients.fake_server import serving
from tests.clients.reciting import STARTED, reciting
from voice_grpc.client import Access, Call, CallFailed, connect, failures, reach
from voice_grpc.client.resumable_stream import Rpc
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub


def sound(turn: int, index: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=turn, audio=pb.AudioOutput(data=b"\0\0", chunk_index=index))


def words(turn: int, text: str) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=turn, response_text=pb.ResponseText(delta=text))


def interrupted(turn: int) -> pb.ConverseResponse:
    return pb.ConverseResponse(turn=turn, interrupted=pb.Interrupted(turn=turn))


def flush(turn: int) -> pb.ConverseResponse:
    control = pb.PlaybackControl(action=pb.PlaybackControl.ACTION_FLUSH)
    return pb.ConverseResponse(turn=turn, playback_control=control)


async def arms(call: Call, until: int) -> list[tuple[int, str | None]]:
    """The next `until` responses as turn and arm."""
    return [(each.turn, each.WhichOneof("payload")) for each in [await anext(call) for _ in range(until)]]


async def test_a_typed_question_is_answered() -> None:
    async with serving() as server, Call.open(server.target, pb.SessionConfig()) as call:
        assert call.started.session_id == "fake"
        await call.send(pb.TextInput(text="hello", text_only=True))
        await call.send(pb.EndSession())
        responses = [response async for response in call]
    assert "".join(each.response_text.delta for each in responses) == "It is a tone. It goes on for a while."
    assert responses[-1].session_ended.reason == pb.SessionEnded.REASON_CLIENT


async def test_a_call_that_ends_well_while_it_is_written_to_is_no_failure() -> None:
    """grpc.aio's answer to a write after the end hides the status, in most of such calls."""

    async def write(call: Call) -> None:
        while True:
            await call.send(pb.Ping(id=1))
            await asyncio.sleep(0)

    codes = set()
    async with reciting(STARTED, sound(1, 0), sound(1, 1), stays=False) as (target, _):
        for _ in range(20):
            async with Call.open(target, pb.SessionConfig()) as call, asyncio.TaskGroup() as group:
                writing = group.create_task(write(call), name="write")
                try:
                    assert all([each.turn == 1 async for each in call])
                except CallFailed as failure:
                    codes.add(failure.code)
                writing.cancel()
    assert grpc.StatusCode.OK not in codes


async def test_who_sends_without_a_pause_after_the_end_leaves_the_event_loop_to_others() -> None:
    others, sent = asyncio.Event(), 0
    async with reciting(STARTED, stays=False) as (target, _), Call.open(target, pb.SessionConfig()) as call:
        assert [each async for each in call] == []
        asyncio.get_running_loop().call_soon(others.set)
        while not others.is_set() and sent < 1_000:
            await call.send(pb.Ping(id=sent))
            sent += 1
    assert sent < 1_000


async def test_requests_are_numbered_from_one_also_by_many_writers() -> None:
    async with reciting(STARTED) as (target, server), Call.open(target, pb.SessionConfig()) as call:
        async with asyncio.TaskGroup() as group:
            for n in range(50):
                group.create_task(call.send(pb.Ping(id=n)), name=f"writer {n}")
        await call.half_close()
        assert [each async for each in call] == []
    assert [request.seq for request in server.heard] == list(range(1, 52))
    assert {request.ping.id for request in server.heard[1:]} == set(range(50))


async def test_every_arm_of_the_contract_can_be_sent_even_empty() -> None:
    arms_of_contract = pb.ConverseRequest.DESCRIPTOR.oneofs_by_name["payload"].fields
    async with reciting(STARTED) as (target, server), Call.open(target, pb.SessionConfig()) as call:
        for arm in arms_of_contract:
            await call.send(getattr(pb, str(arm.message_type and arm.message_type.name))())
        await call.half_close()
        assert [each async for each in call] == []
    heard = [request.WhichOneof("payload") for request in server.heard[1:]]
    assert heard == [arm.name for arm in arms_of_contract]


@pytest.mark.parametrize("cut", [interrupted(1), flush(1)])
async def test_sound_and_words_of_a_dead_turn_are_dropped_by_its_number(cut: pb.ConverseResponse) -> None:
    lines = (STARTED, sound(1, 0), cut, sound(1, 1), words(1, "late"), sound(2, 0), words(2, "new"))
    async with reciting(*lines) as (target, _), Call.open(target, pb.SessionConfig()) as call:
        received = await arms(call, 4)
    assert received[0] == (1, "audio")
    assert received[2:] == [(2, "audio"), (2, "response_text")]


async def test_own_interrupt_drops_what_is_on_its_way() -> None:
    lines = (STARTED, sound(3, 0), sound(3, 1), words(3, "late"), sound(4, 0))
    async with reciting(*lines) as (target, server), Call.open(target, pb.SessionConfig()) as call:
        await anext(call)
        assert await call.interrupt() == 3
        assert await arms(call, 1) == [(4, "audio")]
        await call.half_close()
        assert [each async for each in call] == []
    assert server.heard[-1].HasField("interrupt")


def speaking(turn: int) -> pb.ConverseResponse:
    state = pb.TurnEvent.STATE_USER_SPEAKING
    return pb.ConverseResponse(turn=turn, turn_event=pb.TurnEvent(state=state))


async def test_own_interrupt_while_the_user_speaks_spares_the_answer_to_that_turn() -> None:
    lines = (STARTED, sound(1, 0), speaking(2), sound(1, 1), words(2, "new"), sound(2, 0))
    async with reciting(*lines) as (target, _), Call.open(target, pb.SessionConfig()) as call:
        assert await arms(call, 2) == [(1, "audio"), (2, "turn_event")]
        assert await call.interrupt() == 1
        assert await arms(call, 2) == [(2, "response_text"), (2, "audio")]


async def test_own_interrupt_before_any_answer_spares_the_first() -> None:
    lines = (STARTED, speaking(1), words(1, "new"), sound(1, 0))
    async with reciting(*lines) as (target, _), Call.open(target, pb.SessionConfig()) as call:
        assert await arms(call, 1) == [(1, "turn_event")]
        assert await call.interrupt() == 0
        assert await arms(call, 2) == [(1, "response_text"), (1, "audio")]


async def test_a_response_this_client_does_not_know_is_ignored() -> None:
    lines = (STARTED, pb.ConverseResponse(), sound(1, 0))
    async with reciting(*lines) as (target, _), Call.open(target, pb.SessionConfig()) as call:
        assert await arms(call, 1) == [(1, "audio")]


async def test_leaving_the_block_cancels_the_call() -> None:
    async with reciting(STARTED) as (target, server), connect(target) as channel:
        async with Call.open(channel, pb.SessionConfig()):
            pass
        async with asyncio.timeout(60):
            await server.has_ended.wait()


async def test_after_the_end_sending_is_silent_and_the_reader_learns_why() -> None:
    breaking = serving(Character(breaks=True))
    async with breaking as server, Call.open(server.target, pb.SessionConfig()) as call:
        await call.send(pb.TextInput(text="hello"))
        with pytest.raises(CallFailed, match="going away") as caught:
            [each async for each in call]
        await call.send(pb.Ping())
        await call.half_close()
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert caught.value.details.reason == "FAKE"


async def test_a_refused_config_names_the_field() -> None:
    async with serving() as server:
        with pytest.raises(CallFailed) as caught:
            async with Call.open(server.target, pb.SessionConfig(persona_id="bob")):
                pass
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "persona_id" in caught.value.details.fields
    assert str(caught.value) == "persona_id: got 'bob', accepted: 'default'"


async def test_the_token_is_sent_as_bearer() -> None:
    async with serving(Character(token="secret")) as server:
        async with Call.open(server.target, pb.SessionConfig(), Access("secret")) as call:
            assert call.started.session_id
        with pytest.raises(CallFailed, match="not known here") as caught:
            async with Call.open(server.target, pb.SessionConfig()):
                pass
    assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_server_that_does_not_begin_properly() -> None:
    async with reciting(sound(1, 0)) as (target, _):
        with pytest.raises(CallFailed, match="did not begin with"):
            async with Call.open(target, pb.SessionConfig()):
                pass


async def test_a_server_that_ends_at_once() -> None:
    async with reciting(stays=False) as (target, _):
        with pytest.raises(CallFailed, match="did not begin with"):
            async with Call.open(target, pb.SessionConfig()):
                pass


async def test_no_server_is_said_at_once() -> None:
    async with connect("127.0.0.1:1") as channel, asyncio.timeout(60):
        with pytest.raises(CallFailed, match="no voice server answers at 127.0.0.1:1"):
            await reach(channel, "127.0.0.1:1")


async def test_a_server_elsewhere_is_asked_for_through_the_proxy_which_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pass-word@127.0.0.1:9")
    target = "https://voice.invalid"
    async with connect(target) as channel, asyncio.timeout(60):
        with pytest.raises(CallFailed) as caught:
            await reach(channel, target)
    assert str(caught.value) == (
        f"no voice server answers at {target} through the proxy http://127.0.0.1:9 (HTTPS_PROXY)"
    )


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy", "ALL_PROXY"])
async def test_a_server_on_this_machine_is_asked_for_through_no_proxy(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    async with serving() as server, Call.open(server.target, pb.SessionConfig()) as call:
        assert call.started.session_id


@pytest.mark.parametrize("target", ["", "box:port", "ftp://box", "https://me:pass-word@box"])
async def test_what_is_no_target_is_said_with_what_is_accepted(target: str) -> None:
    with pytest.raises(CallFailed, match=r"target: got '.*', accepted: HOST\[:PORT\]") as caught:
        async with Call.open(target, pb.SessionConfig()):
            pass
    assert "pass-word" not in str(caught.value)


async def test_ipv6_targets_with_and_without_brackets() -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    port = server.add_insecure_port("[::1]:0")
    await server.start()
    for target in (f"[::1]:{port}", f"::1:{port}", f"http://[::1]:{port}"):
        async with connect(target) as channel:
            await reach(channel, target)
    await server.stop(None)


async def test_a_port_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        async with connect(target) as channel:
            with pytest.raises(CallFailed, match=r"within 0\.3 s"):
                await reach(channel, target, within=0.3)


async def test_unary_failures_are_the_same_exception() -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with connect(target) as channel:
        with pytest.raises(CallFailed, match="no voice server, or an older one"), failures():
            await VoiceServiceStub(channel).ListVoices(pb.ListVoicesRequest())
    await server.stop(None)


async def test_a_target_may_leave_out_the_port_and_have_a_scheme() -> None:
    async with serving() as server:
        for target in (server.target, f"http://{server.target}/", f" {server.target}"):
            async with Call.open(target, pb.SessionConfig()) as call:
                assert call.started.session_id


class Refusing(grpc.GenericRpcHandler):
    """Ends every call before it has read of it."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        async def refuse(_: object, context: "grpc.aio.ServicerContext[object, object]") -> None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is not known")

        return grpc.stream_stream_rpc_method_handler(refuse)


async def test_a_refusal_that_crosses_the_first_message_is_told_as_it_is() -> None:
    """The loop is held while the refusal arrives, so that it is not known yet when the config is written."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Refusing(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with connect(f"127.0.0.1:{port}") as channel:
        for turns in range(60):
            rpc: Rpc = VoiceServiceStub(channel).Converse()
            call = Call(lambda rpc=rpc: rpc, pb.SessionConfig())  # type: ignore[misc]
            for _ in range(turns % 20):
                await asyncio.sleep(0)
            time.sleep(0.002)  # noqa: ASYNC251 - nobody else's turn
            with pytest.raises(CallFailed, match="the token is not known") as caught:
                await call.begin()
            assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED
    await server.stop(0)


@pytest.mark.parametrize("code", [None, grpc.StatusCode.ABORTED])
async def test_what_came_before_the_end_is_read_also_when_something_is_written_after_it(
    code: grpc.StatusCode | None,
) -> None:
    lines = (STARTED, *(sound(1, index) for index in range(8)))
    async with reciting(*lines, stays=False, ends_with=code) as (target, server):
        for turns in range(20):
            server.has_ended.clear()
            async with Call.open(target, pb.SessionConfig()) as call:
                await server.has_ended.wait()
                for _ in range(turns):
                    await asyncio.sleep(0)
                time.sleep(0.002)  # noqa: ASYNC251 - nobody else's turn
                for _ in range(3):
                    await call.send(pb.AudioInput(data=b"\0\0"))
                assert [index for _, index in await arms(call, 8)] == ["audio"] * 8
                for _ in range(2):  # asked again, it is the same
                    if code is None:
                        assert [each async for each in call] == []
                    else:
                        with pytest.raises(CallFailed, match="so it ends") as caught:
                            await anext(call)
                        assert caught.value.code is code


async def test_whoever_reads_when_the_block_is_left_is_cancelled() -> None:
    async with reciting(STARTED) as (target, _), asyncio.TaskGroup() as group, AsyncExitStack() as block:
        call = await block.enter_async_context(Call.open(target, pb.SessionConfig()))
        reading = group.create_task(arms(call, 1), name="reader")
        await asyncio.sleep(0)
    assert reading.cancelled()
