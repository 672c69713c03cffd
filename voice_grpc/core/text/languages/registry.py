"""Which languages have a module, and which region a tag means.

A file of its own: it imports every language, and none of them may import it.
"""

from ...languages import primary
from .english import ENGLISH
from .french import FRENCH
from .german import GERMAN
from .italian import ITALIAN
from .language import Language
from .portuguese import PORTUGUESE
from .spanish import SPANISH

LANGUAGES = {each.code: each for each in (ENGLISH, GERMAN, SPANISH, FRENCH, ITALIAN, PORTUGUESE)}


def find(tag: str) -> Language | None:
    """The language of a BCP 47 tag; English for an empty one, None where there is no module."""
    return LANGUAGES.get(primary(tag) or "en")


def region_of(tag: str) -> str:
    """The region of a BCP 47 tag, in ISO 3166; empty where it names none."""
    return next((part.upper() for part in tag.replace("_", "-").split("-")[1:] if len(part) == 2), "")
