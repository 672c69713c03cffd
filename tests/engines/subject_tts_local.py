"""Voices in this process, for the conformance suite: Piper, espeak-ng, and the scripted one."""

import asyncio
import importlib.util
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.engines.conformance import IN_PROCESS, Rig, Subject
from tests.fakes.script import Trouble
from voice_grpc.engines.piper.tts import PiperTts
from voice_grpc.engines.scripted import ScriptedTts, Voicing
from voice_grpc.ports import Tts

_warm: list[PiperTts] = []
"""At most one: it takes seconds to load, and belongs to no event loop."""


@asynccontextmanager
async def open_piper(trouble: Trouble) -> AsyncIterator[Rig[Tts]]:
    """Left open for the next test; `close_shared` closes it."""
    if not _warm:
        tts = PiperTts()
        await tts.warm()
        _warm.append(tts)
    yield Rig(_warm[0])


def close_shared() -> None:
    while _warm:
        asyncio.run(_warm.pop().close())


@asynccontextmanager
async def open_scripted(trouble: Trouble) -> AsyncIterator[Rig[Tts]]:
    yield Rig(ScriptedTts(Voicing(first_audio=0.01)))


SCRIPTED: Subject[Tts] = Subject("scripted", open_scripted, IN_PROCESS)
PIPER: Subject[Tts] = Subject("piper", open_piper, IN_PROCESS)
SUBJECTS: list[Subject[Tts]] = [SCRIPTED, PIPER]
MISSING: dict[str, str] = {}
"""Why a subject cannot be had here, by its name."""

if importlib.util.find_spec("piper") is None:
    MISSING["piper"] = "needs the extra `local`"

if importlib.util.find_spec("voice_grpc.engines.espeak") is not None:
    from voice_grpc.engines.espeak import EspeakTts

    @asynccontextmanager
    async def open_espeak(trouble: Trouble) -> AsyncIterator[Rig[Tts]]:
        tts = EspeakTts()
        await tts.warm()
        try:
            yield Rig(tts)
        finally:
            await tts.close()

    SUBJECTS.append(Subject("espeak", open_espeak, IN_PROCESS))
    if shutil.which("espeak-ng") is None:
        MISSING["espeak"] = "needs espeak-ng (apt-get install espeak-ng)"
