"""When an utterance is over where nobody answers: speech to text alone.

Two rules, as in `turn/taker.py`: time is an argument, and what is to be done is returned. An utterance ends
once its silence has lasted (`turn/patience.py`, by its words), or the microphone was closed; each ends with
one final transcript. One that is too long is told in parts, each with a final of its own, in their order.
"""

from collections import deque
from collections.abc import Callable, Iterator

from . import events as e
from .commands import AskTranscript, Command, FinishUtterance, GiveUpTranscript, KeepPart, SplitUtterance
from .text.endings import ending, word_count
from .turn.patience import Evidence, hold
from .turn.settings import TurnSettings
from .turn.state import TIMER_SLACK


class UtteranceTaker:
    """The state machine of one stream. Not for two callers at once."""

    def __init__(self, settings: Callable[[], TurnSettings]) -> None:
        """`settings` gives those in force; the holds and `turn_deadline` count. When an utterance is too
        long, by `turn_limit`, is an event."""
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
        self._words = ""
        """Of the utterance since it was last split, by its last transcript."""
        self._parts: deque[str] = deque()
        """Beginnings of the utterance that are being transcribed: the words that are known of each."""
        self._is_overlong = False
        """The limit was reached in a silence: if the utterance goes on, what was said before is a part."""
        self.is_open = False
        """An utterance has begun, and its final transcript is not told yet."""

    @property
    def deadline(self) -> float | None:
        """When `PatienceOver` is due, in monotonic seconds."""
        if self._asked_at is not None:
            return self._asked_at + self._settings().turn_deadline
        return None if self._parts else self._over_at

    @property
    def is_at_rest(self) -> bool:
        return not self.is_open and self._asked_at is None

    def receive(self, event: e.Event, now: float) -> list[Command]:
        """What is to be done about `event`, which happened at `now` (monotonic seconds, never falling)."""
        commands = self._take(event, now)
        is_awaited = self._asked_at is not None or self._parts
        if self._over_at is not None and self._over_at <= now and not is_awaited:
            self._over_at, self.is_open = None, False
            self._words, self._is_overlong = "", False
            commands.append(FinishUtterance())
        return commands

    def _take(self, event: e.Event, now: float) -> list[Command]:
        commands: list[Command] = []
        match event:
            case e.SpeechStarted():
                self.is_open, self._over_at, self._is_closed = True, None, False
                commands += self._split_where_due()
            case e.TurnLimitReached():
                self._is_overlong = self.is_open
                commands += self._split_where_due()
            case e.PartTranscribed(text) if self._parts:
                known = self._parts.popleft()
                spoken = text or known
                commands.append(KeepPart(0, spoken, spoken))
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
                self._words = text or self._words
                self._language = language or self._language
                if self._over_at is not None and not self._is_closed:
                    evidence = Evidence(ending(text, self._language), word_count=word_count(text))
                    self._over_at = self._silent_since + self._hold(evidence)
            case e.PatienceOver() if self._has_waited(now):
                commands.append(GiveUpTranscript(self._settings().turn_deadline))
                self._asked_at = None
        return commands

    def _split_where_due(self) -> Iterator[Command]:
        """Not in a silence, which may be the end. A transcript that is on its way would be one of the part
        alone."""
        if self._is_overlong and self._over_at is None:
            self._parts.append(self._words)
            self._words, self._is_overlong = "", False
            self._revision, self._asked_at = self._revision + 1, None
            yield SplitUtterance()

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
