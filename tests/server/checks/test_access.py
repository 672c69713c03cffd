"""What is said of those who are let in: the file of tokens, and the keys of JWTs."""

from pathlib import Path
from typing import Any

from tests.tokens import AUDIENCE, ISSUER, Issuer, jwks_server
from voice_grpc.server.checks.access import check_access
from voice_grpc.server.checks.result import CheckResult
from voice_grpc.settings import Settings

JWT = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}


async def checked(**given: Any) -> list[CheckResult]:
    return await check_access(Settings(_env_file=None, **given))  # type: ignore[call-arg]


async def test_where_nothing_is_set_there_is_nothing_to_say() -> None:
    assert await checked(tokens=["sesame"]) == []


async def test_keys_at_a_url() -> None:
    with jwks_server(Issuer("EdDSA").jwks) as issuer:
        (well,) = await checked(jwt_jwks=issuer.url, **JWT)
        assert (well.works, well.where, well.result) == (True, issuer.url, "1 keys: OKP")
        issuer.status = 404
        (broken,) = await checked(jwt_jwks=issuer.url, **JWT)
    assert (broken.works, broken.is_reachable) == (False, False)
    assert "the status 404" in broken.error
    assert "the issuer's JWK Set" in broken.fix


async def test_rules_that_lack_something() -> None:
    found = await checked(jwt_jwks="ftp://login.example/jwks")
    assert [result.error.partition(":")[0] for result in found] == [
        "--jwt-issuer (VOICE_JWT_ISSUER)",
        "--jwt-audience (VOICE_JWT_AUDIENCE)",
        "--jwt-jwks (VOICE_JWT_JWKS)",
    ]
    (lacking,) = await checked(**JWT)
    assert "--jwt-jwks (VOICE_JWT_JWKS)" in lacking.error


async def test_a_file_that_is_none(tmp_path: Path) -> None:
    (broken,) = await checked(token_file=tmp_path / "none")
    assert (broken.works, broken.engine) == (False, "tokens")
    assert "No such file" in broken.error
