"""What the simple dialect tells of Converse: a few JSON objects, the words of an answer summed up."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from voice_grpc.pb import voice_pb2 as pb

STATES = {
    pb.TurnEvent.STATE_LISTENING: "listening",
    pb.TurnEvent.STATE_USER_SPEAKING: "hearing",
    pb.TurnEvent.STATE_THINKING: "thinking",
    pb.TurnEvent.STATE_SPEAKING: "speaking",
}
ENDS = (pb.TurnEvent.STATE_COMPLETED, pb.TurnEvent.STATE_FAILED)


class Teller:
    def __init__(self) -> None:
        self._answer = ""
        """So far, of the turn that speaks."""

    def tell(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        """Nothing for what this dialect does not tell."""
        tell = self._TOLD.get(response.WhichOneof("payload") or "")
        return tell(self, response) if tell else []

    def _ready(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        config = response.session_started.effective_config
        return [
            {
                "type": "ready",
                "session": response.session_started.session_id,
                "resumed": response.session_started.resumed,
                "sample_rate": config.input_audio.sample_rate_hz,
                "output_sample_rate": config.output_audio.sample_rate_hz,
            }
        ]

    def _heard(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        return [_transcript("user", response.transcript.text, is_final=response.transcript.is_final)]

    def _said(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        self._answer += response.response_text.delta
        return [_transcript("agent", self._answer.strip(), is_final=False)] if self._answer.strip() else []

    def _moved(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        state = response.turn_event.state
        if state in STATES:
            return [{"type": "state", "state": STATES[state]}]
        return self._finished(self._answer) if state in ENDS else []

    def _cut(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        return self._finished(response.interrupted.heard_text)

    def _finished(self, text: str) -> list[dict[str, Any]]:
        had_words, self._answer = bool(self._answer), ""
        return [_transcript("agent", text.strip(), is_final=True)] if had_words else []

    def _control(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        is_flush = response.playback_control.action == pb.PlaybackControl.ACTION_FLUSH
        return [{"type": "clear"}] if is_flush else []

    def _warned(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        notice = response.notice
        return [{"type": "error", "reason": notice.reason, "message": notice.message, "fatal": False}]

    def _measured(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        return [{"type": "metrics", "turn": response.turn, **_figures(response.turn_metrics)}]

    _TOLD: Mapping[str, Callable[["Teller", pb.ConverseResponse], list[dict[str, Any]]]] = {
        "session_started": _ready,
        "transcript": _heard,
        "response_text": _said,
        "turn_event": _moved,
        "interrupted": _cut,
        "playback_control": _control,
        "notice": _warned,
        "turn_metrics": _measured,
    }


def _transcript(role: str, text: str, *, is_final: bool) -> dict[str, Any]:
    return {"type": "transcript", "role": role, "text": text, "final": is_final}


def _figures(metrics: Message) -> dict[str, float]:
    """Durations in milliseconds under their name with `_ms`, counts as they are."""
    figures: dict[str, float] = {}
    for field, value in metrics.ListFields():
        is_duration = field.type == FieldDescriptor.TYPE_MESSAGE
        name = f"{field.name}_ms" if is_duration else field.name
        figures[name] = round(value.ToTimedelta().total_seconds() * 1000, 1) if is_duration else value
    return figures
