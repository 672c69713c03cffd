"""The voice activity detector of one session, and what is said when it fails.

While it fails nothing counts as speech; that is said once, not with every window, until it hears again.
"""

import asyncio

from ..core.audio import Samples, to_float
from ..core.errors import EngineError, EngineTimeout
from ..ports import Vad
from .failures import engine_notice
from .outbox import Outbox

VAD_TIMEOUT = 2.0
"""A window takes 0.2 ms; a detector that is silent for so long is stuck."""


class Detector:
    def __init__(self, vad: Vad, outbox: Outbox) -> None:
        self._stream, self._outbox = vad.open(), outbox
        self._is_failing = False

    async def probability(self, window: Samples) -> float:
        """That it holds speech."""
        try:
            async with asyncio.timeout(VAD_TIMEOUT):
                probability = await self._stream.probability(to_float(window))
        except TimeoutError:
            self._fail(EngineTimeout("vad", f"no answer within {VAD_TIMEOUT:g} s"))
        except EngineError as error:
            self._fail(error)
        else:
            self._is_failing = False
            return probability
        return 0.0

    def _fail(self, error: EngineError) -> None:
        if not self._is_failing:
            self._outbox.put(engine_notice(error))
        self._is_failing = True
