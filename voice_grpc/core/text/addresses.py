"""Addresses as a person says them: mail, hosts without what stands behind, file names, handles, tags.

What lives here: what is written to be typed. What must not: telephone numbers and codes
(`identifiers.py`). In a language that has no module the host stays as it is written.
"""

import re
from collections.abc import Callable

from .languages import Language
from .reading import Reading

_PATH = r"[^\s<>\"”)\]]{0,500}"
_URL = re.compile(
    rf"(?<!\w)<?(?:https?://|www\.)(?:www\.)?([\w.-]{{1,253}})(?::\d{{1,5}})?(?:[/?#]{_PATH})?>?"
)
_MAIL = re.compile(r"(?<![\w.])<?([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63}){1,4})(?!\w)>?")
_TLDS = "com|org|net|io|dev|edu|gov|ai|app|co|info|uk|de|fr|es|it|nl|eu|in|jp|ca|au|ch|at|pt|br|me|tv|xyz"
_HOST = re.compile(
    rf"(?<![\w.@-])((?:[a-zA-Z0-9-]{{1,63}}\.){{1,4}}(?:{_TLDS}))(?![\w-])(?::\d{{1,5}})?(?:[/?#]{_PATH})?"
)
_END = re.compile(r"[.,;:!?'*_~]{0,8}$")

_ENDINGS = (
    "pdf|docx?|xlsx?|pptx?|txt|csv|tsv|json|ya?ml|toml|xml|html?|css|md|py|js|ts|tsx|jsx|java|cpp|rs|sh|sql"
    "|zip|gz|tar|exe|dmg|iso|jpe?g|png|gif|svg|webp|mp3|mp4|wav|flac|ogg|mov|avi|log|cfg|conf|ini|env|bak|ipynb"
)
_FILE = re.compile(
    rf"(?<![\w@])((?:\./|~/|/)?(?:[\w-]{{1,60}}[/\\]){{0,8}})([\w-]{{1,80}}(?:\.[\w-]{{1,20}}){{0,2}})\.({_ENDINGS})(?![\w/])"
)
_FRAMEWORK = re.compile(r"[A-Z][a-z]{2,9}")
"""Node.js, Vue.js: a name, and no file."""
_HASHTAG = re.compile(r"(?<![\w&#])#([^\W\d_]\w{1,60})(?!\w)")
_HANDLE = re.compile(r"(?<![\w.@])@([^\W\d_]\w{0,40}(?:\.\w{1,40})?)(?!\w)")
_SNAKE = re.compile(r"(?<=[^\W_])_(?=[^\W_])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_VOWEL = re.compile("[aeiouy]", re.IGNORECASE)


def read(reading: Reading, language: Language) -> None:
    """Say the addresses in `reading`."""

    def site(match: re.Match[str]) -> str:
        return _site(match, lambda host: _typed(host, language))

    def mail(match: re.Match[str]) -> str:
        return f"{_typed(match[1], language)} {language['at']} {_typed(match[2], language)}"

    def file(match: re.Match[str]) -> str | None:
        if match[3] == "js" and _FRAMEWORK.fullmatch(match[2]) and not match[1]:
            return None
        ending = match[3] if _VOWEL.search(match[3]) else match[3].upper()
        return f"{_typed(match[2], language)} {language['dot']} {ending}"

    reading.say(_URL, site, ".")
    reading.say(_MAIL, mail, "@")
    reading.say(_HOST, site, ".")
    reading.say(_FILE, file, ".")
    reading.say(_HASHTAG, lambda match: f"{language['hashtag']} {_SNAKE.sub(' ', match[1])}", "#")
    reading.say(_HANDLE, lambda match: f"{language['at']} {_typed(match[1], language)}", "@")
    reading.say(_SNAKE, " ", "_")


def shortened(text: str) -> str:
    """The hosts as they are written, without what stands behind them."""
    return _HOST.sub(
        _written, _MAIL.sub(lambda match: match[0].replace("@", " @ "), _URL.sub(_written, text))
    )


def _written(match: re.Match[str]) -> str:
    return _site(match, str)


def _site(match: re.Match[str], spell: Callable[[str], str]) -> str:
    end = _END.search(match[0].rstrip(">"))
    host = match[1].strip(".-")
    return spell(host) + (end[0] if end and len(match[0]) > 1 else "")


def _typed(name: str, language: Language) -> str:
    """Each mark by its name, as one tells it to somebody who types."""
    for mark, word in ((".", "dot"), ("_", "underscore"), ("-", "dash"), ("+", "plus")):
        name = name.replace(mark, f" {language[word]} ")
    return " ".join(name.split())
