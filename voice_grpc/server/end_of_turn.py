"""Who says whether a turn is over, by its sound and by its words: made of the settings, and warmed.

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
from ..ports import AcousticEndOfTurn, Engine, Llm, TextEndOfTurn, members
from ..settings import Settings
from .cpu_plan import cpu_plan
from .engine_registry import LLM, STAGES, asked_for

END_OF_TURN_SECONDS = 10.0
"""That a start waits for it once all else is warm: its model may still be on its way."""


def acoustic_end(settings: Settings) -> AcousticEndOfTurn | None:
    """Cold. None: it is switched off; or nobody named it, no engine is embedded, and its model would have to
    be fetched. Reads the disk."""
    from ..engines.smart_turn.end_of_turn import MODEL, SmartTurn

    named, threads = settings.turn_model, cpu_plan(settings).turn
    if named.lower() == "off":
        return None
    if named and named != MODEL:
        return SmartTurn(Path(os.path.expanduser(named)), threads=threads)
    is_embedded = any("local" in asked_for(stage, settings) for stage in STAGES)
    return SmartTurn(threads=threads) if named or is_embedded or _is_fetched(MODEL) else None


def text_end(settings: Settings, llm: Llm) -> TextEndOfTurn | None:
    """Cold, unless it answers too. The embedded model that writes the answers also says whether the user's
    words are finished; where another one writes them it does that alone, if its file is here. Reads the disk.
    """
    try:
        from ..engines.llama_cpp.end_of_turn import LocalTextEndOfTurn
        from ..engines.llama_cpp.llm import DEFAULT_MODEL, LocalLlm
    except ImportError:
        return None
    if settings.turn_model.lower() == "off":
        return None
    first = members(llm)[0].engine
    if isinstance(first, LocalLlm):
        return LocalTextEndOfTurn(first, answers=True)
    named = settings.local_llm_model or DEFAULT_MODEL
    is_known = named in MODELS
    if LLM["local"].missing(settings) or not (_is_fetched(named) if is_known else Path(named).is_file()):
        return None
    own = LocalLlm(named if is_known else Path(named), threads=cpu_plan(settings).llm)
    return LocalTextEndOfTurn(own, answers=False)


async def warmed_after(end: TextEndOfTurn | None, say: Callable[[str], None]) -> TextEndOfTurn | None:
    """Warm, or None; `say` gets its line. A start never fails for it."""
    if end is None:
        return None
    return end if _told(end, await _warm(end), say) else None


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
    if _told(end, outcome, say):
        return end
    await end.close()
    return None


def _told(end: Engine, outcome: float | EngineError, say: Callable[[str], None]) -> bool:
    """Whether it is warm; `say` gets its line."""
    if not isinstance(outcome, EngineError):
        say(f"turn  {end.name}  {end.location}  warm in {outcome:.0f} ms")
        return True
    advice = f" ({outcome.advice})" if outcome.advice else ""
    say(f"turn  {end.name}  {end.location}  NOT THERE: {outcome}{advice}")
    return False


async def _warm(end: Engine) -> float | EngineError:
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
