"""Who says what, live, on a terminal or into a file.

On a terminal the user's interim words rewrite their own line; elsewhere only what is final is
printed, and interims as lines of their own where `interims` asks for it. Colours stay away where
NO_COLOR is set or nobody looks (https://no-color.org).
"""

import os
import shutil
import sys
from typing import TextIO

from google.protobuf.duration_pb2 import Duration

from voice_grpc.pb import voice_pb2 as pb

DIM, BOLD, CYAN, GREEN, YELLOW = "2", "1", "36", "32", "33"

_CUT_BY = {
    pb.Interrupted.REASON_SPEECH: "the user spoke",
    pb.Interrupted.REASON_ACTIVITY: "the user took the floor",
    pb.Interrupted.REASON_REQUEST: "stopped on request",
    pb.Interrupted.REASON_TEXT: "the user typed",
    pb.Interrupted.REASON_ENDED: "the conversation ended",
    pb.Interrupted.REASON_SERVER_LOST: "its server went away, another one says the rest",
}

_LATENCIES = (
    ("voice to voice", "voice_to_voice"),
    ("end of turn", "end_of_turn_delay"),
    ("stt", "stt_final_delay"),
    ("llm", "llm_first_token"),
    ("tts", "tts_first_audio"),
    ("mouth to ear", "mouth_to_ear"),
    ("interrupted within", "interrupt_stop"),
)


def milliseconds(duration: Duration) -> int:
    return round(duration.ToTimedelta().total_seconds() * 1000)


def latencies(metrics: pb.TurnMetrics) -> str:
    """Those that apply, in ms, such as `voice to voice 612 · stt 120 ms`; empty when none does."""
    told = [
        f"{word} {milliseconds(getattr(metrics, name))}"
        for word, name in _LATENCIES
        if metrics.HasField(name)
    ]
    return " · ".join(told) + " ms" if told else ""


def decision(metrics: pb.TurnMetrics) -> str:
    """Why the turn was taken to be over, and what was made in vain; empty: there is nothing to tell."""
    told = []
    if metrics.HasField("hold"):
        evidence = [f"words {metrics.ending}"]
        for word, name in (("text", "text_end_probability"), ("sound", "acoustic_end_probability")):
            if metrics.HasField(name):
                evidence.append(f"{word} {getattr(metrics, name):.2f}")
        asked = f", a {metrics.expectation} answer was asked for" if metrics.expectation != "nothing" else ""
        told.append(
            f"over after {milliseconds(metrics.hold)} ms of silence: {metrics.end_probability:.2f} "
            f"({', '.join(evidence)}{asked})"
        )
    if metrics.wasted_replies:
        made = f"{metrics.wasted_tokens} tokens, {milliseconds(metrics.wasted_audio)} ms of sound"
        told.append(f"prepared in vain: {metrics.wasted_replies} ({made})")
    if metrics.underruns:
        told.append(f"late sound: {metrics.underruns}")
    return " · ".join(told)


class Screen:
    def __init__(self, out: TextIO | None = None, interims: bool = False, timings: bool = False) -> None:
        """`timings`: also tell why each turn was taken to be over, and what a voice did to an answer."""
        self._timings = timings
        self._out = out or sys.stdout
        self._is_terminal = self._out.isatty()
        self._is_coloured = self._is_terminal and not os.environ.get("NO_COLOR")
        self._interims = interims
        self._open = ""
        """Whose line the cursor stands on: `interim`, `answer`, or empty at the start of a line."""
        self._shown = ""

    def line(self, text: str, colour: str = "") -> None:
        """One line of its own."""
        self._close()
        self._write(self._paint(text, colour) + "\n")

    def interim(self, text: str) -> None:
        if not text or text == self._shown:
            return
        self._shown = text
        if self._is_terminal:
            self._begin("interim")
            room = shutil.get_terminal_size().columns - 10
            tail = text if len(text) <= room else "…" + text[1 - room :]
            self._write("\r\x1b[K" + self._paint(f"   you … {tail}", DIM))
        elif self._interims:
            self.line(f"   you … {text}")

    def said(self, text: str) -> None:
        """What the user said, for good."""
        self._shown = ""
        if text:
            self.line(f"   you ▸ {text}", CYAN)
        else:
            self._close()

    def words(self, text: str) -> None:
        """The next words of the answer, as they are spoken."""
        if not text.strip() and self._open != "answer":
            return
        text = text.replace("\n", " ")
        if self._open != "answer":
            self._begin("answer")
            self._write(self._paint("answer ▸ ", GREEN))
            text = text.lstrip()
        self._write(text)

    def cut(self, interrupted: pb.Interrupted, rate_hz: int) -> None:
        by = _CUT_BY.get(interrupted.reason, "interrupted")
        known = interrupted.source == pb.Interrupted.SOURCE_CLIENT_REPORTED
        heard = f"“{interrupted.heard_text.strip()}”" if interrupted.heard_text.strip() else "nothing"
        after = f"{interrupted.played_samples / rate_hz:.1f} s, {'reported' if known else 'estimated'}"
        self.line(f"       ✂ {by}; heard of the answer: {heard} ({after})", YELLOW)

    def overlap(self, told: str) -> None:
        """What a voice over the answer did to it; empty: nothing."""
        if self._timings and told:
            self.line(f"       ⏸ {told}", DIM)

    def notice(self, notice: pb.Notice) -> None:
        self.line(f"       ! {notice.message or notice.reason}", YELLOW)

    def metrics(self, turn: int, metrics: pb.TurnMetrics) -> None:
        if told := latencies(metrics):
            self.line(f"       ⏱ turn {turn}: {told}", DIM)
        if self._timings and (why := decision(metrics)):
            self.line(f"         {why}", DIM)

    def _begin(self, whose: str) -> None:
        if self._open != whose:
            self._close()
            self._open = whose

    def _close(self) -> None:
        """An interim gives way to what follows; the words of an answer stay."""
        if self._open:
            self._write("\r\x1b[K" if self._open == "interim" else "\n")
        self._open = ""

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if colour and self._is_coloured else text

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
