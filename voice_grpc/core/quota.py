"""What one caller may use, and what it has used: streams, sound, tokens and characters. Pure counting.

    SlidingWindow   so much within the last minute, or day
    TokenBucket     so much at once, and so much a second from then on
    Account         one caller: its windows, its bucket, its open streams
    Accounts        all callers that are remembered: a bounded number

Where several servers count together, each tells the others what it saw (`Told`) and learns what all of them
know (`Counted`); between two of these exchanges an account counts on by itself.

Time is an argument, in monotonic seconds: a wall clock that jumps changes no limit. Who the caller is, is for
`rpc/callers.py` to say; what happens at a limit, for whoever asks here.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .errors import AllowanceUsed, CallerLimit

MINUTE, DAY = 60.0, 86_400.0

SLOTS = 60
"""Parts of a window. What was used is forgotten a part at a time: however often, it is kept in so many."""

BURST_SECONDS = 10.0
"""Sound that a stream may always send as fast as it can: what a client keeps while its line is down."""

MAX_CALLERS = 4_096
"""Callers remembered. Beyond them the one that was here longest ago is forgotten, if it has nothing open."""

SIDE_STREAMS = 16
"""Streams of health, reflection and channelz that a caller may have open: a probe or a tool needs one."""


@dataclass(frozen=True, slots=True)
class CallerLimits:
    """For each caller; 0: no limit."""

    streams: int = 0
    """Conversations, Transcribe and Synthesize at once. As many more calls may be about to begin."""
    new_per_minute: int = 0
    """Of those, begun within a minute."""
    sound_rate: float = 0.0
    """Seconds of sound a second that each of its streams may send while others are heard."""
    tokens_per_minute: int = 0
    """Read and written by the language model."""
    tokens_per_day: int = 0
    characters_per_minute: int = 0
    """Given to the voice."""
    characters_per_day: int = 0


class SlidingWindow:
    """How much was used within the last `seconds`, to a `SLOTS`th of them. `limit` 0: it is counted alone."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self._slot = limit, seconds / SLOTS
        self._used: list[tuple[int, int]] = []
        """(number of the slot, amount), the oldest first: `SLOTS` + 1 at most."""
        self._sum = 0

    def used(self, now: float) -> int:
        self._forget(now)
        return self._sum

    def add(self, amount: int, now: float) -> None:
        """Also beyond the limit: what is known only afterwards counts whole."""
        self._forget(now)
        number = int(now / self._slot)
        if self._used and self._used[-1][0] >= number:
            number, before = self._used.pop()
            self._used.append((number, before + amount))
        else:
            self._used.append((number, amount))
        self._sum += amount

    def learn(self, used: Sequence[tuple[int, int]], untold: int, now: float) -> None:
        """What was used is from now on `used`, as in `Counted`, and what was not told yet."""
        number = int(now / self._slot)
        self._used = sorted((number - ago, amount) for ago, amount in used)
        self._sum = sum(amount for _, amount in used)
        self.add(untold, now)

    def wait(self, now: float) -> float:
        """Seconds until something may be used again; 0: now."""
        self._forget(now)
        over = self._sum - self.limit
        if not self.limit or over < 0:
            return 0.0
        for number, amount in self._used:
            over -= amount
            if over < 0:
                return max(0.0, (number + 1 + SLOTS) * self._slot - now)
        return 0.0

    def _forget(self, now: float) -> None:
        first = int(now / self._slot) - SLOTS
        while self._used and self._used[0][0] < first:
            self._sum -= self._used.pop(0)[1]


class TokenBucket:
    """`capacity` at once, and what flows in from then on; the rate of that is an argument, as it changes."""

    def __init__(self, capacity: float, now: float) -> None:
        self._capacity = self._level = capacity
        self._at = now

    def take(self, amount: float, per_second: float, now: float) -> None:
        """Whole, also where it is more than there is: the bucket is in debt then."""
        self._fill(per_second, now)
        self._level -= amount

    def wait(self, per_second: float, now: float) -> float:
        """Seconds until it is out of debt; 0: it is in none."""
        self._fill(per_second, now)
        return max(0.0, -self._level / per_second)

    def forgive(self) -> None:
        """The debt, if there is one."""
        self._level = max(0.0, self._level)

    def _fill(self, per_second: float, now: float) -> None:
        self._level = min(self._capacity, self._level + max(0.0, now - self._at) * per_second)
        self._at = max(self._at, now)


@dataclass(frozen=True, slots=True)
class Use:
    """One limit of a caller, and how far it is used."""

    name: str
    """As `GetServerInfo` and a status tell it."""
    limit: int
    """0: none."""
    used: int
    wait: float
    """Seconds until more may be used; 0: now, or not known."""


STREAMS, CALLS, NEW = "streams at once", "calls at once", "new streams a minute"
SIDE = "streams of health, reflection and channelz at once"
TOKENS = ("tokens of the language model a minute", "tokens of the language model a day")
CHARACTERS = ("characters of voice a minute", "characters of voice a day")


WINDOWS = {
    NEW: MINUTE,
    **dict(zip((*TOKENS, *CHARACTERS), (MINUTE, DAY, MINUTE, DAY), strict=True)),
}
"""Seconds of all windows of a caller."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one server has of a caller that the others do not know yet."""

    caller: str
    streams: int
    """Open on it now."""
    added: Mapping[str, int]
    """By the names of `WINDOWS`, since it was told last."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What all servers together know of a caller."""

    streams_elsewhere: int
    used: Mapping[str, Sequence[tuple[int, int]]]
    """By the names of `WINDOWS`: how many slots ago, and how much."""


class Account:
    """One caller. Streams are counted where they are opened and closed, tokens and characters once they were
    used; what is over a limit is told of the next that is asked."""

    def __init__(
        self,
        name: str = "",
        limits: CallerLimits | None = None,
        now: float = 0.0,
        *,
        is_local: bool = False,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`is_local`: its name is one that callers of other machines have as well. `changed` is called when a
        stream was opened or closed."""
        self.name, self.limits, self.is_local = name, limits or CallerLimits(), is_local
        self.streams_elsewhere = 0
        """On the servers that count together with this one."""
        self._changed, self._streams_told = changed, 0
        self._untold, self._telling = Counter[str](), Counter[str]()
        """By the names of `WINDOWS`: what was used since others were told, and what they are being told."""
        self.streams = self.calls = self.side = 0
        """Open: conversations and their parts; the same with those on their way in; all other streams."""
        given = self.limits
        bounds = (
            given.new_per_minute,
            *(given.tokens_per_minute, given.tokens_per_day),
            *(given.characters_per_minute, given.characters_per_day),
        )
        self._windows = {
            name: SlidingWindow(bound, seconds)
            for (name, seconds), bound in zip(WINDOWS.items(), bounds, strict=True)
        }
        self.sound = TokenBucket(BURST_SECONDS * max(1, given.streams), now)
        """Of all its streams together: who opens one after the other gets no new burst with each."""

    @property
    def is_here(self) -> bool:
        return bool(self.calls or self.side)

    # ------------------------------------------------------------ streams

    @contextmanager
    def call(self, now: float) -> Iterator[None]:
        """A call of a stream, from its first moment to its last. Raises `CallerLimit`."""
        self._check_count(CALLS, self.calls, 2 * self.limits.streams)
        new = self._windows[NEW]
        if wait := new.wait(now):
            raise CallerLimit(self.name, NEW, new.limit, wait)
        self._use(NEW, 1, now)
        self.calls += 1
        try:
            yield
        finally:
            self.calls -= 1

    def check_new(self, now: float) -> None:
        """Of a call that has begun, once it is known what other servers have seen: whether it is one too
        many. It is not counted then. Raises `CallerLimit`."""
        new = self._windows[NEW]
        if new.limit and new.used(now) > new.limit:
            self._use(NEW, -1, now)
            raise CallerLimit(self.name, NEW, new.limit, new.wait(now))

    def check_room(self, *, is_move: bool = False) -> None:
        """Whether one more stream may be let in. `is_move`: with a conversation whose old stream may still be
        counted elsewhere; that one does not count. Raises `CallerLimit`."""
        elsewhere = max(0, self.streams_elsewhere - is_move)
        self._check_count(STREAMS, self.streams + elsewhere, self.limits.streams)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """A stream that was let in."""
        self.streams += 1
        self._changed()
        try:
            yield
        finally:
            self.streams -= 1
            self._changed()

    @contextmanager
    def side_stream(self) -> Iterator[None]:
        """One of the other streams. Raises `CallerLimit`."""
        self._check_count(SIDE, self.side, SIDE_STREAMS)
        self.side += 1
        try:
            yield
        finally:
            self.side -= 1

    def _check_count(self, name: str, count: int, limit: int) -> None:
        if limit and count >= limit:
            raise CallerLimit(self.name, name, limit)

    # ------------------------------------------------------------ what engines do for it

    def spend(self, now: float, *, tokens: int = 0, characters: int = 0) -> None:
        for names, amount in ((TOKENS, tokens), (CHARACTERS, characters)):
            for name in names:
                if amount > 0:
                    self._use(name, amount, now)

    def check_spending(self, now: float, *, tokens: bool, characters: bool) -> None:
        """Whether more may be used, of what is asked about. Raises `AllowanceUsed` for what is over first."""
        for stage, names, is_asked in (("llm", TOKENS, tokens), ("tts", CHARACTERS, characters)):
            for name in names if is_asked else ():
                if wait := self._windows[name].wait(now):
                    raise AllowanceUsed(stage, CallerLimit(self.name, name, self._windows[name].limit, wait))

    def uses(self, now: float) -> Iterator[Use]:
        """All of its limits."""
        yield Use(STREAMS, self.limits.streams, self.streams + self.streams_elsewhere, 0.0)
        for name, window in self._windows.items():
            yield Use(name, window.limit, window.used(now), window.wait(now))

    def _use(self, name: str, amount: int, now: float) -> None:
        self._windows[name].add(amount, now)
        self._untold[name] += amount

    # ------------------------------------------------------------ together with other servers

    @property
    def has_news(self) -> bool:
        """Whether there is something to tell; of streams that are open again and again."""
        return bool(self.streams or self._streams_told or any(self._untold.values()))

    def tell(self) -> Told:
        """To be followed by `learn`."""
        self._telling, self._untold = self._untold, Counter()
        self._streams_told = self.streams
        return Told(self.name, self.streams, {name: n for name, n in self._telling.items() if n})

    def learn(self, counted: Counted | None, now: float, *, counts_streams: bool = True) -> None:
        """What came of `tell`; None: nobody knows whether it was heard, so that it is told again."""
        if counted is None:
            self._untold.update(self._telling)
        else:
            self.streams_elsewhere = counted.streams_elsewhere if counts_streams else 0
            for name, window in self._windows.items():
                window.learn(counted.used.get(name, ()), self._untold[name], now)
        self._telling = Counter()


class Accounts:
    """Of all callers. `MAX_CALLERS` of them are remembered, and all that have a stream open."""

    def __init__(self, limits: CallerLimits, of_this_machine: CallerLimits | None = None) -> None:
        """`of_this_machine`: for callers whose address is this machine's own; None: no others."""
        self._limits, self._of_this_machine = limits, of_this_machine or limits
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        """By name, the one that was here last at the end."""
        self.changed: Callable[[], None] = lambda: None
        """Called when a stream of one of them was opened or closed."""

    def of(self, name: str, now: float, *, is_local: bool = False) -> Account:
        account = self._accounts.get(name)
        if account is None:
            limits = self._of_this_machine if is_local else self._limits
            account = Account(name, limits, now, is_local=is_local, changed=lambda: self.changed())
            self._accounts[name] = account
            self._forget()
        self._accounts.move_to_end(name)
        return account

    def __len__(self) -> int:
        return len(self._accounts)

    def with_news(self) -> list[Account]:
        return [account for account in self._accounts.values() if account.has_news]

    def _forget(self) -> None:
        if len(self._accounts) <= MAX_CALLERS:
            return
        gone = next((name for name, account in self._accounts.items() if not account.is_here), None)
        if gone is not None:
            del self._accounts[gone]
