"""What a Valkey holds of conversations: keys, values, and the scripts that change them. This is format 1.

    voice:{ID}            hash        format, owner, epoch; created_at, updated_at (Unix seconds), last_turn,
                                      persona, language and unfinished (JSON, as of `unfinished_format.py`)
                                      once it was saved
    voice:{ID}:messages   list        a JSON object for each message, the oldest first: role, text and turn;
                                      heard, uses and is_prompted where they are not "whole", [] and true
    voice:owner:OWNER     sorted set  the ids of OWNER's conversations by minus updated_at
    voice:all             sorted set  the same of everybody's

The braces are the hash tag: all of a conversation is in one slot of a cluster, where a script changes it as
a whole. The sets are in other slots and are written after it: an id whose conversation is gone is left out of
a list, and out of its set from then on. Everything of a conversation expires at once, the operator's days
after it was saved last. Of one that was deleted an epoch is left for a day, by which whoever holds it knows;
one that was taken and never saved is forgotten as soon.

A reader ignores what it does not know. A change that cannot be ignored raises the format, and a conversation
of a later format than the reader's is refused and left as it is.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ...core.conversation import Heard, Message, Role
from ...core.tools import ToolUse
from ...ports import SavedSession
from ..unfinished_format import unfinished_json, unfinished_of

FORMAT = 1


def keys_of(session_id: str) -> tuple[str, str]:
    """Of the hash and the list."""
    return f"voice:{{{session_id}}}", f"voice:{{{session_id}}}:messages"


def key_of_owner(owner: str | None) -> str:
    """None: everybody's."""
    return "voice:all" if owner is None else f"voice:owner:{owner}"


# ---------------------------------------------------------------- values

FIELDS = ("format", "owner", "created_at", "updated_at", "last_turn", "persona", "language", "unfinished")
"""Of the hash, in the order in which scripts give them and `session_of` takes them."""


def fields_to_save(session: SavedSession) -> tuple[str, ...]:
    """Name and value in turn, of all that a save sets."""
    return (
        *("owner", session.owner, "persona", session.persona, "language", session.language),
        *("updated_at", repr(session.updated_at), "created_at", repr(session.created_at)),
        *("last_turn", str(session.last_turn), "unfinished", unfinished_json(session.unfinished)),
    )


def session_of(
    session_id: str, fields: Sequence[str | None], messages: Sequence[str] = ()
) -> SavedSession | None:
    """None where it was never saved, or is gone."""
    _, owner, created_at, updated_at, last_turn, persona, language, unfinished = fields
    if owner is None or created_at is None or updated_at is None:
        return None
    times = float(created_at), float(updated_at)
    said = tuple(message_of(text) for text in messages)
    turn, kept = int(last_turn or 0), unfinished_of(unfinished)
    return SavedSession(session_id, owner, *times, turn, persona or "", language or "", said, kept)


def message_json(message: Message) -> str:
    """Pure ASCII, so that half a character is kept as it is."""
    told: dict[str, Any] = {"role": message.role.value, "text": message.text, "turn": message.turn}
    if message.heard is not Heard.WHOLE:
        told["heard"] = message.heard.value
    if message.uses:
        told["uses"] = [asdict(use) for use in message.uses]
    if not message.is_prompted:
        told["is_prompted"] = False
    return json.dumps(told, separators=(",", ":"))


_USE_FIELDS = tuple(ToolUse.__dataclass_fields__)


def message_of(text: str) -> Message:
    told = json.loads(text)
    uses = tuple(
        ToolUse(**{name: use[name] for name in _USE_FIELDS if name in use}) for use in told.get("uses", ())
    )
    return Message(
        Role(told["role"]),
        told["text"],
        told["turn"],
        Heard(told.get("heard", Heard.WHOLE.value)),
        uses,
        told.get("is_prompted", True),
    )


# ---------------------------------------------------------------- scripts

_NAMES = ", ".join(f"'{name}'" for name in FIELDS)

LOAD = f"return {{redis.call('HMGET', KEYS[1], {_NAMES}), redis.call('LRANGE', KEYS[2], 0, -1)}}"
"""Fields and messages, as they are at one moment."""

LATER, THEIRS = -2, -1
"""What `TAKE` gives where the conversation has a later format, or is somebody else's."""

TAKE = f"""
local format, owner = unpack(redis.call('HMGET', KEYS[1], 'format', 'owner'))
if format and tonumber(format) > {FORMAT} then return {{{LATER}}} end
if owner and owner ~= ARGV[1] then return {{{THEIRS}}} end
local is_new = redis.call('HEXISTS', KEYS[1], 'epoch') == 0
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', is_new and ARGV[2] or 1)
redis.call('HSET', KEYS[1], 'format', {FORMAT}, 'owner', ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'created_at') == 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return {{epoch, redis.call('HMGET', KEYS[1], {_NAMES}), redis.call('LRANGE', KEYS[2], 0, -1)}}
"""
"""Arguments: owner, the first epoch, seconds that a lease is kept unused. Gives the epoch, then what `LOAD`
gives."""

SAVED, SUPERSEDED, WHOLE = 1, 0, 2
"""What `SAVE` gives; WHOLE: nothing was written, and all messages have to be sent."""

SAVE = f"""
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and epoch ~= ARGV[1] then return {SUPERSEDED} end
local before = redis.call('HGET', KEYS[1], 'updated_at')
if before and tonumber(before) > tonumber(ARGV[11]) then return {SAVED} end
local kept, seconds = tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('LLEN', KEYS[2]) < kept then return {WHOLE} end
redis.call('HSET', KEYS[1], 'format', {FORMAT}, 'epoch', ARGV[1], unpack(ARGV, 4, 17))
if kept > 0 then redis.call('LTRIM', KEYS[2], 0, kept - 1) else redis.call('DEL', KEYS[2]) end
for place = 18, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[place]) end
for _, key in ipairs(KEYS) do
  if seconds > 0 then redis.call('EXPIRE', key, seconds) else redis.call('PERSIST', key) end
end
return {SAVED}
"""
"""Arguments: epoch, how many messages are there already, seconds that it is kept (0: for ever), the
fourteen of `fields_to_save`, then the messages that follow. A save that was given up and comes behind a later
one of the same epoch changes nothing."""

DELETE = """
local owner, created_at = unpack(redis.call('HMGET', KEYS[1], 'owner', 'created_at'))
if not owner then return {0} end
redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HDEL', KEYS[1], 'owner', 'created_at', 'updated_at', 'last_turn', 'persona', 'language',
  'unfinished')
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return {created_at and 1 or 0, owner}
"""
"""Argument: seconds that a lease is kept unused. Gives 1 where it had been saved, and whose it was."""

UNLIST = """
for place = 1, #ARGV, 2 do
  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[place + 1])) == tonumber(ARGV[place]) then
    redis.call('ZREM', KEYS[1], ARGV[place + 1])
  end
end
"""
"""Arguments: score and id in turn, of one of the sets. One saved meanwhile has another score, and stays."""
