"""Which languages have a module, and which region a tag means.

A file of its own: it imports every language, and none of them may import it.
"""

from .english import ENGLISH
from .german import GERMAN
from .language import Language
from .romance import FRENCH, ITALIAN, PORTUGUESE, SPANISH

LANGUAGES = {each.code: each for each in (ENGLISH, GERMAN, SPANISH, FRENCH, ITALIAN, PORTUGUESE)}


def find(tag: str) -> Language | None:
    """The language of a BCP 47 tag; English for an empty one, None where there is no module."""
    return LANGUAGES.get(tag.replace("_", "-").lower().split("-")[0] or "en")


def region_of(tag: str) -> str:
    """The region of a BCP 47 tag, in ISO 3166; empty where it names none."""
    return next((part.upper() for part in tag.replace("_", "-").split("-")[1:] if len(part) == 2), "")
