"""Ports of those who say whether the user has finished: one by the sound, one by the words.

Each is asked in a silence and gives a probability; how long that silence must last is for
`core/turn/patience.py` to say. A conversation goes without either of them, by the words alone.

A file of its own: neither hears nor answers, and each may be absent.
"""

from typing import Protocol

from ..core.audio import Samples
from .claim import NOBODY, Claim
from .engine import Engine
from .llm import Prompt


class AcousticEndOfTurn(Engine, Protocol):
    async def probability(self, samples: Samples, claim: Claim = NOBODY) -> float | None:
        """That the turn is over, 0 to 1, by how it sounds: pitch, pace, the last syllable.

        `samples`: int16 at `RATE_HZ`, the turn so far with the silence behind it; its last seconds count.
        None: it has no room just now. Raises `EngineError`.
        """
        ...


class TextEndOfTurn(Engine, Protocol):
    async def probability(self, prompt: Prompt) -> float | None:
        """That the words are finished, 0 to 1: the last message of `prompt` is what the user said so far.

        None: it has no room just now. Raises `EngineError`.
        """
        ...

    async def read_ahead(self, prompt: Prompt) -> None:
        """Compute what it will be asked of, where it computes here and has nothing else to do.

        The last message of `prompt` is what the user will say, and empty. Where the same model answers, its
        first answer is as soon as any. Raises `EngineError`.
        """
        ...
