"""The languages that Whisper was trained on: what a server is taken to understand that does not say."""

from .whisper_languages import iso_code

_LISTED = """
    af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu
    hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt
    ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh
"""

LANGUAGES = frozenset(_LISTED.split())
"""Its own codes (openai/whisper `tokenizer.py`), without those that only the largest model has."""


def known_to(model: str) -> frozenset[str]:
    """Whisper's codes; a model named `….en` knows English alone."""
    return frozenset({"en"}) if model.endswith(".en") else LANGUAGES


def iso_codes(known: frozenset[str]) -> frozenset[str]:
    return frozenset(iso_code(code) for code in known)
