"""Which models of the catalog the embedded engines are made of, and what of them is still to be fetched.

How an engine is made of one is `engine_registry.py`'s to say, and fetching is `model_files`'. It looks at the
disk: not for the event loop.
"""

from collections.abc import Callable, Mapping

from ..model_files.cache import is_here
from ..model_files.catalog import MODELS, Model, cache_directory
from ..settings import Settings


def llm_model(settings: Settings) -> str:
    """Its name in the catalog; empty: a file by path."""
    from ..engines.llama_cpp.llm import DEFAULT_MODEL

    named = settings.local_llm_model or DEFAULT_MODEL
    return named if named in MODELS and MODELS[named].stage == "llm" else ""


def _whisper_model(settings: Settings) -> str:
    from ..engines.whisper.model import PACKAGED

    return PACKAGED.get(settings.whisper_model, "")


def _turn_model(settings: Settings) -> str:
    named = settings.turn_model
    return "smart-turn" if named in ("", "smart-turn") else ""


_MODEL_OF: Mapping[tuple[str, str], Callable[[Settings], str]] = {
    ("stt", "local"): _whisper_model,
    ("llm", "local"): llm_model,
    ("tts", "local"): lambda _: "joe",
    ("turn", "local"): _turn_model,
}
"""By stage and name of the engine, as `settings.engines.ENGINES` has them."""


def still_to_fetch(stage: str, engine: str, settings: Settings) -> Model | None:
    """What the engine would have to fetch before it can be loaded; None where it is here, or there is none.

    Raises `EngineError` where there is no place to keep it.
    """
    name = _MODEL_OF[stage, engine](settings) if (stage, engine) in _MODEL_OF else ""
    return MODELS[name] if name and not is_here(MODELS[name], cache_directory()) else None
