"""What one caller may use, of the settings and of what the engines cost; and what one connection may open.

A limit that is set holds for everybody. One that is not has a default for callers from elsewhere; callers of
this machine have none then, but for their streams: whoever comes from it without being named may be a gateway
with all of its browsers, or the operator (see `rpc/callers.py`).
"""

from dataclasses import replace
from math import ceil

from ..core.quota import SIDE_STREAMS, CallerLimits
from ..net.open_files import MOST_CONNECTIONS, connections_that_fit
from ..ports import Engines, members
from ..settings import Settings

SHARE = 0.75
"""Of all streams for one caller: whoever takes as many as it gets leaves some to others."""

NEW_PER_MINUTE = 60
"""A person needs one, and a client that comes back again and again one every few seconds."""

TOKENS = (300_000, 10_000_000)
"""A minute and a day, of a vendor's model. A dozen conversations at once, six turns a minute each with 2,000
tokens of history, of which every other answer is prepared once in vain, are some 200,000 a minute."""

CHARACTERS = (15_000, 500_000)
"""A minute and a day, of a vendor's voice. One that speaks without a pause says about 900 a minute."""

UNARY_CALLS = 256
"""Of one connection at once, besides its streams: a gateway asks for all of its browsers; and room for those
that are being refused, which get a status of ours here, and one of the transport (UNAVAILABLE) beyond."""

CONNECTIONS = 4
"""With as much as one may open, that a server works for at once; some 20 KB a call that is refused."""

MIN_CALLS = 1_024
"""At once, in all: health is asked in the midst of a flood, too."""


def caller_limits(settings: Settings, engines: Engines) -> tuple[CallerLimits, CallerLimits]:
    """For callers from elsewhere, and for those of this machine."""
    given = CallerLimits(
        streams=min(settings.caller_streams or settings.max_sessions, settings.max_sessions),
        new_per_minute=settings.caller_new_per_minute,
        sound_rate=settings.caller_sound_rate,
        tokens_per_minute=settings.caller_tokens_per_minute,
        tokens_per_day=settings.caller_tokens_per_day,
        characters_per_minute=settings.caller_characters_per_minute,
        characters_per_day=settings.caller_characters_per_day,
    )
    tokens = (0, 0) if members(engines.llm)[0].engine.is_embedded else TOKENS
    characters = (0, 0) if members(engines.tts)[0].engine.is_embedded else CHARACTERS
    elsewhere = replace(
        given,
        streams=given.streams if settings.caller_streams else ceil(SHARE * settings.max_sessions),
        new_per_minute=given.new_per_minute or NEW_PER_MINUTE,
        tokens_per_minute=given.tokens_per_minute or tokens[0],
        tokens_per_day=given.tokens_per_day or tokens[1],
        characters_per_minute=given.characters_per_minute or characters[0],
        characters_per_day=given.characters_per_day or characters[1],
    )
    return elsewhere, given


def calls_of_one_connection(settings: Settings) -> int:
    """HTTP/2 streams at once; a client that wants more waits. All streams that there are may come over one
    connection, and as many more calls be about to begin."""
    return 2 * settings.max_sessions + SIDE_STREAMS + UNARY_CALLS


def connections(settings: Settings) -> int:
    """At once, in all, from before their handshakes; one more is closed. gRPC counts none by address: without
    this bound the files of the store, the models and the vendors' connections would be the next to lack."""
    return connections_that_fit(max(MOST_CONNECTIONS, 2 * settings.max_sessions))


def calls_at_once(settings: Settings) -> int:
    """Of all connections. One more is refused by gRPC itself, with RESOURCE_EXHAUSTED."""
    return max(MIN_CALLS, CONNECTIONS * calls_of_one_connection(settings))
