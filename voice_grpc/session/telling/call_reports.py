"""What observers are told of calls of one stage: each utterance of a dictation, each clause of a synthesis.

Told by who does the work, with the event loop's time; nothing is decided here. That a call begins and ends is
told by who takes it (`rpc/watched.py`).
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ...core import commands as c
from ...core import events as e
from ...core.errors import EngineError, Reason
from ...ports import NOBODY_LOOKS, Clause, Engine, Fallback, Observer
from ...ports.observer import (
    UNTRACED,
    CallIdentity,
    CallWork,
    ClauseSpoken,
    ClauseTimes,
    EngineFacts,
    EngineStoodIn,
    UtteranceTranscribed,
)
from ..clock import loop_now


@dataclass(frozen=True, slots=True)
class WatchedCall:
    """As whom observers know a call, and what it came to."""

    observer: Observer = NOBODY_LOOKS
    identity: CallIdentity = field(default_factory=lambda: CallIdentity("", UNTRACED))
    work: CallWork = field(default_factory=CallWork)


class DictationReports:
    """Is told of events before, and of commands after they were carried out."""

    def __init__(self, call: WatchedCall, stt: Engine) -> None:
        self._call, self._stt = call, stt
        self._spoken: float | None = None
        """When the last sound of the utterance came; None: it goes on."""
        self._transcribed: float | None = None
        self._failure = ""
        self._parts: deque[tuple[float, float]] = deque()
        """Those without words yet, of an utterance that is too long: when each ended, and its seconds."""

    def happened(self, event: e.Event) -> None:
        now = loop_now()
        match event:
            case e.SpeechStarted():
                self._spoken = None
            case e.SpeechEnded(silence=silence):
                self._spoken = now - silence
            case e.ActivityEnded() if self._spoken is None:
                self._spoken = now
            case e.Transcribed(failed=failed):
                self._transcribed = now
                self._failure = Reason.ENGINE_ERROR.value if failed else ""

    def decided(self, command: c.Command, seconds: float) -> None:
        """`seconds`: of the utterance, as it was before."""
        now = loop_now()
        match command:
            case c.AskTranscript():
                self._transcribed, self._failure = None, ""
            case c.GiveUpTranscript():
                self._failure = Reason.ENGINE_TIMEOUT.value
            case c.SplitUtterance():
                self._parts.append((now, seconds))
            case c.KeepPart() if self._parts:
                ended, length = self._parts.popleft()
                self._tell(length, ended, now, "")
            case c.FinishUtterance():
                spoken = now if self._spoken is None else self._spoken
                transcribed = now if self._transcribed is None else self._transcribed
                self._tell(seconds, spoken, transcribed, self._failure)
                self._transcribed, self._failure = None, ""

    def _tell(self, audio: float, spoken: float, transcribed: float, failure: str) -> None:
        call, stt, now = self._call, EngineFacts.of(self._stt), loop_now()
        call.work.pieces += 1
        call.work.delay = max(call.work.delay or 0.0, transcribed - spoken)
        times = (audio, spoken, transcribed, now)
        call.observer.observe(UtteranceTranscribed(call.identity, stt, *times, failure))


class SynthesisReports:
    """Is told of clauses and their sound as they come: what sounds, ends what sounded before."""

    def __init__(self, call: WatchedCall, tts: Engine) -> None:
        self._call, self._tts = call, tts
        self._open: dict[int, ClauseTimes] = {}
        """By index, those that may still sound: as many as a voice is ahead by."""
        self._fallback = ""

    def asked(self, clause: Clause) -> None:
        self._open[clause.index] = ClauseTimes(loop_now(), len(clause.text))
        self._call.work.pieces += 1
        self._call.work.characters += len(clause.text)

    def stood_in(self, fallback: Fallback) -> None:
        if not self._fallback:
            self._call.observer.observe(EngineStoodIn(fallback.error.stage))
        self._fallback = fallback.engine

    def sounded(self, index: int, seconds: float) -> None:
        now, work = loop_now(), self._call.work
        work.audio += seconds
        for before in [each for each in self._open if each < index]:
            self._tell(before, "")
        if (times := self._open.get(index)) is not None:
            times.last_audio = now
            if times.first_audio is None:
                times.first_audio = now
            if work.delay is None:
                work.delay = times.first_audio - times.requested

    @contextmanager
    def told(self) -> Iterator[None]:
        """Behind the block no more comes, whatever ended it. What went wrong cost the clauses without a
        sound, or the last one."""
        failure = ""
        try:
            yield
        except EngineError as error:
            failure = error.reason.value
            raise
        finally:
            silent = [index for index, times in self._open.items() if times.first_audio is None]
            failed = silent or list(self._open)[-1:]
            for index in list(self._open):
                self._tell(index, failure if index in failed else "")

    def _tell(self, index: int, failure: str) -> None:
        call, times = self._call, self._open.pop(index)
        tts = EngineFacts.of(self._tts, self._fallback)
        call.observer.observe(ClauseSpoken(call.identity, tts, index, times, loop_now(), failure))
