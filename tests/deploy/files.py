"""What is in deploy/, read as the programs read it for which it is, and those programs, where they are."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

import gateway.settings as gateway
import voice_grpc.settings.command_line as serve
import voice_grpc.whisper_server.options as whisper_server
from voice_grpc.process.command_line import CommandLine
from voice_grpc.settings.environment import VARIABLES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OVERLAYS = ("base", "gpu", "by-conversations")

COMMAND_LINES: dict[str, CommandLine[Any]] = {
    "serve": serve.COMMAND_LINE,
    "gateway": gateway.COMMAND_LINE,
    "whisper-server": whisper_server.COMMAND_LINE,
}
OF_ALL = {"VOICE_GRPC_CACHE", "VOICE_MODEL_SOURCE", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def variables(command: str) -> set[str]:
    """What `voice-grpc COMMAND` reads from the environment."""
    command_line = COMMAND_LINES[command]
    own = {command_line.variable(name) for names in command_line.groups.values() for name in names}
    return own | OF_ALL | (set(VARIABLES) if command == "serve" else set())


def program(name: str) -> str:
    """Its path; a test that needs it is skipped where it is not."""
    if name == "envoy" and (spec := find_spec("envoy")) is not None and spec.submodule_search_locations:
        return str(Path(next(iter(spec.submodule_search_locations))) / "_bin" / "envoy")
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    return found or pytest.skip(f"{name} is not installed (the extra dev, or the system's package)")


def outcome(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def loaded(name: str) -> Any:
    """A YAML file of deploy/."""
    return yaml.safe_load((DEPLOY / name).read_text())


@cache
def rendered(overlay: str) -> list[dict[str, Any]]:
    """The manifests, as `kubectl apply -k` sends them."""
    done = outcome(program("kubectl"), "kustomize", str(DEPLOY / "kubernetes" / overlay))
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, *kinds: str) -> dict[str, dict[str, Any]]:
    """By name."""
    return {each["metadata"]["name"]: each for each in rendered(overlay) if each["kind"] in kinds}


def workloads(overlay: str) -> dict[str, dict[str, Any]]:
    """Pod specs, by the name of what makes them."""
    found = of_kind(overlay, "Deployment", "StatefulSet")
    return {name: each["spec"]["template"]["spec"] for name, each in found.items()}


def containers(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in workloads(overlay).items():
        yield from ((name, container) for container in pod["containers"])
