"""Synthesize: text to speech alone, as fast as it is made.

What is asked for is read and checked here, and how long may pass; how clauses become sound is for
`session/answering/synthesis.py` to say.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from ..core.config import MAX_TEXT
from ..core.errors import EngineTimeout
from ..core.responses import AudioOutput
from ..pb import voice_pb2 as pb
from ..ports import Engines, VoiceChoice
from ..session.answering.synthesis import Synthesis
from ..session.telling.call_reports import WatchedCall
from ..wire import fields
from ..wire.audio_format import audio_format
from ..wire.catalog import Catalog
from ..wire.responses import audio_message
from .streams import Write, promptly


@dataclass(frozen=True, slots=True)
class SynthesizeMethod:
    engines: Engines
    catalog: Catalog

    async def __call__(
        self, request: pb.SynthesizeRequest, write: Write, idle: float | None, caller: str, call: WatchedCall
    ) -> None:
        """The whole call of `caller`. `idle`: seconds that may pass without a sound from the voice; None:
        for ever.

        Raises `BadField`, `SlowClient`, and the `EngineError` that ended it.
        """
        synthesis, send = self._synthesis(request, caller, call), promptly(write)
        told = -1
        async with aclosing(synthesis.packets()) as packets:
            while (packet := await _next(packets, idle)) is not None:
                text = synthesis.clauses[packet.segment] if packet.segment != told else ""
                told = packet.segment
                await send(pb.SynthesizeResponse(audio=audio_message(packet), segment_text=text))
                await asyncio.sleep(0)

    def _synthesis(self, request: pb.SynthesizeRequest, caller: str, call: WatchedCall) -> Synthesis:
        """Raises `BadField`."""
        text = fields.text(request.text, "text", MAX_TEXT, required=True)
        voice = request.voice
        if voice.voice_id:
            fields.one_of(voice.voice_id, "voice.voice_id", self.catalog.voices, self.catalog.listed_voices)
        if request.language_code:
            listed = f"a BCP 47 tag of a language that a voice speaks: {self.catalog.listed_spoken}"
            fields.language(request.language_code, "language_code", self.catalog.spoken, listed)
        rate = fields.number(voice, "speaking_rate", "voice", (0.5, 2.0), 1.0)
        choice = VoiceChoice(voice.voice_id, request.language_code, rate)
        format = audio_format(request, "output_audio", 24_000)
        return Synthesis(self.engines.tts, text, choice, format, caller, call)


async def _next(packets: AsyncIterator[AudioOutput], idle: float | None) -> AudioOutput | None:
    """None at the end. Raises `EngineTimeout` where nothing comes for `idle` seconds."""
    try:
        async with asyncio.timeout(idle):
            return await anext(packets, None)
    except TimeoutError:
        raise EngineTimeout("tts", f"the voice gave no sound for {idle:g} s") from None
