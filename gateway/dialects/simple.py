"""The simple dialect, for who offers no subprotocol: PCM16 mono both ways, and a few JSON texts.

to us       {"type": "start", …} once, first, and optional; then sound, and
            text {"text"} · interrupt · pause · resume · played {"ms", "buffered_ms", "underruns"} ·
            stop_recording · stop
from us     ready · state {"state"} · transcript {"role", "text", "final"} · clear · metrics · error

`played` counts in the answer whose sound came last. What has come and was not played (`buffered_ms`), and how
often playing ran dry (`underruns`), are the client's alone to know, and optional: who tells them is sent
sound as much earlier as its line needs, as PlaybackReport in the contract says.

Whoever starts with `"playback_control": true` lowers, holds and goes on with what it plays by itself, as
PlaybackControl in the contract says, and is told when:

from us     duck · unduck · hold · resume {"position_samples"}

Nobody else is: for them the server does it with the sound that it has not sent.

`ready` has a `resume_token`, and the text `resume_token {"token"}` brings each later one. Whoever lost its
socket goes on with the conversation by a `start` with the last of them: the answer that was under way comes
from the sample that was heard last, so that what is still buffered of it is to be thrown away first.
`resumed` in `ready` is false where the conversation is not known any more.

Whoever starts with `"recording": true` allows that the conversation be recorded, and `recording` in `ready`
says whether it is. `stop_recording` takes it back; that it ended, for whatever reason, an `error` with the
reason RECORDING_STOPPED tells.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from voice_grpc.pb import voice_pb2 as pb

from ..close_codes import CloseReason, bad_message
from .dialect import Frame, OpeningFrame
from .proto_json import error_json, parsed

RATE_HZ = 16_000
RATES_HZ = (8_000, 16_000, 24_000, 48_000)

TEXTS = ("session", "token", "resume_token", "persona", "voice", "instructions", "greeting")
KEYS = ("sample_rate", "output_sample_rate", "language", "playback_control", "recording", *TEXTS)
"""What a `start` may hold."""

TYPES = ("text", "interrupt", "pause", "resume", "played", "stop_recording", "stop")
"""What a later text may be."""

CONTROLS = {
    pb.PlaybackControl.ACTION_DUCK: "duck",
    pb.PlaybackControl.ACTION_UNDUCK: "unduck",
    pb.PlaybackControl.ACTION_HOLD: "hold",
    pb.PlaybackControl.ACTION_RESUME: "resume",
    pb.PlaybackControl.ACTION_FLUSH: "clear",
}
STATES = {
    pb.TurnEvent.STATE_LISTENING: "listening",
    pb.TurnEvent.STATE_USER_SPEAKING: "hearing",
    pb.TurnEvent.STATE_THINKING: "thinking",
    pb.TurnEvent.STATE_SPEAKING: "speaking",
}
ENDS = (pb.TurnEvent.STATE_COMPLETED, pb.TurnEvent.STATE_FAILED)


def session_config(start: Mapping[str, Any]) -> pb.SessionConfig:
    """The config that a `start` asks for: every key checked, every default filled in. Its token is no part of
    it. Raises `Refused`."""
    for key in start:
        if key not in (*KEYS, "type"):
            raise bad_message(f"start: got the key {key!r:.40}, accepted: {', '.join(KEYS)}", key[:40])
    rate_hz = _rate(start, "sample_rate", RATE_HZ)
    texts = {key: _text(start, key) for key in TEXTS}
    config = pb.SessionConfig(
        session_id=texts["session"],
        resume_token=texts["resume_token"],
        persona_id=texts["persona"],
        instructions=texts["instructions"],
        language_codes=_languages(start.get("language", [])),
        voice=pb.VoiceConfig(voice_id=texts["voice"]),
        input_audio=_pcm(rate_hz),
        output_audio=_pcm(_rate(start, "output_sample_rate", rate_hz)),
        capabilities=pb.ClientCapabilities(playback_control=_flag(start, "playback_control")),
        recording=_flag(start, "recording"),
    )
    if "greeting" in start:
        config.greeting = texts["greeting"]
    return config


def _pcm(rate_hz: int) -> pb.AudioFormat:
    return pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=rate_hz, channels=1)


def _rate(start: Mapping[str, Any], key: str, default: int) -> int:
    rate_hz = start.get(key, default)
    if isinstance(rate_hz, bool) or rate_hz not in RATES_HZ:
        raise bad_message(f"{key}: got {rate_hz!r:.40}, accepted: {', '.join(map(str, RATES_HZ))}", key)
    return int(rate_hz)


def _flag(start: Mapping[str, Any], key: str) -> bool:
    flag = start.get(key, False)
    if not isinstance(flag, bool):
        raise bad_message(f"{key}: got {flag!r:.40}, accepted: true, false", key)
    return flag


def _number(given: Mapping[str, Any], key: str, accepted: str, default: float | None = None) -> float:
    number = given.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1e9:
        raise bad_message(f"{key}: got {number!r:.40}, accepted: {accepted}", key)
    return number


def _text(start: Mapping[str, Any], key: str) -> str:
    text = start.get(key, "")
    if not isinstance(text, str):
        raise bad_message(f"{key}: got {text!r:.40}, accepted: text", key)
    return text


def _languages(given: Any) -> list[str]:
    tags = [given] if isinstance(given, str) else given
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise bad_message(
            f"language: got {given!r:.40}, accepted: a BCP 47 tag, or a list of them", "language"
        )
    return tags


class ResponseWriter:
    """Tells a few things of Converse as JSON objects, the words of an answer summed up."""

    def __init__(self) -> None:
        self._answer = ""
        """Words so far of the turn that speaks."""
        self._waiting: dict[str, Any] = {}
        """`ready`, until the token comes, which is the next response of a server that gives any."""

    def tell(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        """Nothing for what this dialect does not tell."""
        ready, self._waiting = self._waiting, {}
        if ready and response.HasField("resume_update"):
            return [ready | {"resume_token": response.resume_update.resume_token}]
        tell = self._TOLD.get(response.WhichOneof("payload") or "")
        return [*([ready] if ready else []), *(tell(self, response) if tell else [])]

    def _started(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        config = response.session_started.effective_config
        self._waiting = {
            "type": "ready",
            "session": response.session_started.session_id,
            "resumed": response.session_started.resumed,
            "sample_rate": config.input_audio.sample_rate_hz,
            "output_sample_rate": config.output_audio.sample_rate_hz,
            "recording": response.session_started.recording,
        }
        return []

    def _resumable(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        return [{"type": "resume_token", "token": response.resume_update.resume_token}]

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
        """The rest of what a lost server said comes from another one."""
        is_lost = response.interrupted.reason == pb.Interrupted.REASON_SERVER_LOST
        cleared = [{"type": "clear"}] if is_lost else []
        return [*cleared, *self._finished(response.interrupted.heard_text)]

    def _finished(self, text: str) -> list[dict[str, Any]]:
        had_words, self._answer = bool(self._answer), ""
        return [_transcript("agent", text.strip(), is_final=True)] if had_words else []

    def _control(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        action, position = response.playback_control.action, response.playback_control.position_samples
        if action not in CONTROLS:
            return []
        is_resume = action == pb.PlaybackControl.ACTION_RESUME
        return [{"type": CONTROLS[action]} | ({"position_samples": position} if is_resume else {})]

    def _warned(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        notice = response.notice
        return [{"type": "error", "reason": notice.reason, "message": notice.message, "fatal": False}]

    def _measured(self, response: pb.ConverseResponse) -> list[dict[str, Any]]:
        return [{"type": "metrics", "turn": response.turn, **_figures(response.turn_metrics)}]

    _TOLD: Mapping[str, Callable[["ResponseWriter", pb.ConverseResponse], list[dict[str, Any]]]] = {
        "session_started": _started,
        "resume_update": _resumable,
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


class SimpleDialect:
    """PCM16 mono, and JSON."""

    def __init__(self) -> None:
        self._rate_hz = RATE_HZ
        self._turn = 0
        """Whose answer is playing."""
        self._writer = ResponseWriter()

    # ------------------------------------------------------------ to us

    def first(self, frame: Frame) -> OpeningFrame:
        """Without a start, the frame itself already says something."""
        start = {} if isinstance(frame, bytes) else parsed(frame)
        if start.get("type") != "start":
            return OpeningFrame([self._open({}), *self.up(frame)])
        return OpeningFrame([self._open(start)], str(start.get("token", "")))

    def _open(self, start: Mapping[str, Any]) -> pb.ConverseRequest:
        config = session_config(start)
        self._rate_hz = config.output_audio.sample_rate_hz
        return pb.ConverseRequest(config=config)

    def up(self, frame: Frame) -> list[pb.ConverseRequest]:
        if isinstance(frame, bytes):
            return [pb.ConverseRequest(audio=pb.AudioInput(data=frame))] if frame else []
        given = parsed(frame)
        make = self._MADE.get(str(given.get("type")))
        if make is None:
            raise bad_message(f"type: got {given.get('type')!r:.40}, accepted: {', '.join(TYPES)}", "type")
        return [make(self, given)]

    def _text(self, given: Mapping[str, Any]) -> pb.ConverseRequest:
        text = given.get("text")
        if not isinstance(text, str):
            raise bad_message(f"text: got {text!r:.40}, accepted: text", "text")
        return pb.ConverseRequest(text=pb.TextInput(text=text))

    def _played(self, given: Mapping[str, Any]) -> pb.ConverseRequest:
        ms = _number(given, "ms", "milliseconds of the answer, from 0")
        buffered = _number(given, "buffered_ms", "milliseconds that wait, from 0", 0)
        underruns = _number(given, "underruns", "how often playing ran dry, from 0", 0)
        report = pb.PlaybackReport(
            turn=self._turn,
            state=pb.PlaybackReport.STATE_PROGRESS,
            played_samples=round(ms * self._rate_hz / 1000),
            buffered_samples=round(buffered * self._rate_hz / 1000),
            underruns=round(underruns),
        )
        return pb.ConverseRequest(playback=report) if self._turn else pb.ConverseRequest()

    _MADE: Mapping[str, Callable[["SimpleDialect", Mapping[str, Any]], pb.ConverseRequest]] = {
        "text": _text,
        "played": _played,
        "interrupt": lambda self, given: pb.ConverseRequest(interrupt=pb.Interrupt()),
        "pause": lambda self, given: pb.ConverseRequest(pause=pb.Pause()),
        "resume": lambda self, given: pb.ConverseRequest(resume=pb.Resume()),
        "stop_recording": lambda self, given: pb.ConverseRequest(
            config_update=pb.ConfigUpdate(update_mask=FieldMask(paths=["recording"]))
        ),
        "stop": lambda self, given: pb.ConverseRequest(end_session=pb.EndSession()),
    }

    # ------------------------------------------------------------ from us

    def down(self, response: pb.ConverseResponse) -> list[Frame]:
        if response.WhichOneof("payload") == "audio":
            self._turn = response.turn
            return [*self._said(response), *([response.audio.data] if response.audio.data else [])]
        return self._said(response)

    def _said(self, response: pb.ConverseResponse) -> list[Frame]:
        return [json.dumps(said, ensure_ascii=False) for said in self._writer.tell(response)]

    def over(self, close_reason: CloseReason) -> list[Frame]:
        if not close_reason.message:
            return []
        return [json.dumps({"type": "error", **error_json(close_reason), "fatal": True}, ensure_ascii=False)]
