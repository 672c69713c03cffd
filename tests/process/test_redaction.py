"""Secrets in text: known ones in every spelling, and unknown ones by where they stand."""

import base64
import io
import logging
from urllib.parse import quote

import pytest

from voice_grpc.process.log_lines import TextLines
from voice_grpc.process.redaction import HIDDEN, Redaction, hide

SECRET = "sentinel+/ pass:wörd"


@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        repr(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
    ],
)
def test_a_known_secret_is_found_in_every_spelling(spelt: str) -> None:
    assert HIDDEN in Redaction([SECRET])(f"something {spelt} and more")
    assert "wörd" not in Redaction([SECRET])(spelt)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{'Authorization': 'Bearer abcdef123'}", "{'Authorization': 'Bearer ***'}"),
        ("voice.v1.json, bearer.abcdef123", "voice.v1.json, bearer.***"),
        ("to https://me:word@host:1/path", "to https://***@host:1/path"),
        ("turn:me:word@host:3478 and turns:x@host", "turn:***@host:3478 and turns:***@host"),
    ],
)
def test_an_unknown_secret_is_found_by_its_place(text: str, told: str) -> None:
    assert Redaction()(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "send the metadata 'authorization: Bearer TOKEN'",
        "this bearer token is not known here",
        "http://127.0.0.1:80/@path",
        "stun:stun.example.org:3478",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redaction()(text) == text


def test_a_secret_that_is_no_text_is_one_too() -> None:
    assert Redaction(["\udcffsentinel"])("it was \udcffsentinel") == "it was ***"


def test_a_traceback_in_a_log_is_without_secrets() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(TextLines(Redaction([SECRET])))
    log = logging.Logger("of its own")
    log.addHandler(handler)
    try:
        raise ValueError(f"it was {SECRET}")
    except ValueError:
        log.exception("a bug at http://me:word@host")
    assert "ValueError: it was ***" in written.getvalue()
    assert "word" not in written.getvalue().replace("password", "")


@pytest.mark.parametrize("secret", ["open/sesame", "p w", "x"])
def test_what_is_hidden_is_hidden_however_it_is_spelt(secret: str) -> None:
    spelt = {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}
    assert hide(" | ".join(sorted(spelt)), [secret]) == " | ".join([HIDDEN] * len(spelt))


def test_a_short_secret_is_hidden_as_a_word_alone() -> None:
    assert hide("x, exit", ["x"]) == f"{HIDDEN}, exit"
