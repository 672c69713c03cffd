"""When an utterance is over where nobody answers: speech to text alone.

Two rules, as in `turn.py`: time is an argument, and what is to be done is returned. An utterance ends once
its silence has lasted (`patience.py`, by its words), or the microphone was closed; each ends with one final
transcript.
"""

from collections.abc import Callable

from . import events as e
from .commands import AskTranscript, Command, FinishUtterance, GiveUpTranscript
from .patience import Evidence, hold
from .text.endings import ending, words_of
from .turn_state import TIMER_SLACK, TurnSettings


class UtteranceTaker:
    """The state machine of one stream. Not for two callers at once."""

    def __init__(self, settings: Callable[[], TurnSettings]) -> None:
        """`settings` gives those in force; the holds and `turn_deadline` count."""
        self._settings = settings
        self._revision = 0
        self._asked_at: float | None = None
        """Since when a transcript is on its way."""
        self._silent_since = 0.0
        self._over_at: float | None = None
        """When the silence will have lasted."""
        self._is_closed = False
        """The microphone is: no word makes the silence longer."""
        self._language = ""
        """ISO 639-1, of the last words."""
        self.is_open = False
        """An utterance has begun, and its final transcript is not told yet."""

    @property
    def deadline(self) -> float | None:
        """When `PatienceOver` is due, in monotonic seconds."""
        if self._asked_at is not None:
            return self._asked_at + self._settings().turn_deadline
        return self._over_at

    @property
    def is_at_rest(self) -> bool:
        return not self.is_open and self._asked_at is None

    def receive(self, event: e.Event, now: float) -> list[Command]:
        """What is to be done about `event`, which happened at `now` (monotonic seconds, never falling)."""
        commands: list[Command] = []
        match event:
            case e.SpeechStarted():
                self.is_open, self._over_at, self._is_closed = True, None, False
            case e.SpeechEnded(silence=silence):
                commands.append(self._ask(now))
                self._silent_since = now - silence
                self._over_at = self._silent_since + self._hold(Evidence())
            case e.ActivityEnded() if self.is_open:
                if self._over_at is None:
                    commands.append(self._ask(now))
                self._over_at, self._is_closed = now, True
            case e.Transcribed(revision, text, language=language) if revision == self._revision:
                self._asked_at = None
                self._language = language or self._language
                if self._over_at is not None and not self._is_closed:
                    evidence = Evidence(ending(text, self._language), word_count=len(words_of(text)))
                    self._over_at = self._silent_since + self._hold(evidence)
            case e.PatienceOver() if self._has_waited(now):
                commands.append(GiveUpTranscript(self._settings().turn_deadline))
                self._asked_at = None
        if self._over_at is not None and self._over_at <= now and self._asked_at is None:
            self._over_at, self.is_open = None, False
            commands.append(FinishUtterance())
        return commands

    def _has_waited(self, now: float) -> bool:
        """For the words, as long as they are waited for."""
        if self._asked_at is None:
            return False
        return now >= self._asked_at + self._settings().turn_deadline - TIMER_SLACK

    def _hold(self, evidence: Evidence) -> float:
        settings = self._settings()
        return hold(evidence, settings.bounds) if settings.hold is None else settings.hold

    def _ask(self, now: float) -> AskTranscript:
        self._revision += 1
        self._asked_at = now
        return AskTranscript(self._revision)
