"""Voices, one after the other; who has the voice that is named, or one for the language, comes first."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing

from ..core.errors import EngineEmpty, EngineError
from ..engines.pump import Pump
from ..ports import Clause, Fallback, Speech, Tts, TtsItem, Voice, VoiceChoice
from .link import Link, close_all, in_order, warm_all


class TtsChain:
    """Implements `ports.Tts`."""

    def __init__(self, engines: Sequence[Tts]) -> None:
        self.links = [Link(engine) for engine in engines]
        self._voices: dict[int, Sequence[Voice]] = {}
        """By place in the chain."""

    @property
    def name(self) -> str:
        return next((link for link in self.links if link.is_ready), self.links[0]).engine.name

    @property
    def location(self) -> str:
        return next((link for link in self.links if link.is_ready), self.links[0]).engine.location

    async def warm(self) -> None:
        await warm_all(self.links)

    async def close(self) -> None:
        await close_all(self.links)

    async def voices(self) -> Sequence[Voice]:
        """Of all, in the order of the chain; who cannot tell has none."""
        found: dict[str, Voice] = {}
        for place, link in enumerate(self.links):
            try:
                self._voices[place] = await link.engine.voices()
            except EngineError as error:
                link.failed(error)
            for voice in self._voices.get(place, ()):
                found.setdefault(voice.id, voice)
        return list(found.values())

    async def speak(
        self, clauses: AsyncIterator[Clause], voice: VoiceChoice
    ) -> AsyncGenerator[TtsItem, None]:
        """Clauses are read once, and said anew by the next voice when one fails before its first sound."""
        if len(self._voices) < len(self.links):
            await self.voices()
        links, why = in_order(self.links, lambda link: self._rank(link, voice))
        async with Pump(_reading(clauses), ahead=1) as source:
            kept = _Kept(source)
            for place, link in enumerate(links):
                has_sound = False
                with link.begin() as attempt:
                    try:
                        choice = self._choice(link, voice)
                        async with aclosing(link.engine.speak(kept.again(), choice)) as sounds:
                            async for sound in sounds:
                                if not has_sound and isinstance(sound, Speech):
                                    has_sound = True
                                    attempt.succeeded()
                                    if why is not None:
                                        yield Fallback(why, link.engine.name)
                                yield sound
                        if has_sound or not kept.has_any:
                            return
                        raise EngineEmpty("tts", f"{link.engine.name} gave no sound")
                    except EngineError as error:
                        attempt.failed(error)
                        if has_sound or place == len(links) - 1:
                            raise
                        why = error

    def _rank(self, link: Link[Tts], choice: VoiceChoice) -> int:
        """0: it has a voice for the language, and the named one; 1: a voice for the language; 2: neither."""
        voices = self._voices.get(self.links.index(link), ())
        speaks = [voice for voice in voices if not choice.language or _same(voice.language, choice.language)]
        return 2 if not speaks else int(bool(choice.id) and choice.id not in [voice.id for voice in voices])

    def _choice(self, link: Link[Tts], choice: VoiceChoice) -> VoiceChoice:
        """A voice that this engine does not know is left to its own choice."""
        known = [voice.id for voice in self._voices.get(self.links.index(link), ())]
        if not choice.id or choice.id in known or len(self.links) == 1:
            return choice
        return VoiceChoice("", choice.language or self._language_of(choice.id), choice.rate)

    def _language_of(self, id: str) -> str:
        every = (voice for voices in self._voices.values() for voice in voices)
        return next((voice.language for voice in every if voice.id == id), "")


class _Kept:
    """Clauses that can be read again from the first one on, whoever stopped in the middle."""

    def __init__(self, source: Pump[Clause]) -> None:
        self._source = source
        self._clauses: list[Clause] = []
        self._is_whole = False

    @property
    def has_any(self) -> bool:
        return bool(self._clauses)

    async def again(self) -> AsyncIterator[Clause]:
        at = 0
        while True:
            if at == len(self._clauses):
                if self._is_whole:
                    return
                clause = await self._source.next()
                if clause is None:
                    self._is_whole = True
                    return
                self._clauses.append(clause)
            yield self._clauses[at]
            at += 1


def _reading(
    clauses: AsyncIterator[Clause],
) -> Callable[[Callable[[Clause], Awaitable[None]]], Awaitable[None]]:
    async def produce(put: Callable[[Clause], Awaitable[None]]) -> None:
        async for clause in clauses:
            await put(clause)

    return produce


def _same(one: str, other: str) -> bool:
    """Languages of BCP 47 tags, their regions aside."""
    return one.replace("_", "-").split("-")[0].lower() == other.replace("_", "-").split("-")[0].lower()
