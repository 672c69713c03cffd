"""llama.cpp's server in this process: how it is opened, and with which parameters.

It writes nothing to the terminal unless this module logs at DEBUG, downloads nothing, and can be
reached by nobody else: it listens where `slot_states.py` has it.
"""

import logging
import mmap
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...core.errors import EngineError, EngineMissing
from ...process.installation import advice
from .slot_states import SlotStates

_log = logging.getLogger(__name__)

AT_ONCE = 2
"""Generations that run at once; more wait for the first that ends, about half a second."""

SLOTS = 6
"""Conversations whose computed prompts are kept; which of them a prompt gets is for `slots.py` to say. A
common prefix (0.7 to 1.4 s on two cores) is computed before the first user comes, or as a conversation begins
(`reading_ahead.py`), and put into each slot that lacks it (`beginnings.py`)."""

_LARGE, _LARGE_SLOTS = 1_500_000_000, 3
"""Bytes of a file beyond which a token takes so much memory, 0.1 MB with three billion parameters and 0.01
with half of one, that fewer are kept; and how many."""

SLOT_TOKENS = 2048
"""Tokens of context in each slot: the prompt and its answer."""

_PREFILL_BATCH = 32
"""Tokens of a prompt after which it is asked whether anybody still wants the answer, and between which the
other slot writes: 0.3 s on two busy cores. A turn has about as many that are new. Of a prompt that is not
computed yet, a token costs 17 ms of CPU time; with 128, which would be waited for four times as long, 13."""

_SPINS = "3000"
"""How long llama.cpp's threads spin for each other before they sleep. Tokens a second on two cores,
alone and beside one busy thread: OpenMP's
default 49 and 16, this 47 and 21, not spinning at all 29 and 25."""

_TEMPLATE_KEY = b"tokenizer.chat_template"
_STRING = struct.Struct("<IQ")
_STRING_KIND = 8
"""GGUF's type of a value that is a string: a length in eight bytes, and UTF-8."""


def check(path: Path) -> None:
    """Raises before llama.cpp, which says only that it failed, gets to see the file."""
    if not path.is_file():
        raise EngineMissing("llm", f"no model file {path}; LOCAL_LLM_MODEL takes the path of a GGUF file")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise EngineError("llm", f"{path} is not a GGUF file", retryable=False)


def chat_template(path: Path) -> str:
    """The file's own (GGUF's `tokenizer.chat_template`, a string behind its type and length); empty where it
    has none, and of base Gemma files of other makers, which carry the one of the tuned ones."""
    if re.match(r"gemma-3-\d+[mb](?!.*-it)", path.stem.lower()):
        return ""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(_TEMPLATE_KEY)
        if at < 0:
            return ""
        kind, length = _STRING.unpack_from(content, at + len(_TEMPLATE_KEY))
        start = at + len(_TEMPLATE_KEY) + _STRING.size
        return content[start : start + length].decode("utf-8", "replace") if kind == _STRING_KIND else ""


def slots_of(path: Path) -> int:
    """How many a model has."""
    return SLOTS if path.stat().st_size < _LARGE else _LARGE_SLOTS


def open_model(path: Path, threads: int, states: SlotStates) -> Any:
    """`threads`: of the CPU, for prompts and answers alike."""
    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)  # read once, when llama.cpp is loaded
    try:
        import xllamacpp
    except ImportError as error:
        text = f"xllamacpp is not installed: run {advice('local')}"
        raise EngineMissing("llm", text) from error
    try:
        return xllamacpp.Server(_parameters(xllamacpp.CommonParams, path, threads, states))
    except RuntimeError as error:
        message = f"llama.cpp cannot load {path}; is the file whole?"
        raise EngineError("llm", message, retryable=False) from error


def _parameters(create: Callable[[], Any], path: Path, threads: int, states: SlotStates) -> Any:
    parameters = create()
    parameters.model.path = str(path)
    parameters.n_parallel = slots_of(path)
    parameters.n_ctx = parameters.n_parallel * SLOT_TOKENS
    parameters.n_batch = parameters.n_ubatch = _PREFILL_BATCH
    parameters.swa_full = True  # without it a sliding-window model computes its whole prompt again
    parameters.cache_ram_mib = 0  # what a slot held stays in it
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.hostnames = [str(states.socket)]
    parameters.slot_save_path = f"{states.directory}/"
    parameters.n_threads_http = 1
    parameters.endpoint_slots, parameters.ui = True, False
    parameters.offline = True
    parameters.force_pure_content_parser = True  # calls of tools come as the model writes them
    parameters.verbosity = 4 if _log.isEnabledFor(logging.DEBUG) else -1
    return parameters
