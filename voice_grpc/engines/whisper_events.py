"""Wyoming's framing: a header as one line of JSON, then data as JSON, then a payload, each as long as the
header says (rhasspy/wyoming `README.md`, Format)."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import EngineError, EngineUnreachable
from .whisper_address import Address

_HEADER, _BODY = 1 << 16, 1 << 22
"""Bytes that a header and what follows it may have: an `info` with many voices has some 100 KiB."""

_CLOSE_S = 0.3


@dataclass(frozen=True, slots=True)
class Event:
    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""


def written(event: Event) -> bytes:
    data = json.dumps(event.data).encode() if event.data else b""
    header: dict[str, object] = {"type": event.type}
    if data:
        header["data_length"] = len(data)
    if event.payload:
        header["payload_length"] = len(event.payload)
    return json.dumps(header).encode() + b"\n" + data + event.payload


class EventWire:
    """Implements `Wire`: messages are `Event`s."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str) -> None:
        self._reader, self._writer, self._where = reader, writer, where

    async def send(self, event: Event) -> None:
        try:
            self._writer.write(written(event))
            await self._writer.drain()
        except OSError as error:
            raise _broken(self._where, error) from error

    async def receive(self) -> Event:
        """Raises `EngineError` for what is no event."""
        try:
            line = await self._reader.readline()
            if not line.endswith(b"\n"):
                raise EngineUnreachable("stt", f"{self._where} closed the connection")
            header = json.loads(line)
            inline = header.get("data") or {}
            more = json.loads(await self._exactly(header.get("data_length")) or b"{}")
            payload = await self._exactly(header.get("payload_length"))
            return Event(str(header["type"]), {**inline, **more}, payload)
        except (OSError, EOFError) as error:
            raise _broken(self._where, error) from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise EngineError(
                "stt",
                f"{self._where} does not speak Wyoming",
                retryable=False,
                advice="check WHISPER_SERVER_URL: tcp:// is for Wyoming servers",
            ) from error

    async def settle(self) -> None:
        """It is not told what has arrived."""

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


async def open_wire(address: Address, seconds: float) -> EventWire:
    """Raises `EngineUnreachable`, and TimeoutError after `seconds`."""
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
