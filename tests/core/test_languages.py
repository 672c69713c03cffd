"""BCP 47 tags: one idea of what is one, for callers and for personas alike."""

import pytest

from voice_grpc.core.languages import MAX_TAG, is_tag, primary


@pytest.mark.parametrize(
    "tag",
    ["en", "EN", "en-US", "es-419", "zh-Hant-TW", "sl-rozaj-biske", "haw", "abc" + 3 * "-abcdefgh"],
)
def test_what_is_a_tag(tag: str) -> None:
    assert is_tag(tag)


@pytest.mark.parametrize(
    "text",
    [
        *("", "e", "english", "en-", "-en", "en_US", "en US", "en\n", "e\u0301n", "en-ab-ab-ab-ab"),
        *("en-a", "en-a-tag", "de-u-co-phonebk", "en-x-ours"),
    ],
)
def test_what_is_none(text: str) -> None:
    assert not is_tag(text)


def test_the_longest_tag_has_room() -> None:
    assert is_tag("abc" + 3 * "-abcdefgh")
    assert len("abc" + 3 * "-abcdefgh") == MAX_TAG


@pytest.mark.parametrize(("tag", "language"), [("pt-BR", "pt"), ("pt_BR", "pt"), ("EN", "en"), ("", "")])
def test_the_language_of_a_tag(tag: str, language: str) -> None:
    assert primary(tag) == language
