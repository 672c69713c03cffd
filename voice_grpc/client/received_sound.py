"""How far the sound of each answer has come, and been played: `ReceivedSound`. Pure.

After a line was lost the sound of the answer under way comes again from the sample that was played last. What
is here already is cut off, so that whoever plays sees one answer without a seam: no sample twice, none left
out.
"""

from ..pb import voice_pb2 as pb

_BYTES_A_SAMPLE = {
    pb.AUDIO_ENCODING_UNSPECIFIED: 2,
    pb.AUDIO_ENCODING_PCM_S16LE: 2,
    pb.AUDIO_ENCODING_PCM_F32LE: 4,
    pb.AUDIO_ENCODING_MULAW: 1,
    pb.AUDIO_ENCODING_ALAW: 1,
}
"""Of what can be cut anywhere. Of Opus whole packets are left out, and whoever plays one that overlaps cuts
it by `offset_samples`."""


class ReceivedSound:
    """Of the last turn of which sound came."""

    def __init__(self, output: pb.AudioFormat) -> None:
        size = _BYTES_A_SAMPLE.get(output.encoding, 0)
        self._frame_bytes = size * (output.channels or 1)
        self.turn = 0
        """Whose sound came last; 0: none did."""
        self._until = 0
        """The sample after the last that came of it."""
        self._played = 0

    @property
    def played(self) -> int:
        """Samples of `turn` that were reported as played."""
        return self._played

    def report(self, report: pb.PlaybackReport) -> None:
        """What the client tells the server."""
        if report.turn == self.turn:
            self._played = max(self._played, report.played_samples)

    def receive(self, response: pb.ConverseResponse) -> pb.ConverseResponse | None:
        """What of a piece of sound is new; None: nothing. Changes `response`."""
        audio = response.audio
        if response.turn != self.turn:
            if response.turn < self.turn:
                return response  # of a turn that was left; it is nobody's answer under way
            # One that begins in its middle was begun on another line, and heard up to there.
            self.turn, self._until, self._played = response.turn, audio.offset_samples, audio.offset_samples
        known = self._until - audio.offset_samples
        self._until = max(self._until, audio.offset_samples + audio.duration_samples)
        if known <= 0 or not audio.duration_samples:
            return response
        if known >= audio.duration_samples:
            return self._emptied(response) if audio.is_last else None
        if self._frame_bytes:
            audio.data = audio.data[known * self._frame_bytes :]
            audio.offset_samples += known
            audio.duration_samples -= known
        return response

    @staticmethod
    def _emptied(response: pb.ConverseResponse) -> pb.ConverseResponse:
        """That nothing follows is news all the same."""
        audio = response.audio
        audio.offset_samples += audio.duration_samples
        audio.duration_samples, audio.data = 0, b""
        return response
