"""Wyoming (rhasspy/wyoming `README.md`): one TCP connection an utterance.

    transcribe, audio-start, audio-chunk … audio-stop ─▶   ◀─ transcript

Most servers say nothing before the end: an interim is a request of its own, with the sound so far. Those
that stream send `transcript-start`, `transcript-chunk` … `transcript-stop`. One with a detector of its own
may send its transcript before `audio-stop`.
"""

import asyncio
import math
import re
from collections.abc import Mapping
from typing import Any

from ..core.audio import RATE_HZ, Samples
from ..core.errors import EngineError, EngineMissing, EngineTimeout
from .patience import Patience
from .whisper_address import Address
from .whisper_desk import Ask
from .whisper_engine import SocketStt
from .whisper_events import Event, open_wire
from .whisper_socket import Wire, said
from .whisper_spoken import LANGUAGES

_PATIENCE = Patience()

_FORMAT = {"rate": RATE_HZ, "width": 2, "channels": 1}


class WyomingStt(SocketStt):
    """Implements `ports.Stt`. What the server has is known once warm."""

    def __init__(self, address: Address, *, patience: Patience = _PATIENCE) -> None:
        super().__init__(address, patience)
        self.name = "wyoming"
        self.codes = LANGUAGES
        self.streams = False

    def talk(self, ask: Ask) -> "Wyoming":
        return Wyoming(self, ask)

    async def warm(self) -> None:
        """Ask what it has. Raises `EngineError`, `EngineMissing` where nothing of it transcribes."""
        try:
            wire = await open_wire(self.address, self.patience.connect)
            try:
                async with asyncio.timeout(self.patience.first):
                    await wire.send(Event("describe"))
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


class Wyoming:
    """Implements `Talk`."""

    def __init__(self, stt: WyomingStt, ask: Ask) -> None:
        self._stt, self._ask = stt, ask
        self.streams: bool | None = stt.streams
        self.is_spent = self.ended_early = False
        self.text = self.language = ""
        self._is_stopped = False

    async def open(self, seconds: float) -> Wire:
        return await open_wire(self._stt.address, seconds)

    async def greet(self, wire: Wire) -> None:
        terms = [term.strip() for term in self._ask.prompt.split(",") if term.strip()]
        language = {"language": self._ask.language} if self._ask.language else {}
        await wire.send(Event("transcribe", {**language, **({"transcript_terms": terms} if terms else {})}))
        await wire.send(Event("audio-start", _FORMAT))

    async def send(self, wire: Wire, samples: Samples) -> None:
        await wire.send(Event("audio-chunk", _FORMAT, samples.astype("<i2", copy=False).tobytes()))

    async def finish(self, wire: Wire) -> None:
        self._is_stopped = True
        await wire.send(Event("audio-stop"))

    def take(self, event: Event, now: float) -> None:
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

    def settles(self, now: float) -> float:
        return now if self.is_spent else math.inf

    @property
    def is_usable(self) -> bool:
        return False

    def renew(self) -> bool:
        """Servers close the connection after a transcript."""
        return False

    async def part(self, wire: Wire) -> None:
        """It is enough to hang up."""

    def _end(self) -> None:
        if self._is_stopped:
            self.is_spent = not self.ended_early
        else:
            self.ended_early = True


def complain(event: Event, address: Address) -> None:
    """Raises what the server says that went wrong."""
    if event.type == "error":
        text = said(event.data.get("text", ""), address)
        code = event.data.get("code")
        raise EngineError("stt", f"{address.location} failed: {text}" + (f" ({code})" if code else ""))
