"""Certificates in files: what is wrong with them is told, and they are read again when they change."""

import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec

from tests.certificates import DAY, Authority, Issued
from voice_grpc.core.errors import BadField
from voice_grpc.net.tls import (
    Identity,
    TlsFiles,
    is_loopback,
    read_identity,
    reloaded,
    tls_files,
    warn_of_plain_text,
)
from voice_grpc.process.reloaded import LARGEST_FILE


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def names(_: TlsFiles, identity: Identity, __: bytes) -> list[str]:
    return list(identity.names)


def _fold(issued: Issued) -> None:
    issued.key.unlink()
    issued.key.mkdir()


def _lock(issued: Issued) -> None:
    key = form.load_pem_private_key(issued.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    lock = form.BestAvailableEncryption(b"passphrase")
    issued.key.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, lock))


SPOILERS: dict[str, tuple[Callable[[Issued], object], str]] = {
    "no certificate": (lambda issued: issued.cert.unlink(), "--tls-cert: got '/.*, accepted: .*No such"),
    "no key": (lambda issued: issued.key.unlink(), r"--tls-key: got '/.*, accepted: .*No such file"),
    "a folder": (_fold, "--tls-key: .*Is a directory"),
    "no PEM": (lambda issued: issued.cert.write_text("words"), "--tls-cert: .*none that can be read"),
    "DER": (lambda issued: issued.cert.write_bytes(b"\x30\x82\x01"), "--tls-cert: .*none that can be read"),
    "swapped": (lambda issued: shutil.copy(issued.cert, issued.key), "--tls-key: .*none that can be read"),
    "too large": (lambda issued: issued.cert.write_bytes(bytes(LARGEST_FILE + 1)), "--tls-cert: .*more than"),
    "locked": (_lock, "--tls-key: .*passphrase"),
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILERS)
def test_what_cannot_be_used_names_the_option_the_file_and_what_is_accepted(
    how: str, authority: Authority
) -> None:
    issued = authority.issue("a")
    spoil, said = SPOILERS[how]
    spoil(issued)
    files = issued.files()
    with pytest.raises(BadField, match=said) as caught:
        read_identity(files.cert, files.key)
    assert "in PEM" in str(caught.value)


def test_a_key_of_another_certificate_is_told(authority: Authority) -> None:
    a, b = authority.issue("a"), authority.issue("b")
    files = Issued(a.cert, b.key).files()
    with pytest.raises(BadField, match=r"--tls-key: got '/.*, accepted: .*not the key of .*a\.pem"):
        read_identity(files.cert, files.key)


def test_authorities_that_are_none_are_told(authority: Authority, tmp_path: Path) -> None:
    wrong = tmp_path / "none.pem"
    wrong.write_text("")
    with pytest.raises(BadField, match=r"--tls-client-ca: got '/.*, accepted: .*authorities to trust"):
        authority.issue("a").files(wrong).read()


@pytest.mark.parametrize(
    ("given", "missing"),
    [("tls_key", "tls_cert"), ("tls_cert", "tls_key"), ("tls_client_ca", "tls_cert")],
)
def test_one_of_them_needs_the_others(given: str, missing: str, tmp_path: Path) -> None:
    paths = [tmp_path if name == given else None for name in ("tls_cert", "tls_key", "tls_client_ca")]
    with pytest.raises(BadField, match=f"^{missing}: got '', accepted: a file .*since TLS is asked for"):
        tls_files(str, *paths)


def test_without_any_of_them_it_is_plain_text() -> None:
    assert tls_files(str, None, None) is None


def test_an_expired_certificate_is_warned_of(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    reloaded(authority.issue("a", ends=-DAY).files(), names)
    (said,) = caplog.messages
    assert said.startswith("--tls-cert: the certificate in ")
    assert "a.pem expired on 2" in said


def test_a_certificate_that_does_not_count_yet_is_warned_of(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    reloaded(authority.issue("a").files(), names, lambda: datetime.now(UTC) - timedelta(days=365))
    assert "a.pem counts from 2" in caplog.messages[0]


def test_files_that_change_are_read_again(authority: Authority) -> None:
    kept = reloaded(authority.issue("a", hosts=("before.example",)).files(), names)
    assert not kept.look()
    assert kept.value == ["before.example"]
    authority.issue("a", hosts=("after.example", "127.0.0.1"))
    assert kept.look()
    assert kept.value == ["after.example", "127.0.0.1"]
    assert not kept.look()


def test_half_of_a_change_leaves_the_old_one_in_use_and_is_said_once(
    authority: Authority, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    issued = authority.issue("a", hosts=("before.example",))
    kept = reloaded(issued.files(), names)
    other = authority.issue("b", hosts=("after.example",))
    shutil.copy(other.cert, issued.cert)
    assert [kept.look() for _ in range(3)] == [False] * 3
    assert kept.value == ["before.example"]
    (said,) = caplog.messages
    assert said.startswith("what is in use stays: --tls-key")
    shutil.copy(other.key, issued.key)
    assert kept.look()
    assert kept.value == ["after.example"]


def test_a_link_that_leads_elsewhere_is_a_change(authority: Authority, tmp_path: Path) -> None:
    """As Kubernetes replaces the files of a secret."""
    links = Issued(tmp_path / "link.pem", tmp_path / "link.key")

    def lead_to(issued: Issued) -> None:
        for link, target in ((links.cert, issued.cert), (links.key, issued.key)):
            link.unlink(missing_ok=True)
            link.symlink_to(target)

    lead_to(authority.issue("a", hosts=("before.example",)))
    kept = reloaded(links.files(), names)
    lead_to(authority.issue("b", hosts=("after.example",)))
    assert kept.look()
    assert kept.value == ["after.example"]


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("voice.example", False), ("", False),
        ("localhost.example", False), ("fe80::1%eth0", False),
    ],
)  # fmt: skip
def test_plain_text_is_warned_of_on_anything_but_loopback(
    host: str, is_one: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert is_loopback(host) is is_one
    warn_of_plain_text(host, 7)
    assert [message.startswith("plain text on ") for message in caplog.messages] == [True] * (not is_one)
