"""With what a caller comes back: tokens, told in time, and what is kept of a conversation for another server.

A token is told at the beginning, once a turn that is over was saved, every `TELL_SECONDS` at most while
requests come, and often enough that the last one is never about to expire.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ...core.audio import WINDOW, sample_count
from ...core.config import LiveConfig
from ...core.consumption import Consumed, Consumption
from ...core.responses import ResumeUpdate
from ...core.resume_token import ResumeTokens
from ...core.turn.taker import TurnTaker
from ...core.unfinished import UnderWay, UnfinishedAnswer
from ..clock import loop_now
from ..event_queue import EventQueue
from ..hearing.listener import Listener
from ..hearing.transcriber import Transcriber
from ..telling.outbox import Outbox

TELL_SECONDS = 5.0
"""Between two tokens while requests come."""

REFRESHES = 4
"""Times that a token is replaced before it would expire, where nothing comes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is asked how far it has got."""

    consumption: Consumption
    taker: TurnTaker
    queue: EventQueue
    listener: Listener
    transcriber: Transcriber
    config: LiveConfig
    answer: Callable[[], UnfinishedAnswer | None]
    """The last one."""

    def consumed(self) -> Consumed:
        """Of the requests, what another server need not get again once what is kept now is in the store."""
        config, listener = self.config.current, self.listener
        padding = sample_count(config.prefix_padding) + sample_count(config.endpoint.min_speech) + 3 * WINDOW
        unsafe_from = listener.position - (0 if config.is_manual else padding)
        unsafe_from = max(unsafe_from, listener.settled)
        utterances = [*self.transcriber.parts.utterances, self.transcriber.sound.utterance]
        starts = [utterance.start for utterance in utterances if utterance is not None]
        return self.consumption.consumed(
            min([unsafe_from, *starts]),
            undecided_text=self.queue.undecided_text,
            is_decided=not self.queue.waiting,
            hears_user=self.taker.hears_user,
        )

    def under_way(self) -> UnderWay:
        taker, withdrawn = self.taker, self.config.is_recording_withdrawn
        waiting = taker.carried, taker.waiting_texts
        return UnderWay(taker.turn, self.consumed(), *waiting, self.answer(), withdrawn)

    def finished(self) -> UnderWay:
        """Of a conversation that ended: nothing waits, and nothing that was sent counts again."""
        last = self.consumption.highest
        return UnderWay(
            self.taker.turn,
            Consumed(last, last, self.consumed().received),
            is_recording_withdrawn=self.config.is_recording_withdrawn,
        )


class ResumeUpdates:
    """Tells tokens. Without anybody who makes them it tells none."""

    def __init__(self, tokens: ResumeTokens | None, session_id: str, owner: str, outbox: Outbox) -> None:
        self._tokens, self._session_id, self._owner, self._outbox = tokens, session_id, owner, outbox
        self._told_at = float("-inf")
        self._due = asyncio.Event()
        self._is_turn_over = False

    @property
    def are_told(self) -> bool:
        return self._tokens is not None

    def request_came(self) -> None:
        if loop_now() - self._told_at >= TELL_SECONDS:
            self._due.set()

    def turn_over(self) -> None:
        """It is told once that is saved, or cannot be."""
        self._is_turn_over = True

    def saved(self) -> None:
        if self._is_turn_over:
            self._is_turn_over = False
            self._due.set()

    async def keep_telling(self, consumed: Callable[[], int], is_carried: Callable[[], bool]) -> None:
        """For ever. `consumed`: the last request that is taken care of; `is_carried`: somebody is there."""
        if self._tokens is None:
            return
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tokens.window / REFRESHES):
                    await self._due.wait()
            self._due.clear()
            if is_carried():
                self.tell(consumed())

    def tell(self, consumed: int) -> None:
        if self._tokens is not None:
            self._told_at = loop_now()
            token, expires_at = self._tokens.issue(self._session_id, self._owner)
            self._outbox.put_in_order(ResumeUpdate(token, expires_at, consumed))
