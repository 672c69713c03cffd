"""Whose answer this machine computes first: what was promised goes before what is only prepared.

An answer that was let out is promised until there is something to hear of it. While one of another session
is, none is prepared where the language model computes on this machine's cores; one that is being written
there for a turn that may not be over is dropped, and begun anew once it may be, or is let out. Where the
model is elsewhere nothing is held back. One object serves all sessions of a server.

So it is said here whether an answer is prepared at all; whose work is next, of what was begun, is said by
each engine (`ports.Claim`).

Nothing is computed, awaited or timed here: `alive_replies.py` does what is said here.
"""

from typing import Protocol


class Preparing(Protocol):
    """A session that prepares answers."""

    def give_way(self) -> None:
        """An answer of another session was promised."""
        ...

    def go_on(self) -> None:
        """No answer of another session is promised any more."""
        ...


class Precedence:
    def __init__(self) -> None:
        self._sessions: list[Preparing] = []
        """In the order in which they came: so they are told."""
        self._promised: list[Preparing] = []
        """Those whose answer is. A session has one at most: the one before it was cut, or was made."""

    def join(self, session: Preparing) -> None:
        """It is told of the others from now on."""
        self._sessions.append(session)

    def leave(self, session: Preparing) -> None:
        """It is over, and with it what it promised. A second time nothing happens."""
        if session in self._sessions:
            self._sessions.remove(session)
            self.release(session)

    def may_prepare(self, session: Preparing) -> bool:
        return all(other is session for other in self._promised)

    def promise(self, session: Preparing) -> None:
        """Its answer was let out, and has no sound yet."""
        if session in self._promised:
            return
        self._promised.append(session)
        for other in self._sessions:
            if other is not session:
                other.give_way()

    def release(self, session: Preparing) -> None:
        """There is something to hear of its answer, or it is given up. Where none was, nothing happens."""
        if session not in self._promised:
            return
        self._promised.remove(session)
        for other in self._sessions:
            if self.may_prepare(other):
                other.go_on()
