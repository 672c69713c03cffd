"""Languages by their BCP 47 tags (RFC 5646): which text is a tag, and which language it is about.

A file of its own: engines, the wire, personas and the fallback all ask it, and should agree.
"""

import re

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
"""A language, then script, region and variant (RFC 5646, 2.1), without a look into the registry. Extensions
and private use, which begin with a subtag of one character, are no part of it: no engine tells them apart."""

MAX_TAG = 30
"""Characters of the longest that `is_tag` takes."""


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def primary(tag: str) -> str:
    """The language alone, in lower case: "pt" of "pt-BR", and of "pt_BR" as some engines spell it."""
    return tag.replace("_", "-").partition("-")[0].lower()


_SHARED = {"nb": "no", "nn": "no", "cmn": "zh"}


def listed_as(tag: str) -> str:
    """The language under which the words of this one are listed here: both kinds of Norwegian, and Mandarin,
    have tags of their own."""
    language = primary(tag)
    return _SHARED.get(language, language)
