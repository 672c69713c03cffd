"""What every language model is told of a conversation, whatever words its API has for it.

History only grows at its end, or loses whole blocks of turns at once, so that a server finds the prefix
it has cached.
"""

from collections.abc import Sequence
from itertools import accumulate

from ..core.conversation import Heard, Message, Role
from ..core.languages import primary
from ..ports import Prompt

HISTORY_CHARACTERS = 24_000
"""Earlier turns that a large model is sent: about 6,000 tokens, twenty minutes of talk."""

OPENING = "(The call begins.)"
"""Said by the user who was greeted first or who has not spoken yet: models want the user to begin."""

CUT_OFF = "—"
"""Ends an answer that the user interrupted. Models copy what they see in history, and this one is silent."""

_SPOKEN_RULE = (
    f"What you write is spoken aloud. Where an earlier answer of yours ends with “{CUT_OFF}”, the user "
    "interrupted you there and has heard no more of it."
)

_LANGUAGES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nb": "Norwegian", "nl": "Dutch",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def instructions(prompt: Prompt) -> str:
    """The persona's own, what holds for all that is spoken, and the language of the answer."""
    paragraphs = (prompt.instructions.strip(), _SPOKEN_RULE, _language(prompt))
    return "\n\n".join(filter(None, paragraphs))


def recent(conversation: Sequence[Message], characters: int) -> list[Message]:
    """Whole turns, the newest ones (`first_kept`). The turn that is answered is always whole; `characters`
    are of those before it."""
    turns: list[list[Message]] = []
    for message in conversation:
        if not turns or (message.role is Role.USER and turns[-1][-1].role is not Role.USER):
            turns.append([])
        turns[-1].append(message)
    lengths = [sum(map(_length, turn)) for turn in turns[:-1]]
    return [message for turn in turns[first_kept([*lengths, 0], characters) :] for message in turn]


def first_kept(lengths: Sequence[int], room: int) -> int:
    """Where to begin in what has `lengths`, so that the rest fits into `room` (at least 2); the last one is
    kept whatever its length.

    Blocks of half of `room` are counted from the oldest, and one begins only at their bounds: while a
    conversation grows, what is kept begins at the same place for many turns.
    """
    before = [0, *accumulate(lengths)]
    blocks = [position // (room // 2) for position in before]
    starts = (i for i in range(len(lengths)) if i == 0 or blocks[i] > blocks[i - 1])
    fitting = (i for i in starts if before[-1] - before[i] <= room)
    return next(fitting, max(len(lengths) - 1, 0))


def said(message: Message) -> str:
    """What was heard of `message`, marked where the user cut it off."""
    text = message.text.strip()
    return text if message.role is Role.USER or message.heard is Heard.WHOLE else f"{text} {CUT_OFF}"


def _length(message: Message) -> int:
    return len(message.text) + sum(len(use.arguments) + len(use.result) for use in message.uses)


def language_name(tag: str) -> str:
    """In English, of a BCP 47 tag; empty where it is none of those that models are usually trained on."""
    return _LANGUAGES.get(primary(tag), "")


def _language(prompt: Prompt) -> str:
    if not prompt.language:
        return "Answer in the language that the user speaks."
    name = language_name(prompt.language)
    return f"Answer in {name} ({prompt.language})." if name else f"Answer in the language {prompt.language}."
