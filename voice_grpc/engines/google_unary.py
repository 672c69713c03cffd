"""One clause by one request: for voices that cannot stream, and for SSML, which no stream takes."""

import asyncio
import logging

from google.cloud.texttospeech_v1 import SynthesisInput, SynthesizeSpeechRequest

from ..core.errors import EngineError
from ..ports import Clause, Speech
from .google_channel import Channel
from .google_errors import Ending, ending
from .google_manner import LIMIT, Manner, Put, pieces
from .google_sound import file_sound

logger = logging.getLogger(__name__)


async def say(channel: Channel, clause: Clause, manner: Manner, put: Put) -> None:
    """All of one clause. Raises `EngineError`.

    SSML that the service refuses is said as the plain text: some marks are known to some voices only.
    """
    if clause.ssml and manner.voice.renders_ssml:
        if len(clause.ssml.encode()) <= LIMIT:
            try:
                await _say(channel, SynthesisInput(ssml=clause.ssml), clause, manner, put)
                return
            except EngineError as error:
                if ending(error) is not Ending.REJECTED:
                    raise
                logger.warning("SSML was refused for %s, its text is said: %s", manner.voice.id, error)
        else:
            logger.warning("SSML of more than %d bytes: its text is said", LIMIT)
    for piece in pieces(clause.text):
        await _say(channel, SynthesisInput(text=piece), clause, manner, put)


async def _say(
    channel: Channel,
    what: SynthesisInput,
    clause: Clause,
    manner: Manner,
    put: Put,
) -> None:
    channel.usage.characters += len(what.ssml or what.text)
    request = SynthesizeSpeechRequest(input=what, voice=manner.selection, audio_config=manner.of_answer)
    answer = await channel.synthesize(request, manner.voice)
    if manner.encoding == "OGG_OPUS":
        samples, rate_hz = await asyncio.to_thread(file_sound, answer, manner.voice.rate_hz)
    else:
        samples, rate_hz = file_sound(answer, manner.voice.rate_hz)
    if len(samples):
        await put(Speech(clause.index, samples, rate_hz))
