"""The same on the embedded models and all cores: somebody who asks questions aloud, one after the other,
alone and beside another caller."""

import asyncio
import os
from collections.abc import Sequence

import numpy as np

from ...client import Access, connect
from ..aloud import ANSWER_WITHIN, QUESTIONS, ask_aloud, spoken, trimmed
from ..servers import started
from .floods import WITH_WORDS
from .measure import SETTLE_SECONDS, TOKENS, NeighbourLatency, summed_up

KINDS = tuple(WITH_WORDS)
TIMES = 2
"""That each question is asked."""


def measure(kinds: Sequence[str]) -> list[NeighbourLatency]:
    """Raises `NotStarted` without the embedded engines."""
    tokens = ",".join(TOKENS.values())
    env = {**os.environ, "VOICE_TOKENS": tokens, "VOICE_STORE": "memory", "VOICE_ADMISSION": "count"}
    found = []
    server = started("voice_grpc", "serve", "--port", "0", env=env, is_quiet=True)
    with server as (address, _), asyncio.Runner() as runner:
        for kind in kinds:
            alone = runner.run(_delays(address))
            with started("voice_grpc.bench.neighbours.floods", kind, address, TOKENS["flood"]):
                beside = runner.run(_delays(address, SETTLE_SECONDS))
            found.append(summed_up(kind, alone, beside, ANSWER_WITHIN))
    return found


async def _delays(address: str, settle: float = 0.0) -> np.ndarray:
    access = Access(TOKENS["user"])
    channel = connect(address)
    try:
        questions = [trimmed(await spoken(channel, access, text)) for text in QUESTIONS]
        await asyncio.sleep(settle)
        return np.array(await ask_aloud(channel, questions * TIMES, access))
    finally:
        await channel.close()
