"""The generated synchronous stub: a conversation with the real server, and the shape of its call alone."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import grpc_testing
import pytest

from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub

from ..serving import LOCAL, ended, serving

SERVICE = pb.DESCRIPTOR.services_by_name["VoiceService"]


@contextmanager
def serving_elsewhere() -> Iterator[str]:
    """The address of a server whose loop runs in another thread."""
    address: queue.Queue[str] = queue.Queue()
    loop, over = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with serving() as served:
            address.put(served.target)
            await over.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        yield address.get(timeout=60)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        assert not thread.is_alive()


def requests(*, texts: int) -> Iterator[pb.ConverseRequest]:
    yield pb.ConverseRequest(config=pb.SessionConfig(session_id="sync"))
    for number in range(1, texts + 1):
        yield pb.ConverseRequest(text=pb.TextInput(text=f"Question {number}.", interrupt=False))
    yield pb.ConverseRequest(end_session=pb.EndSession())


def test_a_conversation_with_the_synchronous_stub() -> None:
    with serving_elsewhere() as target, grpc.insecure_channel(target, LOCAL) as channel:
        stub = VoiceServiceStub(channel)
        assert stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=60).version
        said = list(stub.Converse(requests(texts=2), timeout=60))
        assert said[0].session_started.session_id == "sync"
        for turn in (1, 2):
            assert "".join(r.response_text.delta for r in said if r.turn == turn) == "Sure thing."
            assert any(r.audio.is_last for r in said if r.turn == turn)
        assert said[-1].session_ended.reason == pb.SessionEnded.REASON_CLIENT
        session = stub.GetSession(pb.GetSessionRequest(session_id="sync"), timeout=60).session
        assert [m.text for m in session.messages][::2] == ["Question 1.", "Question 2."]


def test_an_error_reaches_the_synchronous_caller_with_its_details() -> None:
    with serving_elsewhere() as target, grpc.insecure_channel(target, LOCAL) as channel:
        first = pb.ConverseRequest(config=pb.SessionConfig(persona_id="nobody"))
        with pytest.raises(grpc.RpcError) as refused:
            list(VoiceServiceStub(channel).Converse(iter([first]), timeout=60))
        how = ended(refused.value)
        assert (how.code, how.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_FIELD")
        assert list(how.fields) == ["config.persona_id"]


def test_the_shape_of_the_call_without_any_server() -> None:
    """What the stub sends is what was given to it, in order; what it yields is what came."""
    channel: Any = grpc_testing.channel([SERVICE], grpc_testing.strict_real_time())
    stub = VoiceServiceStub(channel)
    given = list(requests(texts=1))
    call = stub.Converse(iter(given), metadata=(("authorization", "Bearer one"),))
    metadata, rpc = channel.take_stream_stream(SERVICE.methods_by_name["Converse"])
    assert ("authorization", "Bearer one") in metadata
    rpc.send_initial_metadata(())
    assert [rpc.take_request() for _ in given] == given
    rpc.requests_closed()
    answers = [
        pb.ConverseResponse(seq=1, session_started=pb.SessionStarted(session_id="x")),
        pb.ConverseResponse(seq=2, session_ended=pb.SessionEnded()),
    ]
    for answer in answers:
        rpc.send_response(answer)
    rpc.terminate((), grpc.StatusCode.OK, "")
    assert list(call) == answers
    assert call.code() is grpc.StatusCode.OK


def test_the_synchronous_stub_has_every_method_of_the_proto() -> None:
    channel: Any = grpc_testing.channel([SERVICE], grpc_testing.strict_real_time())
    stub = VoiceServiceStub(channel)
    assert all(callable(getattr(stub, method.name)) for method in SERVICE.methods)
