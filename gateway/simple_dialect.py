"""The simple dialect, for who offers no subprotocol: PCM16 mono both ways, and a few JSON texts.

to us       {"type": "start", …} once, first, and optional; then sound, and
            text {"text"} · interrupt · pause · resume · played {"ms"} · stop
from us     ready · state {"state"} · transcript {"role", "text", "final"} · clear · metrics · error
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from voice_grpc.pb import voice_pb2 as pb

from .closing import Farewell, bad_message
from .dialect import Frame, Opening
from .json_dialect import parsed, told
from .simple_start import RATE_HZ, session_config
from .simple_told import Teller

TYPES = ("text", "interrupt", "pause", "resume", "stop", "played")


class SimpleDialect:
    def __init__(self) -> None:
        self._rate_hz = RATE_HZ
        self._turn = 0
        """Whose answer is playing."""
        self._teller = Teller()

    # ------------------------------------------------------------ to us

    def first(self, frame: Frame) -> Opening:
        """Without a start, the frame itself already says something."""
        start = {} if isinstance(frame, bytes) else parsed(frame)
        if start.get("type") != "start":
            return Opening([self._open({}), *self.up(frame)])
        return Opening([self._open(start)], str(start.get("token", "")))

    def _open(self, start: Mapping[str, Any]) -> bytes:
        config = session_config(start)
        self._rate_hz = config.output_audio.sample_rate_hz
        return pb.ConverseRequest(config=config).SerializeToString()

    def up(self, frame: Frame) -> list[bytes]:
        if isinstance(frame, bytes):
            return [pb.ConverseRequest(audio=pb.AudioInput(data=frame)).SerializeToString()] if frame else []
        given = parsed(frame)
        make = self._MADE.get(str(given.get("type")))
        if make is None:
            raise bad_message(f"type: got {given.get('type')!r:.40}, accepted: {', '.join(TYPES)}", "type")
        return [make(self, given).SerializeToString()]

    def _text(self, given: Mapping[str, Any]) -> pb.ConverseRequest:
        text = given.get("text")
        if not isinstance(text, str):
            raise bad_message(f"text: got {text!r:.40}, accepted: text", "text")
        return pb.ConverseRequest(text=pb.TextInput(text=text))

    def _played(self, given: Mapping[str, Any]) -> pb.ConverseRequest:
        ms = given.get("ms")
        if isinstance(ms, bool) or not isinstance(ms, int | float) or not 0 <= ms <= 1e9:
            raise bad_message(f"ms: got {ms!r:.40}, accepted: milliseconds of the answer, from 0", "ms")
        report = pb.PlaybackReport(
            turn=self._turn,
            state=pb.PlaybackReport.STATE_PROGRESS,
            played_samples=round(ms * self._rate_hz / 1000),
        )
        return pb.ConverseRequest(playback=report) if self._turn else pb.ConverseRequest()

    _MADE: Mapping[str, Callable[["SimpleDialect", Mapping[str, Any]], pb.ConverseRequest]] = {
        "text": _text,
        "played": _played,
        "interrupt": lambda self, given: pb.ConverseRequest(interrupt=pb.Interrupt()),
        "pause": lambda self, given: pb.ConverseRequest(pause=pb.Pause()),
        "resume": lambda self, given: pb.ConverseRequest(resume=pb.Resume()),
        "stop": lambda self, given: pb.ConverseRequest(end_session=pb.EndSession()),
    }

    # ------------------------------------------------------------ from us

    def down(self, message: bytes) -> list[Frame]:
        response = pb.ConverseResponse.FromString(message)
        if response.WhichOneof("payload") == "audio":
            self._turn = response.turn
            return [response.audio.data] if response.audio.data else []
        return [json.dumps(said, ensure_ascii=False) for said in self._teller.tell(response)]

    def over(self, farewell: Farewell) -> list[Frame]:
        if not farewell.message:
            return []
        return [json.dumps({"type": "error", **told(farewell), "fatal": True}, ensure_ascii=False)]
