"""Voices, one after the other; who has the voice that is named, or one for the language, comes first.

`ClauseReplay` keeps what was to be said, and `SpeechProgress` knows how far one voice came with it: so the
next voice says what this one did not.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from ..core.errors import EngineBlocked, EngineEmpty, EngineError
from ..core.languages import primary
from ..core.playout.lookahead import CHARACTERS_A_SECOND
from ..ports import Clause, Fallback, Speech, Tts, TtsItem, Voice, VoiceChoice
from ..ports.streaming import CancellableStream
from .chain import (
    FIRST_SECONDS,
    RETRY_SECONDS,
    Attempt,
    Chain,
    FirstOutput,
    Member,
    Redact,
    candidates,
)
from .succession import Succession


class ClauseReplay:
    """Clauses that are taken from their source once, when the first voice asks for them."""

    def __init__(self, clauses: AsyncIterator[Clause]) -> None:
        self.clauses: list[Clause] = []
        self.error: Exception | None = None
        """What the source of the clauses raised: no voice is to blame for it."""
        self.is_over = False
        """The source has no more clauses."""
        self._wanted = asyncio.Semaphore(0)
        self._is_wanted = False
        self._source = CancellableStream(self._reading(clauses), ahead=1)

    async def __aenter__(self) -> "ClauseReplay":
        await self._source.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._source.__aexit__(None, None, None)

    async def at(self, place: int) -> Clause | None:
        """None: there are not so many. Raises what the source raises. May be cancelled and asked again."""
        if place < len(self.clauses):
            return self.clauses[place]
        if self.error is not None:
            raise self.error
        if self.is_over:
            return None
        if not self._is_wanted:
            self._is_wanted = True
            self._wanted.release()
        try:
            clause = await self._source.next()
        except Exception as error:
            self.error = error
            raise
        self._is_wanted = False
        if clause is None:
            self.is_over = True
            return None
        self.clauses.append(clause)
        return clause

    def _reading(
        self, clauses: AsyncIterator[Clause]
    ) -> Callable[[Callable[[Clause], Awaitable[None]]], Awaitable[None]]:
        async def produce(put: Callable[[Clause], Awaitable[None]]) -> None:
            while True:
                await self._wanted.acquire()
                try:
                    clause = await anext(clauses)
                except StopAsyncIteration:
                    return
                await put(clause)

        return produce


class SpeechProgress:
    """One voice and the clauses from `start` on, which it sees numbered from 0.

    Where it stands is known by what it asked for and what sounded. A voice that asks for a clause only
    when the one before has sounded is done with the one before. A voice that reads ahead is done with it
    when it lasted as long as such a text must.
    """

    def __init__(self, replay: ClauseReplay, start: int, rate: float, on_first: Callable[[], None]) -> None:
        """`rate`: at which it speaks; 1 is normal. `on_first`: called when it gets its first clause."""
        self._replay, self._start, self._on_first = replay, start, on_first
        self._fastest = CHARACTERS_A_SECOND * max(rate, 0.5)
        self._asked = self._given = 0
        self._last = -1
        """Index of the clause that sounded last; -1: none did."""
        self._seconds = 0.0
        """How long the sound of that clause is so far."""
        self._reads_ahead = False

    async def clauses(self) -> AsyncGenerator[Clause, None]:
        while True:
            self._asked = self._given + 1
            self._reads_ahead = self._reads_ahead or self._last < self._given - 1
            clause = await self._replay.at(self._start + self._given)
            if clause is None:
                return
            if self._given == 0:
                self._on_first()
            self._given += 1
            yield replace(clause, index=self._given - 1)

    def sounded(self, speech: Speech) -> Speech:
        """The same sound with the caller's index of its clause; notes how far the voice came."""
        if speech.clause_index != self._last:
            self._last, self._seconds = speech.clause_index, 0.0
        self._seconds += len(speech.samples) / speech.rate_hz
        return replace(speech, clause_index=self._replay.clauses[self._start + self._last].index)

    def goes_on_at(self) -> int | None:
        """The place of the first clause that did not sound; None: it broke off in the middle of one."""
        if self._last < 0:
            return self._start
        if self._asked <= self._last + 1:
            return None
        text = self._replay.clauses[self._start + self._last].text
        if self._reads_ahead and self._seconds < len(text) / self._fastest:
            return None
        return self._start + self._last + 1

    @property
    def is_short(self) -> bool:
        """It ended, and there are clauses that it did not ask for, or it had words and said nothing."""
        if self._given < len(self._replay.clauses) - self._start or not self._replay.is_over:
            return True
        has_words = any(any(map(str.isalnum, clause.text)) for clause in self._replay.clauses[self._start :])
        return has_words and self._last < 0


class TtsChain(Chain[Tts]):
    """Implements `ports.Tts`.

    The one exception to "before the first output": an engine that fails between two clauses is replaced
    there, and the next one goes on with the clause of which nothing has sounded.
    """

    def __init__(
        self,
        engines: Sequence[Tts],
        *,
        first_seconds: float = FIRST_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        redact: Redact = str,
    ) -> None:
        super().__init__(engines, first_seconds=first_seconds, retry_seconds=retry_seconds, redact=redact)
        self._voices: dict[int, _Voices] = {}
        """By place in the chain: the voices of each engine that could list them."""

    async def voices(self) -> Sequence[Voice]:
        """All engines' voices, in the order of the chain; an engine that cannot list its voices adds none."""
        for member in self.members:
            await self._list_voices(member)
        found: dict[str, Voice] = {}
        for _, voices in sorted(self._voices.items()):
            found |= {id: voice for id, voice in voices.by_id.items() if id not in found}
        return list(found.values())

    async def speak(
        self, clauses: AsyncIterator[Clause], voice: VoiceChoice
    ) -> AsyncGenerator[TtsItem, None]:
        """Clauses are read once, and said anew by the next voice as far as they have not sounded."""
        for each in self.members:
            if self._known(each) is None and each.is_ready:
                await self._list_voices(each)
        asked = candidates(self.members, lambda member: self._rank(member, voice))
        cause, at = asked.cause, 0
        async with ClauseReplay(clauses) as replay:
            order = Succession(asked.members, self.first_seconds, self.retry_seconds)
            while (member := order.next()) is not None:
                first = FirstOutput("tts", member.engine.name, order.first_seconds)
                progress = SpeechProgress(replay, at, voice.rate, partial(_started, first, order))
                with member.begin() as attempt:
                    try:
                        async with aclosing(self._say(attempt, progress, first, voice)) as sounds:
                            async for sound in sounds:
                                if isinstance(sound, Speech) and cause is not None:
                                    yield Fallback(cause, member.engine.name)
                                    cause = None
                                yield sound
                        return
                    except Exception as error:
                        if replay.error is not None:
                            attempt.not_judged()
                            raise replay.error from None
                        if not isinstance(error, EngineError):
                            raise
                        if not attempt.has_output and await order.waits_for(error):
                            attempt.not_judged()
                            continue
                        attempt.failed(error)
                        goes_on_at = progress.goes_on_at()
                        if goes_on_at is None or isinstance(error, EngineBlocked):
                            raise
                        cause, at = error, goes_on_at
        if cause is not None:
            raise cause

    async def _say(
        self, attempt: Attempt[Tts], progress: SpeechProgress, first: FirstOutput, voice: VoiceChoice
    ) -> AsyncGenerator[TtsItem, None]:
        """One voice. Raises `EngineError`, also when it says nothing or stops before the end."""
        if not attempt.member.is_warm:
            first.start()
            await first.wait(attempt.member.wake())
            first.stop()
        engine, choice = attempt.member.engine, self._choice(attempt.member, voice)
        async with aclosing(progress.clauses()) as clauses, aclosing(engine.speak(clauses, choice)) as sounds:
            while (sound := await first.next(sounds)) is not None:
                if not isinstance(sound, Speech):
                    yield sound
                    continue
                first.stop()
                attempt.answered()
                yield progress.sounded(sound)
        if progress.is_short:
            what = "stopped before the end" if attempt.has_output else "gave no sound"
            raise EngineEmpty("tts", f"{engine.name} {what}")

    async def _list_voices(self, member: Member[Tts]) -> None:
        """Keeps its voices. An empty list is no answer: the engine is not loaded."""
        try:
            if voices := await member.engine.voices():
                self._voices[self.members.index(member)] = _Voices(voices)
        except EngineError as error:
            member.failed(error)

    def _known(self, member: Member[Tts]) -> "_Voices | None":
        return self._voices.get(self.members.index(member))

    def _rank(self, member: Member[Tts], choice: VoiceChoice) -> int:
        """0: it has a voice for the language, and the named one; 1: a voice for the language; 2: none.

        Whose voices are not known yet is believed to speak everything: else it would never be asked.
        """
        voices, is_known = self._known(member), self._is_known(choice.id)
        if voices is None:
            return int(is_known)
        language = choice.language or self._language_of(choice.id)
        if language and primary(language) not in voices.languages:
            return 2
        return int(is_known and choice.id not in voices.by_id)

    def _choice(self, member: Member[Tts], choice: VoiceChoice) -> VoiceChoice:
        """A voice that another engine has is left to this one's own choice for the language."""
        voices = self._known(member)
        is_own = voices is not None and choice.id in voices.by_id
        if not choice.id or is_own or not self._is_known(choice.id):
            return choice
        return replace(choice, id="", language=choice.language or self._language_of(choice.id))

    def _is_known(self, id: str) -> bool:
        return any(id in voices.by_id for voices in self._voices.values())

    def _language_of(self, id: str) -> str:
        named = (voices.by_id[id].language for voices in self._voices.values() if id in voices.by_id)
        return next(named, "")


def _started(first: FirstOutput, order: Succession[Tts]) -> None:
    order.started()
    first.start()


class _Voices:
    """One engine's voices, at hand: a vendor has more than a thousand, and each answer looks for one."""

    def __init__(self, voices: Sequence[Voice]) -> None:
        self.by_id = {voice.id: voice for voice in voices}
        self.languages = {primary(voice.language) for voice in voices}
