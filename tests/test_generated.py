"""The committed stubs are what the proto gives, and the proto is as buf wants it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from voice_grpc.pb import voice_pb2

ROOT = Path(__file__).parent.parent
PROTO = ROOT / "protos" / "voice" / "v1" / "voice.proto"
FILES = ("voice_pb2.py", "voice_pb2.pyi", "voice_pb2_grpc.py", "voice_pb2_grpc.pyi")

GENERATE = (
    "-m", "grpc_tools.protoc", "-Ivoice_grpc/pb=protos/voice/v1",
    "--python_out={out}", "--pyi_out={out}", "--grpc_python_out={out}", "--mypy_grpc_out={out}",
    "protos/voice/v1/voice.proto",
)  # fmt: skip


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with fresh stubs."""
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed (the dev extra)")
    out = tmp_path_factory.mktemp("generated")
    command = [sys.executable, *(part.format(out=out) for part in GENERATE)]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=True, timeout=60)
    return out / "voice_grpc" / "pb"


@pytest.mark.parametrize("name", FILES)
def test_stubs_are_fresh(generated: Path, name: str) -> None:
    fresh, committed = generated / name, ROOT / "voice_grpc" / "pb" / name
    assert fresh.read_text() == committed.read_text(), f"{name} is stale: run `make generate`"


def test_nothing_else_is_generated_or_committed(generated: Path) -> None:
    assert sorted(path.name for path in generated.iterdir()) == sorted(FILES)
    committed = {path.name for path in (ROOT / "voice_grpc" / "pb").iterdir() if path.is_file()}
    assert committed == {*FILES, "__init__.py"}


def buf(*arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("buf", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if found is None:
        pytest.skip("buf is not installed (buf-bin of the dev extra)")
    return subprocess.run([found, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("arguments", [("lint",), ("format", "--diff", "--exit-code")])
def test_the_proto_is_clean(arguments: tuple[str, ...]) -> None:
    result = buf(*arguments)
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_stubs_import_without_claiming_a_bare_name() -> None:
    """`voice_grpc.pb`, and nothing that is called `voice`."""
    code = "import sys, voice_grpc.pb.voice_pb2_grpc; sys.exit('voice' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_other_languages_find_their_names_in_the_proto() -> None:
    """Go's generator gives up without the first."""
    options = voice_pb2.DESCRIPTOR.GetOptions()
    assert (options.go_package, options.java_package) == ("voice/v1;voicev1", "voice.v1")
    assert (options.csharp_namespace, options.java_multiple_files) == ("Voice.V1", True)
