"""Who the server can be: personas from a TOML file, checked when it is read.

What lives here: the file's format and what is said about a wrong one. What must not: how an
engine turns instructions into a prompt.
"""

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from ..core.errors import PersonaError, SsmlError
from ..core.languages import MAX_TAG, is_tag
from ..core.text.ssml import PROSODY, is_prosody, parse

DEFAULT_ID = "default"
"""Id of the persona that is taken when a session names none; every file has it."""

_PACKAGED = Path(__file__).with_name("personas.toml")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LONGEST = {"name": 80, "description": 200, "instructions": 8_000, "voice": 200, "greeting": 1_000}
"""Longest value of each key, in characters."""
RATE = "speaking_rate"
_REQUIRED = ("name", "instructions")


@dataclass(frozen=True, slots=True)
class Persona:
    id: str
    name: str
    """For people."""
    instructions: str
    """What the model is told; at most 8,000 characters."""
    voice: str = ""
    """Empty: the engine's default for the language."""
    greeting: str = ""
    """Spoken once when a conversation starts; empty: none. One that begins with `<speak` is SSML."""
    language: str = ""
    """BCP 47; empty: the user's."""
    description: str = ""
    pitch: str = ""
    volume: str = ""
    """SSML prosody values such as `+2st` and `soft`, around everything it says; empty: the voice's own."""
    speaking_rate: float = 1.0
    """0.5 to 2."""


def load_personas(path: Path | None = None) -> dict[str, Persona]:
    """By id, in the order of the file; without a path, those that come with the package.

    Raises `PersonaError` for the first thing that is wrong.
    """
    path = path or _PACKAGED
    document = _read(path)
    if unknown := next((key for key in document if key != "persona"), None):
        raise PersonaError(path, "top level", unknown, "tables [persona.<id>] only")
    tables = document.get("persona")
    if not isinstance(tables, dict) or not tables:
        raise PersonaError(path, "persona", tables, "one table [persona.<id>] or more")
    personas = {name: _persona(path, name, table) for name, table in tables.items()}
    if DEFAULT_ID not in personas:
        accepted = f"a table [persona.{DEFAULT_ID}] for sessions that name none"
        raise PersonaError(path, "persona", ", ".join(personas), accepted)
    return personas


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PersonaError(path, "file", error.strerror, "a readable TOML file of personas") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PersonaError(path, "file", str(error), "TOML in UTF-8") from error


def _persona(path: Path, name: str, table: object) -> Persona:
    place = f"[persona.{name}]"
    if not _ID.fullmatch(name):
        raise PersonaError(path, place, name, "an id of 1 to 64 characters out of a-z, 0-9, - and _")
    if not isinstance(table, dict):
        raise PersonaError(path, place, table, "a table")
    known = [field.name for field in fields(Persona) if field.name != "id"]
    if unknown := next((key for key in table if key not in known), None):
        raise PersonaError(path, place, unknown, "the keys " + ", ".join(known))
    rate = table.get(RATE, 1.0)
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0.5 <= rate <= 2.0:
        raise PersonaError(path, f"{place} {RATE}", rate, "a number from 0.5 to 2")
    texts = {key: _text(path, f"{place} {key}", key, table.get(key, "")) for key in known if key != RATE}
    return Persona(name, **texts, speaking_rate=float(rate))


def _text(path: Path, place: str, key: str, value: object) -> str:
    least, most = int(key in _REQUIRED), _LONGEST.get(key, MAX_TAG)
    accepted = f"text of {least} to {most} characters"
    if not isinstance(value, str):
        raise PersonaError(path, place, value, accepted)
    text = value.strip()
    if not least <= len(text) <= most:
        raise PersonaError(path, place, text, accepted)
    if key == "language" and text and not is_tag(text):
        raise PersonaError(path, place, text, "a BCP 47 tag such as en or pt-BR, or empty")
    if key in PROSODY and text and not is_prosody(key, text):
        raise PersonaError(path, place, text, PROSODY[key])
    if key == "greeting" and text.startswith("<speak"):
        _check_ssml(path, place, text)
    return text


def _check_ssml(path: Path, place: str, document: str) -> None:
    try:
        parse(document)
    except SsmlError as error:
        raise PersonaError(path, place, f"{error.place}{error.got}", error.accepted) from None
