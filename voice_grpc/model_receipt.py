"""That a big file is the right one: its hash, and the note that it was hashed, which saves doing it again.

What a right file is, and what becomes of a wrong one, is `model_files.py`'s.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 20


class Receipt:
    """That a file was hashed and found right, valid while its size and time of change stay the same.

    Hashing 253 MB at every start would cost half a second and more; a receipt costs a `stat`. It
    guards against damage, not against somebody who can write the cache.
    """

    def __init__(self, path: Path, directory: Path) -> None:
        self._path = path
        self._receipt = directory / f"{path.name}.verified"

    def matches(self, sha256: str) -> bool:
        try:
            return bool(json.loads(self._receipt.read_bytes()) == self._facts(sha256))
        except (OSError, ValueError):
            return False

    def write(self, sha256: str) -> None:
        self._receipt.parent.mkdir(parents=True, exist_ok=True)
        draft = self._receipt.with_name(f"{self._receipt.name}.{os.getpid()}")
        draft.write_text(json.dumps(self._facts(sha256)))
        os.replace(draft, self._receipt)

    def _facts(self, sha256: str) -> dict[str, object]:
        stat = self._path.stat()
        return {
            "path": str(self._path),
            "size": stat.st_size,
            "mtime_ns": stat.st_mtime_ns,
            "sha256": sha256,
        }


def blocks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as source:
        while block := source.read(_BLOCK):
            yield block


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    for block in blocks(path):
        digest.update(block)
    return digest.hexdigest()
