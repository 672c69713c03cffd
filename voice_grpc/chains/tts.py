"""Voices, one after the other; who has the voice that is named, or one for the language, comes first."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from ..core.errors import EngineBlocked, EngineEmpty, EngineError
from ..ports import Clause, Fallback, Speech, Tts, TtsItem, Voice, VoiceChoice
from .chain import FIRST_SECONDS, Chain, FirstOutput
from .clauses import Kept, Telling
from .link import Attempt, Link, Redact, in_order


class TtsChain(Chain[Tts]):
    """Implements `ports.Tts`.

    The one exception to "before the first output": an engine that fails between two clauses is replaced
    there, and the next one goes on with the clause of which nothing has sounded.
    """

    def __init__(
        self, engines: Sequence[Tts], *, first_seconds: float = FIRST_SECONDS, redact: Redact = str
    ) -> None:
        super().__init__(engines, first_seconds=first_seconds, redact=redact)
        self._voices: dict[int, _Voices] = {}
        """By place in the chain, of those who could tell."""

    async def voices(self) -> Sequence[Voice]:
        """Of all, in the order of the chain; who cannot tell has none."""
        for link in self.links:
            await self._look(link)
        found: dict[str, Voice] = {}
        for _, voices in sorted(self._voices.items()):
            found |= {id: voice for id, voice in voices.by_id.items() if id not in found}
        return list(found.values())

    @property
    def unlisted(self) -> Sequence[Tts]:
        """Whose voices are not known: they could not be asked so far."""
        return [link.engine for place, link in enumerate(self.links) if place not in self._voices]

    async def speak(
        self, clauses: AsyncIterator[Clause], voice: VoiceChoice
    ) -> AsyncGenerator[TtsItem, None]:
        """Clauses are read once, and said anew by the next voice as far as they have not sounded."""
        for link in self.links:
            if self._known(link) is None and link.is_ready:
                await self._look(link)
        order = in_order(self.links, lambda link: self._rank(link, voice))
        why, at = order.why, 0
        async with Kept(clauses) as kept:
            for link in order.links:
                seconds = self.first_seconds if link is not order.links[-1] else None
                first = FirstOutput("tts", link.engine.name, seconds)
                telling = Telling(kept, at, voice.rate, first.start)
                with link.begin() as attempt:
                    try:
                        async with aclosing(self._say(attempt, telling, first, voice)) as sounds:
                            async for sound in sounds:
                                if isinstance(sound, Speech) and why is not None:
                                    yield Fallback(why, link.engine.name)
                                    why = None
                                yield sound
                        return
                    except Exception as error:
                        if kept.error is not None:
                            attempt.not_judged()
                            raise kept.error from None
                        if not isinstance(error, EngineError):
                            raise
                        attempt.failed(error)
                        goes_on_at = telling.goes_on_at()
                        if goes_on_at is None or isinstance(error, EngineBlocked):
                            raise
                        why, at = error, goes_on_at
        if why is not None:
            raise why

    async def _say(
        self, attempt: Attempt[Tts], telling: Telling, first: FirstOutput, voice: VoiceChoice
    ) -> AsyncGenerator[TtsItem, None]:
        """One voice. Raises `EngineError`, also when it says nothing or stops before the end."""
        if not attempt.link.is_warm:
            first.start()
            await first.wait(attempt.link.wake())
            first.stop()
        engine, choice = attempt.link.engine, self._choice(attempt.link, voice)
        async with aclosing(telling.clauses()) as clauses, aclosing(engine.speak(clauses, choice)) as sounds:
            while (sound := await first.next(sounds)) is not None:
                if not isinstance(sound, Speech):
                    yield sound
                    continue
                first.stop()
                attempt.answered()
                yield telling.sounded(sound)
        if telling.is_short:
            what = "stopped before the end" if attempt.has_output else "gave no sound"
            raise EngineEmpty("tts", f"{engine.name} {what}")

    async def _look(self, link: Link[Tts]) -> None:
        """None at all is no answer: it is not loaded."""
        try:
            if voices := await link.engine.voices():
                self._voices[self.links.index(link)] = _Voices(voices)
        except EngineError as error:
            link.failed(error)

    def _known(self, link: Link[Tts]) -> "_Voices | None":
        return self._voices.get(self.links.index(link))

    def _rank(self, link: Link[Tts], choice: VoiceChoice) -> int:
        """0: it has a voice for the language, and the named one; 1: a voice for the language; 2: none.

        Whose voices are not known yet is believed to speak everything: else it would never be asked.
        """
        voices, is_known = self._known(link), self._is_known(choice.id)
        if voices is None:
            return int(is_known)
        language = choice.language or self._language_of(choice.id)
        if language and _primary(language) not in voices.languages:
            return 2
        return int(is_known and choice.id not in voices.by_id)

    def _choice(self, link: Link[Tts], choice: VoiceChoice) -> VoiceChoice:
        """A voice that another engine has is left to this one's own choice for the language."""
        voices = self._known(link)
        is_own = voices is not None and choice.id in voices.by_id
        if not choice.id or is_own or not self._is_known(choice.id):
            return choice
        return VoiceChoice("", choice.language or self._language_of(choice.id), choice.rate)

    def _is_known(self, id: str) -> bool:
        return any(id in voices.by_id for voices in self._voices.values())

    def _language_of(self, id: str) -> str:
        named = (voices.by_id[id].language for voices in self._voices.values() if id in voices.by_id)
        return next(named, "")


class _Voices:
    """Of one engine, at hand: a vendor has more than a thousand, and each answer looks for one."""

    def __init__(self, voices: Sequence[Voice]) -> None:
        self.by_id = {voice.id: voice for voice in voices}
        self.languages = {_primary(voice.language) for voice in voices}


def _primary(tag: str) -> str:
    """Of a BCP 47 tag, its region aside."""
    return tag.replace("_", "-").split("-")[0].lower()
