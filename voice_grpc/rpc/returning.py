"""Who comes back: the tokens of this deployment, and what a config that holds one asks for.

A token that is good names its conversation. One that is not begins a new one, under an id of its own: what is
kept of the old one is not for whoever has no token, and is not to be done twice.
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
class Returning:
    secret: bytes
    """Of all servers of the deployment."""
    window: float
    """Seconds for which a token is good; 0: none is made."""
    wall: Callable[[], float] = unix_now

    @property
    def tokens(self) -> ResumeTokens | None:
        return ResumeTokens(self._issue, self.window) if self.window else None

    def recognised(
        self, config: SessionConfig, given_id: str, come_back: ComeBack | None, owner: str, seq: int
    ) -> tuple[SessionConfig, ComeBack | None, list[Notice]]:
        """The config with the id of the conversation that is meant; and what the caller who comes back says,
        None where nobody does. `given_id`: as the config has it. Raises `Forbidden`, and `BadField` for a
        token of another session than `given_id`."""
        if come_back is None:
            return config, None, []
        field = "config.resume_token"
        try:
            session_id = session_of(self.secret, come_back.token, owner, self.wall())
        except UnusableToken as error:
            text = f"{field}: {error}; a new conversation begins"
            notice = Notice("protocol", Reason.BAD_MESSAGE, text, seq=seq, field=field)
            return replace(config, session_id=new_session_id()), None, [notice]
        if given_id not in ("", session_id):
            raise BadField("config.session_id", given_id, f"the session of {field}, or nothing beside one")
        return replace(config, session_id=session_id), come_back, []

    def _issue(self, session_id: str, owner: str) -> tuple[str, float]:
        expires_at = self.wall() + self.window
        nonce = secrets.token_bytes(NONCE_BYTES)
        return issued(self.secret, session_id, owner, expires_at, nonce), expires_at
