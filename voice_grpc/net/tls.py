"""Certificates in files of PEM: read, checked before anything listens, and read again when they change.

What lives here: what is true of any server and client with TLS. How gRPC (`server/tls.py`, `client/`) and
HTTP (`http/tls.py`) take it is theirs.

Whoever renews a certificate replaces two files, one after the other: until both fit the old ones stay in use
(`process/reloaded.py`).
"""

import ipaddress
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from ..core.errors import BadField
from ..process.reloaded import OperatorFile, Reloaded
from .addresses import host_port, unbracketed

log = logging.getLogger(__name__)

T = TypeVar("T")

CERTIFICATES = "a file of certificates in PEM, its own first"
KEY = "a file with the private key of the certificate, in PEM and without a passphrase"
AUTHORITIES = "a file of certificates in PEM, of the authorities to trust"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who one is: a certificate with those that lead to its authority, and its private key."""

    certificates: bytes
    key: bytes
    names: tuple[str, ...]
    """For whom the certificate is: names of hosts and addresses; its subject where it has none."""
    begins: datetime
    ends: datetime

    def fault(self, now: datetime) -> str:
        """What is wrong with its time; empty where nothing is."""
        if now > self.ends:
            return f"expired on {self.ends:%Y-%m-%d %H:%M} UTC"
        return f"counts from {self.begins:%Y-%m-%d %H:%M} UTC only" if now < self.begins else ""


def read_identity(cert: OperatorFile, key: OperatorFile) -> Identity:
    """Raises `BadField` that names the file which is wrong."""
    certificates, own = _read_certificates(cert)
    private, public = _read_key(key)
    if public != own.public_key():
        raise key.wrong(f"it is not the key of {cert.path}")
    return Identity(
        certificates, private, tuple(_names(own)), own.not_valid_before_utc, own.not_valid_after_utc
    )


def _read_certificates(cert: OperatorFile) -> tuple[bytes, Any]:
    """And the first of them, whose key can be read. Raises `BadField`."""
    from cryptography import x509  # a server without TLS does without it
    from cryptography.exceptions import UnsupportedAlgorithm

    content = cert.read()
    try:
        own = x509.load_pem_x509_certificates(content)[0]
        own.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise cert.wrong("it has none that can be read") from None
    return content, own


def _read_key(key: OperatorFile) -> tuple[bytes, Any]:
    """And its public part. Raises `BadField`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = key.read()
    try:
        return content, load_pem_private_key(content, None).public_key()
    except TypeError:
        raise key.wrong("it is locked with a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise key.wrong("it has none that can be read") from None


def _names(certificate: "x509.Certificate") -> Iterator[str]:  # type: ignore[name-defined] # noqa: F821
    from cryptography import x509

    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        yield certificate.subject.rfc4514_string()
        return
    for each in named:
        yield str(each.value)


def read_authorities(ca: OperatorFile) -> bytes:
    """Raises `BadField`."""
    from cryptography import x509

    content = ca.read()
    try:
        x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ca.wrong("it has none that can be read") from None
    return content


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Of a server."""

    cert: OperatorFile
    key: OperatorFile
    client_ca: OperatorFile | None = None
    """Who vouches for clients; None: they need no certificate."""

    def read(self) -> tuple[Identity, bytes]:
        """And the authorities of clients, empty where they need none. Raises `BadField`."""
        identity = read_identity(self.cert, self.key)
        return identity, read_authorities(self.client_ca) if self.client_ca is not None else b""


def tls_files(
    option: Callable[[str], str], cert: Path | None, key: Path | None, client_ca: Path | None = None
) -> TlsFiles | None:
    """Of a server's settings `tls_cert`, `tls_key` and `tls_client_ca`; None: it is to serve plain text.

    `option` says how an error names a setting. Raises `BadField` where one needs another.
    """
    if cert is None and key is None and client_ca is None:
        return None
    for name, path, accepted in (("tls_cert", cert, CERTIFICATES), ("tls_key", key, KEY)):
        if path is None:
            raise _lacking(option(name), accepted)
    assert cert is not None
    assert key is not None
    authorities = None
    if client_ca is not None:
        authorities = OperatorFile(client_ca, option("tls_client_ca"), AUTHORITIES)
    return TlsFiles(
        OperatorFile(cert, option("tls_cert"), CERTIFICATES),
        OperatorFile(key, option("tls_key"), KEY),
        authorities,
    )


def tls_faults(
    option: Callable[[str], str], cert: Path | None, key: Path | None, client_ca: Path | None = None
) -> list[BadField]:
    """All that is wrong with the settings of `tls_files` and with what they name, file by file. Blocks."""
    if cert is None and key is None and client_ca is None:
        return []
    found = list[BadField]()
    readers: tuple[tuple[str, Path | None, str, Callable[[OperatorFile], object]], ...] = (
        ("tls_cert", cert, CERTIFICATES, _read_certificates),
        ("tls_key", key, KEY, _read_key),
        ("tls_client_ca", client_ca, AUTHORITIES, read_authorities),
    )
    for name, path, accepted, read in readers:
        try:
            if path is not None:
                read(OperatorFile(path, option(name), accepted))
            elif name != "tls_client_ca":
                raise _lacking(option(name), accepted)
        except BadField as error:
            found.append(error)
    return found


def _lacking(option: str, accepted: str) -> BadField:
    return BadField(option, "", f"{accepted}, since TLS is asked for")


def read_client_files(
    ca: Path | None, cert: Path | None, key: Path | None
) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Authorities, private key and certificates of a client, as gRPC takes them; None: the system's, or none.

    Raises `BadField` that names `--ca`, `--cert` or `--key`, as all our clients call them.
    """
    authorities = None if ca is None else read_authorities(OperatorFile(ca, "--ca", AUTHORITIES))
    if cert is None and key is None:
        return authorities, None, None
    if cert is None:
        raise BadField("--cert", "", f"{CERTIFICATES}, since --key is given")
    if key is None:
        raise BadField("--key", "", f"{KEY}, since --cert is given")
    identity = read_identity(OperatorFile(cert, "--cert", CERTIFICATES), OperatorFile(key, "--key", KEY))
    return authorities, identity.key, identity.certificates


def utc_now() -> datetime:
    return datetime.now(UTC)


def reloaded(
    files: TlsFiles,
    make: Callable[[TlsFiles, Identity, bytes], T],
    now: Callable[[], datetime] = utc_now,
) -> Reloaded[T]:
    """What `make` makes of a server's certificates. Blocks. Raises `BadField`."""

    def made() -> T:
        identity, authorities = files.read()
        value = make(files, identity, authorities)
        if fault := identity.fault(now()):
            log.warning("%s: the certificate in %s %s", files.cert.option, files.cert.path, fault)
        return value

    all_files = (files.cert, files.key, files.client_ca)
    return Reloaded([each.path for each in all_files if each is not None], made)


def is_loopback(host: str) -> bool:
    """Whether nobody else can listen in on who is reached at `host`. A name is not asked for."""
    place = unbracketed(host).partition("%")[0].lower()
    try:
        return ipaddress.ip_address(place).is_loopback
    except ValueError:
        return place == "localhost"


def warn_of_plain_text(host: str, port: int) -> None:
    """At the start of a server without TLS: one line, unless only this machine reaches it."""
    if not is_loopback(host):
        place = host_port(host, port)
        log.warning("plain text on %s: whoever is on the way can read it (--tls-cert, --tls-key)", place)
