"""Wyoming (rhasspy/wyoming `README.md`): one TCP connection an utterance.

    transcribe, audio-start, audio-chunk … audio-stop ─▶   ◀─ transcript

Most servers say nothing before the end: an interim is a request of its own, with the sound so far. Those
that stream send `transcript-start`, `transcript-chunk` … `transcript-stop`. One with a detector of its own
may send its transcript before `audio-stop`.
"""

import asyncio
import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ...core.audio import RATE_HZ, Samples
from ...core.errors import EngineError, EngineMissing, EngineTimeout, EngineUnreachable
from ..timeouts import Timeouts
from ..whisper.languages import LANGUAGES
from .address import WhisperAddress
from .socket_stream import SocketStt
from .utterance import TranscribeOptions
from .websocket import Wire, shown

_HEADER, _BODY = 1 << 16, 1 << 22
"""Bytes that a header and what follows it may have: an `info` with many voices has some 100 KiB."""

_CLOSE_S = 0.3


@dataclass(frozen=True, slots=True)
class WyomingEvent:
    """A header as one line of JSON, then data as JSON, then a payload, each as long as the header says
    (rhasspy/wyoming `README.md`, Format)."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""


def written(event: WyomingEvent) -> bytes:
    data = json.dumps(event.data).encode() if event.data else b""
    header: dict[str, object] = {"type": event.type}
    if data:
        header["data_length"] = len(data)
    if event.payload:
        header["payload_length"] = len(event.payload)
    return json.dumps(header).encode() + b"\n" + data + event.payload


class EventWire:
    """Implements `Wire`: messages are `WyomingEvent`s."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str) -> None:
        self._reader, self._writer, self._where = reader, writer, where

    async def send(self, event: WyomingEvent) -> None:
        try:
            self._writer.write(written(event))
            await self._writer.drain()
        except OSError as error:
            raise _broken(self._where, error) from error

    async def receive(self) -> WyomingEvent:
        """Raises `EngineError` for what is no event."""
        try:
            written_header = await self._reader.readline()
            if not written_header.endswith(b"\n"):
                raise EngineUnreachable("stt", f"{self._where} closed the connection")
            header = json.loads(written_header)
            inline = header.get("data") or {}
            more = json.loads(await self._exactly(header.get("data_length")) or b"{}")
            payload = await self._exactly(header.get("payload_length"))
            return WyomingEvent(str(header["type"]), {**inline, **more}, payload)
        except (OSError, EOFError) as error:
            raise _broken(self._where, error) from error
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise EngineError(
                "stt",
                f"{self._where} does not speak Wyoming",
                retryable=False,
                advice="check WHISPER_SERVER_URL: tcp:// is for Wyoming servers",
            ) from error

    async def settle(self) -> None:
        """Nothing to wait for: a Wyoming server does not tell what has arrived."""

    def abort(self) -> None:
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._writer.wait_closed()

    async def _exactly(self, length: object) -> bytes:
        if not length:
            return b""
        if not isinstance(length, int) or not 0 <= length <= _BODY:
            raise ValueError("length")
        return await self._reader.readexactly(length)


async def open_wire(address: WhisperAddress, seconds: float) -> EventWire:
    """A new connection. Raises `EngineUnreachable`, and TimeoutError after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            streams = await asyncio.open_connection(address.host, address.port, limit=_HEADER)
    except TimeoutError:
        raise
    except OSError as error:
        raise _broken(address.location, error) from error
    return EventWire(*streams, address.location)


def _broken(where: str, error: Exception) -> EngineUnreachable:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return EngineUnreachable("stt", f"no connection to {where} ({reason})")


_TIMEOUTS = Timeouts()

_FORMAT = {"rate": RATE_HZ, "width": 2, "channels": 1}


class WyomingStt(SocketStt):
    """Implements `ports.Stt`. What the server has is known once warm."""

    def __init__(self, address: WhisperAddress, *, timeouts: Timeouts = _TIMEOUTS) -> None:
        super().__init__(address, timeouts)
        self.name = "wyoming"
        self.codes = LANGUAGES
        self.streams = False

    def new_protocol(self, options: TranscribeOptions) -> "WyomingProtocol":
        return WyomingProtocol(self, options)

    async def warm(self) -> None:
        """Ask what it has. Raises `EngineError`, `EngineMissing` where nothing of it transcribes."""
        try:
            wire = await open_wire(self.address, self.timeouts.connect)
            try:
                async with asyncio.timeout(self.timeouts.first):
                    await wire.send(WyomingEvent("describe"))
                    while (event := await wire.receive()).type != "info":
                        complain(event, self.address)
            finally:
                await wire.close()
            self._describe(event.data)
        except TimeoutError as error:
            raise EngineTimeout("stt", f"{self.location} does not say in time what it has") from error
        except (LookupError, TypeError, AttributeError) as error:
            raise EngineError("stt", f"{self.location} does not speak Wyoming", retryable=False) from error

    def _describe(self, info: Mapping[str, Any]) -> None:
        programs = [each for each in info.get("asr") or () if each.get("installed", True)]
        for program in programs:
            models = [model for model in program["models"] if model.get("installed", True)]
            if models:
                break
        else:
            raise EngineMissing("stt", f"{self.location} speaks Wyoming, but has nothing that transcribes")
        model = re.split(r"[/\\]", str(models[0]["name"]).rstrip("/"))[-1]
        self.name = f"{program['name']} {model}"
        self.streams = bool(program.get("supports_transcript_streaming"))
        tags = [str(tag) for each in models for tag in each.get("languages") or ()]
        self.codes = frozenset(re.split("[-_]", tag)[0].lower() for tag in tags) or LANGUAGES


class WyomingProtocol:
    """Implements `SocketProtocol`."""

    def __init__(self, stt: WyomingStt, options: TranscribeOptions) -> None:
        self._stt, self._options = stt, options
        self.streams: bool | None = stt.streams
        self.is_spent = self.ended_early = False
        self.text = self.language = ""
        self._is_stopped = False

    async def open(self, seconds: float) -> Wire:
        return await open_wire(self._stt.address, seconds)

    async def greet(self, wire: Wire) -> None:
        expected = [word.strip() for word in self._options.prompt.split(",") if word.strip()]
        language = {"language": self._options.language} if self._options.language else {}
        await wire.send(
            WyomingEvent("transcribe", {**language, **({"transcript_terms": expected} if expected else {})})
        )
        await wire.send(WyomingEvent("audio-start", _FORMAT))

    async def send(self, wire: Wire, samples: Samples) -> None:
        await wire.send(WyomingEvent("audio-chunk", _FORMAT, samples.astype("<i2", copy=False).tobytes()))

    async def finish(self, wire: Wire) -> None:
        self._is_stopped = True
        await wire.send(WyomingEvent("audio-stop"))

    def receive(self, event: WyomingEvent, now: float) -> None:
        complain(event, self._stt.address)
        match event.type:
            case "transcript-start":
                self.text = ""
            case "transcript-chunk":
                self.text += str(event.data["text"])
            case "transcript":
                self.text = str(event.data["text"])
                self._end()
            case "transcript-stop":
                self._end()
        self.language = str(event.data.get("language") or self.language)

    def settles_at(self, now: float) -> float:
        return now if self.is_spent else math.inf

    @property
    def is_usable(self) -> bool:
        return False

    def renew(self) -> bool:
        """Servers close the connection after a transcript."""
        return False

    async def leave(self, wire: Wire) -> None:
        """It is enough to hang up."""

    def _end(self) -> None:
        if self._is_stopped:
            self.is_spent = not self.ended_early
        else:
            self.ended_early = True


def complain(event: WyomingEvent, address: WhisperAddress) -> None:
    """Raises what the server says that went wrong."""
    if event.type == "error":
        text = shown(event.data.get("text", ""), address)
        code = event.data.get("code")
        raise EngineError("stt", f"{address.location} failed: {text}" + (f" ({code})" if code else ""))
