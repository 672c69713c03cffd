"""How each language says what is not written as words. `find` gives the one of a BCP 47 tag."""

from .language import Language
from .registry import find, region_of

__all__ = ["Language", "find", "region_of"]
