"""Who hears whether a turn is over: whether there is to be one, and warm beside the stages.

No stage, since conversations go without it: whatever is wrong with it is said in one line, and never the end
of a start.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from ..core.errors import EngineError, EngineTimeout, first
from ..model_files.cache import is_here
from ..model_files.catalog import MODELS, cache_directory
from ..ports import AcousticEndOfTurn
from ..settings import Settings
from .engine_registry import STAGES, asked_for

END_OF_TURN_SECONDS = 10.0
"""That a start waits for it once all else is warm: its model may still be on its way."""


def acoustic_end(settings: Settings) -> AcousticEndOfTurn | None:
    """Cold. None: it is switched off; or nobody named it, no engine is embedded, and its model would have to
    be fetched. Reads the disk."""
    from ..engines.smart_turn.end_of_turn import MODEL, SmartTurn

    named = settings.turn_model
    if named.lower() == "off":
        return None
    if named and named != MODEL:
        return SmartTurn(Path(os.path.expanduser(named)))
    is_embedded = any("local" in asked_for(stage, settings) for stage in STAGES)
    return SmartTurn() if named or is_embedded or _is_fetched(MODEL) else None


def _is_fetched(model: str) -> bool:
    try:
        return is_here(MODELS[model], cache_directory())
    except EngineError:  # there is no place to keep models in
        return False


async def warmed_meanwhile(
    end: AcousticEndOfTurn | None, warming: Awaitable[None], say: Callable[[str], None]
) -> AcousticEndOfTurn | None:
    """Waits for `warming`, and returns `end` if it got warm beside it, or `END_OF_TURN_SECONDS` after it at
    the latest; `say` gets its line. Raises what `warming` raises."""
    if end is None:
        await warming
        return None
    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(_warm(end), name="warm-end-of-turn")
            await warming
            await asyncio.wait([task], timeout=END_OF_TURN_SECONDS)
            outcome = task.result() if task.done() else _late(end)
            task.cancel()
    except BaseExceptionGroup as group:
        raise first(group) from None
    if not isinstance(outcome, EngineError):
        say(f"turn  {end.name}  {end.location}  warm in {outcome:.0f} ms")
        return end
    advice = f" ({outcome.advice})" if outcome.advice else ""
    say(f"turn  {end.name}  {end.location}  NOT THERE: {outcome}{advice}")
    await end.close()
    return None


async def _warm(end: AcousticEndOfTurn) -> float | EngineError:
    """Milliseconds that it took."""
    now = asyncio.get_running_loop().time
    started = now()
    try:
        await end.warm()
    except EngineError as error:
        return error
    return (now() - started) * 1000


def _late(end: AcousticEndOfTurn) -> EngineError:
    text = f"{end.name} was not warm within {END_OF_TURN_SECONDS:g} s of all else"
    return EngineTimeout("turn", text, advice="its model may be here at the next start")
