"""The systemd units: what they start is a command, and systemd understands them."""

import re
import sys
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, outcome, program, variables
from voice_grpc.__main__ import USAGE

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


def settings(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def test_there_are_units() -> None:
    assert {unit.stem for unit in UNITS} == {"voice-grpc", "voice-grpc-gateway"}


@every_unit
def test_what_it_starts_is_a_command_with_its_settings(unit: Path) -> None:
    (line,) = settings(unit, "ExecStart")
    path, command = line.split()
    assert path == "/opt/voice/bin/voice-grpc"
    assert f"\n  {command} " in USAGE
    given = dict(each.split("=", 1) for each in " ".join(settings(unit, "Environment")).split())
    assert set(given) <= variables(command)
    (stop,) = settings(unit, "TimeoutStopSec")
    assert float(stop) > float(given.get("VOICE_DRAIN_SECONDS", 10))


def test_of_several_machines_each_is_told_of_the_secret() -> None:
    (unit,) = [unit for unit in UNITS if unit.stem == "voice-grpc"]
    assert "VOICE_SECRET" in variables("serve")
    assert "VOICE_SECRET" in unit.read_text()


@every_unit
def test_systemd_understands_it(unit: Path, tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/opt/voice/bin/voice-grpc", sys.executable))
    done = outcome(analyze, "verify", "--man=no", str(here))
    assert (done.returncode, done.stderr) == (0, "")
    here.write_text(here.read_text().replace("PrivateTmp=", "PrivateTemp="))
    assert "PrivateTemp" in outcome(analyze, "verify", "--man=no", str(here)).stderr
