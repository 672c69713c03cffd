"""Recognisers, one after the other: an utterance is kept, so that the next one can hear it too."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..core.audio import Samples, seconds
from ..core.errors import EngineBlocked, EngineError, EngineTimeout
from ..ports import Fallback, Stt, SttOptions, SttStream, Transcription
from .chain import Attempt, Candidates, Chain, Member, in_order

SECONDS_A_SECOND = 0.1
"""Of patience for one of speech: a recogniser's time rises with what it is given."""

log = logging.getLogger(__name__)


class SttChain(Chain[Stt]):
    """Implements `ports.Stt`. Who understands all languages of an utterance comes first."""

    @property
    def languages(self) -> frozenset[str]:
        return frozenset().union(*(link.engine.languages for link in self.links))

    def open(self, options: SttOptions) -> "ChainStream":
        return ChainStream(self, options)

    def order(self, options: SttOptions) -> Candidates[Stt]:
        wanted = {tag.replace("_", "-").split("-")[0].lower() for tag in options.languages}
        return in_order(self.links, lambda link: len(wanted - link.engine.languages))


@dataclass(eq=False, slots=True)
class _Listener:
    """One engine and the utterance as it hears it. An error waits until it is asked for words."""

    link: Member[Stt]
    attempt: Attempt[Stt] | None
    """Begun when it was opened, so that a probe is one from its first sample on; None: it had its verdict."""
    stream: SttStream | None = None
    error: EngineError | None = None

    def open(self, options: SttOptions, fed: Sequence[Samples]) -> None:
        if not self.link.is_warm:
            return
        try:
            self.stream = self.link.engine.open(options)
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

    async def asked(self, options: SttOptions, fed: Sequence[Samples]) -> SttStream:
        """One that is still cold is warmed, and hears then what was said so far."""
        if self.stream is None and self.error is None:
            await self.link.wake()
            self.open(options, fed)
        if self.stream is None or self.error is not None:
            raise self.error or EngineError("stt", f"{self.link.engine.name} is closed")
        return self.stream

    def begin(self) -> Attempt[Stt]:
        attempt, self.attempt = self.attempt, None
        return attempt or self.link.begin()

    @property
    def is_left_out(self) -> bool:
        """Its circuit was opened by others since it began to listen."""
        return not self.link.is_ready and not (self.attempt is not None and self.attempt.is_probe)

    async def close(self) -> None:
        if self.attempt is not None:
            self.begin().not_judged()
        if self.stream is not None:
            try:
                await self.stream.close()
            except EngineError as error:
                log.debug("%s did not let go of its utterance: %s", self.link.engine.name, error)


class ChainStream:
    """Implements `ports.SttStream`. Who took over stays in charge for this utterance."""

    def __init__(self, chain: SttChain, options: SttOptions) -> None:
        self._chain, self._options = chain, options
        self._fed: list[Samples] = []
        self._why: EngineError | None = None
        self._rest: list[Member[Stt]] = []
        self._listener: _Listener | None = None
        self._old: list[_Listener] = []
        """Replaced; let go at the end, so that nobody waits for it in the middle of a turn."""
        self._begin()

    def feed(self, samples: Samples) -> None:
        self._fed.append(samples)
        if self._listener is not None:
            self._listener.feed(samples)

    async def interim(self) -> Transcription | None:
        """Who fails here is replaced in silence: the final tells."""
        while (listener := self._listener) is not None and listener.link.is_warm:
            try:
                return await (await listener.asked(self._options, self._fed)).interim()
            except EngineError as error:
                listener.begin().failed(error)
                self._replace(listener, error)
                if isinstance(error, EngineBlocked):
                    return None
        return None

    async def final(self) -> Transcription:
        """Raises the last one's error when all failed; asked again, all are tried again."""
        if self._listener is None:
            self._begin()
        while True:
            listener = self._listener
            assert listener is not None, "begun, or replaced"
            if listener.is_left_out and any(link.is_ready for link in self._rest):
                self._replace(listener, listener.link.left_out())
                continue
            try:
                heard = await self._ask(listener)
            except EngineError as error:
                if isinstance(error, EngineBlocked) or not self._replace(listener, error):
                    raise
                continue
            if self._why is None:
                return heard
            return replace(heard, fallback=Fallback(self._why, listener.link.engine.name))

    async def close(self) -> None:
        listeners, self._old = self._old, []
        if self._listener is not None:
            listeners.append(self._listener)
        self._listener = None
        self._fed.clear()
        async with asyncio.TaskGroup() as tasks:
            for listener in listeners:
                tasks.create_task(listener.close(), name="close-listener")

    async def _ask(self, listener: _Listener) -> Transcription:
        """`EngineTimeout` when another one stands by and this one takes too long."""
        length = seconds(sum(map(len, self._fed)))
        patience = self._chain.first_seconds + SECONDS_A_SECOND * length if self._rest else None
        with listener.begin() as attempt:
            limit = asyncio.timeout(patience)
            try:
                async with limit:
                    heard = await (await listener.asked(self._options, self._fed)).final()
            except TimeoutError:
                if not limit.expired():
                    raise
                text = f"{listener.link.engine.name} gave no words within {patience:.1f} s"
                raise EngineTimeout("stt", text) from None
            attempt.answered()
            return heard

    def _begin(self) -> None:
        """From the first of the chain."""
        order = self._chain.order(self._options)
        self._rest, self._why = list(order.links), order.why
        self._open_next()

    def _replace(self, listener: _Listener, error: EngineError) -> bool:
        """The next one hears everything from the beginning. False: there is none."""
        if self._listener is listener:
            self._old.append(listener)
            self._listener, self._why = None, error
            if self._rest:
                self._open_next()
        return self._listener is not None

    def _open_next(self) -> None:
        link = self._rest.pop(0)
        self._listener = _Listener(link, link.begin())
        self._listener.open(self._options, self._fed)
