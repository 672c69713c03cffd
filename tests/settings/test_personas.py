import re
from pathlib import Path

import pytest

from voice_grpc.core.errors import VoiceError
from voice_grpc.core.text.normalization import speakable
from voice_grpc.settings.personas import DEFAULT_ID, Persona, load_personas

GOOD = '[persona.default]\nname = "A"\ninstructions = "Be brief."\n'


def test_the_package_brings_a_default_and_two_more() -> None:
    personas = load_personas()
    assert next(iter(personas)) == DEFAULT_ID
    assert len(personas) == 3
    for name, persona in personas.items():
        assert persona.id == name
        assert persona.description
        assert re.search("read aloud|heard, not read", persona.instructions)
        assert not re.search(r"^\s*[-*#]", persona.instructions, re.MULTILINE)
        assert speakable(persona.greeting) == persona.greeting


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        GOOD + '[persona.koch-1]\nname = " Köchin "\ninstructions = """\nKurz.\n"""\nvoice = "v"\n'
        'greeting = "Hallo!"\nlanguage = "de-DE"\ndescription = "Kocht."\n',
        encoding="utf-8",
    )
    assert load_personas(path) == {
        "default": Persona("default", "A", "Be brief."),
        "koch-1": Persona("koch-1", "Köchin", "Kurz.", "v", "Hallo!", "de-DE", "Kocht."),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "persona: got None, accepted: one table [persona.<id>] or more"),
        ("persona = 3", "persona: got 3, accepted: one table [persona.<id>] or more"),
        ("x = [", "file: got 'Invalid value (at end of document)', accepted: TOML in UTF-8"),
        ("x = 1\n" + GOOD, "top level: got 'x', accepted: tables [persona.<id>] only"),
        ("[persona]\ndefault = 1", "[persona.default]: got 1, accepted: a table"),
        (
            GOOD.replace("default", "other"),
            "persona: got 'other', accepted: a table [persona.default] for sessions that name none",
        ),
        (
            GOOD + "[persona.Big]\n",
            "[persona.Big]: got 'Big', accepted: an id of 1 to 64 characters out of a-z, 0-9, - and _",
        ),
        (
            GOOD + 'mood = "good"',
            "[persona.default]: got 'mood', accepted: the keys name, instructions, voice, greeting,"
            " language, description, pitch, volume, speaking_rate",
        ),
        (
            '[persona.default]\nname = "A"',
            "[persona.default] instructions: got '', accepted: text of 1 to 8000 characters",
        ),
        (GOOD + "voice = 7", "[persona.default] voice: got 7, accepted: text of 0 to 200 characters"),
        (
            GOOD + 'language = "english"',
            "[persona.default] language: got 'english', accepted: a BCP 47 tag such as en or pt-BR, or empty",
        ),
        (
            GOOD + 'language = "en-a"',
            "[persona.default] language: got 'en-a', accepted: a BCP 47 tag such as en or pt-BR, or empty",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "personas.toml"
    path.write_text(content)
    with pytest.raises(VoiceError) as caught:
        load_personas(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_long_value_is_shown_shortened(tmp_path: Path) -> None:
    path = tmp_path / "personas.toml"
    path.write_text(GOOD.replace("Be brief.", "x" * 9_000))
    with pytest.raises(VoiceError, match=r"instructions: got 'x{76}\.\.\., accepted") as caught:
        load_personas(path)
    assert len(str(caught.value)) < 400


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"absent\.toml: file: got 'No such file or directory'"):
        load_personas(tmp_path / "absent.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(VoiceError, match=r"binary\.toml: file: .*accepted: TOML in UTF-8"):
        load_personas(binary)
