"""Recognisers, one after the other: an utterance is kept, so that the next one can hear it too."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..core.audio import Samples, seconds
from ..core.errors import EngineBlocked, EngineError, EngineTimeout
from ..core.languages import primary
from ..ports import Fallback, Stt, SttOptions, SttStream, Transcription
from .chain import Attempt, Candidates, Chain, Member, candidates
from .succession import Succession

SECONDS_A_SECOND = 0.1
"""Added to the limit for each second of speech: a recogniser's time rises with what it is given."""

log = logging.getLogger(__name__)


class SttChain(Chain[Stt]):
    """Implements `ports.Stt`. Who understands all languages of an utterance comes first."""

    @property
    def languages(self) -> frozenset[str]:
        return frozenset().union(*(member.engine.languages for member in self.members))

    def has_room(self) -> bool:
        first = next((member for member in self.members if member.is_ready), self.members[0])
        return first.engine.has_room()

    def is_alone(self) -> bool:
        first = next((member for member in self.members if member.is_ready), self.members[0])
        return first.engine.is_alone()

    def open(self, options: SttOptions) -> "ChainStream":
        return ChainStream(self, options)

    def candidates(self, options: SttOptions) -> Candidates[Stt]:
        languages = {primary(tag) for tag in options.languages}
        return candidates(self.members, lambda member: len(languages - member.engine.languages))


@dataclass(eq=False, slots=True)
class _MemberStream:
    """One member's stream of the utterance. An error waits until words are asked for."""

    member: Member[Stt]
    attempt: Attempt[Stt] | None
    """Begun when it was opened, so that a probe is one from its first sample on; None: it had its verdict."""
    stream: SttStream | None = None
    error: EngineError | None = None

    def open(self, options: SttOptions, fed: Sequence[Samples]) -> None:
        if not self.member.is_warm:
            return
        try:
            self.stream = self.member.engine.open(options)
        except EngineError as error:
            self.error = error
        for samples in fed:
            self.feed(samples)

    def feed(self, samples: Samples) -> None:
        if self.stream is None or self.error is not None:
            return
        try:
            self.stream.feed(samples)
        except EngineError as error:
            self.error = error

    async def opened(self, options: SttOptions, fed: Sequence[Samples]) -> SttStream:
        """Its stream. A member that is still cold is warmed, and hears then what was said so far."""
        if self.stream is None and self.error is None:
            await self.member.wake()
            self.open(options, fed)
        if self.stream is None or self.error is not None:
            raise self.error or EngineError("stt", f"{self.member.engine.name} is closed")
        return self.stream

    def begin(self) -> Attempt[Stt]:
        attempt, self.attempt = self.attempt, None
        return attempt or self.member.begin()

    @property
    def is_left_out(self) -> bool:
        """Its circuit was opened by others since this stream was opened."""
        return not self.member.is_ready and not (self.attempt is not None and self.attempt.is_probe)

    async def close(self) -> None:
        if self.attempt is not None:
            self.begin().not_judged()
        if self.stream is not None:
            try:
                await self.stream.close()
            except EngineError as error:
                log.debug("%s did not let go of its utterance: %s", self.member.engine.name, error)


class ChainStream:
    """Implements `ports.SttStream`. Whoever took over does the rest of this utterance."""

    def __init__(self, chain: SttChain, options: SttOptions) -> None:
        self._chain, self._options = chain, options
        self._fed: list[Samples] = []
        self._cause: EngineError | None = None
        self._order = Succession[Stt]((), 0.0, 0.0)
        self._current: _MemberStream | None = None
        self._old: list[_MemberStream] = []
        """Replaced; let go at the end, so that nobody waits for it in the middle of a turn."""
        self._begin()

    def feed(self, samples: Samples) -> None:
        self._fed.append(samples)
        if self._current is not None:
            self._current.feed(samples)

    async def interim(self) -> Transcription | None:
        """Who fails here is replaced in silence: the final tells."""
        while (current := self._current) is not None and current.member.is_warm:
            try:
                return await (await current.opened(self._options, self._fed)).interim()
            except EngineError as error:
                current.begin().failed(error)
                self._replace(current, error)
                if isinstance(error, EngineBlocked):
                    return None
        return None

    async def final(self) -> Transcription:
        """Raises the last one's error when all failed; asked again, all are tried again."""
        if self._current is None:
            self._begin()
        self._order.restart()
        while True:
            current = self._current
            assert current is not None, "begun, or replaced"
            if current.is_left_out and self._order.has_ready:
                self._replace(current, current.member.left_out())
                continue
            try:
                transcription = await self._ask(current)
            except EngineError as error:
                if isinstance(error, EngineBlocked) or not self._replace(current, error):
                    raise
                continue
            if transcription is None:
                self._reopen(current)
                continue
            if self._cause is None:
                return transcription
            return replace(transcription, fallback=Fallback(self._cause, current.member.engine.name))

    async def close(self) -> None:
        streams, self._old = self._old, []
        if self._current is not None:
            streams.append(self._current)
        self._current = None
        self._fed.clear()
        async with asyncio.TaskGroup() as tasks:
            for stream in streams:
                tasks.create_task(stream.close(), name="close-stream")

    async def _ask(self, current: _MemberStream) -> Transcription | None:
        """None: it failed, and is to be asked once more now. `EngineTimeout` when another one stands by and
        this one takes too long."""
        length = seconds(sum(map(len, self._fed)))
        first_seconds = self._order.first_seconds
        longest = None if first_seconds is None else first_seconds + SECONDS_A_SECOND * length
        with current.begin() as attempt:
            limit = asyncio.timeout(longest)
            try:
                async with limit:
                    transcription = await (await current.opened(self._options, self._fed)).final()
            except TimeoutError:
                if not limit.expired():
                    raise
                text = f"{current.member.engine.name} gave no words within {longest:.1f} s"
                raise EngineTimeout("stt", text) from None
            except EngineError as error:
                if not await self._order.waits_for(error):
                    raise
                attempt.not_judged()
                return None
            attempt.answered()
            return transcription

    def _begin(self) -> None:
        """With the first of the candidates."""
        asked = self._chain.candidates(self._options)
        self._order = Succession(asked.members, self._chain.first_seconds, self._chain.retry_seconds)
        self._cause = asked.cause
        self._open_next()

    def _replace(self, current: _MemberStream, error: EngineError) -> bool:
        """The next one hears everything from the beginning. False: there is none."""
        if self._current is current:
            self._old.append(current)
            self._current, self._cause = None, error
            self._open_next()
        return self._current is not None

    def _reopen(self, current: _MemberStream) -> None:
        """The same one hears everything from the beginning. Raises `EngineError` once it was closed."""
        if self._current is current:
            self._old.append(current)
            self._open_next()
        elif self._current is None:
            raise EngineError("stt", f"{current.member.engine.name} is closed")

    def _open_next(self) -> None:
        if (member := self._order.next()) is not None:
            self._current = _MemberStream(member, member.begin())
            self._current.open(self._options, self._fed)
