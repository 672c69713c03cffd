"""A session and its messages as the rows of `session_file.py`, and back. Values alone; no SQL."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from .core.conversation import Heard, Message, Role
from .core.tools import ToolUse
from .ports import SavedSession


def session_row(session: SavedSession) -> tuple[str | float, ...]:
    times = (session.created_at, session.updated_at)
    return (session.id, session.owner, *times, session.last_turn, session.persona, session.language)


def message_of(role: str, text: str, turn: int, heard: str, uses: str) -> Message:
    used = tuple(ToolUse(**use) for use in json.loads(uses)) if uses else ()
    return Message(Role(role), text, turn, Heard(heard), used)


def _uses(message: Message) -> str:
    return json.dumps([asdict(use) for use in message.uses]) if message.uses else ""


def links_of(messages: Sequence[Message]) -> list[bytes]:
    """A hash for each message and all before it: equal links mean equal messages up to there."""
    links, link = [], b""
    for message in messages:
        kind = f"{message.turn} {message.role.value} {message.heard.value} ".encode()
        content = _utf8(message.text) + _uses(message).encode()
        link = hashlib.blake2b(link + kind + content, digest_size=16).digest()
        links.append(link)
    return links


def message_row(
    session_id: str, ordinal: int, message: Message, link: bytes
) -> tuple[str | int | bytes, ...]:
    kind = (message.role.value, message.heard.value)
    return (session_id, ordinal, message.turn, *kind, _utf8(message.text).decode(), link, _uses(message))


def _utf8(text: str) -> bytes:
    """A lone surrogate, half of a character, cannot be stored and becomes a question mark."""
    return text.encode("utf-8", "replace")
