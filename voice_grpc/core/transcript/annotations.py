"""What a recogniser writes down beside words: sounds in brackets or stars, music between notes, speakers.

Whisper learnt it from subtitles: `(keyboard clicking)`, `[MUSIC PLAYING]`, `♪ la la ♪`, `*coughs*`,
`【拍手】`, `<|nospeech|>`, `>> Yes.`. Digits in round brackets are part of a number, "(555) 123-4567", and a
bracket within a word is part of it, "option(s)".
"""

import re

from ..text.segmentation import WIDE
from .text import LETTER, Span, has_words

_OPEN, _CLOSE = re.escape("([{（［｛【〔"), re.escape(")]}）］｝】〕")
_NOTES = "♩♪♫♬♭♮♯¶🎵🎶🎼"
_GONE = "\0"

_MARKS = r"[.!?…,;:。！？、，]"
_STARRED = rf"(?P<mark>[*_]+)(?=[^\s*_])[^*_\n]*[^\s*_](?P=mark)(?!{LETTER})"
"""Between stars or underscores. Within a sentence that is a word with stress, unless it is a sound."""
_SOUND = r"(?:laugh|chuckl|giggl|cough|sneez|sniff|sigh|gasp|groan|moan|yawn|breath|clear|clap|appla|cheer|music|sing|hum|beep|click|typ|knock|nois|static|silen|inaudib|unintel|blank|cr(?:y|ies)|sob|scream|whisper|whistl|snor|bark|ring|buzz|paus)"  # noqa: E501 - one list

_STANDING = (
    rf"(?<!{LETTER})[{_OPEN}][^{_OPEN}{_CLOSE}]*[{_CLOSE}](?!{LETTER})",
    r"<[^<>\d\s][^<>]*>",
    rf"(?:(?<=\A)|(?<=\s))(?<!{LETTER}\s)(?<!{LETTER}\s\s){_STARRED}",
    rf"(?<![\w*]){_STARRED}(?=\s*(?:\Z|{_MARKS}))",
    rf"(?i:(?<![\w*])[*_]+(?=[^\s*_]){_SOUND}[^*_\n]*[*_]+(?!{LETTER}))",
    rf"[{_NOTES}][{_NOTES}\s]*[^{_NOTES}]*[{_NOTES}](?:[{_NOTES}\s]*[{_NOTES}])?",
    r"(?<!\S)>>+",
)
"""Whole ones."""

_OPEN_ENDED = (
    rf"(?<![\w:;=\-{_CLOSE}])[{_OPEN}][^{_OPEN}{_CLOSE}]*\Z",
    r"<\|?[A-Za-z][^<>]*\Z",
    r"\A\s*[*_]+(?=[^\s*_])[^*_]*\Z",
    rf"[{_NOTES}][^{_NOTES}]*\Z",
    r"\A[^\[\]【】［］]*[\]】］]",
)
"""Those that a recogniser, or an interim, left without the other end."""

_WHOLE = [re.compile(pattern) for pattern in _STANDING]
_HALF = [re.compile(pattern) for pattern in _OPEN_ENDED]
_STRESS = re.compile(rf"(?<![\w*])(?P<mark>[*_]+)(?=[^\s*_])[^*_\n{_GONE}]*[^\s*_](?P=mark)(?!{LETTER})")
_IS_WIDE = re.compile(rf"[{WIDE}]")


def annotations(text: str) -> list[Span]:
    """Where they are, brackets and all; one in another is a part of it."""
    masked, before = text, ""
    while masked != before:
        before = masked
        for pattern in _WHOLE:
            masked = pattern.sub(_gone, masked)
    for pattern in _HALF:
        masked = pattern.sub(_gone, masked)
    masked = _STRESS.sub(lambda m: _GONE * len(m["mark"]) + m[0].strip("*_") + _GONE * len(m["mark"]), masked)
    return [match.span() for match in re.finditer(f"{_GONE}+", masked)]


def _gone(match: re.Match[str]) -> str:
    """As many characters, unless they are a number."""
    inside = match[0].replace(_GONE, "")
    is_number = inside[:1] in "(（" and has_words(inside) and not any(c.isalpha() for c in inside)
    return match[0] if is_number else _GONE * len(match[0])
