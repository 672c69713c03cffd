"""A prompt that is computed for itself: left between two batches once nobody wants it, and its slot knows how
much of it was computed.

A file of its own: whoever reads ahead needs it, and whoever is asked what follows a prompt.
"""

from typing import Any

from .generation import Run
from .prompt import TOLD
from .slots import Held, read_of


class PromptReading:
    def __init__(self, text: str, slot: Held) -> None:
        self._text, self._slot = text, slot
        self.was_left = False
        self.answer: dict[str, Any] = {}
        """The event that says what follows the prompt; empty: none came."""

    def run(self, run: Run, request: dict[str, Any]) -> None:
        self._slot.text = ""
        run({**request, **TOLD, "prompt": self._text, "id_slot": self._slot.number}, self._receive)

    def _receive(self, event: dict[str, Any]) -> bool:
        if progress := event.get("prompt_progress"):
            self._slot.text = read_of(self._text, progress)
        if "error" in event or any(choice.get("logprobs") for choice in event.get("choices", ())):
            self.answer = event
        self.was_left = not self.answer and self._slot.is_left()
        return self.was_left
