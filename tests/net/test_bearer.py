"""Bearer tokens: read from a header, and known by their digests alone.

A file of its own, as what it is about.
"""

import pytest

from voice_grpc.net.bearer import BearerTokens, bearer_token


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("BEARER a b", "a b"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("", ""),
        ("abc", ""),
        ("Basic abc", ""),
    ],
)
def test_a_token_is_read_from_its_scheme_alone(authorization: str, token: str) -> None:
    assert bearer_token(authorization) == token


def test_tokens_are_known_by_their_digests_and_kept_nowhere() -> None:
    tokens = BearerTokens(["one-secret", "two-sëcret"])
    assert tokens
    assert len(tokens.find("one-secret")) == 64
    assert tokens.find("two-sëcret") not in ("", tokens.find("one-secret"))
    assert not any(tokens.find(wrong) for wrong in ("", "one", "one-secret ", "\udcff"))
    assert "secret" not in str(vars(tokens))


def test_without_tokens_none_is_known() -> None:
    assert not BearerTokens([])
    assert not BearerTokens([]).find("")
