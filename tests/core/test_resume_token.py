"""Tokens: good for one conversation of one owner, for a while, and nobody makes one without the secret."""

import base64

import pytest

from voice_grpc.core.errors import Forbidden
from voice_grpc.core.resume_token import MAX_TOKEN, NONCE_BYTES, UnusableToken, issued, session_of

SECRET = b"0123456789abcdef"
NONCE = bytes(NONCE_BYTES)
TOKEN = issued(SECRET, "talk-1", "ann", 1_000.0, NONCE)


def test_it_names_its_session_until_it_expires() -> None:
    assert session_of(SECRET, TOKEN, "ann", 999.9) == "talk-1"
    for now in (1_000.0, 5_000.0):
        with pytest.raises(UnusableToken, match="expired"):
            session_of(SECRET, TOKEN, "ann", now)


def test_each_is_another_one_and_says_nothing_of_its_owner() -> None:
    other = issued(SECRET, "talk-1", "ann", 1_000.0, bytes([1]) * NONCE_BYTES)
    assert other != TOKEN
    assert session_of(SECRET, other, "ann", 0.0) == "talk-1"
    assert b"ann" not in base64.urlsafe_b64decode(TOKEN + "==")


def test_somebody_else_s_is_forbidden() -> None:
    for owner in ("", "bob", "ann "):
        with pytest.raises(Forbidden, match="talk-1"):
            session_of(SECRET, TOKEN, owner, 0.0)


def test_under_another_secret_it_is_none_of_ours() -> None:
    with pytest.raises(UnusableToken, match="VOICE_SECRET"):
        session_of(b"another secret 16", TOKEN, "ann", 0.0)


@pytest.mark.parametrize("at", range(0, len(TOKEN), 7))
def test_a_token_that_was_changed_anywhere_is_none_of_ours(at: int) -> None:
    changed = TOKEN[:at] + ("A" if TOKEN[at] != "A" else "B") + TOKEN[at + 1 :]
    with pytest.raises(UnusableToken):
        session_of(SECRET, changed, "ann", 0.0)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "=",
        "====",
        "ü" * 50,
        "\x00",
        "A" * 44,
        "A" * MAX_TOKEN,
        "A" * 100_000,
        TOKEN[:-1],
        TOKEN + "A",
    ],
)
def test_what_is_no_token_is_told_so(token: str) -> None:
    with pytest.raises(UnusableToken):
        session_of(SECRET, token, "ann", 0.0)


def test_the_longest_id_fits() -> None:
    token = issued(SECRET, "x" * 128, "ann" * 1_000, 1e10, NONCE)
    assert len(token) <= MAX_TOKEN
    assert session_of(SECRET, token, "ann" * 1_000, 0.0) == "x" * 128
