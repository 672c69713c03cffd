"""What the doctor says of the server's certificate."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import DAY, Authority
from voice_grpc.server.checks.certificates import check_certificates
from voice_grpc.server.checks.result import CheckResult
from voice_grpc.settings import Settings


async def checked(**given: Any) -> list[CheckResult]:
    return await check_certificates(Settings(_env_file=None, **given))  # type: ignore[call-arg]


async def test_without_tls_there_is_nothing_to_say() -> None:
    assert await checked() == []


@pytest.mark.parametrize(("ends", "is_soon"), [(90 * DAY, False), (13 * DAY, True)])
async def test_it_says_whose_it_is_and_until_when(ends: timedelta, is_soon: bool, tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue("server", hosts=("voice.example", "10.0.0.7"), ends=ends)
    (result,) = await checked(**issued.flags)
    assert result.works
    assert result.result.startswith("voice.example, 10.0.0.7 until 20")
    assert result.result.endswith("renew it") is is_soon


async def test_an_expired_one_is_broken(tmp_path: Path) -> None:
    (result,) = await checked(**Authority(tmp_path).issue("server", ends=-DAY).flags)
    assert (result.works, result.fix) == (False, "renew it")
    assert result.error.startswith("expired on 20")


async def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "rubbish").write_text("rubbish")
    found = await checked(
        tls_cert=tmp_path / "rubbish", tls_key=tmp_path / "none", tls_client_ca=tmp_path / "rubbish"
    )
    assert [result.error.partition(":")[0] for result in found] == [
        "--tls-cert (VOICE_TLS_CERT)",
        "--tls-key (VOICE_TLS_KEY)",
        "--tls-client-ca (VOICE_TLS_CLIENT_CA)",
    ]
    found = await checked(tls_client_ca=tmp_path / "none")
    assert [result.error.count("since TLS is asked for") for result in found] == [1, 1, 0]


async def test_a_key_that_does_not_fit_is_told(tmp_path: Path) -> None:
    a, b = (Authority(tmp_path).issue(name) for name in "ab")
    (result,) = await checked(tls_cert=a.cert, tls_key=b.key)
    assert not result.works
    assert "--tls-key (VOICE_TLS_KEY)" in result.error
    assert "it is not the key of" in result.error
    assert (result.where, result.fix) == (str(b.key), "")
