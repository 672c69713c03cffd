"""What became known of one server: its model and what it takes."""

import asyncio
import logging
from dataclasses import replace

from ...ports import Prompt
from .capabilities import ROOM, Capabilities, learned, plainest
from .client import OpenAiClient
from .errors import Refusal
from .request import request
from .response import ChatAnswer

_log = logging.getLogger(__name__)


class Negotiator:
    """Shared by all turns; what one of them learns, the others know."""

    def __init__(self, client: OpenAiClient, model: str, bases: int) -> None:
        """`model`: empty takes the server's first one. `bases`: how many addresses there are to try."""
        self.capabilities = Capabilities()
        self._client, self._bases = client, bases
        self._model, self._found = model, ""
        self._is_proven = False
        """A server that was asked by `capabilities` has answered."""
        self._finding = asyncio.Lock()

    @property
    def model(self) -> str:
        """The model that is asked for; empty while the server's first one is not known."""
        return self._model or self._found

    async def model_on(self, capabilities: Capabilities) -> str:
        """The model to ask for, found if need be. Raises what `OpenAiClient.models` raises."""
        async with self._finding:
            if not self.model:
                self._found = (await self._client.models(capabilities.base))[0]
            return self.model

    def take(self, refusal: Refusal, prompt: Prompt, capabilities: Capabilities) -> bool:
        """Whether to ask again: something is known now that was not when it was asked on `capabilities`.

        Ends: every lesson gives up something that was still asked for.
        """
        if capabilities != self.capabilities:
            return True
        if refusal.is_of_model and self._found and self._is_proven:
            self._found, self._is_proven = "", False
            return True
        body = request(prompt, self.model, capabilities)
        better = learned(capabilities, refusal, body, bases=self._bases)
        if better is None and refusal.status in (400, 422) and not self._is_proven:
            better = plainest(capabilities)
        if better is None or better == capabilities:
            if not self._is_proven:
                self.capabilities = Capabilities()
            return False
        if capabilities.takes_tools and not better.takes_tools:
            _log.warning("%s takes no tools: from now on it is asked without any", self.model)
        self.capabilities = better
        return True

    def note(self, answer: ChatAnswer, *, is_answered: bool) -> None:
        """What an answer says of those to come: one that thinks needs room for it."""
        self._is_proven = self._is_proven or is_answered
        room = ROOM if answer.has_thought else 0
        self.capabilities = replace(
            self.capabilities,
            room=max(self.capabilities.room, room),
            begins_inside=self.capabilities.begins_inside or answer.was_thinking_aloud,
        )
