"""Advice that can be pasted: what is missing of an extra, and the command that brings it."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from voice_grpc.process.installation import advice, lacking, program

METADATA = """\
Metadata-Version: 2.4
Name: {name}
Version: 1
Requires-Dist: base-thing>=1
Requires-Dist: pytest>=1; extra == "one"
Requires-Dist: no-such-thing[extra]<2,>=1; extra == "one"
Requires-Dist: nor_this.one; extra == 'one'
Requires-Dist: not-here; sys_platform != "win32" and extra == "one"
Requires-Dist: another-thing; extra == "two"
"""

Installed = Callable[[object], None]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Makes it so that this package was installed from where `direct_url.json` says; None: there is none."""

    def install(origin: object) -> None:
        info = tmp_path / "voice_grpc-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(METADATA.format(name="voice-grpc"))
        if origin is not None:
            (info / "direct_url.json").write_text(json.dumps(origin))
        monkeypatch.syspath_prepend(str(tmp_path))

    return install


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "a clone"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    return folder


def test_what_is_missing_of_an_extra(installed: Installed) -> None:
    installed(None)
    assert lacking("one") == ["no-such-thing", "nor_this.one"]
    assert lacking("two") == ["another-thing"]
    assert lacking("three") == []


def test_the_real_package_names_what_its_extras_want() -> None:
    assert set(lacking("gateway")) <= {"starlette", "uvicorn"}


@pytest.mark.parametrize("is_editable", [True, False])
def test_of_a_clone_the_folder_is_installed(
    is_editable: bool, installed: Installed, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed({"url": clone.as_uri(), "dir_info": {"editable": is_editable}})
    assert advice("local").endswith(f" install '{clone}[local]'")
    monkeypatch.chdir(clone)
    assert advice("local", "mic").endswith(" install '.[local,mic]'")
    assert advice().endswith(" install .")


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (
            {"url": "https://box/a.git", "vcs_info": {"vcs": "git", "commit_id": "0"}},
            "'voice-grpc[local] @ git+https://box/a.git'",
        ),
        ({"url": "file:///a/v.whl", "archive_info": {}}, "'voice-grpc[local] @ file:///a/v.whl'"),
        ({"url": "file:///no/such/clone", "dir_info": {}}, "'voice-grpc[local]'"),
    ],
)
def test_of_a_package_what_it_came_from_is_installed(origin: object, said: str, installed: Installed) -> None:
    installed(origin)
    assert advice("local").endswith(f" install {said}")


def test_of_a_clone_that_nothing_was_written_down_of_its_folder_is_installed(installed: Installed) -> None:
    installed(None)
    assert advice("local").endswith(" install '.[local]'") == (Path.cwd() == Path(__file__).parents[2])
    assert "[local]'" in advice("local")


def test_the_pip_of_this_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert advice("local").startswith(f"{sys.executable} -m pip install ")
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    assert advice("local").startswith("pip install ")


def test_our_own_command_is_called_by_what_works_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    binary = tmp_path / "my clone/.venv/bin"
    binary.mkdir(parents=True)
    for name in ("python", "voice-grpc"):
        (binary / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(binary / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path / "my clone")
    assert program() == ".venv/bin/voice-grpc"
    monkeypatch.chdir("/")
    assert program() == f"'{binary}/voice-grpc'"
    monkeypatch.setenv("PATH", str(binary))
    assert program() == "voice-grpc"
