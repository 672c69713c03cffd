"""The playback reports of a WebRTC call, which the gateway makes for the page: the track is its own."""

from dataclasses import dataclass

from voice_grpc.pb import voice_pb2 as pb

from .rtc_track import Playing, Playlist

SECONDS = 0.1
"""Between two reports of an answer that plays."""

State = pb.PlaybackReport


@dataclass(slots=True)
class Reports:
    playlist: Playlist
    _told: tuple[int, int] = (0, 0)
    """The turn, and how much of it."""

    def due(self) -> list[pb.PlaybackReport]:
        """What happened since it was asked last; asked every `SECONDS`."""
        found = [report_of(each, State.STATE_FINISHED) for each in self.playlist.take_finished()]
        playing = self.playlist.current
        if playing is None or playing.is_over or (playing.turn, playing.played) == self._told:
            return found
        is_new = playing.turn != self._told[0]
        self._told = (playing.turn, playing.played)
        return [*found, report_of(playing, State.STATE_STARTED if is_new else State.STATE_PROGRESS)]

    def cleared(self, turn: int) -> pb.PlaybackReport:
        """Throws away what is left of `turn`."""
        return report_of(Playing(turn, self.playlist.clear(turn)), State.STATE_CLEARED)


def report_of(playing: Playing, state: "pb.PlaybackReport.State") -> pb.PlaybackReport:
    return pb.PlaybackReport(turn=playing.turn, state=state, played_samples=playing.played)
