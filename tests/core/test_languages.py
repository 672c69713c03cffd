"""Tags of languages, as callers, voices and Whisper spell them."""

import pytest

from voice_grpc.core.languages import primary


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("EN", "en"), ("en-GB", "en"), ("en_US", "en"), ("cmn-Hans-CN", "cmn"), ("", "")],
)
def test_the_primary_subtag(tag: str, language: str) -> None:
    assert primary(tag) == language
