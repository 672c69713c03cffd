"""The Dockerfile and compose.yaml. No image is built here: what can be known without one is checked."""

import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import DEPLOY, ROOT, loaded, outcome, program, variables
from voice_grpc.__main__ import USAGE
from voice_grpc.net.addresses import read_target

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
IMAGES = ("server", "gateway", "whisper-server", "whisper-server-gpu")


def stages() -> dict[str, tuple[str, str]]:
    """Name of a stage → what it is from, and its lines."""
    found = re.findall(r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    return {name: (origin, lines) for origin, name, lines in found}


def lineage(name: str) -> list[str]:
    """The lines of a stage and of all that it is from, the last first."""
    found: list[str] = []
    while name in stages():
        name, lines = stages()[name]
        found.append(lines)
    return found


def test_hadolint_has_nothing_to_say() -> None:
    done = outcome(program("hadolint"), str(DEPLOY / "Dockerfile"))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_one_command_as_nobody_in_particular(image: str) -> None:
    lines = "".join(reversed(lineage(image)))
    assert re.findall(r"^USER (\S+)", lines, re.MULTILINE) == ["10001:10001"]
    (command,) = re.findall(r'^CMD \["([\w-]+)"\]', lines, re.MULTILINE)
    assert f"\n  {command} " in USAGE
    (exposed,) = re.findall(r"^EXPOSE (\d+)", lines, re.MULTILINE)
    own = {"serve": "50051", "gateway": "8080", "whisper-server": "8000"}
    assert exposed == own[command]
    assert "pip install" not in lines
    named = set(re.findall(r"\b((?:VOICE|GATEWAY)_[A-Z_]+)=", lines))
    assert named <= variables(command)


def test_models_in_an_image_are_known_to_be_right() -> None:
    """Their times of change are whole seconds when they are noted: a layer keeps no others."""
    _, lines = stages()["model-files"]
    assert re.search(r"models pull .*\n.*touch --date=@\d+ .*\n.*models pull ", lines)
    for image in ("server", "whisper-server", "whisper-server-gpu"):
        assert "COPY --from=model-files --chown=10001:10001 /models /models" in stages()[image][1]


def test_every_extra_that_is_installed_is_one() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for listed in re.findall(r"'\.\[([\w,-]+)\]'", DOCKERFILE):
        assert set(listed.split(",")) <= set(extras)
    assert len(re.findall("--only-binary :all: ", DOCKERFILE)) == DOCKERFILE.count("\nRUN pip --python")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    for words in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for name in words.split():
            assert (ROOT / name).exists()
            assert f"!{name}" in ignored


def test_what_its_page_names_of_it_is_there() -> None:
    named = set(re.findall(r"\bdeploy/[\w./-]*\w", (DEPLOY / "README.md").read_text()))
    assert named >= {"deploy/compose.yaml", "deploy/kubernetes/base", "deploy/kubernetes/gpu"}
    assert all((ROOT / name).exists() for name in named)


# ---------------------------------------------------------------- compose.yaml


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = loaded("compose.yaml")["services"]
    return found


def test_services_networks_and_volumes_that_are_named_are_there() -> None:
    compose = loaded("compose.yaml")
    for name, service in services().items():
        assert set(service.get("depends_on", {})) <= set(services()), name
        assert set(service.get("networks", [])) <= set(compose["networks"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            is_there = (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"]
            assert is_there, f"{name}: {source}"
        if service["image"].startswith("voice-grpc"):
            built = [each["build"]["target"] for each in services().values() if _is_built_as(each, service)]
            assert [f"voice-grpc-{target}" for target in built] == [service["image"]], name
        if "build" in service:
            assert service["build"]["target"] in stages(), name
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()


def _is_built_as(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return "build" in one and one["image"] == other["image"]


def test_there_are_two_servers_a_gateway_a_valkey_and_an_envoy() -> None:
    assert services()["server"]["deploy"]["replicas"] == 2
    assert set(services()) >= {"server", "gateway", "valkey", "envoy"}


@pytest.mark.parametrize(("service", "command"), [("server", "serve"), ("gateway", "gateway")])
def test_every_variable_is_a_setting(service: str, command: str) -> None:
    assert services()[service]["command"] == [command]
    assert set(services()[service]["environment"]) <= variables(command)


def test_each_finds_the_others() -> None:
    server, gateway = services()["server"]["environment"], services()["gateway"]["environment"]
    assert server["VOICE_STORE"].startswith("redis://valkey:")
    assert "store" in services()["server"]["networks"]
    assert "store" in services()["valkey"]["networks"]
    assert read_target(gateway["GATEWAY_TARGET"], 1) == ("envoy:8080", False)
    assert services()["server"]["healthcheck"]["test"][-1].endswith(f":{server['VOICE_PORT']}")


def script(service: str, secret: Path) -> list[str]:
    """What it runs, as Compose reads it, with the volume elsewhere."""
    words: list[str] = services()[service]["entrypoint"]
    return [word.replace("$$", "$").replace("/secret/", f"{secret}/") for word in words]


def test_all_servers_have_one_secret_which_is_made_once(tmp_path: Path) -> None:
    program("openssl")
    server = services()["server"]
    assert server["depends_on"]["secret"]["condition"] == "service_completed_successfully"
    assert {volume.split(":")[0] for volume in server["volumes"]} >= {"secret"}
    made = set()
    for _ in range(2):
        assert outcome(*script("secret", tmp_path)).returncode == 0
        made.add((tmp_path / "resume").read_text().strip())
    (secret,) = made
    assert len(secret) == 32
    assert (tmp_path / "resume").stat().st_mode & 0o777 == 0o600
    command = tmp_path / "voice-grpc"
    command.write_text('#!/bin/sh\necho "$* $VOICE_SECRET"\n')
    command.chmod(0o700)
    for given, told in (("", secret), ("of .env", "of .env")):
        variables = ["env", f"PATH={tmp_path}:{os.environ['PATH']}", f"VOICE_SECRET={given}"]
        done = outcome(*variables, *script("server", tmp_path), *server["command"])
        assert done.stdout == f"serve {told}\n"


def test_the_proxies_that_are_believed_are_envoy_and_the_gateway() -> None:
    envoy, gateway = (services()[name]["networks"]["voice"]["ipv4_address"] for name in ("envoy", "gateway"))
    assert services()["server"]["environment"]["VOICE_PROXIES"] == f"{envoy},{gateway}"
    assert services()["gateway"]["environment"]["GATEWAY_PROXIES"] == envoy
    (pool,) = loaded("compose.yaml")["networks"]["voice"]["ipam"]["config"]
    for address in map(ipaddress.ip_address, (envoy, gateway)):
        assert address in ipaddress.ip_network(pool["subnet"])
        assert address not in ipaddress.ip_network(pool["ip_range"])  # which others are given


def test_none_may_do_more_than_it_needs() -> None:
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name


def test_the_server_drains_before_it_is_killed() -> None:
    server = services()["server"]
    drains = float(server["environment"]["VOICE_DRAIN_SECONDS"])
    assert drains < float(server["stop_grace_period"].removesuffix("s"))
