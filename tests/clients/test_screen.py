"""What is printed, on a terminal and into a file."""

import io

import pytest
from google.protobuf.duration_pb2 import Duration

from clients.screen import Screen, decision, latencies
from voice_grpc.pb import voice_pb2 as pb


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_gets_only_what_is_final() -> None:
    out = io.StringIO()
    screen = Screen(out)
    screen.interim("what is")
    screen.said("What is it?")
    screen.words("It ")
    screen.words("is.\n")
    screen.line("       done")
    assert out.getvalue() == "   you ▸ What is it?\nanswer ▸ It is. \n       done\n"


def test_interims_are_lines_of_their_own_where_they_are_asked_for_and_not_twice() -> None:
    out = io.StringIO()
    screen = Screen(out, interims=True)
    for text in ("", "what", "what", "what is"):
        screen.interim(text)
    assert out.getvalue() == "   you … what\n   you … what is\n"


def test_a_terminal_gets_interims_that_rewrite_their_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    screen = Screen(out)
    screen.interim("what")
    screen.interim("what is the capital of France")
    screen.said("What?")
    first, second, last = out.getvalue().split("\r\x1b[K")[1:]
    assert first == "\x1b[2m   you … what\x1b[0m"
    assert second == "\x1b[2m   you … …e capital of France\x1b[0m"
    assert last == "\x1b[36m   you ▸ What?\x1b[0m\n"


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    Screen(out).said("hello")
    assert out.getvalue() == "   you ▸ hello\n"


def test_the_user_over_the_answer() -> None:
    out = io.StringIO()
    screen = Screen(out, interims=True)
    screen.words("The months are")
    screen.interim("stop")
    screen.words(" January")
    cut = pb.Interrupted(
        reason=pb.Interrupted.REASON_SPEECH,
        played_samples=36_000,
        heard_text="The months ",
        source=pb.Interrupted.SOURCE_SERVER_ESTIMATED,
    )
    screen.cut(cut, 24_000)
    assert out.getvalue().splitlines() == [
        "answer ▸ The months are",
        "   you … stop",
        "answer ▸ January",
        "       ✂ the user spoke; heard of the answer: “The months” (1.5 s, estimated)",
    ]


def test_nothing_heard_and_nothing_said() -> None:
    out = io.StringIO()
    screen = Screen(out)
    screen.said("")
    screen.words("")
    screen.words("  ")
    screen.metrics(1, pb.TurnMetrics())
    screen.cut(pb.Interrupted(source=pb.Interrupted.SOURCE_CLIENT_REPORTED), 24_000)
    screen.notice(pb.Notice(reason="ENGINE_ERROR"))
    assert out.getvalue().splitlines() == [
        "       ✂ interrupted; heard of the answer: nothing (0.0 s, reported)",
        "       ! ENGINE_ERROR",
    ]


def test_why_a_turn_was_over_is_told_to_who_asks() -> None:
    metrics = pb.TurnMetrics(
        voice_to_voice=Duration(nanos=500_000_000), hold=Duration(nanos=310_000_000), end_probability=0.94,
        text_end_probability=0.83, ending="closed", expectation="short", wasted_replies=1, wasted_tokens=12,
        wasted_audio=Duration(nanos=800_000_000), underruns=2,
    )  # fmt: skip
    out, quiet = io.StringIO(), io.StringIO()
    Screen(out, timings=True).metrics(1, metrics)
    Screen(quiet).metrics(1, metrics)
    assert out.getvalue().splitlines()[1] == (
        "         over after 310 ms of silence: 0.94 (words closed, text 0.83, a short answer was asked for)"
        " · prepared in vain: 1 (12 tokens, 800 ms of sound) · late sound: 2"
    )
    assert len(quiet.getvalue().splitlines()) == 1
    assert decision(pb.TurnMetrics(output_tokens=3)) == ""


def test_only_the_latencies_that_apply_are_told() -> None:
    metrics = pb.TurnMetrics(voice_to_voice=Duration(nanos=612_400_000), stt_final_delay=Duration(seconds=1))
    assert latencies(metrics) == "voice to voice 612 · stt 1000 ms"
    assert latencies(pb.TurnMetrics(output_tokens=3)) == ""
