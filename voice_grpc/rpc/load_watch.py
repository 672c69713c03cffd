"""What admission control is told while the server runs: how late the event loop is, and what turns take.

A file of its own: the shell of `core/admission.py`, which has no clock and hears no session.
"""

import asyncio

from ..core.admission import AdmissionControl
from ..ports.observer import Happening, TurnEnded

LOOK_SECONDS = 0.1
"""Between two looks at the event loop."""


class LoadWatch:
    """Implements `ports.Observer`. Between `start` and `stop` it looks at the running event loop."""

    def __init__(self, admission: AdmissionControl) -> None:
        self._admission = admission
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + LOOK_SECONDS
        self._next = loop.call_at(due, self._look, loop, due)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def observe(self, happening: Happening) -> None:
        """Of turns that were answered; of one that was typed neither delay is known."""
        if not isinstance(happening, TurnEnded) or happening.answer is None:
            return
        took, now = happening.answer.metrics.seconds, happening.now
        if (seconds := took.get("stt_final_delay")) is not None:
            self._admission.transcripts.note(seconds, now)
        if (seconds := took.get("voice_to_voice")) is not None:
            self._admission.answers.note(seconds, now)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        self._admission.loop.note(max(0.0, now - due), now)
        self.start()
