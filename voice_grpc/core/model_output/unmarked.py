"""Whether a text without any mark is a call: an object of JSON, a fenced one, `name(…)`, `name{…}`.

Models that are small, or that a server gives no template for tools, write a call as they would say it. A
text is held back (`HeldText`) only as long as it may still become one, and is text after all when it does
not.
"""

import re
from collections.abc import Collection
from enum import Enum, auto

from .arguments import Unfinished, balanced, read_value
from .calls import ARGUMENT_KEYS, KEYS, NAME_KEYS, WrittenCall, calls_in, calls_of


class Verdict(Enum):
    TEXT = auto()
    OPEN = auto()
    """It may become a call."""
    CALL = auto()


MOST = 8_000
"""Characters that are held back at most; arguments are far shorter."""

_FENCE = re.compile(r"(?:`{1,3}(?:\w{0,12}\s)?\s*)?")
_PRINT = re.compile(r"print\(\s*")
_NAMESPACES = ("functions.", "function.", "tools.", "tool.", "default_api.", "call:")
_KEY = re.compile(r"(?:\[\s*)?\{\s*(?:[\"'](\w*)(?:([\"'])(\s*:)?)?)?")
_CODE = re.compile(r"functools?\s*(?=\[)")


def verdict(text: str, declared: Collection[str]) -> Verdict:
    """Of a text that begins where a call may begin; `declared`: the tools there are."""
    if len(text) > MOST:
        return Verdict.TEXT
    fence = _FENCE.match(text)
    rest = text[fence.end() :] if fence else text
    if not rest or re.fullmatch(r"`{1,3}\w{0,12}", text):
        return Verdict.OPEN
    rest = _CODE.sub("", rest, count=1)
    if rest[0] in "{[" and (found := _object(rest, declared)) is not Verdict.TEXT:
        return found
    return _named(rest, declared)


def _object(text: str, declared: Collection[str]) -> Verdict:
    head = _KEY.match(text)
    if head is None:
        return Verdict.OPEN if text.strip() == "[" else Verdict.TEXT
    key, is_quoted, has_colon = head[1] or "", bool(head[2]), bool(head[3])
    known = {*KEYS, *declared}
    if not has_colon:
        is_possible = key in known if is_quoted else any(each.startswith(key) for each in known)
        return Verdict.OPEN if is_possible and head.end() == len(text) else Verdict.TEXT
    if key not in known:
        return Verdict.TEXT
    try:
        value, _ = read_value(text)
        calls = calls_of(value, declared)
    except Unfinished:
        return Verdict.OPEN
    except ValueError:
        return Verdict.TEXT
    is_call = bool(calls) and (any(call.name in declared for call in calls) or _is_plain_call(value))
    return Verdict.CALL if is_call else Verdict.TEXT


def _is_plain_call(value: object) -> bool:
    """Nothing but a name and an object of arguments, of which no other sense can be made."""
    values = value if isinstance(value, list) else [value]
    return all(
        isinstance(each, dict)
        and each.keys() <= {*KEYS}
        and any(isinstance(each.get(key), str) for key in NAME_KEYS)
        and any(isinstance(each.get(key), dict) for key in ARGUMENT_KEYS)
        for each in values
    )


def _named(text: str, declared: Collection[str]) -> Verdict:
    """A declared name with what follows only a name that is called: `name(`, `name{`, `name:0{`."""
    rest = _PRINT.sub("", text.removeprefix("[").lstrip(), count=1)
    if any(head.startswith(rest) for head in (*_NAMESPACES, "print(", "functools[", "Action:")):
        return Verdict.OPEN
    if rest.startswith("Action:"):
        return _action(rest, declared)
    rest = rest.removeprefix(next(filter(rest.startswith, _NAMESPACES), ""))
    if any(name.startswith(rest) for name in declared):
        return Verdict.OPEN
    return _called(text, rest, declared)


def _called(text: str, rest: str, declared: Collection[str]) -> Verdict:
    """`rest` of `text` begins with the name, if there is one."""
    name = re.match(r"[\w-]+", rest)
    if name is None or name[0] not in declared:
        return Verdict.TEXT
    after = rest[name.end() :]
    if re.fullmatch(r"(?:\.|\.c|\.ca|\.cal|\.call|:\d*)?\s?", after):
        return Verdict.OPEN
    called = re.match(r"(?:\.call)?(?=\()|(?::\d+)?\s?(?=\{\s*(?:[\"'}]|\Z))", after)
    if called is None:
        return Verdict.TEXT
    try:
        end = balanced(text if text[0] == "[" else after[called.end() :])
    except Unfinished:
        return Verdict.OPEN
    except ValueError:
        return Verdict.TEXT
    whole = text[:end] if text[0] == "[" else name[0] + after[: called.end() + end]
    return Verdict.CALL if calls_in(whole, declared) else Verdict.TEXT


def _action(text: str, declared: Collection[str]) -> Verdict:
    if calls_in(text, declared):
        return Verdict.CALL
    named = re.match(r"Action:\s*`?([\w.-]*)", text)
    name = named[1] if named else ""
    return Verdict.OPEN if any(each.startswith(name) for each in declared) else Verdict.TEXT


def mended(text: str, declared: Collection[str]) -> list[WrittenCall]:
    """The calls in a text that ends with brackets open, which small models forget to close; empty: none. A
    quote that is open is not closed: what it holds may not be whole."""
    for closing in ("", "}", "}}", "]", "}]", "}}]", ")", ")]"):
        if found := calls_in(text.rstrip("`\n ") + closing, declared):
            return found
    return []


def is_begun_call(text: str, declared: Collection[str]) -> bool:
    """Whether a text that was still `OPEN` when the answer ended names a tool: then it is nothing to say."""
    words = set(re.findall(r"[\w-]+", text))
    return bool(re.match(r"[`\w\s]*[\[{(]", text)) and any(name in words for name in declared)


# ---------------------------------------------------------------- a text that is still coming

_MAY_BEGIN = re.compile(r"(?<!\w)[`{\[]|(?:\A|(?<=\n))\w")
"""Where a call without marks may begin."""


class HeldText:
    """Text without marks: `feed` what comes and `flush` at the end; both give what is said. Nothing more is
    said once there is a `call`."""

    def __init__(self, declared: Collection[str]) -> None:
        self.call = ""
        """From its first character on; empty: there is none."""
        self.is_begun = False
        """Something was said that is not blank."""
        self.held = ""
        """It may become a call."""
        self._declared = frozenset(declared)
        self._before = ""
        """The last character that was said; empty: none was."""

    @property
    def is_calling(self) -> bool:
        """What is held names a tool, and can hardly be anything but a call."""
        return bool(self.held) and is_begun_call(self.held, self._declared)

    def feed(self, text: str) -> str:
        return self._release(self.held + text, is_last=False)

    def flush(self) -> str:
        """Nothing follows: what names a tool and is not whole is a call that cannot be made, no text."""
        return self._release(self.held, is_last=True)

    def give(self) -> str:
        """What was held is text: a mark follows that no call holds."""
        return self._say(self.held)

    def _release(self, text: str, *, is_last: bool) -> str:
        self.held = text
        for place in _MAY_BEGIN.finditer(self._before + text) if self._declared else ():
            start = place.start() - len(self._before)
            if start < 0:
                continue
            found = verdict(text[start:], self._declared)
            if found is Verdict.TEXT:
                continue
            if found is Verdict.OPEN and is_last:
                if not self._is_call(text[start:]):
                    continue
                found = Verdict.CALL
            said = self._say(text[:start])
            if found is Verdict.CALL:
                self.call = text[start:]
            else:
                self.held = text[start:]
            return said
        return self._say(text)

    def _is_call(self, text: str) -> bool:
        return bool(mended(text, self._declared)) or is_begun_call(text, self._declared)

    def _say(self, text: str) -> str:
        self.held = ""
        self._before = text[-1:] or self._before
        self.is_begun = self.is_begun or bool(text.strip())
        return text
