"""A real Envoy before real servers: the file in deploy/ as it stands, but for addresses and certificate."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.deploy.files import loaded, program

WITHIN = 60.0
"""Seconds until an Envoy that does not begin is a failed test."""

HERE = "127.0.0.1"
READY = "all dependencies initialized. starting workers"
"""In its log, once every server was asked for its health."""


@dataclass(frozen=True, slots=True)
class Envoy:
    plain: int
    tls: int
    certificate: bytes
    """Of `localhost`, in PEM."""


def certificate(folder: Path) -> None:
    """tls.crt and tls.key in `folder`, by the very command of compose.yaml."""
    shell, option, script = loaded("compose.yaml")["services"]["certificate"]["entrypoint"]
    program("openssl")
    command = [shell, option, script.replace("/tls/", f"{folder}/")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def placed(folder: Path, servers: Sequence[int], gateway: int, plain: int = 0) -> dict[str, Any]:
    """The configuration with everybody on ports of this machine, and the certificate in `folder`; port 0
    takes a free one."""
    config: dict[str, Any] = deepcopy(loaded("envoy/envoy.yaml"))
    config = json.loads(json.dumps(config).replace("/etc/envoy/tls/", f"{folder}/"))
    config["admin"]["address"] = _address(0)
    for listener in config["static_resources"]["listeners"]:
        listener["address"] = _address(plain if listener["name"] == "plain" else 0)
    for cluster in config["static_resources"]["clusters"]:
        ports = servers if cluster["name"] == "server" else [gateway]
        (endpoints,) = cluster["load_assignment"]["endpoints"]
        endpoints["lb_endpoints"] = [{"endpoint": {"address": _address(port)}} for port in ports]
    return config


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": HERE, "port_value": port}}


@asynccontextmanager
async def envoy(
    folder: Path, servers: Sequence[int], gateway: int = 1, plain: int = 0
) -> AsyncIterator[Envoy]:
    """It listens, and knows who is well, when the block begins."""
    path = program("envoy")
    await asyncio.to_thread(certificate, folder)
    (folder / "envoy.json").write_text(json.dumps(placed(folder, servers, gateway, plain)))
    command = [path, "-c", "envoy.json", "--concurrency", "1", "--disable-hot-restart"]
    process = await asyncio.create_subprocess_exec(
        *command, "--admin-address-path", "admin", cwd=folder, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        said = ""
        async with asyncio.timeout(WITHIN):
            while READY not in said:
                line = await process.stderr.readline()
                assert line, said
                said += line.decode()
        ports = await asyncio.to_thread(_ports, (folder / "admin").read_text())
        yield Envoy(ports["plain"], ports["tls"], (folder / "tls.crt").read_bytes())
    finally:
        process.kill()
        await process.communicate()


def _ports(admin: str) -> dict[str, int]:
    with urlopen(f"http://{admin}/listeners?format=json", timeout=60) as answer:
        listeners = json.load(answer)["listener_statuses"]
    return {each["name"]: each["local_address"]["socket_address"]["port_value"] for each in listeners}
