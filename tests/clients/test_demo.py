"""`voice-grpc demo` against a server that is a process, as the real one is."""

import io
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import soundfile

from clients.audio import OUTPUT_HZ, audible_span
from clients.demo import DemoOptions, hold, next_steps
from clients.screen import Screen
from voice_grpc.process.child_process import ChildEnded

from .fake_conversation import tone
from .program import ROOT, run, start

SERVE = (sys.executable, "-m", "tests.clients.fake_server")


@pytest.fixture(autouse=True)
def _in_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


async def demo(options: DemoOptions, serve: Sequence[str] = SERVE) -> tuple[list[str], str]:
    out = io.StringIO()
    faults = await hold(options, Screen(out, interims=True), serve)
    return faults, out.getvalue()


async def test_four_turns_of_which_one_is_spoken_over(tmp_path: Path) -> None:
    save = tmp_path / "demo.wav"
    faults, out = await demo(DemoOptions(None, save))
    assert faults == []
    assert "  loading a tone" in out
    assert out.count("✂ the user spoke") == 1
    (silence,) = [line for line in out.splitlines() if "was silent" in line]
    assert int(silence.split("was silent")[1].split()[0]) < 300
    rows = out[out.index("  turn") :].splitlines()
    assert [row.split()[0] for row in rows[1:5]] == ["1", "2", "3", "4"]
    assert "✂" in rows[2]
    stereo, rate_hz = soundfile.read(save, dtype="int16")
    assert rate_hz == OUTPUT_HZ
    assert audible_span(stereo[:, 0], rate_hz)[0] / rate_hz < 0.5
    assert audible_span(stereo[:, 1], rate_hz)[1] > rate_hz


async def test_the_first_question_may_be_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own.wav"
    soundfile.write(own, tone(1.0, 44_100, 300), 44_100)
    faults, out = await demo(DemoOptions(own, tmp_path / "demo.wav"))
    assert faults == []
    assert "you ▸ 1.0 seconds" in out


async def test_a_server_that_dies_is_said_with_its_last_words(tmp_path: Path) -> None:
    dying = (sys.executable, "-c", "print('loading'); raise SystemExit('no model here')")
    with pytest.raises(ChildEnded, match="code 1: loading . no model here") as caught:
        await demo(DemoOptions(None, tmp_path / "demo.wav"), dying)
    assert "\n" not in str(caught.value)


async def test_a_server_that_never_answers_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.scripted_user.ANSWER_WITHIN", 0.5)
    faults, out = await demo(DemoOptions(None, tmp_path / "demo.wav"), (*SERVE, "mute"))
    assert len(faults) == 1
    assert "no answer within 0.5 s" in faults[0]
    assert "✗" in out


async def test_what_cannot_begin_is_one_line_and_code_2(tmp_path: Path) -> None:
    for arguments, complaint in (
        (("--wav", tmp_path / "none.wav"), "none.wav: no such file"),
        (("--save", tmp_path / "none" / "demo.wav"), "no such folder"),
    ):
        ended = await run("demo", *arguments)
        assert ended.code == 2
        assert complaint in ended.complaint


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_can_be_stopped_and_leaves_no_server_behind(tmp_path: Path, number: signal.Signals) -> None:
    script = tmp_path / "voice_grpc_stub.py"
    script.write_text("import os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(60)\n")
    serve = f"(sys.executable, {str(script)!r})"
    prelude = f"import functools, clients.demo as d; d.hold = functools.partial(d.hold, serve={serve}); "
    demo = await start("demo", "--save", tmp_path / "demo.wav", prelude=prelude)
    said = await demo.until("pid")
    demo.interrupt(number)
    ended = await demo.ended()
    assert (ended.code, ended.err) == (130, "")
    server = int(said.split("pid")[1].split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_it_ends_by_what_to_try_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.demo.lacking", lambda extra: [])
    assert [line.split()[1] for line in next_steps()[2:]] == ["up", "serve", "talk", "doctor"]
    assert "install" not in "\n".join(next_steps())
    monkeypatch.setattr("clients.demo.lacking", lambda extra: ["thing"])
    said = "\n".join(next_steps())
    assert "pip install '.[gateway,webrtc]'" in said
    assert "pip install '.[mic]'" in said
