"""SSML (W3C, Speech Synthesis Markup Language 1.1), as far as voices render it: checked, cut, and escaped.

What lives here: which documents are accepted, their plain words, and their clauses as documents of their
own. What must not: what a voice makes of them. A document declares nothing: DTDs, entities and processing
instructions are refused before anything is expanded.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape as _escape
from xml.sax.saxutils import quoteattr

from ..errors import SsmlError
from .segmentation import ClauseSplitter

# ---------------------------------------------------------------- what is accepted: what voices agree on

ATOMIC = ("phoneme", "say-as", "sub")
"""Read as one: never cut, and nothing but words inside."""

SEPARATE = ("p", "s")
"""What follows is another sentence."""


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
    """Whether an element may be opened `inside` others. Raises `SsmlError`."""
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


MAX_LENGTH = 8_000
"""Characters."""
MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class SsmlClause:
    text: str
    """Without any marks; spaces as in the document."""
    document: str


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Close:
    tag: str


@dataclass(frozen=True, slots=True)
class Ssml:
    """A document that was accepted. Made by `parse`."""

    text: str
    """What is said, without any marks; of a `sub` what is written."""
    _parts: tuple[_Open | _Close | str, ...] = field(repr=False)

    def clauses(self) -> list[SsmlClause]:
        """Cut where plain text would be, but never inside what is read as one; each one a document."""
        borders = self._borders()
        return [
            SsmlClause(self.text[start:end], self._document(start, end, is_last=end == len(self.text)))
            for start, end in zip(borders, borders[1:], strict=False)
        ]

    def _borders(self) -> list[int]:
        splitter = ClauseSplitter()
        borders, at = [0], 0
        for clause in [*splitter.feed(self.text), *splitter.flush()]:
            words = clause.strip()
            at = self.text.index(words, at) + len(words)
            end = next((end for start, end in self._atoms() if start < at < end), at)
            if end > borders[-1]:
                borders.append(end)
        borders[-1] = len(self.text)
        return borders if len(borders) > 1 else [0, len(self.text)]

    def _atoms(self) -> list[tuple[int, int]]:
        found, begun, at = [], 0, 0
        for part in self._parts:
            if isinstance(part, str):
                at += len(part)
            elif part.tag in ATOMIC and isinstance(part, _Open):
                begun = at
            elif part.tag in ATOMIC:
                found.append((begun, at))
        return found

    def _document(self, start: int, end: int, *, is_last: bool) -> str:
        """The words from `start` to `end`, inside whatever is open there; a break belongs to what follows."""
        written, stack, at = "", list[_Open](), 0
        begun = False
        for part in self._parts:
            if not begun and at >= start and not (at == start and isinstance(part, _Close)):
                written, begun = "".join(map(_tag, stack)), True
            if at > end or (at == end and not is_last and not isinstance(part, _Close)):
                break
            if isinstance(part, str):
                written += (
                    _escape(part[max(0, start - at) : end - at]) if begun or at + len(part) > start else ""
                )
                if not begun and at + len(part) > start:
                    written, begun = "".join(map(_tag, stack)) + written, True
                at += len(part)
            elif isinstance(part, _Open):
                stack.append(part)
                written += _tag(part) if begun else ""
            else:
                stack.pop()
                written += f"</{part.tag}>" if begun else ""
        return f"<speak>{written}{''.join(f'</{each.tag}>' for each in reversed(stack))}</speak>"


def parse(document: str) -> Ssml:
    """Raises `SsmlError`, which says where, what and what is accepted."""
    if not document.strip() or len(document) > MAX_LENGTH:
        raise SsmlError(
            "", f"{len(document)} characters", f"1 to {MAX_LENGTH} characters of <speak>…</speak>"
        )
    reading = _Reading()
    try:
        reading.parser.Parse(document, True)
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}: "
        raise SsmlError(place, expat.ErrorString(error.code), "well-formed XML without a DTD") from None
    text = "".join(part for part in reading.parts if isinstance(part, str))
    if not text.strip():
        raise SsmlError("", "no words", "something to say between <speak> and </speak>")
    return Ssml(text, tuple(reading.parts))


class _Reading:
    """One pass of expat, which expands nothing by itself here."""

    def __init__(self) -> None:
        self.parts: list[_Open | _Close | str] = []
        self._stack: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._open
        self.parser.EndElementHandler = self._close
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = lambda *_: self._refuse("a DOCTYPE")
        self.parser.EntityDeclHandler = lambda *_: self._refuse("an entity")
        self.parser.ProcessingInstructionHandler = lambda *_: self._refuse("a processing instruction")

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        check(tag, attributes, self._stack, self._place())
        if len(self._stack) >= MAX_DEPTH:
            raise SsmlError(self._place(), f"<{tag}> inside {MAX_DEPTH} others", "less nesting")
        self._stack.append(tag)
        if tag != "speak":
            self.parts.append(_Open(tag, attributes))

    def _close(self, tag: str) -> None:
        self._stack.pop()
        if tag != "speak":
            self.parts.append(_Close(tag))
        if tag in SEPARATE:
            self.parts.append("\n")

    def _text(self, text: str) -> None:
        if self._stack[-1] == "break" and text.strip():
            raise SsmlError(self._place(), "words inside <break>", "<break/> on its own")
        if self._stack[-1] != "break":
            self.parts.append(text)

    def _refuse(self, what: str) -> None:
        raise SsmlError(self._place(), what, "a document that declares nothing")

    def _place(self) -> str:
        return f"line {self.parser.CurrentLineNumber}, column {self.parser.CurrentColumnNumber + 1}: "


def escape(text: str) -> str:
    """Plain text as it stands in a document; what XML cannot hold (control characters) becomes a space."""
    return _escape(
        "".join(c if c >= " " or c in "\t\n" else " " for c in text if not "\ud800" <= c <= "\udfff")
    )


def with_prosody(text: str, pitch: str = "", volume: str = "") -> str:
    """A document of plain text; the values are those that `PROSODY` accepts."""
    marks = "".join(
        f" {name}={quoteattr(value)}" for name, value in (("pitch", pitch), ("volume", volume)) if value
    )
    said = escape(text)
    return f"<speak><prosody{marks}>{said}</prosody></speak>" if marks else f"<speak>{said}</speak>"


def _tag(element: _Open) -> str:
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in element.attributes.items())
    return f"<{element.tag}{attributes}>"
