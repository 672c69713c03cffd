"""Which elements of SSML are accepted, with which attributes and values: those that voices agree on."""

import re
from collections.abc import Mapping, Sequence

from .errors import VoiceError

ATOMIC = ("phoneme", "say-as", "sub")
"""Read as one: never cut, and nothing but words inside."""

SEPARATE = ("p", "s")
"""What follows is another sentence."""


class SsmlError(VoiceError):
    def __init__(self, place: str, got: str, accepted: str) -> None:
        super().__init__(f"{place}got {got}, accepted: {accepted}")
        self.place, self.got, self.accepted = place, got, accepted


_LEVELS = "none|x-weak|weak|medium|strong|x-strong"
_RATE = r"x-slow|slow|medium|fast|x-fast|default|\d{2,3}%"
_PITCH = r"x-low|low|medium|high|x-high|default|[+-]\d{1,2}(?:\.\d+)?st|[+-]\d{1,3}(?:\.\d+)?%"
_VOLUME = r"silent|x-soft|soft|medium|loud|x-loud|default|[+-]\d{1,2}(?:\.\d+)?dB"
_KINDS = (
    "cardinal|ordinal|characters|spell-out|fraction|unit|date|time|telephone|currency|verbatim|expletive"
    "|bleep"
)

PROSODY = {"rate": _RATE, "pitch": _PITCH, "volume": _VOLUME}

_ELEMENTS: Mapping[str, Mapping[str, str]] = {
    "speak": {"version": r"1\.[01]", "xmlns": ".+", "xml:lang": "[A-Za-z0-9-]+"},
    "break": {"time": r"(?:\d{1,4}ms|(?:\d|10)(?:\.\d{1,3})?s)", "strength": _LEVELS},
    "emphasis": {"level": "strong|moderate|none|reduced"},
    "p": {},
    "s": {},
    "prosody": PROSODY,
    "say-as": {"interpret-as": _KINDS, "format": r"[\w.-]{1,20}", "detail": r"[\w.-]{1,20}"},
    "sub": {"alias": r"[^<&]{1,500}"},
    "phoneme": {"alphabet": "ipa|x-sampa", "ph": r"[^<&]{1,500}"},
}
_REQUIRED = {"say-as": "interpret-as", "sub": "alias", "phoneme": "ph"}


def check(tag: str, attributes: Mapping[str, str], inside: Sequence[str], place: str) -> None:
    """Of an element that is opened `inside` others. Raises `SsmlError`."""
    if not inside and tag != "speak":
        raise SsmlError(place, f"<{tag}>", "<speak> around everything")
    if tag not in _ELEMENTS or (inside and tag == "speak"):
        raise SsmlError(place, f"<{tag}>", ", ".join(each for each in _ELEMENTS if each != "speak"))
    if inside and inside[-1] in (*ATOMIC, "break"):
        raise SsmlError(place, f"<{tag}> inside <{inside[-1]}>", "nothing but words there")
    known = _ELEMENTS[tag]
    for name, value in attributes.items():
        if name not in known:
            raise SsmlError(place, f"{name} of <{tag}>", ", ".join(known) or "no attributes")
        if not re.fullmatch(known[name], value):
            raise SsmlError(place, f"{name}={value[:40]!r} of <{tag}>", known[name])
    if (required := _REQUIRED.get(tag)) and required not in attributes:
        raise SsmlError(place, f"<{tag}> without {required}", f"{required}={known[required]}")
    if tag == "prosody" and not attributes:
        raise SsmlError(place, "<prosody> without anything", "rate, pitch or volume")


def is_prosody(name: str, value: str) -> bool:
    """Whether `value` may stand for `pitch` or `volume`."""
    return re.fullmatch(PROSODY[name], value) is not None
