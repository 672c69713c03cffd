"""What Whisper runs on, and whether this machine has it."""

from dataclasses import dataclass
from typing import Any

from ..core.errors import EngineMissing

_ON_CUDA = ("float16", "int8_float16", "float32")
"""In order of preference; a card older than Volta has no fast float16, and CTranslate2 says so."""


@dataclass(frozen=True, slots=True)
class Hardware:
    device: str = "cpu"
    """`cpu` or `cuda`."""
    compute_type: str = "int8"
    """As CTranslate2 names them."""
    threads: int = 1
    """Of one call on a CPU."""
    workers: int = 2
    """Calls at once; they share one copy of the weights."""
    step_s: float = 0.0
    """Windows are rounded up to a multiple of it, so that pieces of different lengths fit into one
    batch, and what a piece is shown does not depend on its company. 0: to the sample."""


def found_device(wanted: str) -> str:
    """`cpu` or `cuda`; of `auto` the better one.

    Raises `EngineMissing` when CTranslate2 or the device is not there.
    """
    ct2 = _ctranslate2()
    cards = ct2.get_cuda_device_count()
    if wanted == "cuda" and not cards:
        raise EngineMissing("stt", "this machine has no CUDA device that CTranslate2 can use; take cpu")
    return wanted if wanted != "auto" else "cuda" if cards else "cpu"


def compute_types(device: str) -> tuple[str, ...]:
    """What it can compute with, the best first."""
    known: set[str] = _ctranslate2().get_supported_compute_types(device)
    best = [name for name in (_ON_CUDA if device == "cuda" else ("int8",)) if name in known]
    return *best, *sorted(known - {*best})


def _ctranslate2() -> Any:
    try:
        import ctranslate2
    except ImportError as error:
        said = "faster-whisper is not installed: run pip install 'voice-grpc[local]'"
        raise EngineMissing("stt", said) from error
    return ctranslate2
