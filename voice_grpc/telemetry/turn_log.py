"""The log of conversations: a line when one begins, one for each turn, and one when it ends, with why; and of
calls of one stage, a line when one ends.

Numbers and names of ours, and what of the caller's metadata the operator allowed. Words are in it only where
the operator asked for them.
"""

import logging
from collections.abc import Mapping

from ..ports.observer import CallOver, Happening, SessionBegan, SessionOver, TurnEnded, TurnWords

log = logging.getLogger(__name__)

STAGES = (
    "end_of_turn_delay",
    "stt_final_delay",
    "llm_first_token",
    "tts_first_audio",
    "voice_to_voice",
    "mouth_to_ear",
    "interrupt_stop",
    "hold",
)
"""Fields of TurnMetrics that are told of a turn, in ms."""
COUNTS = ("input_tokens", "output_tokens", "tts_characters", "underruns", "wasted_replies")
PIECES = {"Transcribe": "utterances", "Synthesize": "clauses"}
"""Of the work of a call of one stage, by its method."""


class TurnLog:
    """Implements `ports.Observer`."""

    def __init__(self, *, tells_words: bool = False) -> None:
        self._tells_words = tells_words

    def observe(self, happening: Happening) -> None:
        match happening:
            case SessionBegan(session, metadata):
                said = "".join(f" {key}={value!r}" for key, value in metadata.items())
                fields: dict[str, object] = {"event": "session_began", "metadata": dict(metadata)}
                _write(f"session {session.session_id}: begins{said}", fields)
            case SessionOver():
                _write_end(happening)
            case CallOver():
                _write_call(happening)
            case TurnEnded():
                _write_turn(happening)
            case TurnWords(session, turn, user, answer) if self._tells_words:
                trace_id = session.trace.of_turn(turn)
                fields = {"event": "words", "turn": turn, "user": user, "answer": answer}
                _write(f"turn {turn}: user {user!r}, answer {answer!r}", fields, trace_id)


def _write_end(over: SessionOver) -> None:
    event = "session_parked" if over.goes_on else "session_ended"
    fields: dict[str, object] = {"event": event, "why": over.why, "seconds": round(over.seconds, 3)}
    said = "fails" if over.is_failure else "waits" if over.goes_on else "ends"
    how_long = f"after {over.seconds:.1f} s" + ("" if over.is_carried else " without a line")
    _write(f"session {over.session.session_id}: {said}: {over.why}, {how_long}", fields)


def _write_call(over: CallOver) -> None:
    work, method = over.work, over.call.method
    delay = None if work.delay is None else round(1_000 * work.delay)
    fields: dict[str, object] = {
        "event": "call_ended",
        "method": method,
        "why": over.why,
        "seconds": round(over.seconds, 3),
        "pieces": work.pieces,
        "characters": work.characters,
        "audio_seconds": round(work.audio, 3),
        "delay_ms": delay,
    }
    told = [
        over.why,
        f"after {over.seconds:.1f} s",
        f"{work.pieces} {PIECES[method]}",
        f"{work.audio:.1f} s of sound",
    ]
    told += [f"{work.characters} characters"] if work.characters else []
    told += [f"delay {delay} ms"] if delay is not None else []
    said = "fails" if over.is_failure else "ends"
    _write(f"{method} {said}: {', '.join(told)}", fields, over.call.trace.trace_id)


def _write_turn(ended: TurnEnded) -> None:
    fields: dict[str, object] = {
        "event": "turn",
        "turn": ended.turn,
        "end": ended.end.value,
        "reason": ended.reason,
        "stages_ms": {},
    }
    told = [ended.end.value + (f" ({ended.reason})" if ended.reason else "")]
    engines = {"stt": ended.stt}
    if (answer := ended.answer) is not None:
        seconds, counts = answer.metrics.seconds, answer.metrics.counts
        stages = {name: round(1_000 * seconds[name]) for name in STAGES if name in seconds}
        fields |= {"stages_ms": stages} | {name: counts[name] for name in COUNTS if name in counts}
        engines |= {"llm": answer.llm, "tts": answer.tts}
        told += [f"{name} {ms} ms" for name, ms in stages.items()]
        told += [f"{name} {counts[name]}" for name in COUNTS if counts.get(name)]
    fields |= {stage: engine.name for stage, engine in engines.items() if engine is not None}
    _write(f"turn {ended.turn}: {', '.join(told)}", fields, ended.session.trace.of_turn(ended.turn))


def _write(message: str, fields: Mapping[str, object], trace_id: str = "") -> None:
    """The keys of `extra` are those of `process/log_lines.py`."""
    log.info("%s", message, extra={"fields": fields, "trace_id": trace_id})
