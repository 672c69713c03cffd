"""What every model behind a network is told of a conversation, whatever words its API has for it.

History only grows at its end, or loses whole blocks of turns at once, so that a server finds the prefix
it has cached.
"""

from collections.abc import Sequence
from itertools import accumulate

from ..core.conversation import Heard, Message, Role
from ..ports import Prompt

OPENING = "(The call begins.)"
"""Said by the user who was greeted first or who has not spoken yet: models want the user to begin."""

CUT_OFF = "—"
"""Ends an answer that the user interrupted. Models copy what they see in history, and this one is silent."""

_HOUSE_RULE = (
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
    return "\n\n".join(part for part in (prompt.instructions.strip(), _HOUSE_RULE, _language(prompt)) if part)


def recent(conversation: Sequence[Message], characters: int) -> list[Message]:
    """Whole turns, the newest ones; counted in blocks from the oldest, so that the start moves rarely.
    The turn that is answered is always whole; `characters` are of those before it."""
    turns: list[list[Message]] = []
    for message in conversation:
        if not turns or (message.role is Role.USER and turns[-1][-1].role is not Role.USER):
            turns.append([])
        turns[-1].append(message)
    before = [0, *accumulate(sum(map(_length, turn)) for turn in turns[:-1])]
    blocks = [position // (characters // 2) for position in before]
    starts = (i for i in range(len(turns)) if i == 0 or blocks[i] > blocks[i - 1])
    start = next((i for i in starts if before[-1] - before[i] <= characters), len(turns) - 1)
    return [message for turn in turns[max(start, 0) :] for message in turn]


def said(message: Message) -> str:
    """What was heard of it, marked where the user cut it off."""
    text = message.text.strip()
    return text if message.role is Role.USER or message.heard is Heard.WHOLE else f"{text} {CUT_OFF}"


def _length(message: Message) -> int:
    return len(message.text) + sum(len(use.arguments) + len(use.result) for use in message.uses)


def _language(prompt: Prompt) -> str:
    if not prompt.language:
        return "Answer in the language that the user speaks."
    name = _LANGUAGES.get(prompt.language.split("-")[0].lower())
    return f"Answer in {name} ({prompt.language})." if name else f"Answer in the language {prompt.language}."
