"""What callers use, counted by all servers that share a Valkey.

    voice:use:{CALLER}    hash    WINDOW:SLOT   what was used in a slot of a window, such as `td:1182`
                                  s:SERVER      streams that are open on a server, and when it last said so

Times are the Valkey's own, so that no two servers have to agree on one. A slot that has left its window is
taken out by the next who looks; the whole is gone two minutes after its last use, or a day and some where
there is something of a day in it. A server that says nothing for `SILENT_SECONDS` has no streams.
"""

import secrets
from collections.abc import Iterator, Sequence

from ...core.quota import DAY, SLOTS, WINDOWS, Counted, Told
from .client import Command, ValkeyClient

SILENT_SECONDS = 10
"""Servers say so once a second; one that waits for a store that does not answer takes two for a try."""

CODES = dict(zip(WINDOWS, ("n", "tm", "td", "cm", "cd"), strict=True))
"""Of the windows, in the names of fields."""
_NAMES = {code: name for name, code in CODES.items()}

AT_ONCE = 256
"""Callers in one exchange with the server."""

_SECONDS = ", ".join(f"{CODES[name]} = {round(seconds / SLOTS)}" for name, seconds in WINDOWS.items())
_LONG = " or ".join(f"name == '{CODES[name]}'" for name, seconds in WINDOWS.items() if seconds == DAY)

EXCHANGE = f"""
local now, slots, key = tonumber(redis.call('TIME')[1]), {{{_SECONDS}}}, KEYS[1]
for place = 3, #ARGV, 2 do
  local name = ARGV[place]
  redis.call('HINCRBY', key, name .. ':' .. math.floor(now / slots[name]), ARGV[place + 1])
end
if ARGV[2] ~= '0' then
  redis.call('HSET', key, 's:' .. ARGV[1], ARGV[2] .. ' ' .. now)
else
  redis.call('HDEL', key, 's:' .. ARGV[1])
end
local elsewhere, seconds, found, flat = 0, 120, {{}}, redis.call('HGETALL', key)
for place = 1, #flat, 2 do
  local name, number = string.match(flat[place], '^(%a+):(.+)$')
  if name == 's' then
    local streams, at = string.match(flat[place + 1], '^(%d+) (%d+)$')
    if now - tonumber(at) > {SILENT_SECONDS} then
      redis.call('HDEL', key, flat[place])
    elseif number ~= ARGV[1] then
      elsewhere = elsewhere + tonumber(streams)
    end
  else
    local ago = math.floor(now / slots[name]) - tonumber(number)
    if ago > {SLOTS} then
      redis.call('HDEL', key, flat[place])
    else
      if {_LONG} then seconds = {round(DAY + DAY / SLOTS)} end
      for _, each in ipairs({{name, ago, tonumber(flat[place + 1])}}) do table.insert(found, each) end
    end
  end
end
redis.call('EXPIRE', key, seconds)
return {{elsewhere, unpack(found)}}
"""
"""Arguments: which server, its streams, then codes and amounts in turn. Gives the streams of the others, then
code, slots ago and amount in turn: five windows of 61 slots at most, well within what `unpack` takes."""


class ValkeyUse:
    """Implements `ports.UseLedger`."""

    def __init__(self, client: ValkeyClient) -> None:
        self._client, self._server = client, secrets.token_hex(6)

    async def exchange(self, told: Sequence[Told]) -> Sequence[Counted]:
        found: list[Counted] = []
        for start in range(0, len(told), AT_ONCE):
            commands = [self._command(each) for each in told[start : start + AT_ONCE]]
            found += map(_counted, await self._client.several(commands))
        return found

    def _command(self, told: Told) -> Command:
        added = (word for name, amount in told.added.items() for word in (CODES[name], amount))
        return ("EVAL", EXCHANGE, 1, f"voice:use:{{{told.caller}}}", self._server, told.streams, *added)


def _counted(flat: Sequence[int | str]) -> Counted:
    used: dict[str, list[tuple[int, int]]] = {}
    for code, ago, amount in _triples(flat[1:]):
        used.setdefault(_NAMES[code], []).append((ago, amount))
    return Counted(int(flat[0]), used)


def _triples(flat: Sequence[int | str]) -> Iterator[tuple[str, int, int]]:
    for place in range(0, len(flat), 3):
        yield str(flat[place]), int(flat[place + 1]), int(flat[place + 2])
