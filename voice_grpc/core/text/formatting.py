"""What is only for the eye: markdown, tags, emoji, boxes, and scripts that the voice cannot read.

What lives here: taking it off, in any language. What must not: signs that mean something between
words and numbers; those are said (`signs.py`). So an asterisk goes where it marks emphasis and stays
where it multiplies, and nothing that goes leaves two digits joined.

Every pattern is bounded or begins with a fixed character, so the time grows as the text does.
"""

import re
import unicodedata
from html import unescape

# ---------------------------------------------------------------- tags

_TAGS = (
    "a abbr article aside audio b blockquote body br button caption center cite code dd del details div dl dt"
    " em figcaption figure font footer h1 h2 h3 h4 h5 h6 head header hr html i img input ins kbd label li"
    " link main mark meta nav ol option p pre q s samp script section select small span strike strong style"
    " sub summary sup svg table tbody td textarea tfoot th thead title tr tt u ul var video"
    " speak break emphasis prosody say-as phoneme voice lang audio w token"
)
"""HTML, and SSML 1.1. Whatever else stands in angle brackets is no tag."""
_NAME = "|".join(sorted(set(_TAGS.split()), key=len, reverse=True))
_ATTRIBUTE = r"\s{1,8}[\w:.-]{1,40}\s?=\s?(?:\"[^\"<>]{0,300}\"|'[^'<>]{0,300}'|[^\s\"'<>]{1,200})"
_TAG = re.compile(rf"</?(?:{_NAME})(?:{_ATTRIBUTE}){{0,12}}\s{{0,8}}/?>|<!--.{{0,300}}?-->", re.I | re.DOTALL)

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
"""With its semicolon: without one, R&amp and a&lt are nobody's HTML."""

# ---------------------------------------------------------------- markdown

_FENCE = re.compile(r"^[ \t]{0,8}(?:```|~~~)[^\n`]{0,80}$", re.MULTILINE)
_RULER = re.compile(r"^[ \t|:=*_+-]{3,}$", re.MULTILINE)
_LINE_START = re.compile(
    r"^[ \t]{0,40}(?:[#>*+•‣◦▪●○■□▶►–—-]{1,8}[ \t]+(?:\[[ xX]\][ \t]+)?){1,8}", re.MULTILINE
)
_ITEM = re.compile(r"\d{1,2}[.)]\s")
"""Of a numbered list, where it is not the first line: that one may be a sentence about the first of May."""
_CELLS = re.compile(r"[ \t]{0,8}\|[ \t|]{0,40}")
_TARGET = r"\([^()\s]{0,500}(?:[ \t]\"[^\"\n]{0,200}\")?\)|\[[^\[\]\n]{0,80}\]"
_LINK = re.compile(rf"!?\[([^\[\]\n]{{0,300}})\](?:{_TARGET})")
_LINK_REST = re.compile(r"\]\([^()\s]{0,500}\)")
_FOOTNOTE = re.compile(r"(?<!\d)\[\^?\d{1,3}\]|(?<=\d)\[\^\d{1,3}\]")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!|~$%&<>-])")
_LATEX = {
    **{"times": "×", "cdot": "×", "div": "÷", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥"},
    **{"neq": "≠", "ne": "≠", "approx": "≈", "infty": "∞", "sqrt": "√", "to": "→", "rightarrow": "→"},
    **{"pi": "π", "alpha": "α", "beta": "β", "theta": "θ", "lambda": "λ", "sum": "∑", "circ": "°"},
}
_COMMAND = re.compile(rf"\\({'|'.join(sorted(_LATEX, key=len, reverse=True))})(?![a-zA-Z])")
_FRAC = re.compile(r"\\[dt]?frac\{([^{}\n]{1,40})\}\{([^{}\n]{1,40})\}")
_FORMULA = re.compile(
    r"\\[()\[\]]|\$\$([^$\n]{1,200})\$\$"
    r"|(?<![\w$])\$(?=[a-zA-Z\\(√|-][^$\n]{0,100}\$)([^$\s](?:[^$\n]{0,100}[^$\s])?)\$(?![\w$])"
)
_BRACED = re.compile(r"(?<=[√^])\{([^{}\n]{1,40})\}")
_EMPHASIS = re.compile(
    r"(?<![\w*])(\*{1,3})(?![\s*])([^*\n]{1,300}?)(?<!\s)\1(?![\w*])"
    r"|(?<![\w_])(_{1,3})(?![\s_])([^_\n]{1,300}?)(?<!\s)\3(?![\w_])"
    r"|(?<=[a-zA-Z])(\*\*)([a-zA-Z]{3,40})\5(?=[a-zA-Z])"
)
_STRUCK = re.compile(r"~~([^~\n]{1,300})~~")
_LOOSE = re.compile(
    r"(?<!\w)[*_]{1,3}(?=[^\W_])(?!\d)|(?<=[^\W_])[*]{2,3}(?!\w)(?!\s?\d)|(?<=[^\W_])[*_](?![\w\s])"
)
"""Emphasis whose other end is in another clause."""
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]{1,40}"
)
_TICKS = re.compile(r"`{1,6}")

# ---------------------------------------------------------------- pictures and scripts

_EMOJI = re.compile(
    "(?:[\U0001f000-\U0001faff\u2300-\u23ff\u2460-\u24ff\u2500-\u266c\u2670-\u27bf\u2900-\u2933\u2936-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f]\u200d?)+"
)
_SMILEY = re.compile(r"(?<!\S)[:;=]['’]?-?[)(DPp\]\[*|/\\](?=$|\s|[.!?])")
_STYLED = re.compile("[\U0001d400-\U0001d7ff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]{1,200}")
"""Letters and digits in mathematical dress or full width: bold for those who have no markdown."""
_FOREIGN = (
    "\u0370-\u1cff\u1f00-\u1fff\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3031-\ud7ff\uf900-\ufaff\ufb1d-\ufdff\ufe70-\ufefc"
    "\uff66-\uffdc\U00010300-\U0001cfff\U00020000-\U0003ffff"
)
_FOREIGN_RUN = re.compile(
    rf"[(（\[\"“「『«]?\s?(?<![{_FOREIGN}])[{_FOREIGN}](?:[\s,.，。、！？：；・·'’0-9-]{{0,3}}[{_FOREIGN}]){{0,2000}}"
    r"[。、！？，]?\s?[)）\]\"”」』»]?"
)
_LONE_GREEK = re.compile(rf"(?<![{_FOREIGN}])[\u0370-\u03ff](?![{_FOREIGN}])")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ]")
_FOREIGN_LETTER = re.compile(f"[{_FOREIGN}]")

_EMPTY_BRACKETS = re.compile(r"\(\s{0,8}[,;]?\s{0,8}\)|\"\s{0,8}\"|“\s{0,8}”|«\s{0,8}»")
_WORDLESS = re.compile(r"[^\W_]")
_LEADING = re.compile(r"^[\s,;:!?)\]}»”、，。！？；：]+(?=\S)|^(?:\.+|[-–—•>#+]+)(?:\s+|$)")
_REPEATED = re.compile(r"([!?,;:—–])(?:\s{0,3}\1)+")
_DOTS = re.compile(r"\.{4,}")
_COMMA_STOP = re.compile(r",\s{0,3}(?=[.!?;:](?!\w))")
_STRAY_SPACE = re.compile(r"\s{1,8}([.,;:!?]{1,4})(?=\s|$)")


def unformatted(text: str) -> str:
    """Without markdown, tags and emoji, on one line; an item, a heading or a row ends like a sentence."""
    text = _TAG.sub(" ", _ENTITY.sub(lambda match: unescape(match[0]), text))
    text = _STYLED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = _RULER.sub("", _FENCE.sub("", text))
    text = _LINK.sub(lambda match: _apart(match, match[1]), _INVISIBLE.sub(_apart, text))
    text = _LINK_REST.sub(_apart, _FOOTNOTE.sub(_apart, text))
    text = _BRACED.sub(r"(\1)", _COMMAND.sub(lambda m: _LATEX[m[1]], _FRAC.sub(r"\1 / \2", text)))
    text = _FORMULA.sub(lambda match: _apart(match, match[1] or match[2] or ""), text)
    text = _ESCAPED.sub(r"\1", text)
    lines = [_line(line) for line in text.splitlines()]
    lines[1:] = (_ended(line) if _ITEM.match(line) else line for line in lines[1:])
    text = " ".join(line for line in lines if line)
    text = _STRUCK.sub(lambda match: _apart(match, match[1]), _TICKS.sub(_apart, text))
    for _ in range(2):
        text = _EMPHASIS.sub(lambda match: match[2] or match[4] or match[6], text)
    return _EMOJI.sub(" ", _SMILEY.sub(" ", _LOOSE.sub(_apart, text)))


def _apart(match: re.Match[str], kept: str = "") -> str:
    """`kept` in place of the match, with a space wherever two digits would become one number."""
    before = match.string[max(0, match.start() - 1) : match.start()]
    after = match.string[match.end() : match.end() + 1]
    if not kept:
        return " " if before.isdigit() and after.isdigit() else ""
    left = " " if before.isdigit() and kept[0].isdigit() else ""
    return f"{left}{kept}{' ' if kept[-1].isdigit() and after.isdigit() else ''}"


def _line(line: str) -> str:
    body = _LINE_START.sub("", line).strip()
    is_row = body.endswith("|")
    body = _CELLS.sub(", ", body.strip("| \t")) if is_row or line.lstrip().startswith("|") else body
    is_own = is_row or body != line.strip()
    return _ended(body) if is_own else body


def _ended(line: str) -> str:
    """As a sentence."""
    return line + "." if line.rstrip("*_`~")[-1:].isalnum() else line


def is_foreign(text: str) -> bool:
    """Whether it has letters, and none that a voice of a language in Latin script could read."""
    return _FOREIGN_LETTER.search(_LONE_GREEK.sub("", text)) is not None and not _LATIN.search(text)


def without_foreign(text: str) -> str:
    """`text` in Latin script without the words of other scripts, nor the brackets around them."""
    return _FOREIGN_RUN.sub(_dropped, text) if _FOREIGN_LETTER.search(text) else text


def _dropped(match: re.Match[str]) -> str:
    """A bracket or quote whose other end does not belong to the run stays."""
    run = match[0]
    if not _FOREIGN_LETTER.search(_LONE_GREEK.sub("", run)):
        return run
    first, last = run[0], run[-1]
    is_open, is_closed = first in '(（["“「『«', last in ')）]"”」』»'
    if is_open and is_closed:
        return " "
    return f"{first if is_open else ''} {last if is_closed else ''}"


def tidy(text: str) -> str:
    """One space between words, no mark twice, none at the start; empty when there is no word in it."""
    text = " ".join(text.split())
    text = _DOTS.sub("...", _REPEATED.sub(r"\1", _EMPTY_BRACKETS.sub(" ", text)))
    text = _COMMA_STOP.sub("", _STRAY_SPACE.sub(r"\1", text))
    text = " ".join(_LEADING.sub("", text).split())
    return text if _WORDLESS.search(text) else ""


class Kept(dict[int, str]):
    """A table for `str.translate` that learns: letters, digits, punctuation and `signs` stay, format
    characters go, and anything else (symbols, controls, private characters) becomes a space."""

    def __init__(self, signs: str, gone: str = "") -> None:
        super().__init__({ord(char): " " for char in gone})
        self._signs = frozenset(signs + "\n\t\u200c\u200d")

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        is_kept = category[0] in "LMNPZ" or char in self._signs
        self[code] = char if is_kept else "" if category == "Cf" else " "
        return self[code]
