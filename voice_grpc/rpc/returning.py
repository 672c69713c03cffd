"""Who comes back: the tokens of this deployment, and what a config that holds one asks for.

A token that is good names its conversation. One that is not begins a new one, under an id of its own: what is
kept of the old one is not for whoever has no token, and is not to be done twice. So does the token of a
conversation of which nothing is kept: it was deleted, or the store lost it.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..core.config import SessionConfig
from ..core.errors import BadField, Reason
from ..core.requests import ComeBack
from ..core.responses import Notice
from ..core.resume_token import NONCE_BYTES, ResumeTokens, UnusableToken, issued, session_of
from ..ports.wall_clock import unix_now
from ..wire.config import new_session_id


@dataclass(frozen=True, slots=True)
class Asked:
    """What a config asks for."""

    config: SessionConfig
    """With the id of the conversation that is meant."""
    seq: int
    """Of the request that it came with."""
    come_back: ComeBack | None = None
    """What the caller who comes back says; None: nobody does."""
    notices: tuple[Notice, ...] = ()
    """Why another conversation begins than the caller asked for."""

    def anew(self, why: UnusableToken) -> "Asked":
        """A new conversation instead, under an id of its own."""
        field = "config.resume_token"
        notice = Notice(
            "protocol",
            Reason.BAD_MESSAGE,
            f"{field}: {why}; a new conversation begins",
            seq=self.seq,
            field=field,
        )
        return Asked(replace(self.config, session_id=new_session_id()), self.seq, None, (notice,))


@dataclass(frozen=True, slots=True)
class Returning:
    secret: bytes
    """Of all servers of the deployment."""
    window: float
    """Seconds for which a token is good; 0: none is made."""
    wall: Callable[[], float] = unix_now

    @property
    def tokens(self) -> ResumeTokens | None:
        return ResumeTokens(self._issue, self.window) if self.window else None

    def recognised(self, asked: Asked, given_id: str, owner: str) -> Asked:
        """By the token alone. `given_id`: as the config has it. Raises `Forbidden`, and `BadField` for a
        token of another session than `given_id`."""
        if asked.come_back is None:
            return asked
        try:
            session_id = session_of(self.secret, asked.come_back.token, owner, self.wall())
        except UnusableToken as error:
            return asked.anew(error)
        if given_id not in ("", session_id):
            accepted = "the session of config.resume_token, or nothing beside one"
            raise BadField("config.session_id", given_id, accepted)
        return replace(asked, config=replace(asked.config, session_id=session_id))

    def _issue(self, session_id: str, owner: str) -> tuple[str, float]:
        expires_at = self.wall() + self.window
        nonce = secrets.token_bytes(NONCE_BYTES)
        return issued(self.secret, session_id, owner, expires_at, nonce), expires_at
