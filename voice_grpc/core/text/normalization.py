"""What a voice should be given: words and the punctuation that carries melody, nothing else.

What lives here: taking off what is only for the eye (markdown, HTML, emoji, addresses). What
must not: how English reads signs and numbers (`english.py`), where a clause ends (`segmentation.py`).

Every pattern is bounded or begins with a fixed character, so the time grows as the text does.
"""

import re
import unicodedata
from html import unescape

from .english import read_signs

_ROUNDS = 4
"""What one round takes off may uncover more, such as a list inside a quote; deeper is not meant for us."""

_FENCE = re.compile(r"^[ \t]{0,8}(?:```|~~~)[^\n`]{0,80}$", re.MULTILINE)
_RULER = re.compile(r"^[ \t|:=*_+-]{3,}$", re.MULTILINE)
_LINE_START = re.compile(r"^[ \t]{0,40}(?:[#>*+•‣◦▪|–—-]{1,8}[ \t]+){1,8}", re.MULTILINE)
_CELLS = re.compile(r"[ \t]{0,8}\|[ \t|]{0,40}")
_TARGET = r"\([^()\s]{0,500}(?:[ \t]\"[^\"\n]{0,200}\")?\)|\[[^\[\]\n]{0,80}\]"
_LINK = re.compile(rf"!?\[([^\[\]\n]{{0,300}})\](?:{_TARGET})")
_LINK_REST = re.compile(r"\]\([^()\s]{0,500}\)")
_FOOTNOTE = re.compile(r"\[\^?\d{1,3}\]")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,300}>|<!--.{0,300}?-->", re.DOTALL)
_PATH = r"[^\s<>\"”)\]]{0,500}"
_URL = re.compile(
    rf"(?<!\w)<?(?:https?://|www\.)(?:www\.)?([\w.-]{{1,253}})(?::\d{{1,5}})?(?:[/?#]{_PATH})?>?"
)
_MAIL = re.compile(r"(?<![\w.])([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63}){1,4})(?!\w)")
_TLDS = "com|org|net|io|dev|edu|gov|ai|app|co|info|uk|de|fr|es|it|nl|eu|in|jp|ca|au|ch"
_HOST = re.compile(rf"(?<![\w.@-])((?:[a-zA-Z0-9-]{{1,63}}\.){{1,4}}(?:{_TLDS}))(?![\w-])(?:/{_PATH})?")
_END_OF_ADDRESS = re.compile(r"[.,;:!?'*_~]{0,8}$")

_EMOJI = re.compile(
    "(?:[\U0001f000-\U0001faff\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f]\u200d?)+"
)
_GLUE = str.maketrans("", "", "*`~\\^")
_GAPS = str.maketrans(dict.fromkeys("_#[]{}<>|=@", " "))
_KEPT_SIGNS = frozenset("+°%&$€£¥₹/±×÷−")
_WORDLESS = re.compile(r"[^\W_]")
_LEADING = re.compile(r"^[\s,;:!?)\]}»”、，。！？；：]+(?=\S)|^(?:\.+|[-–—•>#+]+)(?:\s+|$)")
_REPEATED = re.compile(r"([!?,;:—–])(?:\s{0,3}\1)+")
_DOTS = re.compile(r"\.{4,}")
_STRAY_SPACE = re.compile(r"\s{1,8}([.,;:!?]{1,4})(?=\s|$)")
_EMPTY_BRACKETS = re.compile(r"\(\s{0,8}\)|\"\s{0,8}\"|“\s{0,8}”")


class _Unspeakable(dict[int, str]):
    """A table for `str.translate` that learns: symbols, controls and private characters become a space."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        is_kept = category[0] in "LMNPZ" or char in _KEPT_SIGNS or char in "\n\t\u200c\u200d"
        self[code] = char if is_kept else "" if category == "Cf" else " "
        return self[code]


_UNSPEAKABLE = _Unspeakable()


def speakable(text: str, language: str = "en") -> str:
    """`text` as a voice should read it, on one line; empty when there is nothing to say.

    `language` is BCP 47. In English, signs, units, times and amounts are written out; voices of
    other languages read them their own way, so there they stay. Doing it twice changes nothing.
    """
    is_english = language.lower().split("-")[0] in ("en", "")
    for _ in range(_ROUNDS):
        before, text = text, _once(text, is_english)
        if text == before:
            break
    return text


def _once(text: str, is_english: bool) -> str:
    text = _addresses(_markdown(_TAG.sub(" ", unescape(text))), is_english)
    text = _EMOJI.sub(" ", text).translate(_GLUE).translate(_GAPS).translate(_UNSPEAKABLE)
    return _tidy(read_signs(text) if is_english else text.replace("&", " & "))


def _markdown(text: str) -> str:
    text = _RULER.sub("", _FENCE.sub("", text))
    text = _FOOTNOTE.sub("", _LINK.sub(r"\1", text))
    text = _LINK_REST.sub("", text)
    lines = (_line(line) for line in text.splitlines())
    return " ".join(line for line in lines if line)


def _line(line: str) -> str:
    """One line as prose: an item, a heading or a row of a table ends like a sentence."""
    body = _LINE_START.sub("", line).strip()
    is_row = body.endswith("|")
    body = _CELLS.sub(", ", body.strip("| \t")) if is_row or line.lstrip().startswith("|") else body
    is_own = is_row or body != line.strip()
    return body + "." if is_own and body[-1:].isalnum() else body


def _addresses(text: str, is_english: bool) -> str:
    """An address is said as a person would: the host and nothing behind it."""

    def spell(host: str) -> str:
        return host.replace(".", " dot ") if is_english else host

    def site(match: re.Match[str]) -> str:
        end = _END_OF_ADDRESS.search(match[0].rstrip(">"))
        host = match[1].strip(".-")
        return spell(host) + (end[0] if end and len(match[0]) > 1 else "")

    def mail(match: re.Match[str]) -> str:
        return f"{spell(match[1])} at {spell(match[2])}" if is_english else match[0].replace("@", " @ ")

    return _HOST.sub(site, _MAIL.sub(mail, _URL.sub(site, text)))


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    text = _DOTS.sub("...", _REPEATED.sub(r"\1", _EMPTY_BRACKETS.sub(" ", text)))
    text = _STRAY_SPACE.sub(r"\1", text)
    text = " ".join(_LEADING.sub("", text).split())
    return text if _WORDLESS.search(text) else ""
