"""The first epoch of a conversation, in the stores that several processes share.

A file of its own: they number leases alike.
"""

import secrets

EPOCH_BITS = 48
"""Of a first epoch. Counting on from it stays within what Lua and JSON hold exactly, 53 bits."""


def first_epoch() -> int:
    """Anywhere: a conversation that is begun anew, after the store lost it, does not come to an epoch that it
    had before, by which somebody slow might still write."""
    return secrets.randbits(EPOCH_BITS) + 1
