"""A small honest server that keeps the contract's rules of resuming, for the tests of clients that come back.

Several servers may share their conversations, as replicas do. What a client sent is kept for the tests.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import grpc
import grpc.aio
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceServicer, add_VoiceServiceServicer_to_server

from .resuming_session import Session

Context: TypeAlias = "grpc.aio.ServicerContext[pb.ConverseRequest, pb.ConverseResponse]"
Out: TypeAlias = "asyncio.Queue[pb.ConverseResponse | None]"


class Superseded(Exception):
    """The conversation goes on elsewhere."""


def refusal(code: int, reason: str, retry_after: float | None = None) -> grpc.Status:
    details = [any_pb2.Any()]
    details[0].Pack(error_details_pb2.ErrorInfo(reason=reason, domain="voice.v1"))
    if retry_after is not None:
        delay = Duration()
        delay.FromNanoseconds(round(retry_after * 1e9))
        details.append(any_pb2.Any())
        details[1].Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    told = status_pb2.Status(code=code, message=reason.lower(), details=details)
    status: grpc.Status = rpc_status.to_status(told)
    return status


@dataclass(slots=True)
class Sessions:
    """What replicas share."""

    by_id: dict[str, Session] = field(default_factory=dict)
    _count: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def named_by(self, token: str) -> Session | None:
        """A token is `token-ID-NUMBER`."""
        return self.by_id.get(token.removeprefix("token-").rpartition("-")[0])

    def new(self, config: pb.SessionConfig, home: object) -> Session:
        """A token that is none begins one under an id of its own."""
        given = "" if config.resume_token else config.session_id
        id = given or f"session{next(self._count)}"
        self.by_id[id] = Session(id, home, config.capabilities.playback_reports)
        return self.by_id[id]

    @property
    def only(self) -> Session:
        (session,) = self.by_id.values()
        return session


class ResumingServer(VoiceServiceServicer):
    def __init__(self, sessions: Sessions, *, resumes: bool) -> None:
        self.sessions = sessions
        self.target = ""
        self.refusals: list[grpc.Status] = []
        """What the next streams get instead, one after the other."""
        self.configs: list[pb.ConverseRequest] = []
        self.begun = asyncio.Event()
        """A stream has begun since it was cleared."""
        self.open = 0
        """Streams at once."""
        self.most_open = 0
        self.forwarded: list[str] = []
        """`x-forwarded-for` of each stream; empty: none."""
        self._resumes = resumes

    async def until_begun(self, within: float = 60) -> Session:
        """A stream has begun, on the only conversation."""
        async with asyncio.timeout(within):
            await self.begun.wait()
        return self.sessions.only

    async def Converse(self, _: object, context: Context) -> None:  # type: ignore[override]
        first: object = await context.read()
        assert isinstance(first, pb.ConverseRequest)
        self.configs.append(first)
        metadata = context.invocation_metadata() or ()
        self.forwarded.append("".join(str(value) for key, value in metadata if key == "x-forwarded-for"))
        if self.refusals:
            await context.abort_with_status(self.refusals.pop(0))
        session, out = self._take(first)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.begun.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(context, session, out), name="write")
                await self._read(context, session)
                out.put_nowait(None)
        except* Superseded:
            await context.abort_with_status(refusal(code_pb2.ABORTED, "SUPERSEDED"))
        except* grpc.aio.BaseError:
            pass  # the line is lost, and the conversation is kept
        finally:
            self.open -= 1
            session.out = None if session.out is out else session.out

    def _take(self, first: pb.ConverseRequest) -> tuple[Session, Out]:
        config = first.config
        session = self.sessions.named_by(config.resume_token) if config.resume_token else None
        out: Out = asyncio.Queue()
        is_resumed = session is not None
        if session is None:
            session = self.sessions.new(config, self)
            session.consumed = session.safe = first.seq or 1
        elif session.out is not None:
            session.out.put_nowait(None)
        if session.home is not self:
            session.out = None
            session.taken_by(self, config)
        started = pb.SessionStarted(session_id=session.id, resumed=is_resumed, effective_config=config)
        if is_resumed:
            started.last_turn, started.last_consumed_seq = session.turn, session.consumed
        session.seq += 1
        out.put_nowait(pb.ConverseResponse(seq=session.seq, session_started=started))
        session.out = out
        if self._resumes:
            session.update()
        if is_resumed:
            session.go_on(config)
            session.pump()
        return session, out

    async def _read(self, context: Context, session: Session) -> None:
        while isinstance(request := await context.read(), pb.ConverseRequest):
            session.receive(request)
            if request.HasField("end_session"):
                break
        session.say(session_ended=pb.SessionEnded(reason=pb.SessionEnded.REASON_CLIENT))

    async def _write(self, context: Context, session: Session, out: Out) -> None:
        while (response := await out.get()) is not None:
            await context.write(response)
        if session.out is not out:
            raise Superseded

    async def GetServerInfo(self, request: object, context: object) -> pb.GetServerInfoResponse:
        """What a page asks for first."""
        return pb.GetServerInfoResponse(version="0")

    async def ListVoices(self, request: object, context: object) -> pb.ListVoicesResponse:
        return pb.ListVoicesResponse()

    async def ListPersonas(self, request: object, context: object) -> pb.ListPersonasResponse:
        return pb.ListPersonasResponse()

    def go_away(self, reason: str, seconds: float) -> None:
        for session in self.sessions.by_id.values():
            session.go_away(reason, seconds)


@asynccontextmanager
async def resuming(
    sessions: Sessions | None = None, *, resumes: bool = True, port: int = 0
) -> AsyncIterator[ResumingServer]:
    """`resumes`: it says with what to come back."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    fake = ResumingServer(sessions or Sessions(), resumes=resumes)  # type: ignore[abstract]
    add_VoiceServiceServicer_to_server(fake, server)
    fake.target = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    await server.start()
    try:
        yield fake
    finally:
        await server.stop(None)
