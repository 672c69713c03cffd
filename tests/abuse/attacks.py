"""How each kind of input is sent, and how what comes of it is judged.

Whatever is sent, it is answered or refused, by a status, a close code or a Notice that is nobody's bug, and
within `WITHIN` seconds. Log and canary are judged by who runs this (`fuzz.py`).
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from voice_grpc.client import CallFailed, Responses, failures, silent_when_ended
from voice_grpc.codec.transcode import Decoder
from voice_grpc.core.config import AudioFormat, Encoding
from voice_grpc.core.errors import Skipped
from voice_grpc.pb import voice_pb2 as pb

from .attacked import LOCAL, STRANGER, Attacked
from .inputs.calls import METHODS, CallInput
from .inputs.frames import WRONG, SocketInput
from .inputs.offers import OfferInput
from .inputs.pages import RATE_HZ
from .inputs.requests import RawInput

WITHIN = 60.0
"""Seconds for an input to be answered: an answer that is being spoken is heard out first."""

UNANSWERED_SECONDS = 0.1
"""For a half request, which nobody answers: the server waits for the rest of it."""

MOST_RESPONSES = 2_000
"""Read of one call; more is a long text that is spoken."""

BUGS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED)
SHUT_DOORS = ("CALLER_LIMIT", "SERVER_FULL")
"""Reasons of a refusal that say nothing of an input: the limits are out of the way here."""
HTTP_BUGS = (500, 502, 504)

PING = 0xABCDEF
PINGED = pb.ConverseRequest(ping=pb.Ping(id=PING)).SerializeToString()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one input."""

    sent: int
    """Messages, frames or requests."""
    refused: int
    """Of them, cleanly: told what was wrong."""
    wrong: str = ""
    """What must not be; empty: nothing."""


class Strangers:
    """Sends what it is given. Its block opens and closes what it sends over."""

    def __init__(self, where: Attacked) -> None:
        self._where = where
        self._channel: Any = grpc.aio.insecure_channel(where.server, LOCAL)

    async def close(self) -> None:
        await self._channel.close()

    # ------------------------------------------------------------ gRPC

    async def call(self, given: CallInput) -> Outcome:
        method = METHODS[given.method]
        path = f"/{method.containing_service.full_name}/{method.name}"
        metadata = grpc.aio.Metadata(*given.metadata)
        try:
            async with asyncio.timeout(WITHIN):
                if method.client_streaming:
                    call: Any = self._channel.stream_stream(path)(metadata=metadata)
                    return await _converse(call, given)
                if method.server_streaming:
                    call = self._channel.unary_stream(path)(given.messages[0], metadata=metadata)
                    return await _listen(call, given)
                with failures():
                    await self._channel.unary_unary(path)(given.messages[0], metadata=metadata)
                return Outcome(1, 0)
        except CallFailed as failure:
            return Outcome(len(given.messages), 1, _bug(failure))
        except TimeoutError:
            return Outcome(len(given.messages), 0, f"not answered within {WITHIN:g} s")

    async def pages(self, given: tuple[bytes, ...]) -> Outcome:
        """By the decoder itself, and as the sound of a conversation."""
        refused = _decode(given)
        sound = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_OGG_OPUS, sample_rate_hz=RATE_HZ)
        config = pb.ConverseRequest(config=pb.SessionConfig(input_audio=sound, greeting=""))
        pieces = [pb.ConverseRequest(audio=pb.AudioInput(data=piece)) for piece in given]
        messages = tuple(each.SerializeToString() for each in (config, *pieces))
        outcome = await self.call(CallInput("Converse", STRANGER.metadata, messages, leaves=False))
        return Outcome(len(given), max(refused, outcome.refused), outcome.wrong)

    # ------------------------------------------------------------ WebSocket

    async def socket(self, given: SocketInput) -> Outcome:
        count = len(given.frames)
        try:
            async with (
                asyncio.timeout(WITHIN),
                self._browser(given.subprotocol) as socket,
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(_read_all(socket), name="read")
                await _send_frames(socket, given)
            code, reason = socket.close_code, socket.close_reason
        except InvalidHandshake as refused:
            return Outcome(count, 1, f"the handshake: {refused}")
        except TimeoutError:
            return Outcome(count, 0, f"not closed within {WITHIN:g} s")
        if given.leaves:
            return Outcome(count, 0)
        is_wrong = code in (1006, 1011)
        return Outcome(count, 1, f"closed with {code}: {reason}" if is_wrong else "")

    def _browser(self, subprotocol: str) -> connect:
        offered: Any = [subprotocol] if subprotocol else None
        return connect(
            f"ws://127.0.0.1:{self._where.gateway}/v1/ws",
            subprotocols=offered,
            additional_headers={"Authorization": f"Bearer {STRANGER.token}"},
            compression=None,
            proxy=None,
            max_size=None,
        )

    # ------------------------------------------------------------ HTTP

    async def offer(self, given: OfferInput) -> Outcome:
        length = len(given.content)
        head = f"POST /v1/webrtc HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {STRANGER.token}\r\n"
        fields = f"Content-Type: {given.kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        status, headers = await self._told((f"{head}{fields}".encode() + given.content,), WITHIN)
        if status == 201:
            gone = f"DELETE {headers['location']} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            await self._told((gone.encode(),), WITHIN)
        wrong = f"answered with {status or 'nothing'}" if not status or status in HTTP_BUGS else ""
        return Outcome(1, int(status >= 400), wrong)

    async def request(self, given: RawInput) -> Outcome:
        status, _ = await self._told(given.pieces, 0.0 if given.leaves else UNANSWERED_SECONDS)
        return Outcome(1, int(status >= 400), f"answered with {status}" if status in HTTP_BUGS else "")

    async def _told(self, pieces: tuple[bytes, ...], within: float) -> tuple[int, Mapping[str, str]]:
        """Status and headers of the first answer; 0: none came in time."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._where.gateway)
        try:
            with suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                async with asyncio.timeout(within):
                    return _read_head(await reader.readuntil(b"\r\n\r\n"))
            return 0, {}
        finally:
            writer.transport.abort()


async def _converse(call: Any, given: CallInput) -> Outcome:
    """A stream of either kind: sent, then heard until a Ping of ours is answered, or to its end."""
    responses: Responses[bytes] = Responses(call)
    refused = 0
    is_converse = given.method == "Converse"
    try:
        for message in given.messages:
            with silent_when_ended():
                await call.write(message)
        if given.leaves:
            return Outcome(len(given.messages), 0)
        with silent_when_ended():
            await (call.write(PINGED) if is_converse else call.done_writing())
        while (content := await responses.next()) is not None:
            if not is_converse:
                continue
            response = pb.ConverseResponse.FromString(content)
            refused += response.HasField("notice")
            if response.pong.id == PING:
                break
        return Outcome(len(given.messages), refused)
    finally:
        await responses.close()


async def _listen(call: Any, given: CallInput) -> Outcome:
    """Some of what is spoken is enough."""
    try:
        with failures():
            for _ in range(0 if given.leaves else MOST_RESPONSES):
                if not isinstance(await call.read(), bytes):
                    break
        return Outcome(1, 0)
    finally:
        call.cancel()


def _bug(failure: CallFailed) -> str:
    """What is nobody's fault but ours; a message that is too long the transport refuses."""
    is_ours = failure.code in BUGS
    is_shut = failure.details.reason in SHUT_DOORS
    return f"{failure.code.name}: {failure}" if is_ours or is_shut else ""


def _decode(pieces: tuple[bytes, ...]) -> int:
    """How many the decoder refused; anything but a refusal is raised."""
    decoder, refused = Decoder(AudioFormat(Encoding.OGG_OPUS, RATE_HZ, 1)), 0
    for piece in pieces:
        try:
            decoder.decode(piece)
        except Skipped:
            refused += 1
    return refused


async def _read_all(socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass


async def _send_frames(socket: ClientConnection, given: SocketInput) -> None:
    """Ends with a frame that no socket of its dialect survives."""
    with suppress(ConnectionClosed):
        for frame in (*given.frames, *([] if given.leaves else [WRONG[given.subprotocol]])):
            await socket.send(frame.content, text=frame.is_text)
        if given.leaves:
            socket.transport.abort()
        else:
            await socket.wait_closed()


def _read_head(head: bytes) -> tuple[int, Mapping[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    named = (line.split(": ", 1) for line in lines if ": " in line)
    return int(first.split(" ")[1]), {name.lower(): value for name, value in named}
