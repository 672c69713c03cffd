"""Model files: put together once, whole or not at all, by one process at a time, and checked."""

import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from voice_grpc.core.errors import EngineError, EngineMissing
from voice_grpc.model_files.cache import Model, ModelFile, locate
from voice_grpc.model_files.catalog import MODELS, cache_directory

ONE, TWO = b"first half " * 1000, b"second half " * 1000
WHOLE = b"a voice, shipped whole"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


JOINED = Model(
    "pieces",
    "llm",
    (ModelFile("model.gguf", sha(ONE + TWO), ("vg_part1/data/m.part1", "vg_part2/data/m.part2")),),
    "model.gguf",
)
VOICE = ModelFile("voice.onnx", sha(WHOLE), ("vg_whole/voice.onnx",))
SHIPPED = Model("voice", "tts", (VOICE,), "voice.onnx")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three installed packages with model files in them."""
    root = tmp_path / "site-packages"
    files = {"vg_part1/data/m.part1": ONE, "vg_part2/data/m.part2": TWO, "vg_whole/voice.onnx": WHOLE}
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        (root / name.split("/")[0] / "__init__.py").write_text("raise ImportError('not to be imported')")
    monkeypatch.syspath_prepend(str(root))
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_pieces_are_joined_once(packages: Path, cache: Path) -> None:
    said: list[str] = []
    path = locate(JOINED, cache, said.append)
    assert path.read_bytes() == ONE + TWO
    before = path.stat().st_mtime_ns
    assert locate(JOINED, cache, said.append) == path
    assert path.stat().st_mtime_ns == before
    assert len(said) == 1
    assert "putting pieces together" in said[0]


def test_what_is_shipped_whole_is_used_where_it_lies(packages: Path, cache: Path) -> None:
    assert locate(SHIPPED, cache) == packages / "vg_whole/voice.onnx"


@pytest.mark.parametrize("content", [ONE + TWO[:-1], b"", b"x" * len(ONE + TWO)])
def test_a_damaged_file_is_named_and_rebuilt(
    packages: Path, cache: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = locate(JOINED, cache)
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert locate(JOINED, cache).read_bytes() == ONE + TWO
    assert str(path) in caplog.text


def test_a_file_without_a_mark_is_hashed_not_rebuilt(packages: Path, cache: Path) -> None:
    path = locate(JOINED, cache)
    inode = path.stat().st_ino
    (cache / "pieces" / "model.gguf.verified").write_text("{ not json")
    assert locate(JOINED, cache).stat().st_ino == inode


def test_a_verified_file_is_not_hashed_again(packages: Path, cache: Path) -> None:
    """Shown by a change that leaves size and time alone: only hashing would find it."""
    path = locate(JOINED, cache)
    stat = path.stat()
    path.write_bytes(b"?" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert locate(JOINED, cache).read_bytes()[:1] == b"?"


def test_what_a_killed_process_left_is_swept_away(packages: Path, cache: Path) -> None:
    leftover = cache / "pieces" / ".model.gguf.abcdef.part"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(ONE[:100])
    assert locate(JOINED, cache).read_bytes() == ONE + TWO
    assert not leftover.exists()


def test_a_missing_package_says_what_to_install(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(EngineMissing, match=r"pip install 'voice-grpc\[local\]'") as caught:
        locate(JOINED, cache)
    assert caught.value.stage == "llm"
    assert "\n" not in str(caught.value)


def test_a_missing_second_piece_leaves_nothing_behind(packages: Path, cache: Path) -> None:
    (packages / "vg_part2/data/m.part2").unlink()
    with pytest.raises(EngineMissing, match="pieces is not installed"):
        locate(JOINED, cache)
    assert not (cache / "pieces" / "model.gguf").exists()


def test_a_damaged_package_is_refused(packages: Path, cache: Path) -> None:
    (packages / "vg_part2/data/m.part2").write_bytes(b"something else")
    with pytest.raises(EngineError, match="--force-reinstall vg-part1 vg-part2"):
        locate(JOINED, cache)
    (packages / "vg_whole/voice.onnx").write_bytes(b"something else")
    with pytest.raises(EngineError, match="voice.onnx is not the file that was pinned"):
        locate(SHIPPED, cache)
    assert not [path for path in (cache / "pieces").iterdir() if path.suffix == ".part"]


def test_a_cache_that_cannot_be_written_is_named(packages: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    with pytest.raises(EngineError, match="VOICE_GRPC_CACHE"):
        locate(JOINED, blocked)
    assert locate(SHIPPED, blocked).name == "voice.onnx"


def test_processes_that_race_all_get_a_whole_file(packages: Path, cache: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from tests.model_files.test_cache import JOINED\n"
        "from voice_grpc.model_files.cache import locate\n"
        "print(locate(JOINED, pathlib.Path(sys.argv[1]), lambda line: print(line, file=sys.stderr)))"
    )
    project = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(packages), project])}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(cache)], env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    ends = [racer.communicate(timeout=30) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4, ends
    assert sum(err.count("putting pieces together") for _, err in ends) == 1
    assert (cache / "pieces/model.gguf").read_bytes() == ONE + TWO


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_GRPC_CACHE", "/somewhere/else")
    assert cache_directory() == Path("/somewhere/else")
    monkeypatch.delenv("VOICE_GRPC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_directory() == Path("/xdg/voice-grpc")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory() == Path.home() / ".cache/voice-grpc"


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_file_is_pinned(model: Model) -> None:
    assert all(len(bytes.fromhex(file.sha256)) == 32 and file.pieces for file in model.files)
    assert model.entry in {"", *(file.name for file in model.files)}
