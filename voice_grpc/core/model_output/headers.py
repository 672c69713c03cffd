"""What stands between marks and is no answer: whose turn it is, and harmony's headers.

A header of harmony (OpenAI's gpt-oss; cookbook.openai.com, "OpenAI harmony response format") names role,
channel and recipient of the message that follows. Only the channel `final` is for the user.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto


class Audience(Enum):
    """Whom the text that follows is for."""

    USER = auto()
    NOBODY = auto()
    TOOL = auto()


@dataclass(frozen=True, slots=True)
class Heading:
    audience: Audience
    rest: str = ""
    """Text of the message that stands in the header already; of a call the name of its tool."""


LONGEST = 200
"""Characters of a header; what is longer has lost its end."""

_RECIPIENT = re.compile(r"\bto=([\w.:-]+)")
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")
_PEOPLE = ("user", "assistant", "all")


def heading(header: str) -> Heading:
    """Of a header that is whole, from its first mark up to `<|message|>`."""
    recipient, channel = _RECIPIENT.search(header), _CHANNEL.search(header)
    if recipient is not None and recipient[1] not in _PEOPLE:
        return Heading(Audience.TOOL, f"{recipient[1]} ")
    is_final = channel is None or channel[1] == "final"
    return Heading(Audience.USER if is_final else Audience.NOBODY)


def heading_without_end(header: str) -> Heading:
    """What follows the word `final` is the answer all the same."""
    final = re.search(r"<\|channel\|>\s*final\b", header)
    return Heading(Audience.NOBODY) if final is None else Heading(Audience.USER, header[final.end() :])


# ---------------------------------------------------------------- whose turn it is

_OURS = ("assistant", "model", "ai", "bot")
_ROLES = (*_OURS, "user", "human", "system", "developer", "tool", "function", "ipython")
_ROLE = re.compile(rf"\s*({'|'.join(_ROLES)})\b[ \t]*:?\n?")


@dataclass(frozen=True, slots=True)
class TurnHeader:
    is_ours: bool
    rest: str
    """What follows the word."""


def role(text: str, *, is_last: bool = False) -> TurnHeader | None:
    """Whose turn `text` says it is, with which it begins; None: more has to come. Without a word it is
    ours. `is_last`: a mark follows."""
    bare = text.strip()
    if not is_last and any(each.startswith(text.lstrip()) for each in _ROLES) and not text.endswith("\n"):
        return None
    if not is_last and not bare:
        return None
    found = _ROLE.match(text)
    return TurnHeader(True, text) if found is None else TurnHeader(found[1] in _OURS, text[found.end() :])


# ---------------------------------------------------------------- harmony without its marks

_ANALYSIS = re.compile(r"\s*analysis(?=[A-Z\"'])")
_FINAL = re.compile(r"assistantfinal|final(?=[A-Z0-9\"'¿¡])")


def bare_thought(answer: str) -> str | None:
    """The thought that an answer begins with of which a server took the marks and left the words:
    `analysisThe user … assistantfinalHello`. None: it is none; empty: it may become one."""
    if answer.strip() and "analysis".startswith(answer.lstrip()):
        return ""
    opening = _ANALYSIS.match(answer)
    return None if opening is None else answer[opening.end() :]


def bare_answer(thought: str) -> str | None:
    """What follows such a thought in `thought`; None: it goes on."""
    final = _FINAL.search(thought)
    return None if final is None else thought[final.end() :]
