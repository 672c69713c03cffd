"""Authorities and certificates of a moment, in files: what a test of TLS stands on."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from voice_grpc.net.tls import AUTHORITIES, CERTIFICATES, KEY, TlsFiles
from voice_grpc.process.reloaded import OperatorFile

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    cert: Path
    key: Path

    def write(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.cert.write_bytes(certificate.public_bytes(Encoding.PEM))
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    @property
    def flags(self) -> dict[str, Any]:
        """As a server's settings."""
        return {"tls_cert": str(self.cert), "tls_key": str(self.key)}

    def files(self, client_ca: Path | None = None) -> TlsFiles:
        authorities = OperatorFile(client_ca, "--tls-client-ca", AUTHORITIES) if client_ca else None
        return TlsFiles(
            OperatorFile(self.cert, "--tls-cert", CERTIFICATES),
            OperatorFile(self.key, "--tls-key", KEY),
            authorities,
        )


class Authority:
    """Its own certificate is in the file `ca`."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca = folder / f"{name}.pem"
        own = self._builder(self._name, self._key, DAY)
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.ca.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(
        self, name: str, hosts: tuple[str, ...] = ("localhost", "127.0.0.1"), ends: timedelta = DAY
    ) -> Issued:
        """Into `NAME.pem` and `NAME.key`, over what may be there; `ends` counts from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName(h) if h[0].isalpha() else x509.IPAddress(ip_address(h)) for h in hosts]
        builder = self._builder(subject, key, ends)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        issued = Issued(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        issued.write(builder.sign(self._key, hashes.SHA256()), key)
        return issued

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, ends: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 30 * DAY)
            .not_valid_after(now + ends)
        )


def serial(pem: str | bytes) -> int:
    """Which certificate it is."""
    content = pem.encode() if isinstance(pem, str) else pem
    return x509.load_pem_x509_certificate(content).serial_number


async def shown(port: int) -> int:
    """Which certificate a new connection to this machine gets."""
    return serial(await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port), timeout=10))
