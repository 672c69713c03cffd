"""Where a Valkey is, or a Redis: the URL of one server, of a cluster, or of a service that Sentinels watch.

    valkey://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]
    valkey+cluster://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]
    valkey+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/SERVICE[/DATABASE]

`redis` may stand for `valkey`; `valkeys` and `rediss` are the same over TLS. What is behind a `?` goes to the
client library (`OPTIONS`). User and password are the servers' own; Sentinels have theirs in the options.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ..process.redaction import hide
from .addresses import host_port, read_host_port

ACCEPTED = (
    "a file, `memory`, or the URL of a Valkey or Redis: redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], "
    "rediss:// over TLS, redis+cluster://HOST[,HOST…], redis+sentinel://HOST[,HOST…]/SERVICE; valkey may "
    "stand for redis, and in a password @ : / ? # are percent-encoded"
)
"""What the setting takes, for people."""

PORT, SENTINEL_PORT = 6379, 26379

_SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
"""Whether each is over TLS."""

OPTIONS = {
    "ssl_ca_certs": "of whom the certificate is to be: a file of certificates, instead of the system's",
    "ssl_certfile": "our own certificate, where the server asks for one",
    "ssl_keyfile": "its key",
    "sentinel_username": "user at the Sentinels",
    "sentinel_password": "password there",
}
"""What may stand behind the `?`, by the names that the client library has for it."""


class Topology(Enum):
    ONE = ""
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class ValkeyAddress:
    """What is secret in it is in no `repr`."""

    topology: Topology
    hosts: tuple[tuple[str, int], ...]
    """Of the servers, or of the Sentinels that know where the server is."""
    is_encrypted: bool = False
    database: int = 0
    service: str = ""
    """The name by which Sentinels know the server."""
    username: str = ""
    password: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def location(self) -> str:
        """For people: without any secret."""
        scheme = "rediss" if self.is_encrypted else "redis"
        kind = f"+{self.topology.value}" if self.topology.value else ""
        hosts = ",".join(host_port(*each) for each in self.hosts)
        rest = "".join(f"/{part}" for part in (self.service, self.database) if part)
        return f"{scheme}{kind}://{hosts}{rest}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """As they are, and as a URL spells them."""
        given = (self.password, self.options.get("sentinel_password", ""))
        return tuple(each for secret in given if secret for each in (secret, quote(secret, safe="")))

    def hide(self, text: str) -> str:
        """`text` without what is secret here: a server may repeat it in its error."""
        return hide(text, self.secrets)


def read_valkey_address(url: str) -> ValkeyAddress:
    """Raises `ValueError` that says what is accepted, and repeats nothing of the URL."""
    try:
        parts = urlsplit(url)
        name, _, kind = parts.scheme.partition("+")
        is_encrypted, topology = _SCHEMES[name], Topology(kind)
        user, _, place = parts.netloc.rpartition("@")
        username, _, password = (unquote(part) for part in user.partition(":"))
        default_port = SENTINEL_PORT if topology is Topology.SENTINEL else PORT
        hosts = tuple(read_host_port(each, default_port) for each in place.split(","))
    except (KeyError, ValueError):
        raise ValueError(ACCEPTED) from None
    if parts.fragment or (topology is Topology.ONE and len(hosts) > 1):
        raise ValueError(ACCEPTED)
    service, database = _read_path(parts.path, topology)
    return ValkeyAddress(
        topology,
        hosts,
        is_encrypted,
        database,
        service,
        username,
        password,
        _read_options(parts.query),
    )


def _read_path(path: str, topology: Topology) -> tuple[str, int]:
    """Service and database. A cluster has one database alone, 0."""
    names = [unquote(name) for name in path.split("/") if name]
    service = names.pop(0) if names and topology is Topology.SENTINEL else ""
    database = names.pop(0) if names else "0"
    is_number = database.isascii() and database.isdecimal()
    is_whole = bool(service) == (topology is Topology.SENTINEL) and not names
    if not (is_number and is_whole) or (topology is Topology.CLUSTER and int(database)):
        raise ValueError(ACCEPTED)
    return service, int(database)


def _read_options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if set(options) <= set(OPTIONS):
        return options
    raise ValueError(f"behind the ? nothing but {', '.join(OPTIONS)}")
