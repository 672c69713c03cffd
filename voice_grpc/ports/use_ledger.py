"""The port of the ledger: where servers count together what a caller uses.

A file of its own: it is kept where conversations are, and nobody who keeps one has to have the other.
"""

from collections.abc import Sequence
from typing import Protocol

from ..core.quota import Counted, Told


class UseLedger(Protocol):
    async def exchange(self, told: Sequence[Told]) -> Sequence[Counted]:
        """Adds what this server has of each caller, and gives what all servers have of it, in that order.

        Raises `StoreError` where the ledger cannot be used, within some 2 s. Some of it may have been added
        then: told again, it counts twice.
        """
        ...
