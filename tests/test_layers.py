"""Arrows point inward only: edge → session → ports → core, and engines → ports → core.

`ARROWS` says what each folder of ours may import of ours; what is not in it has no place in the house.
The checks are functions of source text, so that they can be shown to fail.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {"voice_grpc": "voice_grpc", "voice_grpc_clients": "clients", "voice_grpc_gateway": "gateway"}

ARROWS: dict[str, tuple[str, ...]] = {
    "core": (),
    "ports": ("core",),
    "process": ("core",),
    "net": ("core", "process"),
    "codec": ("core",),
    "store": ("core", "ports", "net", "process"),
    "fallback": ("core", "ports"),
    "recording": ("core", "ports", "codec", "process.beside", "store.retention"),
    "model_files": ("core", "net", "process"),
    "settings": ("core", "net", "process"),
    "engines": ("core", "ports", "codec", "net", "process", "model_files"),
    "session": ("core", "ports", "codec"),
    # What the environment says of a collector, and how an extra is installed.
    "telemetry": ("core", "ports", "process", "net", "settings.collector", "version"),
    "wire": ("core", "ports", "codec", "settings.personas", "pb", "version"),
    "rpc": ("core", "ports", "codec", "net", "process", "session", "wire", "pb", "version"),
    "server": (
        *("core", "ports", "codec", "net", "process", "session", "fallback", "engines", "store", "settings"),
        *("model_files", "recording"),
        *("telemetry", "wire", "rpc", "pb", "version"),
    ),
    "whisper_server": (
        "core",
        "net",
        "process",
        "engines.whisper",
        "engines.worker_threads",
        "settings",
        "version",
    ),
    "doctor": ("core", "ports", "codec", "process", "engines", "settings", "server", "telemetry"),
    "client": ("core.audio", "core.playout.volume", "net", "process", "pb"),
    "bench": (
        *("core", "ports", "process", "engines", "model_files", "settings", "store", "server"),
        *("telemetry", "client", "pb", "version"),
    ),
    "voice_grpc_clients": ("client", "net", "process", "pb"),
    "voice_grpc_gateway": ("client", "net", "process", "pb"),
}
"""What a folder may import besides itself. A dotted name is that module or folder alone."""

VENDORS: dict[str, tuple[str, ...]] = {
    "whisper_remote": ("whisper",),
}
"""What a folder of `engines` may import of its siblings, besides itself and `SHARED`."""
SHARED = (
    *("http", "timeouts", "prompt_history", "model_output"),
    *("worker_threads", "worker_pool", "fair_queue", "shared_cores"),
)
"""What engines share. A single file or a folder of `engines` that is not here is an engine."""

WORLD = {
    "asyncio",
    "io",
    "os",
    "pathlib",
    "random",
    "select",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}
"""Where core would meet a clock, a thread or a file."""
WORLDLY_CALLS = {"open", "print", "input", "breakpoint"}

FOREIGN: dict[str, tuple[str, ...]] = {
    "core": ("numpy",),
    "core.text": ("numpy", "babel", "phonenumbers"),
}
"""Other people's packages that core may import, and its folders; the longest name that fits counts."""

ROOT_MODULES = ("version", "__main__", "pb")
"""All that lies at the root of `voice_grpc`; none of it is a layer."""


def our_name(dotted: str) -> str | None:
    """As `ARROWS` spells it: `voice_grpc.core.turn` is `core.turn`. None: not ours."""
    top, _, rest = dotted.partition(".")
    if top == "voice_grpc":
        return rest or "version"
    return dotted if top in FOLDERS else None


def imports(module: str, source: str, *, is_package: bool = False) -> Iterator[str]:
    """Dotted names, absolute, of everything that `module` imports, wherever in it."""
    parts = module.split(".")
    package = parts if is_package else parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            if origin in ("voice_grpc", *FOLDERS) or origin.count(".") == 1:
                yield from (inner(origin, alias.name) for alias in node.names)
            else:
                yield origin


def inner(origin: str, name: str) -> str:
    """`from .core import turn` means a module, `from . import __version__` does not."""
    folder = ROOT.joinpath(FOLDERS.get(origin.split(".")[0], ""), *origin.split(".")[1:])
    is_module = (folder / f"{name}.py").exists() or (folder / name).is_dir()
    return f"{origin}.{name}" if origin.split(".")[0] in FOLDERS and is_module else origin


def outward(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """The arrows of `module` that point the wrong way, in words."""
    name = our_name(module)
    allowed = ARROWS.get(name.split(".")[0]) if name else None
    if name is None or allowed is None:
        return [f"{module} has no place in ARROWS"] if name not in ROOT_MODULES else []
    wrong = []
    for target in imports(module, source, is_package=is_package):
        ours = our_name(target)
        if ours is None:
            is_wrong = name.startswith("core") and is_worldly(target, name)
        else:
            is_wrong = not (is_allowed(name, ours, allowed) and is_sibling(name, ours))
        wrong += [f"{module} imports {target}"] if is_wrong else []
    return wrong


def is_allowed(name: str, target: str, allowed: tuple[str, ...]) -> bool:
    """Its own folder, and what its row names: a folder with all that is in it, or a part of one."""
    return any(target == place or target.startswith(f"{place}.") for place in (name.split(".")[0], *allowed))


def is_worldly(target: str, name: str) -> bool:
    """What `name` in core may not import: other people's code but `FOREIGN`, and the world."""
    top = target.split(".")[0]
    folder = max((each for each in FOREIGN if name == each or name.startswith(f"{each}.")), key=len)
    return top in WORLD or (top not in FOREIGN[folder] and top not in sys.stdlib_module_names)


def is_sibling(name: str, target: str) -> bool:
    """An engine imports no other engine; only what engines share."""
    if not (name.startswith("engines.") and target.startswith("engines.")):
        return True
    mine, theirs = name.split(".")[1], target.split(".")[1]
    return theirs in (mine, *SHARED, *VENDORS.get(mine, ()))


def worldly(source: str) -> list[str]:
    """What core does that only a shell may."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            found.append(f"line {node.lineno}: {type(node).__name__}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORLDLY_CALLS:
            found.append(f"line {node.lineno}: {node.func.id}()")
    return found


def modules() -> Iterator[tuple[str, Path]]:
    """Ours, by dotted name."""
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT / folder).with_suffix("").parts
            if path.parent.name != "pb":
                yield ".".join([package, *inside]).removesuffix(".__init__"), path


MODULES = [pytest.param(name, path, id=name) for name, path in modules()]
CORE = [pytest.param(path, id=name) for name, path in modules() if name.startswith("voice_grpc.core")]
# ---------------------------------------------------------------- the house


@pytest.mark.parametrize(("module", "path"), MODULES)
def test_arrows_point_inward(module: str, path: Path) -> None:
    assert outward(module, path.read_text(), is_package=path.name == "__init__.py") == []


@pytest.mark.parametrize("path", CORE)
def test_core_has_no_clock_no_wait_and_no_files(path: Path) -> None:
    assert worldly(path.read_text()) == []


def test_no_rule_is_about_nothing() -> None:
    tops = {(our_name(name) or "").split(".")[0] for name, _ in modules()} - set(ROOT_MODULES)
    assert set(ARROWS) == tops
    engines = {path.stem for path in (ROOT / "voice_grpc/engines").iterdir()}
    assert engines >= {*SHARED, *VENDORS}


def test_nothing_lies_at_the_root() -> None:
    assert {path.name for path in (ROOT / "voice_grpc").glob("*.py")} == {"__init__.py", "__main__.py"}


def test_tests_mirror_the_folders() -> None:
    """Every folder of tests is named as the folder that it is about."""
    for path in (ROOT / "tests").rglob("*.py"):
        place = path.parent.relative_to(ROOT / "tests")
        if place.parts and place.parts[0] not in ("fakes", "abuse", "chaos"):
            is_edge = place.parts[0] in ("gateway", "clients", "deploy")
            assert (ROOT / ("" if is_edge else "voice_grpc") / place).is_dir(), f"{path} is about no folder"


def test_every_package_is_installed() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert built["package-dir"] == FOLDERS
    found = set()
    for package, folder in FOLDERS.items():
        for path in (ROOT / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), f"{path.parent} is no package"
            found.add(".".join([package, *path.parent.relative_to(ROOT / folder).parts]))
    assert sorted(built["packages"]) == sorted(found)


# ---------------------------------------------------------------- the checks can fail


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("voice_grpc.core.quota", "from ..ports import Llm"),
        ("voice_grpc.core.quota", "from .. import ports"),
        ("voice_grpc.core.quota", "import voice_grpc.session.decide"),
        ("voice_grpc.core.quota", "import asyncio"),
        ("voice_grpc.core.quota", "from time import monotonic"),
        ("voice_grpc.core.quota", "import scipy.signal"),
        ("voice_grpc.core.quota", "from babel import Locale"),
        ("voice_grpc.core.playout.heard_text", "import phonenumbers"),
        ("voice_grpc.core.text.money", "import num2words"),
        ("voice_grpc.core.quota", "def late():\n    import io"),
        ("voice_grpc.ports.llm", "from ..session.clock import LoopClock"),
        ("voice_grpc.session.decide", "from ..pb import voice_pb2"),
        ("voice_grpc.session.decide", "from ..engines.piper.tts import PiperTts"),
        ("voice_grpc.session.decide", "from .. import wire"),
        ("voice_grpc.session.decide", "from ..wire import requests"),
        ("voice_grpc.engines.whisper.stt", "from ..llama_cpp.llm import LocalLlm"),
        ("voice_grpc.engines.whisper.stt", "from .. import piper"),
        ("voice_grpc.engines.whisper.stt", "from ..whisper_remote.stt import WhisperServerStt"),
        ("voice_grpc.engines.timeouts", "from .piper import PiperTts"),
        ("voice_grpc.engines.silero", "from ..session.clock import LoopClock"),
        ("voice_grpc.wire.config", "from ..settings import Settings"),
        ("voice_grpc.whisper_server.app", "from ..engines.piper.tts import PiperTts"),
        ("voice_grpc.rpc.service", "from ..server.server import Server"),
        ("voice_grpc.rpc.sessions", "import voice_grpc.server.server"),
        ("voice_grpc.client.call", "from ..core.turn import TurnTaker"),
        ("voice_grpc_clients.talk", "from voice_grpc.core.audio import Frame"),
        ("voice_grpc_clients.talk", "from voice_grpc.server import Server"),
        ("voice_grpc_clients.talk", "from voice_grpc_gateway import page"),
        ("voice_grpc_gateway.page", "import voice_grpc.session.session"),
        ("voice_grpc.helper", ""),
    ],
)
def test_an_outward_arrow_is_found(module: str, source: str) -> None:
    assert len(outward(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "voice_grpc.core.quota",
            "import numpy as np\nfrom collections import deque\nfrom .turn.state import TurnState",
        ),
        ("voice_grpc.core.quota", "from . import events as e"),
        ("voice_grpc.core.text.money", "from babel import Locale\nimport phonenumbers"),
        (
            "voice_grpc.session.decide",
            "from ..core import commands\nfrom ..ports import Llm\nimport asyncio",
        ),
        (
            "voice_grpc.engines.whisper_remote.stt",
            "from ..whisper.languages import likeliest\nfrom ..http import sse\nimport requests",
        ),
        ("voice_grpc.rpc.admin", "from .. import __version__"),
        ("voice_grpc_clients.talk", "from . import interactive\nfrom voice_grpc.client import Call"),
    ],
)
def test_an_inward_arrow_is_not(module: str, source: str) -> None:
    assert outward(module, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "async def f(): pass",
        "async def f():\n    await g()",
        "async def f():\n    async with g(): pass",
        "open('file')",
        "def f():\n    print('hello')",
    ],
)
def test_a_worldly_core_is_found(source: str) -> None:
    assert worldly(source)
    assert not worldly("def f():\n    floor.open(1)")
