"""The store that servers on several machines share: conversations in a Valkey or a Redis.

What stands there is `format.py`'s, and how it is reached `client.py`'s. What is written is as
safe as that server keeps it: one that forgets what it had acknowledged, by a failover or without its
append-only file, forgets conversations and leases with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...core.conversation import Message
from ...core.errors import StoreError, Superseded
from ...net.valkey_address import ValkeyAddress
from ...ports import Lease, SavedSession
from ..bounded import put_last
from ..epochs import first_epoch
from ..retention import FOR_EVER, UNUSED_LEASE_SECONDS, Retention
from . import format as v
from .client import Command, ValkeyClient

KNOWN = 1_024
"""Conversations of which is remembered what was written of them: of the others the next save writes all."""


@dataclass(frozen=True, slots=True)
class _Written:
    """What the list of a conversation holds for sure, for nobody else writes it while the epoch counts."""

    epoch: int
    messages: tuple[Message, ...]


class ValkeyStore:
    is_shared = True

    def __init__(self, client: ValkeyClient, retention: Retention = FOR_EVER) -> None:
        self.client, self._retention = client, retention
        self._written: dict[str, _Written] = {}

    @classmethod
    async def open(cls, address: ValkeyAddress, retention: Retention = FOR_EVER) -> "ValkeyStore":
        """Raises `StoreError` where nobody answers, and where the client library is not installed."""
        return cls(await ValkeyClient.connect(address), retention)

    async def load(self, session_id: str) -> SavedSession | None:
        fields, messages = await self.client.script(v.LOAD, v.keys_of(session_id))
        self._check_format(session_id, fields[0])
        return v.session_of(session_id, fields, messages)

    async def take(self, session_id: str, owner: str) -> Lease | None:
        arguments = (owner, first_epoch(), UNUSED_LEASE_SECONDS)
        epoch, *found = await self.client.script(v.TAKE, v.keys_of(session_id), *arguments)
        if epoch == v.THEIRS:
            return None
        if epoch == v.LATER:
            raise self._made_later(session_id)
        saved = v.session_of(session_id, *found)
        self._know(session_id, epoch, saved.messages if saved is not None else ())
        return Lease(epoch, saved)

    async def epoch(self, session_id: str) -> int:
        key, _ = v.keys_of(session_id)
        return int(await self.client.command("HGET", key, "epoch") or 0)

    async def save(self, session: SavedSession, epoch: int) -> None:
        """Sends what changed: one turn more costs its own messages, however long the talk is."""
        written = self._written.pop(session.id, None)  # unknown until the server has answered
        known = written.messages if written is not None and written.epoch == epoch else ()
        kept = _alike(known, session.messages)
        result = await self._write(session, epoch, kept)
        if result == v.WHOLE:
            result = await self._write(session, epoch, 0)
        if result == v.SUPERSEDED:
            raise Superseded("superseded")
        self._know(session.id, epoch, session.messages)
        await self._list(session)

    async def sessions(
        self, owner: str | None, limit: int, after: tuple[float, str] | None
    ) -> Sequence[SavedSession]:
        found: list[SavedSession] = []
        gone: list[str] = []
        place = (float("-inf"), "") if after is None else (-after[0], after[1])
        while len(found) < limit and (listed := await self._listed(owner, place, limit)):
            place = listed[-1]
            read = [("HMGET", v.keys_of(id)[0], *v.FIELDS) for _, id in listed]
            for (score, id), fields in zip(listed, await self.client.several(read), strict=True):
                saved = v.session_of(id, fields)
                if saved is not None:
                    found.append(replace(saved, unfinished=None))
                else:
                    gone += [repr(score), id]
        if gone:
            await self.client.script(v.UNLIST, [v.key_of_owner(owner)], *gone)
        return found[: max(0, limit)]

    async def delete(self, session_id: str) -> bool:
        keys = v.keys_of(session_id)
        was_saved, *owners = await self.client.script(v.DELETE, keys, UNUSED_LEASE_SECONDS)
        self._written.pop(session_id, None)
        for owner in owners:
            for whose in (owner, None):
                await self.client.command("ZREM", v.key_of_owner(whose), session_id)
        return bool(was_saved)

    async def close(self) -> None:
        await self.client.close()

    async def _write(self, session: SavedSession, epoch: int, kept: int) -> int:
        messages = (v.message_json(message) for message in session.messages[kept:])
        arguments: Command = (epoch, kept, self._retention.seconds, *v.fields_to_save(session), *messages)
        return int(await self.client.script(v.SAVE, v.keys_of(session.id), *arguments))

    async def _list(self, session: SavedSession) -> None:
        """Into its owner's set and everybody's, without what is older than anything is kept."""
        seconds, commands = self._retention.seconds, list[Command]()
        for key in (v.key_of_owner(session.owner), v.key_of_owner(None)):
            commands.append(("ZADD", key, repr(-session.updated_at), session.id))
            if seconds:
                old = f"({-self._retention.oldest()!r}"
                commands += [("ZREMRANGEBYSCORE", key, old, "+inf"), ("EXPIRE", key, seconds)]
            else:
                commands.append(("PERSIST", key))
        await self.client.several(commands)

    async def _listed(
        self, owner: str | None, place: tuple[float, str], most: int
    ) -> list[tuple[float, str]]:
        """Of `owner`'s conversations behind `place`, which is a score and an id, some of the next; none: that
        was all."""
        start, found = 0, list[tuple[float, str]]()
        while not found:
            flat = await self.client.command(
                *("ZRANGEBYSCORE", v.key_of_owner(owner), repr(place[0]), "+inf", "WITHSCORES"),
                *("LIMIT", start, most),
            )
            if not flat:
                break
            start += most
            scored = zip(map(float, flat[1::2]), flat[::2], strict=True)
            found = [each for each in scored if each > place]
        return found

    def _know(self, session_id: str, epoch: int, messages: tuple[Message, ...]) -> None:
        put_last(self._written, session_id, _Written(epoch, messages), KNOWN)

    def _check_format(self, session_id: str, found: str | None) -> None:
        if found is not None and int(found) > v.FORMAT:
            raise self._made_later(session_id)

    def _made_later(self, session_id: str) -> StoreError:
        return StoreError(
            f"In the session store {self.client.location} the session {session_id!r} was saved by a later"
            " version of this server and was left as it is: let servers of that version serve it."
        )


def _alike(these: Sequence[Message], those: Sequence[Message]) -> int:
    """How many they begin with alike."""
    count = 0
    for this, that in zip(these, those, strict=False):
        if this is not that and this != that:
            break
        count += 1
    return count
