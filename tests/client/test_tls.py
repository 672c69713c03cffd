"""A client with TLS: what it trusts, what it shows, and what it says when that does not do."""

from pathlib import Path

import pytest

from tests.certificates import DAY, Authority
from tests.serving import serving
from voice_grpc.client import Access, Call, CallFailed
from voice_grpc.pb import voice_pb2 as pb


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def failure(target: str, access: Access) -> str:
    with pytest.raises(CallFailed) as caught:
        async with Call.open(target, pb.SessionConfig(), access):
            pass
    return str(caught.value)


@pytest.mark.parametrize("scheme", ["", "https://"])
async def test_it_talks_to_a_server_whose_authority_it_trusts(scheme: str, authority: Authority) -> None:
    async with (
        serving(**authority.issue("server").flags) as served,
        Call.open(f"{scheme}{served.target}", pb.SessionConfig(), Access(ca_file=authority.ca)) as call,
    ):
        assert call.started.session_id


async def test_it_shows_its_certificate_to_a_server_that_asks(authority: Authority, tmp_path: Path) -> None:
    mine = authority.issue("client")
    access = Access(ca_file=authority.ca, cert_file=mine.cert, key_file=mine.key)
    given = authority.issue("server").flags | {"tls_client_ca": str(authority.ca)}
    async with serving(**given) as served:
        async with Call.open(served.target, pb.SessionConfig(), access) as call:
            assert call.started.session_id
        stranger = Authority(tmp_path, "other").issue("stranger")
        other = Access(ca_file=authority.ca, cert_file=stranger.cert, key_file=stranger.key)
        for refused in (Access(ca_file=authority.ca), other):
            said = await failure(served.target, refused)
            assert "perhaps it asks for a certificate of an authority that it knows, --cert and --key" in said


async def test_it_says_that_a_server_may_speak_tls(authority: Authority) -> None:
    async with serving(**authority.issue("server").flags) as served:
        assert "perhaps it speaks TLS, https://… or --tls" in await failure(served.target, Access())
    gone = await failure(served.target, Access())
    assert gone.endswith(f"no voice server answers at {served.target}")


async def test_it_says_why_it_does_not_trust(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    async with serving(**authority.issue("server").flags) as served:
        for access in (Access(ca_file=other.ca), Access(tls=True)):
            assert "its certificate is not trusted here: --ca" in await failure(served.target, access)


async def test_it_says_that_a_certificate_expired(authority: Authority) -> None:
    async with serving(**authority.issue("server", ends=-DAY).flags) as served:
        assert "its certificate has expired" in await failure(served.target, Access(ca_file=authority.ca))


async def test_it_says_that_a_certificate_is_for_another_name(authority: Authority) -> None:
    async with serving(**authority.issue("server", hosts=("voice.example",)).flags) as served:
        said = await failure(served.target, Access(ca_file=authority.ca))
    assert "its certificate is for another name" in said


async def test_it_says_that_a_server_does_not_speak_tls(authority: Authority) -> None:
    async with serving() as served:
        said = await failure(served.target, Access(ca_file=authority.ca))
    assert "what is there does not speak TLS" in said


async def test_files_that_cannot_be_used_are_named(authority: Authority, tmp_path: Path) -> None:
    mine, none = authority.issue("client"), tmp_path / "none"
    for access, said in (
        (Access(ca_file=none), "--ca: got '"),
        (Access(ca_file=mine.key), "--ca: got '"),
        (Access(cert_file=mine.cert), "--key: got '', accepted: a file with the private key"),
        (Access(key_file=mine.key), "--cert: got '', accepted: a file of certificates"),
        (Access(cert_file=mine.cert, key_file=authority.issue("b").key), "it is not the key of"),
    ):
        assert said in await failure("127.0.0.1:1", access)
