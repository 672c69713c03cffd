"""Recognisers, one after the other: an utterance is kept, so that the next one can hear it too."""

from collections.abc import Sequence
from dataclasses import replace

from ..core.audio import Samples
from ..core.errors import EngineError
from ..ports import Fallback, Stt, SttOptions, SttStream, Transcription
from .link import Link, close_all, in_order, warm_all


class SttChain:
    """Implements `ports.Stt`."""

    def __init__(self, engines: Sequence[Stt]) -> None:
        self.links = [Link(engine) for engine in engines]

    @property
    def name(self) -> str:
        return next((link for link in self.links if link.is_ready), self.links[0]).engine.name

    @property
    def location(self) -> str:
        return next((link for link in self.links if link.is_ready), self.links[0]).engine.location

    @property
    def languages(self) -> frozenset[str]:
        return frozenset().union(*(link.engine.languages for link in self.links))

    async def warm(self) -> None:
        await warm_all(self.links)

    async def close(self) -> None:
        await close_all(self.links)

    def open(self, options: SttOptions) -> "ChainStream":
        """Who knows a language of the utterance comes first."""
        wanted = {tag.replace("_", "-").split("-")[0].lower() for tag in options.languages}

        def rank(link: Link[Stt]) -> int:
            return int(bool(wanted) and not wanted & link.engine.languages)

        links, why = in_order(self.links, rank)
        return ChainStream(links, options, why)


class ChainStream:
    """Implements `ports.SttStream`."""

    def __init__(self, links: list[Link[Stt]], options: SttOptions, why: EngineError | None) -> None:
        self._links, self._options, self._why = links, options, why
        self._fed: list[Samples] = []
        self._stream: SttStream | None = None
        self._error: EngineError | None = None
        """With which the one in charge failed before it was asked."""
        self._open()

    def feed(self, samples: Samples) -> None:
        self._fed.append(samples)
        self._pass_on([samples])

    async def interim(self) -> Transcription | None:
        """Of the one in charge alone: what it cannot tell now is told with the final."""
        if self._stream is None or self._error is not None:
            return None
        try:
            return await self._stream.interim()
        except EngineError as error:
            self._error = error
            return None

    async def final(self) -> Transcription:
        """Raises the last one's error when all failed."""
        while True:
            with self._links[0].begin() as attempt:
                try:
                    heard = await self._ask()
                except EngineError as error:
                    attempt.failed(error)
                    if len(self._links) == 1:
                        self._error = None
                        raise
                    self._why = error
                else:
                    attempt.succeeded()
                    if self._why is None:
                        return heard
                    return replace(heard, fallback=Fallback(self._why, self._links[0].engine.name))
            await self._next()

    async def close(self) -> None:
        stream, self._stream = self._stream, None
        self._fed.clear()
        if stream is not None:
            await stream.close()

    async def _ask(self) -> Transcription:
        if self._stream is None and self._error is None:
            self._open()
        if self._stream is None or self._error is not None:
            raise self._error or EngineError("stt", "no recogniser could be opened")
        return await self._stream.final()

    async def _next(self) -> None:
        """The next one hears everything from the beginning."""
        old, self._stream = self._stream, None
        self._links = self._links[1:]
        if old is not None:
            await old.close()
        self._open()

    def _open(self) -> None:
        self._error = None
        try:
            self._stream = self._links[0].engine.open(self._options)
        except EngineError as error:
            self._error = error
        self._pass_on(self._fed)

    def _pass_on(self, parts: Sequence[Samples]) -> None:
        if self._stream is None or self._error is not None:
            return
        try:
            for samples in parts:
                self._stream.feed(samples)
        except EngineError as error:
            self._error = error
