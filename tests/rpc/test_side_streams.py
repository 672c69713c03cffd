"""Health, reflection and channelz: counted for each caller, and every stream of them ends by itself."""

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from voice_grpc.core.quota import SIDE_STREAMS
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.rpc import side_streams
from voice_grpc.rpc.health import HealthService
from voice_grpc.server import server
from voice_grpc.session.lines.lifetime import SessionLimits

from ..serving import WITHIN, Served, assert_told, ended, serving

Code = grpc.StatusCode
Status = health_pb2.HealthCheckResponse
TOKEN = (("authorization", "Bearer a"),)
LIST = reflection_pb2.ServerReflectionRequest(list_services="")


def watching(channel: grpc.aio.Channel, service: str = "") -> Any:
    return health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service))


def reflecting(served: Served, metadata: Any = ()) -> Any:
    return reflection_pb2_grpc.ServerReflectionStub(served.channel).ServerReflectionInfo(metadata=metadata)


async def failed(reading: Any) -> grpc.aio.AioRpcError:
    async with asyncio.timeout(WITHIN):
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await reading
    return told.value


# ---------------------------------------------------------------- how many


async def test_watches_of_one_caller_are_bounded_and_a_check_is_free() -> None:
    async with serving() as served:
        calls = [watching(served.channel) for _ in range(SIDE_STREAMS)]
        for call in calls:
            assert (await call.read()).status == Status.SERVING
        for _ in range(20):
            error = await failed(watching(served.channel).read())
            assert_told(ended(error), Code.RESOURCE_EXHAUSTED, "CALLER_LIMIT")
        health = health_pb2_grpc.HealthStub(served.channel)
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == Status.SERVING
        error = await failed(reflecting(served).read())
        assert_told(ended(error), Code.RESOURCE_EXHAUSTED, "CALLER_LIMIT")
        await served.assert_serves()
        calls[0].cancel()
        for _ in range(1_200):
            if await is_let_in(served):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the place of who left is not free")


async def is_let_in(served: Served) -> bool:
    call = watching(served.channel)
    try:
        return bool((await call.read()).status == Status.SERVING)
    except grpc.aio.AioRpcError:
        return False
    finally:
        call.cancel()


async def test_who_watches_is_told_whoever_else_left() -> None:
    async with serving(is_open=False) as served:
        stays, leaves = (watching(served.channel, server.SERVICE) for _ in range(2))
        async with asyncio.timeout(WITHIN):
            for call in (stays, leaves):
                assert (await call.read()).status == Status.NOT_SERVING
            leaves.cancel()
            await served.make_ready()
            assert (await stays.read()).status == Status.SERVING


# ---------------------------------------------------------------- how long


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = SessionLimits(idle=0.5, max_age=1.0, go_away=0.0)
    monkeypatch.setattr(side_streams, "SIDE_LIMITS", limits)


@pytest.mark.usefixtures("short")
async def test_a_watch_ends_at_its_age() -> None:
    async with serving() as served:
        call = watching(served.channel)
        assert (await call.read()).status == Status.SERVING
        how = ended(await failed(call.read()))
        assert_told(how, Code.UNAVAILABLE, "DRAINING")
        assert "maximum age" in how.message


@pytest.mark.usefixtures("short")
async def test_a_reflection_that_asks_nothing_more_ends_well() -> None:
    async with serving() as served:
        call = reflecting(served)
        await call.write(LIST)
        services = (await call.read()).list_services_response.service
        assert server.SERVICE in [service.name for service in services]
        async with asyncio.timeout(WITHIN):
            assert await call.read() is grpc.aio.EOF
            assert await call.code() is Code.OK


async def test_a_reflection_ends_at_its_age_however_lately_it_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_streams, "SIDE_LIMITS", SessionLimits(idle=None, max_age=1.0, go_away=0.0))
    async with serving() as served:
        call = reflecting(served)
        await call.write(LIST)
        assert (await call.read()).list_services_response.service
        how = ended(await failed(call.read()))
        assert_told(how, Code.UNAVAILABLE, "DRAINING")
        assert "maximum age" in how.message


# ---------------------------------------------------------------- who


async def test_where_tokens_are_asked_for_health_alone_is_open() -> None:
    async with serving(tokens="a", channelz=True) as served:
        assert (await watching(served.channel).read()).status == Status.SERVING
        assert_told(ended(await failed(reflecting(served).read())), Code.UNAUTHENTICATED, "UNAUTHENTICATED")
        channelz = channelz_pb2_grpc.ChannelzStub(served.channel)
        asked = channelz_pb2.GetServersRequest()
        assert_told(ended(await failed(channelz.GetServers(asked))), Code.UNAUTHENTICATED, "UNAUTHENTICATED")
        assert (await channelz.GetServers(asked, metadata=TOKEN)).server
        call = reflecting(served, TOKEN)
        await call.write(LIST)
        assert (await call.read()).list_services_response.service


# ---------------------------------------------------------------- the end


async def test_a_drain_with_watches_alone_tells_them_and_waits_for_none() -> None:
    async with serving() as served:
        calls = [watching(served.channel, name) for name in ("", server.SERVICE, "no such")]
        reflection = reflecting(served)
        await reflection.write(LIST)
        await reflection.read()
        said = [(await call.read()).status for call in calls]
        assert said == [Status.SERVING, Status.SERVING, Status.SERVICE_UNKNOWN]
        async with asyncio.timeout(WITHIN):
            await served.server.drain(3_600.0)
        for call in calls[:2]:
            assert (await call.read()).status == Status.NOT_SERVING
        for call in (*calls, reflection):
            assert_told(ended(await failed(call.read())), Code.UNAVAILABLE, "DRAINING")


async def test_while_a_drain_goes_on_a_new_watch_is_told_and_ends() -> None:
    async with serving() as served, served.talk() as talk, asyncio.TaskGroup() as tasks:
        await talk.config()
        call = served.stub.Transcribe()
        await call.write(pb.TranscribeRequest(config=pb.TranscribeConfig()))
        await call.initial_metadata()
        tasks.create_task(served.server.drain(5.0), name="drain")
        await talk.next("go_away")
        late = watching(served.channel, server.SERVICE)
        assert (await late.read()).status == Status.NOT_SERVING
        assert_told(ended(await failed(late.read())), Code.UNAVAILABLE, "DRAINING")
        await call.done_writing()


def test_health_has_every_method_that_some_version_of_its_contract_has() -> None:
    """What is installed beside the tests may be older than what is installed beside a server."""
    installed = {method.name for method in health_pb2.DESCRIPTOR.services_by_name["Health"].methods}
    assert installed | {"Check", "List", "Watch"} <= set(dir(HealthService))
