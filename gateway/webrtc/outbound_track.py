"""The answer's way to a browser over WebRTC: paced here, 20 ms at a time, silent when there is nothing.

Whoever paces knows what was played, and is the one to obey PlaybackControl: the answer is lowered, held and
gone on with here, and the reports that a page makes by itself on a WebSocket are made from here (`Reports`),
since the track is the gateway's own. What has left is on its way to the ear: over the network and through
the browser's jitter buffer. RTCP does not tell how long that is: receiver reports (RFC 3550, 6.4.1) have a
jitter and no fill level, and browsers send no de-jitter buffer reports (RFC 7005). A page that knows it
(getStats) says so (`Reports.behind`), and no answer is reported as finished before its end was heard; of any
other page, what has left counts as played.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from aiortc import MediaStreamTrack
from av import AudioFrame

from voice_grpc.client import Volume
from voice_grpc.pb import voice_pb2 as pb

RATE_HZ = 48_000
FRAME = 960
"""Samples of 20 ms."""

KEPT = RATE_HZ
"""Samples of what was played that are kept: as far back as RESUME goes."""

MAX_WAITING = 10 * RATE_HZ
"""Samples. The server keeps no more than its lead ahead; what is beyond this is dropped, oldest first."""

SECONDS = 0.1
"""Between two reports of an answer that plays."""

MOST_BEHIND = RATE_HZ // 2
"""Samples between this track and the ear that are believed: browsers hold 0.2 s on a bad line."""

State = pb.PlaybackReport


@dataclass(slots=True)
class TurnPlayback:
    """How far the answer of one turn was played."""

    turn: int
    played: int = 0
    """Samples that were ever heard."""
    at: int = 0
    """The sample that is heard next; before `played` while something is heard again."""
    told: int = 0
    """As far as it was reported."""
    underruns: int = 0
    is_dry: bool = False
    """It plays, and there was nothing to play."""
    is_over: bool = False
    """Its last sample was played, or it was cleared."""
    over_at: int = 0
    """`Playlist.left` once its last sample had left."""
    past: bytes = b""
    """The last of what was played."""
    volume: Volume = field(default_factory=lambda: Volume(RATE_HZ))

    def count(self, piece: bytes) -> None:
        self.past = (self.past + piece)[-2 * KEPT :]
        self.underruns += self.is_dry and len(piece) > 0
        self.is_dry = self.is_dry and not piece
        self.at += len(piece) // 2
        self.played = max(self.played, self.at)

    def go_back(self, position: int) -> bytes:
        """What is heard again from the sample `position` on, or from the first that is kept."""
        size = 2 * max(0, min(self.at - position, len(self.past) // 2))
        kept, again = self.past[: len(self.past) - size], self.past[len(self.past) - size :]
        self.past = kept
        self.at -= size // 2
        return again


@dataclass(slots=True)
class Playlist:
    """What waits to be played, and how far it got. Pure: frames are taken by whoever keeps the time."""

    current: TurnPlayback | None = None
    left: int = 0
    """Samples of frames that were taken, silence too: the track's own clock."""
    _waiting: deque[tuple[int, bytes, bool]] = field(default_factory=deque)
    _begins: tuple[int, int] = (0, 0)
    """The turn of which sound came last, and its first sample here."""
    _bytes: int = 0
    _rest: bytes = b""
    """What is left of the piece that is being played."""
    _is_last: bool = False
    """That piece is the last one of its turn."""
    _fading: bytes = b""
    """What is still heard of an answer that was held or cleared; it counts as not played."""
    _held: int = 0
    """The turn that was told to HOLD; 0: none."""
    _ducked: int = 0
    """The turn that was told to DUCK; 0: none."""
    _finished: list[TurnPlayback] = field(default_factory=list)

    def add(self, turn: int, data: bytes, *, is_last: bool, offset: int = 0) -> None:
        """PCM16 mono at `RATE_HZ`. `offset`: the place of its first sample; an answer that begins beyond 0
        was heard up to there on another line."""
        if turn != self._begins[0]:
            self._begins = (turn, offset)
        self._waiting.append((turn, data, is_last))
        self._bytes += len(data)
        ends = []
        while self._bytes > 2 * MAX_WAITING:
            dropped_turn, dropped, was_last = self._waiting.popleft()
            self._bytes -= len(dropped)
            ends += [(dropped_turn, b"", True)] if was_last else []
        self._waiting.extendleft(reversed(ends))  # without their ends these turns would never be finished

    def clear(self, turn: int) -> int:
        """Throw away what is left of `turn`; returns how much of it was played."""
        playing = self._playing(turn)
        if playing is not None:
            self._fade(playing)
            self._rest, self._is_last, playing.is_over = b"", False, True
        kept = [item for item in self._waiting if item[0] != turn]
        self._waiting = deque(kept)
        self._bytes = sum(len(data) for _, data, _ in kept)
        self._let_go(turn)
        return self.current.played if self.current is not None and self.current.turn == turn else 0

    def duck(self, turn: int, *, is_ducked: bool) -> None:
        """Lower it, or raise it again."""
        if is_ducked or turn == self._ducked:
            self._ducked = turn if is_ducked else 0

    def hold(self, turn: int) -> TurnPlayback | None:
        """Silence, and everything is kept. Returns how far `turn` was played; None: it does not play."""
        playing = self._playing(turn)
        self._held = turn
        if playing is not None:
            self._fade(playing)
            playing.is_dry = False
        return playing

    def resume(self, turn: int, position: int) -> None:
        """Go on after `hold`, at full volume, with the sample `position`; what is to come is never left
        out."""
        self._let_go(turn)
        if (playing := self._playing(turn)) is not None:
            self._fading = b""
            self._rest = playing.go_back(position) + self._rest

    def give_up(self, turn: int) -> None:
        """It broke off: nobody will say that it goes on."""
        self._let_go(turn)

    def take_finished(self) -> list[TurnPlayback]:
        """What was played to its end since this was asked last."""
        finished, self._finished = self._finished, []
        return finished

    def next_frame(self) -> bytes:
        """`FRAME` samples; silence where nothing waits, and where it is held."""
        frame, self._fading = self._fading[: 2 * FRAME], self._fading[2 * FRAME :]
        while len(frame) < 2 * FRAME and not self.is_held and (self._rest or self._take()):
            if self.is_held:
                break
            piece = self._rest[: 2 * FRAME - len(frame)]
            self._rest = self._rest[len(piece) :]
            frame += self._played(piece)
        if len(frame) < 2 * FRAME and self.current is not None and not self.is_held:
            self.current.is_dry = not self.current.is_over
        self.left += FRAME
        return frame.ljust(2 * FRAME, b"\0")

    def waiting(self, turn: int) -> int:
        """Samples of `turn` that are here and were not played, or are heard again."""
        rest = len(self._rest) if self._playing(turn) is not None else 0
        return (rest + sum(len(data) for of, data, _ in self._waiting if of == turn)) // 2

    @property
    def is_held(self) -> bool:
        """The answer that plays is."""
        return self.current is not None and self.current.turn == self._held and not self.current.is_over

    def _playing(self, turn: int) -> TurnPlayback | None:
        """Its answer, where it plays and is not over."""
        current = self.current
        return current if current is not None and current.turn == turn and not current.is_over else None

    def _let_go(self, turn: int) -> None:
        self._held = 0 if turn == self._held else self._held
        self._ducked = 0 if turn == self._ducked else self._ducked

    def _fade(self, playing: TurnPlayback) -> None:
        """The next few milliseconds of it, to silence; they stay where they are."""
        if playing.volume.is_silent:
            return
        following = b"".join(data for turn, data, _ in [*self._waiting][:2] if turn == playing.turn)
        ahead = np.frombuffer(self._rest + following, "<i2").astype(np.int16)
        self._fading = playing.volume.faded_out(ahead).astype("<i2").tobytes()

    def _played(self, piece: bytes) -> bytes:
        """As it is heard, and counted."""
        current = self.current
        if current is None:
            return piece
        current.count(piece)
        current.volume.lower(current.turn == self._ducked)
        heard = current.volume.applied(np.frombuffer(piece, "<i2").astype(np.int16))
        if self._is_last and not self._rest:
            current.is_over, self._is_last = True, False
            current.over_at = self.left + FRAME
            self._finished.append(current)
            self._let_go(current.turn)
        return heard.astype("<i2").tobytes()

    def _take(self) -> bool:
        """The next piece; False when there is none."""
        if not self._waiting:
            return False
        turn, self._rest, self._is_last = self._waiting.popleft()
        self._bytes -= len(self._rest)
        if self.current is None or self.current.turn != turn:
            begins = self._begins[1] if turn == self._begins[0] else 0
            self.current = TurnPlayback(turn, played=begins, at=begins, told=begins)
        return True


class OutboundTrack(MediaStreamTrack):
    """Frame n leaves at start + n × 20 ms; a loop that was held up does not catch up more than 200 ms."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.playlist = Playlist()
        self._start: float | None = None
        self._count = 0

    async def recv(self) -> AudioFrame:
        now = asyncio.get_running_loop().time()
        if self._start is None or now - self._start > self._count * 0.02 + 0.2:
            self._start = now - self._count * 0.02
        await asyncio.sleep(max(0.0, self._start + self._count * 0.02 - now))
        samples = np.frombuffer(self.playlist.next_frame(), "<i2").reshape(1, FRAME)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        frame.pts = self._count * FRAME
        self._count += 1
        return frame


@dataclass(slots=True)
class Reports:
    """The playback reports of a call, which the gateway makes for the page. What is on its way to the ear is
    not played yet, the end of an answer as little as the rest; what was held or cleared will be, whatever is
    done here."""

    playlist: Playlist
    _reported: tuple[int, int] = (0, 0)
    """The turn that was reported last, and at which of its samples."""
    _behind: int = 0
    _ending: list[TurnPlayback] = field(default_factory=list)
    """Answers whose last sample has left and is not heard yet, the first of them first."""
    _stopped: int = 0
    """The turn that waits for the line to the server; 0: none does."""

    def behind(self, samples: int) -> None:
        """So many are on their way from here to the ear, as the page says."""
        self._behind = min(samples, MOST_BEHIND)

    def due(self) -> list[pb.PlaybackReport]:
        """What happened since it was asked last; asked every `SECONDS`."""
        self._ending += self.playlist.take_finished()
        found = [self._of(each, State.STATE_FINISHED) for each in self._ending if not self._on_way(each)]
        self._ending = [each for each in self._ending if self._on_way(each)]
        playing = self._ending[0] if self._ending else self.playlist.current
        if playing is None or (playing.is_over and not self._ending):
            return found
        place = (playing.turn, playing.at - self._on_way(playing) if playing.is_over else playing.at)
        if place == self._reported:
            return found
        is_new = playing.turn != self._reported[0]
        self._reported = place
        state = State.STATE_STARTED if is_new else State.STATE_PROGRESS
        return [*found, self._of(playing, state, self._on_way(playing))]

    def _on_way(self, playing: TurnPlayback) -> int:
        """Samples of it that have left and are not heard yet."""
        since = self.playlist.left - playing.over_at if playing.is_over else 0
        return max(0, self._behind - since)

    def held(self, turn: int) -> list[pb.PlaybackReport]:
        """Holds it, and says how much of it was played, where it plays."""
        playing = self.playlist.hold(turn)
        if playing is None:
            return []
        started = [self._of(playing, State.STATE_STARTED)] if turn != self._reported[0] else []
        self._reported = (turn, playing.at)
        return [*started, self._of(playing, State.STATE_PROGRESS)]

    async def hold(self) -> pb.PlaybackReport | None:
        """As a `ListeningEar`: another line to the server begins."""
        playing = self.playlist.current
        if playing is None:
            return None
        if not (playing.is_over or self.playlist.is_held):  # what has left is heard, whatever is done
            self._stopped = playing.turn
            self.playlist.hold(playing.turn)
        return self._of(playing, State.STATE_PROGRESS)

    async def go_on(self) -> None:
        """As a `ListeningEar`."""
        turn, self._stopped = self._stopped, 0
        if turn and (playing := self.playlist.current) is not None:
            self.playlist.resume(turn, playing.at)

    def cleared(self, turn: int) -> pb.PlaybackReport:
        """Throws away what is left of `turn`."""
        self.playlist.clear(turn)
        self._ending = [each for each in self._ending if each.turn != turn]
        current = self.playlist.current
        is_current = current is not None and current.turn == turn
        return self._of(current if current and is_current else TurnPlayback(turn), State.STATE_CLEARED)

    def _of(
        self, playing: TurnPlayback, state: "pb.PlaybackReport.State", behind: int = 0
    ) -> pb.PlaybackReport:
        playing.told = max(playing.told, playing.played - behind)
        return pb.PlaybackReport(
            turn=playing.turn,
            state=state,
            played_samples=playing.told,
            buffered_samples=max(0, playing.at + self.playlist.waiting(playing.turn) - playing.told),
            underruns=playing.underruns,
        )
