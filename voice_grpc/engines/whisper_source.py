"""What `WHISPER_MODEL` means: a packaged model, a directory, or a name on the model hub."""

from collections.abc import Callable
from pathlib import Path

from ..core.errors import EngineMissing
from ..models import model_path

_PACKAGED = {"base": "whisper-base", "tiny": "whisper-tiny"}
_NEEDED = ("model.bin", "config.json", "tokenizer.json")


def find(model: str, download: Callable[[str], str]) -> Path:
    """The directory of `base`, `tiny`, a path, or a hub id, which is fetched."""
    if model in _PACKAGED:
        return model_path(_PACKAGED[model])
    path = Path(model).expanduser()
    if path.is_dir():
        missing = [name for name in _NEEDED if not (path / name).is_file()]
        if missing:
            lacking = ", ".join(missing)
            raise EngineMissing("stt", f"{path} is no CTranslate2 Whisper model: {lacking} is missing")
        return path
    if path.is_absolute() or model.startswith((".", "~")):
        raise EngineMissing("stt", f"there is no Whisper model directory {path}")
    try:
        return Path(download(model))
    except Exception as error:  # noqa: BLE001 - the hub client raises a dozen unrelated errors
        raise EngineMissing(
            "stt",
            f"cannot fetch Whisper model {model!r} ({first_line(error)}); check the name and the network, "
            "or set WHISPER_MODEL to base, tiny or a directory",
        ) from error


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
