"""The conversation as chat messages. Pure functions.

What is common to all turns of a session comes first and history only grows at its end, or loses whole
blocks of turns at once, so that a server finds the prefix it has cached. Chat templates are strict: user
and assistant take turns, a tool's result follows its call, and the user begins.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, count
from typing import Any, TypeAlias

from ..core.conversation import Heard, Message, Role
from ..core.tools import ToolUse
from ..ports import Prompt

Json: TypeAlias = dict[str, Any]

OPENING = "(The call begins.)"
"""Said by the user who was greeted first or who has not spoken yet."""

SILENCE = "(The user says nothing.)"
"""Where the last message is an answer, which llama.cpp would go on with as if it were the next one's
beginning."""

CUT_OFF = "—"
"""Ends an answer that the user interrupted. Models copy what they see in history, and this one is silent."""

_HOUSE_RULE = (
    f"What you write is spoken aloud. Where an earlier answer of yours ends with “{CUT_OFF}”, the user "
    "interrupted you there and has heard no more of it."
)

_LONGEST_ID = 40
"""Characters of a call's id that OpenAI takes."""

_LANGUAGES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nb": "Norwegian", "nl": "Dutch",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def messages(prompt: Prompt, characters: int, *, takes_system: bool) -> list[Json]:
    """`characters`: of earlier turns. Without a system role its text begins the first message."""
    told = _told(recent(prompt.messages, characters))
    system = instructions(prompt)
    if not takes_system:
        return [{**told[0], "content": f"{system}\n\n{told[0]['content']}"}, *told[1:]]
    return [{"role": "system", "content": system}, *told]


def instructions(prompt: Prompt) -> str:
    return "\n\n".join(part for part in (prompt.instructions.strip(), _HOUSE_RULE, _language(prompt)) if part)


def recent(conversation: Sequence[Message], characters: int) -> list[Message]:
    """Whole turns, the newest ones; counted in blocks from the oldest, so that the start moves rarely."""
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


def _told(conversation: Sequence[Message]) -> list[Json]:
    """The user first and not the assistant last; never two of one role in a row."""
    found: list[Json] = []
    ids: set[str] = set()
    for message in conversation:
        if message.role is Role.TOOLS:
            for each in _step(message.uses, ids):
                _append(found, each)
        elif message.text.strip():
            role = "user" if message.role is Role.USER else "assistant"
            _append(found, {"role": role, "content": _said(message)})
    if not found or found[0]["role"] != "user":
        found.insert(0, {"role": "user", "content": OPENING})
    if found[-1]["role"] == "assistant":
        found.append({"role": "user", "content": SILENCE})
    return found


def _append(found: list[Json], message: Json) -> None:
    """Words join what was said before them, and calls the words that announced them. Between results
    and a user who did not wait for the answer stands an answer of which nothing was heard."""
    last = found[-1] if found else {}
    if last.get("role") == message["role"] != "tool" and "tool_calls" not in last:
        joined = "\n".join(text for text in (last["content"], message["content"]) if text)
        found[-1] = {**last, **message, "content": joined}
        return
    if last.get("role") == "tool" and message["role"] == "user":
        found.append({"role": "assistant", "content": CUT_OFF})
    found.append(message)


def _step(uses: Sequence[ToolUse], ids: set[str]) -> Iterator[Json]:
    """One message that calls, and one for each result."""
    if not uses:
        return
    named = [(_id(use, ids), use) for use in uses]
    calls = [
        {"id": id_, "type": "function", "function": {"name": use.name, "arguments": _object(use.arguments)}}
        for id_, use in named
    ]
    yield {"role": "assistant", "content": "", "tool_calls": calls}
    for id_, use in named:
        yield {"role": "tool", "tool_call_id": id_, "content": use.result}


def _id(use: ToolUse, ids: set[str]) -> str:
    """The server's own if it gave one. Ours have the nine letters and digits that Mistral wants."""
    ours = (f"call{number:05d}" for number in count(len(ids)))
    wanted = [use.vendor_id] if 0 < len(use.vendor_id) <= _LONGEST_ID else []
    found = next(each for each in chain(wanted, ours) if each not in ids)
    ids.add(found)
    return found


def _object(arguments: str) -> str:
    """Ollama and many templates parse it: it has to be a JSON object."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except ValueError:
        return "{}"


def _said(message: Message) -> str:
    text = message.text.strip()
    return text if message.role is Role.USER or message.heard is Heard.WHOLE else f"{text} {CUT_OFF}"


def _length(message: Message) -> int:
    return len(message.text) + sum(len(use.arguments) + len(use.result) for use in message.uses)


def _language(prompt: Prompt) -> str:
    if not prompt.language:
        return "Answer in the language that the user speaks."
    name = _LANGUAGES.get(prompt.language.split("-")[0].lower())
    return f"Answer in {name} ({prompt.language})." if name else f"Answer in the language {prompt.language}."
