"""Language tags (BCP 47), as far as every stage needs them.

A file of its own: all layers above compare languages, and none of them owns the tag.
"""


def primary(tag: str) -> str:
    """The primary subtag in lower case (RFC 5646, 2.2.1): `en` of `en-GB`, `en_GB` and `EN`; empty of
    nothing. Whether there is such a language is not looked at."""
    return tag.replace("_", "-").partition("-")[0].lower()
