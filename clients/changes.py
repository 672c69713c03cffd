"""Waiting for something to become true in a world that is told when it may have changed."""

import asyncio
from collections.abc import Callable


class Changes:
    """`look` after every change, `end` when no more will come; `until` waits. One event loop."""

    def __init__(self) -> None:
        self.has_ended = False
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    async def until(self, condition: Callable[[], bool], within: float | None = None) -> bool:
        """Wait until it holds; False when everything ended, or `within` seconds were over, first."""
        if not condition() and not self.has_ended:
            held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((condition, held))
            await asyncio.wait([held], timeout=within)
            self._waiting = [waiting for waiting in self._waiting if waiting[1] is not held]
        return condition()

    def look(self) -> None:
        for condition, held in self._waiting:
            if not held.done() and (self.has_ended or condition()):
                held.set_result(None)

    def end(self) -> None:
        self.has_ended = True
        self.look()
