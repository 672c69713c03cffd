"""Engines that fail in every way there is; siblings of the scripted ones."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from voice_grpc.core.audio import Floats, Samples
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.scripted import HANG, ScriptedStt, ScriptedTts, ScriptedVad, tone
from voice_grpc.ports import Clause, Speech, SttOptions, SttStream, Transcription, VoiceChoice


class DeafVad(ScriptedVad):
    """Hears well but for the windows `first` to `last`, where it fails or, as `hangs`, never answers."""

    def __init__(self, first: int = 0, last: int = 10**9, *, hangs: bool = False) -> None:
        super().__init__()
        self._first, self._last, self._hangs = first, last, hangs
        self._windows = 0

    async def probability(self, window: Floats) -> float:
        self._windows += 1
        if self._first < self._windows <= self._last:
            if self._hangs:
                await asyncio.sleep(HANG)
            raise EngineError("vad", "the detector broke")
        return await super().probability(window)


class BusyVad(ScriptedVad):
    """2 ms a window of 32 ms: sixteen times as fast as sound comes."""

    async def probability(self, window: Floats) -> float:
        await asyncio.sleep(0.002)
        return await super().probability(window)


class UnwillingStt(ScriptedStt):
    """Fails at `open`, `feed`, `interim` or `close` of its first utterance; hears the second well."""

    def __init__(self, at: str, *, hangs: bool = False) -> None:
        super().__init__([])
        self.at, self.hangs = at, hangs

    def open(self, options: SttOptions) -> SttStream:  # type: ignore[override]
        self.opened.append(options)
        is_first = len(self.opened) == 1
        if is_first and self.at == "open":
            raise EngineError("stt", "it will not open")
        return _Unwilling(self, is_first)


class _Unwilling:
    def __init__(self, stt: UnwillingStt, is_first: bool) -> None:
        self._stt, self._is_first = stt, is_first
        self._voiced = False

    def feed(self, samples: Samples) -> None:
        self._voiced = self._voiced or bool(samples.any())
        if self._is_first and self._stt.at == "feed":
            raise EngineError("stt", "it will not take more")

    async def interim(self) -> Transcription | None:
        await self._fail("interim")
        return Transcription("hello", "en")

    async def final(self) -> Transcription:
        await self._fail("final")
        return Transcription("hello there" if self._voiced else "", "en")

    async def close(self) -> None:
        await self._fail("close")

    async def _fail(self, at: str) -> None:
        if self._is_first and self._stt.at == at:
            if self._stt.hangs:
                await asyncio.sleep(HANG)
            raise EngineError("stt", f"no {at}")


class BrokenTts(ScriptedTts):
    """At the first answer it `raises`, `hangs` or gives `nothing` from the clause `clause` on, of which it
    says half a second first where that is `in_middle`; later answers go well."""

    def __init__(self, how: str, clause: int = 0, *, in_middle: bool = False) -> None:
        super().__init__()
        self._how, self._clause, self._in_middle = how, clause, in_middle
        self.open = 0

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        self.open += 1
        is_first = not self.choices
        try:
            async for speech in super().speak(clauses, voice):
                if not is_first or speech.clause_index < self._clause:
                    yield speech
                    continue
                if self._in_middle:
                    yield Speech(speech.clause_index, tone(0.5), speech.rate_hz)
                await self._fail()
        finally:
            self.open -= 1

    async def _fail(self) -> None:
        if self._how == "hangs":
            await asyncio.sleep(HANG)
        if self._how == "raises":
            raise EngineError("tts", "the voice broke")
