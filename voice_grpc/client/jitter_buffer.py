"""Between the network and the loudspeaker: what to play when, how loud, and what was played.

It obeys PlaybackControl, as a client with the capability `playback_control` does: DUCK, HOLD, RESUME and
FLUSH are methods of the same names. The last second that was played is kept, so that a word that was cut can
be said again. Two threads meet here: the event loop hands over what came and takes away the reports, the
device's own thread takes samples. A lock is held for some microseconds; nothing waits inside it.
Time is an argument (monotonic seconds), so a test is a list of calls; `BufferEar` alone, which is asked in
the midst of a call, looks at the clock.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from ..core.audio import Samples
from ..core.playout.volume import Volume
from ..pb import voice_pb2 as pb

State = pb.PlaybackReport.State

DEFAULT_RATE_HZ = 24_000
"""What the server sends unless it is asked for another."""

KEPT_SECONDS = 1.0
"""Of what was played: as far back as RESUME goes."""

REMEMBERED = 64
"""Turns that are over, of which sound may still be on its way: of older ones no server sends any."""


def nothing() -> Samples:
    return np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True)
class JitterBufferSettings:
    shortest: float = 0.06
    """Seconds gathered before an answer begins: three frames, which a quiet network needs."""
    longest: float = 0.2
    """As far as the server's default lead reaches; more would never arrive in time."""
    growth: float = 0.04
    """Added each time it runs dry."""
    decay: float = 0.01
    """Taken away after each answer that did not."""
    report_every: float = 0.1
    """Half of what the contract asks for."""


@dataclass(slots=True)
class _Answer:
    turn: int
    volume: Volume
    kept: int
    """Samples that are kept of what was played."""
    blocks: deque[Samples] = field(default_factory=deque)
    buffered: int = 0
    past: Samples = field(default_factory=nothing)
    """The last of what was played."""
    fading: Samples = field(default_factory=nothing)
    """What is still heard of it where it was held."""
    at: int = 0
    """The sample that is heard next."""
    played: int = 0
    """As far as it was ever heard; beyond `at` while something is played again."""
    underruns: int = 0
    waits_since: float | None = None
    """When the oldest sample came that waits for the buffer to fill; None: there is none."""
    is_flowing: bool = False
    is_started: bool = False
    """Some of it was heard, here."""
    is_complete: bool = False
    is_dry: bool = False
    is_late: bool = False
    """It had run dry when it began to play last."""
    reported_at: float = 0.0

    @classmethod
    def empty(cls, turn: int, rate_hz: int, begins: int = 0) -> "_Answer":
        """`begins`: its first sample here; those before it were heard elsewhere."""
        return cls(turn, Volume(rate_hz), round(KEPT_SECONDS * rate_hz), at=begins, played=begins)

    def add(self, samples: Samples, offset: int | None, now: float) -> None:
        """`offset`: the place of the first sample; None: it follows the last one. What is here already, or
        was heard, is left out; what is missing is silence."""
        known = 0 if offset is None else self.at + self.buffered - offset
        if known < 0:
            samples = np.concatenate([np.zeros(min(-known, self.kept), np.int16), samples])
        samples = samples[max(0, known) :]
        if len(samples):
            self.blocks.append(samples)
            self.buffered += len(samples)
            self.waits_since = now if self.waits_since is None else self.waits_since

    def move(self, into: Samples) -> int:
        """Fill `into` from the front; returns how many samples there were for it. It runs dry, and comes
        back, without a click."""
        filled = 0
        while filled < len(into) and self.blocks:
            block = self.blocks.popleft()
            n = min(len(block), len(into) - filled)
            into[filled : filled + n] = block[:n]
            if n < len(block):
                self.blocks.appendleft(block[n:])
            filled += n
        self.past = np.concatenate([self.past, into[:filled]])[-self.kept :]
        self.buffered -= filled
        self.at += filled
        self.played = max(self.played, self.at)
        is_dry = filled < len(into) and not self.is_complete
        fading = min(filled, self.volume.fade_length) if is_dry else 0
        into[: filled - fading] = self.volume.applied(into[: filled - fading])
        if fading:
            into[filled - fading : filled] = self.volume.faded_out(into[filled - fading : filled])
        return filled

    def stop(self) -> None:
        """Within the next few samples, which count as not played: they are heard again when it goes on.

        What it waits for from now on is no underrun.
        """
        if self.is_flowing and not self.volume.is_silent:
            ahead = np.concatenate([nothing(), *self.blocks])
            self.fading = self.volume.faded_out(ahead)
        self.is_dry = False

    def fade(self, into: Samples) -> None:
        """What is heard of it once it was stopped."""
        n = min(len(self.fading), len(into))
        into[:n], self.fading = self.fading[:n], self.fading[n:]

    def go_on(self, now: float) -> None:
        self.fading = nothing()
        if self.buffered and self.waits_since is None:
            self.waits_since = now

    def go_back(self, position: int) -> int:
        """As far as to the sample `position`, or to the first that is kept; returns by how many. What is
        to come is never left out."""
        count = max(0, min(self.at - position, len(self.past)))
        if count:
            self.blocks.appendleft(self.past[-count:])
            self.past = self.past[:-count]
            self.buffered += count
            self.at -= count
        return count

    def is_ready(self, now: float, target: float, target_samples: int) -> bool:
        """Whether enough waits, or it has waited long enough, or nothing more will come."""
        if self.is_complete or self.waits_since is None:
            return self.is_complete
        return self.buffered >= target_samples or now - self.waits_since >= target

    def flow(self, now: float) -> list[pb.PlaybackReport]:
        """It plays from now on, for the first time or again. Returns what is to be reported of it."""
        # Counted only now: what stays out after the last sample is no gap that anybody hears.
        self.is_late = self.is_started and self.is_dry and self.buffered > 0
        self.underruns += self.is_late
        reports = [] if self.is_started else [self.report(State.STATE_STARTED, now)]
        self.is_dry, self.is_flowing, self.is_started = False, True, True
        return reports

    def report(self, state: State, now: float | None = None) -> pb.PlaybackReport:
        self.reported_at = self.reported_at if now is None else now
        return pb.PlaybackReport(
            turn=self.turn,
            state=state,
            played_samples=self.played,
            buffered_samples=self.at + self.buffered - self.played,
            underruns=self.underruns,
        )


class JitterBuffer:
    """Answers one after the other, each held back until enough of it is there to go on without gaps."""

    def __init__(self, rate_hz: int = DEFAULT_RATE_HZ, settings: JitterBufferSettings | None = None) -> None:
        self.settings = settings or JitterBufferSettings()
        self.target = self.settings.shortest
        """Seconds to gather before an answer begins; adapts to how often it ran dry."""
        self._rate_hz = rate_hz
        self._lock = threading.Lock()
        self._answers: dict[int, _Answer] = {}
        """By turn, in the order in which they began to come; the first one plays."""
        self._ended = (0, 0)
        """The turn that was over last, and how many samples of it were played."""
        self._played: dict[int, None] = {}
        """Turns that are over, the last `REMEMBERED`: what still comes of them is not played."""
        self._outbox: list[pb.PlaybackReport] = []
        self._paused: set[str] = set()
        """Who stopped it; it plays when nobody did."""
        self._held: int | None = None
        """The turn that was told to HOLD."""
        self._ducked: int | None = None
        """The turn that was told to DUCK."""

    def receive(
        self, turn: int, samples: Samples, now: float, is_last: bool = False, offset: int | None = None
    ) -> None:
        """The next samples of a turn. Turns are played in the order in which they begin to come.

        `offset`: the place of the first sample in its turn. After a line was lost sound comes again that is
        here already, and whoever joins an answer in its middle counts from there. None: it follows the last.
        """
        with self._lock:
            if turn in self._played:
                return
            answer = self._answers.setdefault(turn, _Answer.empty(turn, self._rate_hz, offset or 0))
            answer.add(samples, offset, now)
            answer.is_complete = answer.is_complete or is_last

    def restart(self) -> None:
        """Another conversation begins, which counts its turns anew: what plays or waits is thrown away, and
        nobody is told of it."""
        with self._lock:
            self._answers.clear()
            self._played.clear()
            self._ended = (0, 0)
            self._outbox.clear()
            self._held = self._ducked = None

    def finish(self, turn: int) -> None:
        """No more will come of it, although its last chunk did not; nor will a RESUME."""
        with self._lock:
            self._held = None if turn == self._held else self._held
            if turn in self._answers:
                self._answers[turn].is_complete = True

    def flush(self, turn: int) -> None:
        """Throw away what waits of a turn, once; the report says CLEARED and how much was played."""
        with self._lock:
            if turn not in self._played:
                answer = self._answers.pop(turn, None) or _Answer.empty(turn, self._rate_hz)
                answer.buffered = 0
                self._end(answer, State.STATE_CLEARED)

    def hold(self, turn: int, now: float) -> None:
        """Stop within 5 ms and keep what is buffered; the report says PROGRESS and how much was played."""
        with self._lock:
            if turn in self._played or turn == self._held:
                return
            self._held = turn
            if (answer := self._answers.get(turn)) is not None:
                answer.stop()
                self._outbox.append(answer.report(State.STATE_PROGRESS, now))

    def resume(self, turn: int, position: int, now: float) -> int:
        """Go on after `hold`, at full volume, with the sample `position`. Returns how many samples are heard
        again; they lower no report."""
        with self._lock:
            self._held = None if turn == self._held else self._held
            self._ducked = None if turn == self._ducked else self._ducked
            if (answer := self._answers.get(turn)) is None:
                return 0
            again = answer.go_back(position)
            answer.go_on(now)
            return again

    def pause(self, is_paused: bool, now: float, by: str = "user") -> tuple[int, int]:
        """Stop where it is, whichever turn that is, and keep what is buffered, or go on from there: the
        user's Pause and Resume. `by`: it goes on once all who stopped it want it to. Returns the turn and how
        many samples of it were played, of the last one where none is being played; (0, 0): there was none."""
        with self._lock:
            self._paused = self._paused | {by} if is_paused else self._paused - {by}
            first = next(iter(self._answers.values()), None)
            if first is not None and is_paused:
                first.stop()
            elif first is not None and not self._paused:
                first.go_on(now)
            return (first.turn, first.played) if first else self._ended

    def duck(self, turn: int, is_ducked: bool) -> None:
        """Lower it by 12 dB within 20 ms, or raise it again."""
        with self._lock:
            if is_ducked and turn not in self._played:
                self._ducked = turn
            elif turn == self._ducked:
                self._ducked = None

    def take(self, count: int, now: float) -> Samples:
        """What the loudspeaker plays next; silence where there is nothing. Called by its thread."""
        out: Samples = np.zeros(count, np.int16)
        filled = 0
        with self._lock:
            while self._answers and filled < count:
                answer = next(iter(self._answers.values()))
                if self._paused or answer.turn == self._held:
                    answer.fade(out[filled:])
                    break
                if not answer.is_flowing:
                    if not answer.is_ready(now, self.target, round(self.target * self._rate_hz)):
                        break
                    self._outbox += answer.flow(now)
                    if answer.is_late:
                        self.target = min(self.settings.longest, self.target + self.settings.growth)
                answer.volume.lower(answer.turn == self._ducked)
                filled += answer.move(out[filled:])
                if not answer.buffered and answer.is_complete:
                    del self._answers[answer.turn]
                    self._end(answer, State.STATE_FINISHED)
                elif filled < count:
                    answer.is_dry, answer.is_flowing, answer.waits_since = True, False, None
        return out

    def due(self, now: float) -> list[pb.PlaybackReport]:
        """The reports to send now: everything that happened, and how far the current answer has got."""
        with self._lock:
            if self._answers and not self._paused:
                answer = next(iter(self._answers.values()))
                is_playing = answer.is_flowing and answer.turn != self._held
                if is_playing and now - answer.reported_at >= self.settings.report_every:
                    self._outbox.append(answer.report(State.STATE_PROGRESS, now))
            reports, self._outbox = self._outbox, []
        return reports

    @property
    def position(self) -> tuple[int, int]:
        """The turn that is being played and how many samples of it were; (0, 0) when none is."""
        with self._lock:
            first = next(iter(self._answers.values()), None)
            return (first.turn, first.played) if first else (0, 0)

    @property
    def turns(self) -> list[int]:
        """Those of which sound plays or waits, in that order."""
        with self._lock:
            return list(self._answers)

    @property
    def is_idle(self) -> bool:
        """Nothing is left to play or to report."""
        with self._lock:
            return not self._answers and not self._outbox

    def _end(self, answer: _Answer, state: State) -> None:
        if state == State.STATE_FINISHED and not answer.underruns:
            self.target = max(self.settings.shortest, self.target - self.settings.decay)
        self._held = None if answer.turn == self._held else self._held
        self._ducked = None if answer.turn == self._ducked else self._ducked
        self._played[answer.turn] = None
        self._ended = (answer.turn, answer.played)
        while len(self._played) > REMEMBERED:
            del self._played[next(iter(self._played))]
        self._outbox.append(answer.report(state))


class BufferEar:
    """A jitter buffer as the `ListeningEar` of a call (`resumable_stream.py`)."""

    def __init__(self, buffer: JitterBuffer) -> None:
        self._buffer = buffer

    async def hold(self) -> pb.PlaybackReport | None:
        turn, played = self._buffer.pause(True, time.monotonic(), by="line")
        if not turn:
            return None
        return pb.PlaybackReport(turn=turn, state=State.STATE_PROGRESS, played_samples=played)

    async def go_on(self) -> None:
        self._buffer.pause(False, time.monotonic(), by="line")
