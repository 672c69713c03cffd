"""What callers use, counted together with the servers that share a store.

Once a second, and at once when a stream is opened or closed, this server tells what it saw and learns what
all have seen, for all callers that something is new of: nobody who speaks waits for that. Only who opens a
stream does, for one exchange, so that the limits hold wherever a caller comes to; what two servers let in
within the same moments may go beyond them. While the store is away each server counts alone, which the log
says once, and tells the rest when it is back.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from ..core.errors import StoreError
from ..core.quota import Account, Accounts, Counted, Told
from ..ports import UseLedger
from ..process.beside import beside

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
LEAST_SECONDS = 0.05
"""Between two exchanges, however many streams come and go."""


class SharedQuotas:
    def __init__(self, ledger: UseLedger, accounts: Accounts, *, counts_streams: bool) -> None:
        """`counts_streams`: whether the limit of streams at once is one of all servers, and not of each."""
        self._ledger, self._accounts, self._counts_streams = ledger, accounts, counts_streams
        self._machine = socket.gethostname()
        self._exchanging = asyncio.Lock()
        self._wanted: set[Account] = set()
        """Of which somebody waits to learn."""
        self._changed = asyncio.Event()
        accounts.changed = self._changed.set
        self.is_alone = False
        """The store could not be asked the last time."""

    async def learn(self, account: Account) -> None:
        """What the others know of a caller who has just begun a call. Raises `CallerLimit`."""
        if not self.is_alone:
            self._wanted.add(account)
            async with self._exchanging:
                if account in self._wanted:  # else an exchange that began after it was asked for has had it
                    await self._exchange()
        account.check_new(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with beside(self._exchange_again(), "quotas"):
            yield
        if not self.is_alone:
            async with self._exchanging:
                await self._exchange()  # streams that ended with the server

    async def _exchange_again(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(LEAST_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            async with self._exchanging:
                await self._exchange()
            if self.is_alone:
                await asyncio.sleep(EVERY_SECONDS)

    async def _exchange(self) -> None:
        accounts = [*{*self._wanted, *self._accounts.with_news()}]
        self._wanted.clear()
        if not accounts:
            return
        counted: Sequence[Counted | None] = [None] * len(accounts)
        try:
            counted = await self._ledger.exchange([self._told(account) for account in accounts])
        except StoreError as error:
            if not self.is_alone:
                log.warning("what callers use is counted on this server alone: %s", error)
            self.is_alone = True
        else:
            if self.is_alone:
                log.info("what callers use is counted together with the other servers again")
            self.is_alone = False
        finally:
            now = asyncio.get_running_loop().time()
            for account, what in zip(accounts, counted, strict=True):
                account.learn(what, now, counts_streams=self._counts_streams)

    def _told(self, account: Account) -> Told:
        told = account.tell()
        return replace(told, caller=f"{told.caller} on {self._machine}") if account.is_local else told
