"""A small honest server for the clients' tests: it keeps the contract's rules and answers with a tone.

What a client sent is kept for the tests to look at. Run as a module it is a process that says
where it listens, as the real one does.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import grpc.aio
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceServicer, add_VoiceServiceServicer_to_server

from .fake_conversation import RATE_HZ, Character, Context, Conversation, chunk, tone


def status(code: int, message: str, field: str = "") -> grpc.Status:
    details = [any_pb2.Any()]
    details[0].Pack(error_details_pb2.ErrorInfo(reason="FAKE", domain="voice.v1"))
    if field:
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field=field, description=message)
        details.append(any_pb2.Any())
        details[1].Pack(bad)
    told: grpc.Status = rpc_status.to_status(status_pb2.Status(code=code, message=message, details=details))
    return told


class FakeServer(VoiceServiceServicer):
    def __init__(self, character: Character) -> None:
        self.character = character
        self.conversations: list[Conversation] = []
        self.configs: list[pb.SessionConfig] = []
        self.target = ""

    async def Converse(self, _: object, context: Context) -> None:  # type: ignore[override]
        bearer = f"Bearer {self.character.token}"
        given = "Bearer "
        metadata = context.invocation_metadata()
        for key, value in metadata if metadata is not None else ():
            given = str(value) if key == "authorization" else given
        if given != bearer:
            await context.abort_with_status(status(code_pb2.UNAUTHENTICATED, "the token is not known here"))
        first: object = await context.read()
        if not isinstance(first, pb.ConverseRequest) or not first.HasField("config"):
            await context.abort_with_status(status(code_pb2.INVALID_ARGUMENT, "config comes first", "config"))
            return
        if first.config.persona_id not in ("", "default"):
            wrong = f"persona_id: got {first.config.persona_id!r}, accepted: 'default'"
            await context.abort_with_status(status(code_pb2.INVALID_ARGUMENT, wrong, "persona_id"))
        self.configs.append(first.config)
        self.conversations.append(Conversation(context, self.character))
        if not await self.conversations[-1].hold():
            await context.abort_with_status(status(code_pb2.UNAVAILABLE, "the server is going away"))

    async def Synthesize(
        self, request: pb.SynthesizeRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> AsyncIterator[pb.SynthesizeResponse]:
        """A second of sound for twenty characters."""
        sound = tone(len(request.text) / 20, request.output_audio.sample_rate_hz or RATE_HZ, 220)
        yield pb.SynthesizeResponse(audio=chunk(sound, 0, 0, True), segment_text=request.text)

    async def reported(self, state: int, within: float = 60) -> None:
        """Wait until the client of the only conversation reports so."""
        async with asyncio.timeout(within):
            await self.conversations[-1].was_reported[state].wait()

    @property
    def requests(self) -> list[pb.ConverseRequest]:
        """Of the last conversation."""
        return self.conversations[-1].requests

    @property
    def reports(self) -> list[pb.PlaybackReport]:
        return [request.playback for request in self.requests if request.HasField("playback")]


@asynccontextmanager
async def serving(character: Character | None = None) -> AsyncIterator[FakeServer]:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    fake = FakeServer(character or Character())  # type: ignore[abstract]  # the rest is unimplemented
    add_VoiceServiceServicer_to_server(fake, server)
    fake.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield fake
    finally:
        await server.stop(None)


async def main() -> None:
    """As a process, for what starts servers."""
    async with serving(Character(seconds=3.0, is_mute="mute" in sys.argv)) as fake:
        sys.stdout.write(f"loading a tone\nlistening on {fake.target}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
