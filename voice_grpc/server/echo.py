"""Who cancels the echo of the answers: made and warmed.

A file of its own: no stage, since conversations go without it; its absence is one line, and no failed start.
"""

import asyncio
from collections.abc import Callable

from ..core.errors import EngineError
from ..ports import EchoCanceller


async def warm_echo(say: Callable[[str], None]) -> EchoCanceller | None:
    """Warm; None without its package. `say` gets its line."""
    from ..engines.webrtc_audio import WebRtcEchoCanceller

    canceller, now = WebRtcEchoCanceller(), asyncio.get_running_loop().time
    started = now()
    try:
        await canceller.warm()
    except EngineError as error:
        say(f"echo  {canceller.name}  {canceller.location}  NOT THERE: {error}")
        return None
    say(f"echo  {canceller.name}  {canceller.location}  warm in {(now() - started) * 1000:.0f} ms")
    return canceller
