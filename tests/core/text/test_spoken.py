"""`spoken.tsv`: what a voice is given for a text. Whoever hears something said wrong adds a line there."""

from pathlib import Path

import pytest

from voice_grpc.core.text.languages.registry import LANGUAGES
from voice_grpc.core.text.normalization import speakable

TABLE = Path(__file__).with_name("spoken.tsv")
ROWS = [line.split("\t") for line in TABLE.read_text("utf-8").splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("language", "text", "said"), ROWS)
def test_a_text_is_said_as_a_person_would(language: str, text: str, said: str) -> None:
    assert speakable(text, language) == said
    assert speakable(said, language) == said


def test_the_table_has_enough_of_every_language() -> None:
    languages = [language.split("-")[0] for language, _, _ in ROWS]
    assert len(ROWS) >= 250
    assert all(languages.count(code) >= 8 for code in LANGUAGES)
    assert len({(language, text) for language, text, _ in ROWS}) == len(ROWS), "a text stands there twice"
