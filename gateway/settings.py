"""Settings of the gateway, from the environment and from flags: `voice-grpc gateway --help`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from voice_grpc.client import DEFAULT_PORT
from voice_grpc.net.addresses import read_target
from voice_grpc.net.forwarded import read_network
from voice_grpc.process.command_line import (
    CommandLine,
    UserPath,
    check_each,
    read_by_command,
    without_placeholders,
)
from voice_grpc.process.redaction import HIDDEN

from .origin import read_hosts, read_origins
from .upstream import RECONNECT_WITHIN

Listed = Annotated[list[str], NoDecode]
"""In one text, separated by commas."""

ICE_SERVER = re.compile(
    r"(?P<scheme>stuns?|turns?):((?P<user>[^:]*):?(?P<password>.*)@)?"
    r"(?P<host>[^\s:/?@\[\]]+)(:(?P<port>[0-9]{1,5}))?(?P<transport>\?transport=(udp|tcp))?"
)
"""RFC 7064 and 7065, as far as aiortc takes them: no IPv6 address. The credentials, which those leave out,
stand as in other URLs."""


@dataclass(frozen=True, slots=True)
class IceServer:
    url: str
    """Without credentials: `turn:HOST:PORT`."""
    user: str = ""
    password: str = ""


def ice_server(text: str) -> IceServer:
    """Raises `ValueError`, which says what is accepted."""
    found = ICE_SERVER.fullmatch(text)
    if (
        found is None
        or int(found["port"] or 1) not in range(1, 65_536)
        or (found["scheme"].startswith("stun") and found["transport"])
    ):
        raise ValueError("stun:HOST[:PORT], or turn:[USER:PASSWORD@]HOST[:PORT][?transport=udp|tcp]")
    url = f"{found['scheme']}:{text.removeprefix(found['scheme'] + ':').rpartition('@')[2]}"
    return IceServer(url, found["user"] or "", found["password"] or "")


def _without_credentials(text: str) -> str:
    """For messages; `text` may be no ICE server at all."""
    given, at, place = text.rpartition("@")
    scheme, colon, _ = given.partition(":")
    return f"{scheme if colon else ''}{colon}{HIDDEN}@{place}" if at else text


READ: Mapping[str, Callable[[str], object]] = {
    "hosts": lambda text: list(read_hosts([text])),
    "origins": lambda text: list(read_origins([text])),
    "proxies": read_network,
    "ice_servers": ice_server,
}
"""How one of a list is read. Raises `ValueError`, which says what is accepted."""


class GatewaySettings(BaseSettings):
    """Every flag has an environment variable: --target is GATEWAY_TARGET. A flag wins."""

    model_config = read_by_command("voice-grpc gateway", "GATEWAY_")

    target: str = Field("127.0.0.1:50051", description="HOST:PORT, or https://HOST:PORT.")
    ca: UserPath | None = Field(
        None, description="Authorities in PEM of the server behind, instead of the system's: TLS is on."
    )
    cert: UserPath | None = Field(
        None, description="The gateway's certificate in PEM, where the server behind asks for one."
    )
    key: UserPath | None = Field(None, description="The private key of that certificate, in PEM.")
    reconnect_within: float = Field(
        RECONNECT_WITHIN,
        ge=0,
        le=120,
        description="Seconds in which a lost line to the server behind comes back, and the conversation goes "
        "on, before the browser is told; 0: at once.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    tls_cert: UserPath | None = Field(
        None, description="Its certificate in PEM, and those that lead to its authority: TLS is on."
    )
    tls_key: UserPath | None = Field(None, description="The private key of the certificate, in PEM.")
    hosts: Listed = Field(
        default_factory=list,
        description="Names by which browsers ask for it, such as app.example.com, besides localhost and the "
        "address it listens at; * is all.",
    )
    origins: Listed = Field(
        default_factory=list,
        description="Pages of other hosts that are let in, such as https://app.example.com; * is all.",
    )
    proxies: Listed = Field(
        default_factory=list,
        description="Addresses or networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8.",
    )
    max_connections: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Connections at once, however idle; 0: half of the open files that the system allows "
        "(ulimit -n), which is the most in any case.",
    )
    max_connections_per_address: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Of them from one address; 0: a quarter. Those of --proxies count in all alone.",
    )
    max_sockets: int = Field(200, ge=1, le=100_000, description="Conversations at once.")
    max_per_address: int = Field(20, ge=1, le=100_000, description="Of them from one address.")
    ice_servers: Listed = Field(
        default_factory=list,
        description="For WebRTC, such as stun:stun.example.com or turn:user:password@turn.example.com.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Lines for people, or one JSON object each."
    )

    @field_validator("hosts", "origins", "proxies", "ice_servers", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            value = ",".join(value)
        return (
            [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value
        )

    @field_validator("hosts", "origins", "proxies", "ice_servers")
    @classmethod
    def _check_each(cls, texts: list[str], info: ValidationInfo) -> list[str]:
        return check_each(texts, READ[str(info.field_name)], _without_credentials)

    @field_validator("target")
    @classmethod
    def _check_target(cls, target: str) -> str:
        read_target(target, DEFAULT_PORT)
        return target

    @model_validator(mode="before")
    @classmethod
    def _without_placeholders(cls, values: dict[str, object]) -> dict[str, object]:
        return without_placeholders(values)


GROUPS = {
    "Listening": ("host", "port", "tls_cert", "tls_key"),
    "The server behind": ("target", "ca", "cert", "key", "reconnect_within"),
    "Who is let in": (
        "hosts",
        "origins",
        "proxies",
        "max_connections",
        "max_connections_per_address",
        "max_sockets",
        "max_per_address",
    ),
    "WebRTC": ("ice_servers",),
    "Observing": ("log_format",),
}

HEAD = """\
usage: voice-grpc gateway [OPTION ...]

Let browsers talk to a server: WebSocket, WebRTC and a page, on one port. Says `listening on URL` when it is
ready.

Each option can be given as a flag, as the variable beside it, or as that variable in a file `.env`
of the working directory; the first of these that is there counts. Ctrl-C and SIGTERM end it."""

COMMAND_LINE = CommandLine(GatewaySettings, HEAD, GROUPS)
