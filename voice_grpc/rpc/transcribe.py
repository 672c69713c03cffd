"""Transcribe: speech to text alone, the listening side of a conversation (`session/dictation.py`)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import grpc.aio

from ..core import requests as i
from ..core import responses as o
from ..core.config import SessionConfig
from ..core.errors import BadField
from ..core.turn.patience import Profile
from ..pb import voice_pb2 as pb
from ..ports import Engines
from ..session.dictation import Dictation
from ..session.telling.call_reports import WatchedCall
from ..wire import requests as wire_in
from ..wire import responses as wire_out
from ..wire.audio_format import audio_format
from ..wire.catalog import Catalog
from ..wire.config import output_selection, with_changes
from ..wire.turn_detection import turn_detection
from .sound_pace import SoundPace
from .streams import Read, StreamLifetime, Write, first_config


@dataclass(frozen=True, slots=True)
class TranscribeMethod:
    engines: Engines
    catalog: Catalog

    async def __call__(
        self,
        read: Read,
        write: Write,
        lifetime: StreamLifetime,
        pace: SoundPace,
        caller: str,
        call: WatchedCall,
    ) -> None:
        """The whole call of `caller`; returns once the last final has left."""
        first, count = await first_config(read)
        config = self._config(first.config)

        async def send(message: o.ConverseResponse) -> None:
            await write(_response(message, config.input.rate_hz))

        dictation = Dictation(self.engines, config, caller, call)
        requests = _requests(read, count, lifetime, lambda: pace.wait(dictation.heard_seconds))
        await dictation.run(requests, send)

    def _config(self, message: pb.TranscribeConfig) -> SessionConfig:
        """Raises `BadField`."""
        config = SessionConfig("", input=audio_format(message, "config.input_audio", 16_000))
        asked = pb.SessionConfig(language_codes=message.language_codes, transcription=message.transcription)
        config = with_changes(config, asked, ("language_codes", "transcription"), self.catalog)
        config = turn_detection(config, message.turn_detection, profile=Profile.DICTATION)
        return output_selection(config, message.send)


async def _requests(
    read: Read, count: int, lifetime: StreamLifetime, keep_pace: Callable[[], Awaitable[None]]
) -> AsyncIterator[i.ConverseRequest]:
    """What comes after the first `count` messages, up to the end of the stream or of its time; each once the
    one before was taken and `keep_pace` returned."""
    lifetime.touch()
    while (request := await lifetime.read(read)) is not grpc.aio.EOF:
        count += 1
        item: i.ConverseRequest | None = None
        match request.WhichOneof("payload"):
            case "audio":
                item = wire_in.audio(request.audio, count)
            case "audio_end":
                item = i.AudioInputEnd()
            case "config":
                raise BadField("config", "a second config", "config once, as the first request")
        if item is not None:
            yield item
            await keep_pace()
            lifetime.touch()


def _response(message: o.ConverseResponse, rate_hz: int) -> pb.TranscribeResponse:
    """`rate_hz` is the input rate, in which positions are told."""
    match message:
        case o.Transcript():
            return pb.TranscribeResponse(transcript=wire_out.transcript(message, rate_hz))
        case o.SpeechEvent():
            return pb.TranscribeResponse(speech_event=wire_out.speech_event(message, rate_hz))
        case o.Notice():
            return pb.TranscribeResponse(notice=wire_out.notice(message))
    raise TypeError(f"{type(message).__name__} is said to nobody who only dictates")
