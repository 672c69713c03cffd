"""What a client of Converse remembers, so that its conversation goes on when the line was lost: `Resumption`.

Pure: every request and response goes through it, and it says what is to be sent on the next stream. Times are
monotonic seconds; a server's time stamp is compared with wall seconds. Numbers (`seq`) go on from one stream
to the next, also where the conversation begins anew.
"""

from collections.abc import Sequence

from ..pb import voice_pb2 as pb
from .connection import CallFailed
from .departure import Departure
from .received_sound import ReceivedSound
from .retries import DEFAULTS, ReconnectSettings, Retries, is_lost_line
from .unconsumed import Unconsumed

_UNNUMBERED = ("session_started", "resume_update")
"""Told on each stream afresh: what is told again comes after them, with its old and lower numbers."""

_OF_OLD_TURNS = ("playback", "interrupt", "tool_result")
"""Requests that mean nothing in a conversation that begins anew."""


class _Places:
    """Of the user's sound, which are counted from the start of a conversation: a client that does not know
    that another one began counts on."""

    def __init__(self) -> None:
        self._base: int | None = 0
        """What is taken off a place; None: as much as the next one has."""

    def place(self, audio: pb.AudioInput) -> None:
        if not audio.HasField("offset_samples"):
            return
        if self._base is None:
            self._base = audio.offset_samples
        audio.offset_samples = max(0, audio.offset_samples - self._base)

    def restart(self, kept: Sequence[pb.ConverseRequest]) -> None:
        """Another conversation begins, with what is kept of this one, which is placed anew."""
        base, self._base = self._base or 0, None
        for request in kept:
            if request.audio.HasField("offset_samples"):
                request.audio.offset_samples += base


class Resumption:
    """`config`: as the client asked for it. One that has a token goes on with a conversation itself; without
    a number of its own, its requests are numbered as the server begins."""

    def __init__(
        self,
        config: pb.SessionConfig,
        settings: ReconnectSettings = DEFAULTS,
        retries: Retries | None = None,
    ) -> None:
        self._config = pb.SessionConfig()
        self._config.CopyFrom(config)
        self._is_on = settings.within > 0
        self._retries = retries or Retries(settings)
        self._unconsumed = Unconsumed()
        self._sound = ReceivedSound(config.output_audio)
        self._departure = Departure()
        self._seq = 0
        self._is_numbered = False
        self._received = config.last_received_seq
        self._token = ""
        self._window = 0.0
        """Seconds for which the server keeps the conversation."""
        self._reports = config.capabilities.playback_reports
        self._places = _Places()

    # ------------------------------------------------------------ streams

    def opening(self, seq: int = 0) -> pb.ConverseRequest:
        """The first message of the first stream. `seq`: the client's own number for it; then those of all its
        requests are kept, also the old ones of what it sends again."""
        self._is_numbered = seq > 0
        self._seq = seq or (0 if self._config.resume_token else 1)
        return pb.ConverseRequest(seq=self._seq, config=self._config)

    def begun(self, started: pb.SessionStarted, now: float) -> None:
        """The first stream goes."""
        self._config.session_id = started.session_id
        self._seq = max(self._seq, started.last_consumed_seq, 1)
        self._retries.begun(now)

    def opening_again(self, ear: pb.PlaybackReport | None = None) -> pb.ConverseRequest:
        """The first message of a stream that goes on. `ear`: how far it got, whether the server is told or
        not; None: nobody says."""
        is_known = self._reports
        if ear is not None:
            self._sound.report(ear)
            is_known = is_known or ear.turn == self._sound.turn
        config = pb.SessionConfig()
        config.CopyFrom(self._config)
        config.resume_token = self._token
        config.last_received_seq = self._received
        config.resume_turn = self._sound.turn
        config.ClearField("resume_played_samples")
        if is_known or not self._sound.turn:
            config.resume_played_samples = self._sound.played if self._sound.turn else 0
        self._seq += 1
        return pb.ConverseRequest(seq=self._seq, config=config)

    def resumed(self, started: pb.SessionStarted, now: float) -> list[pb.ConverseRequest]:
        """What is to be sent again on the stream that began so."""
        self._retries.begun(now)
        self._departure.cancel()
        self._unconsumed.consumed(started.last_consumed_seq)
        return self._unconsumed.after(started.last_consumed_seq)

    def restarted(self, started: pb.SessionStarted, now: float) -> list[pb.ConverseRequest]:
        """As `resumed`, where the server knows nothing of it: the conversation begins anew."""
        self._config.session_id = started.session_id
        self._retries.begun(now)
        self._departure = Departure()
        self._sound = ReceivedSound(self._config.output_audio)
        self._received = 0
        kept = self._unconsumed.take()
        self._places.restart(kept)
        self._is_numbered = False
        return [self.number(each, now) for each in kept if each.WhichOneof("payload") not in _OF_OLD_TURNS]

    # ------------------------------------------------------------ messages

    def number(self, request: pb.ConverseRequest, now: float) -> pb.ConverseRequest:
        """The next request: numbered where the client does not do so, and kept. It is not to be changed."""
        if not (self._is_numbered and request.seq):
            request.seq = self._seq + 1
        self._seq = max(self._seq, request.seq)
        match request.WhichOneof("payload"):
            case "audio":
                self._places.place(request.audio)
            case "playback":
                self._reports = True
                self._sound.report(request.playback)
            case "config_update":
                update = request.config_update
                if "recording" in update.update_mask.paths and not update.config.recording:
                    self._config.recording = False  # a stream that goes on is not to allow it again
        if self._is_on:
            self._unconsumed.add(request, now)
        return request

    def receive(self, response: pb.ConverseResponse, now: float, wall: float) -> pb.ConverseResponse | None:
        """What of it is new; None: it came before. May change `response`."""
        arm = response.WhichOneof("payload")
        if arm == "resume_update":
            self._update(response.resume_update, wall)
        if arm in _UNNUMBERED:
            return response
        if response.seq:
            if response.seq <= self._received:
                return None
            self._received = response.seq
        self._departure.receive(response, now)
        if arm == "config_applied":
            self._applied(response.config_applied.effective_config)
        return self._sound.receive(response) if arm == "audio" else response

    # ------------------------------------------------------------ when

    @property
    def is_possible(self) -> bool:
        """The server said with what to come back."""
        return self._is_on and bool(self._token)

    def is_to_move(self, now: float) -> bool:
        """Whether to go on, on another stream, now."""
        return self.is_possible and self._departure.is_due(now)

    def put_off(self, now: float, *, for_good: bool = False) -> None:
        """The attempt to move came to nothing."""
        if for_good:
            self._departure.cancel()
        else:
            self._departure.put_off(now)

    def lost(self, failure: CallFailed, now: float) -> bool:
        """The stream ended so. Whether the conversation may go on; `next_wait` says when."""
        if not (self.is_possible and is_lost_line(failure)):
            return False
        self._departure = Departure()
        self._retries.lost(now, self._window)
        return True

    def next_wait(self, failure: CallFailed, now: float) -> float | None:
        """As `Retries.next_wait`."""
        return self._retries.next_wait(failure, now)

    def _applied(self, settings: pb.SessionConfig) -> None:
        """They are in force, and what a server that knows nothing of the change is to go by."""
        metadata, recording = dict(self._config.metadata), self._config.recording
        self._config.CopyFrom(settings)
        self._config.metadata.update(metadata)
        self._config.recording = recording  # as it is allowed, whether somebody records or not

    def _update(self, update: pb.ResumeUpdate, wall: float) -> None:
        self._token = update.resume_token
        self._window = update.expire_time.ToNanoseconds() / 1e9 - wall
        self._unconsumed.consumed(update.last_consumed_seq)
