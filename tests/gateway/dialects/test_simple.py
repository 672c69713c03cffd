"""The simple dialect over a real socket: sound and a few JSON texts."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.dialects.simple import SimpleDialect
from tests.recording.made import recorder_in
from tests.recording.reading import events, files
from tests.serving import LONG, noise, scripted
from voice_grpc.core.audio import rms
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.session.recording_tap import WITHDRAWN

from ..harness import Browser, deployed

START = {"type": "start", "sample_rate": 16_000}


async def speak(
    browser: Browser, seconds: float = 0.5, rate_hz: int = 16_000, *, by_the_clock: bool = False
) -> None:
    """Noise, and the silence after which the turn is over; at once, or as a microphone has it."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    sound = np.concatenate((noise(seconds, rate_hz), np.zeros(rate_hz, np.int16)))
    size = rate_hz // 50
    for at in range(0, len(sound), size):
        if by_the_clock:
            await asyncio.sleep(begun + at / rate_hz - loop.time())
        await browser.send(sound[at : at + size].astype("<i2").tobytes())


def states(browser: Browser) -> list[str]:
    return [text["state"] for text in browser.texts if text["type"] == "state"]


async def test_twenty_lines_are_enough_for_a_conversation() -> None:
    async with deployed() as here, here.browser() as browser:
        await browser.send(START)
        ready = await browser.said(type="ready")
        assert (ready["sample_rate"], ready["output_sample_rate"]) == (16_000, 16_000)
        await speak(browser)
        await browser.said(type="transcript", role="user", text="hello there", final=True)
        await browser.said(type="transcript", role="agent", text="Sure thing.", final=True)
        metrics = await browser.said(type="metrics")
        assert metrics["voice_to_voice_ms"] > 0
        told = ["listening", "hearing", "thinking", "speaking", "listening"]
        await browser.until(lambda: states(browser) == told, "all states")
        sound = np.frombuffer(b"".join(browser.sound), "<i2")
        assert 0.5 < len(sound) / 16_000 < 0.9
        assert rms(sound) > 0.1
        await browser.send({"type": "stop"})
        assert await browser.closed() == (1000, "")


async def test_no_start_is_a_start() -> None:
    async with deployed() as here, here.browser() as browser:
        await speak(browser)
        await browser.said(type="transcript", role="agent", text="Sure thing.", final=True)


async def test_a_text_may_be_the_first() -> None:
    async with deployed() as here, here.browser() as browser:
        await browser.send({"type": "text", "text": "Hello?"})
        await browser.said(type="transcript", role="agent", text="Sure thing.", final=True)


async def test_the_rates_may_differ() -> None:
    async with deployed() as here, here.browser() as browser:
        await browser.send({"type": "start", "sample_rate": 48_000, "output_sample_rate": 8_000})
        ready = await browser.said(type="ready")
        assert (ready["sample_rate"], ready["output_sample_rate"]) == (48_000, 8_000)
        await speak(browser, rate_hz=48_000)
        await browser.said(type="transcript", role="agent", final=True)
        assert 0.5 < sum(map(len, browser.sound)) / 2 / 8_000 < 0.9


async def test_an_interruption_clears_and_tells_what_was_heard() -> None:
    async with deployed(scripted(LONG)) as here, here.browser() as browser:
        await browser.send(START)
        await browser.send({"type": "text", "text": "Go on."})
        await browser.until(lambda: len(browser.sound) > 3, "sound")
        await browser.send({"type": "played", "ms": 120})
        await browser.send({"type": "interrupt"})
        await browser.said(type="clear")
        cut = await browser.said(type="transcript", role="agent", final=True)
        assert LONG.startswith(cut["text"])
        assert len(cut["text"]) < 40
        heard = len(browser.sound)
        await browser.send({"type": "text", "text": "And now?"})
        await browser.until(lambda: len(browser.sound) > heard, "another answer")


def test_who_says_what_waits_is_reported_so() -> None:
    dialect = SimpleDialect()
    dialect.first(json.dumps(START | {"output_sample_rate": 8_000}))
    dialect.down(pb.ConverseResponse(turn=3, audio=pb.AudioOutput(data=b"\0\0")))
    told = {"type": "played", "ms": 120, "buffered_ms": 60, "underruns": 2}
    (request,) = dialect.up(json.dumps(told))
    report = request.playback
    assert (report.turn, report.played_samples, report.buffered_samples, report.underruns) == (3, 960, 480, 2)


CONTROLS = ("duck", "unduck", "hold", "resume", "clear")


async def controls(words: str, **start: Any) -> list[dict[str, Any]]:
    """What is told of the sound when `words` are said over the answer to "Go on."; then the answer is stopped
    by hand, unless it was."""
    script = Script(ScriptedStt([Hearing(words)]), ScriptedLlm([ScriptedAnswer(LONG)]))
    async with deployed(script) as here, here.browser() as browser:
        await browser.send(START | start)
        await browser.send({"type": "text", "text": "Go on."})
        second = 2 * 16_000  # by then a word is over, to which a later RESUME may go back
        await browser.until(lambda: sum(map(len, browser.sound)) > second, "a second of sound")
        await speak(browser, 0.4, by_the_clock=True)
        await browser.said(type="transcript", role="user", text=words, final=True)
        await browser.send({"type": "interrupt"})
        await browser.said(type="clear")
    return [text for text in browser.texts if text["type"] in CONTROLS]


TRIES = 5
"""A machine that stalls for longer than the voice lasts hears all of it at once: nothing waits for that."""


async def test_who_obeys_is_told_to_hold_and_where_to_go_on() -> None:
    for _ in range(TRIES):
        told = await controls("Yeah.", playback_control=True)
        if {"type": "hold"} in told:
            break
    duck, hold, resume, clear = told
    assert (duck, hold, clear) == ({"type": "duck"}, {"type": "hold"}, {"type": "clear"})
    assert resume["type"] == "resume"
    assert 0 < resume["position_samples"] < 16_000 * 5


@pytest.mark.parametrize("start", [{}, {"playback_control": False}])
async def test_who_does_not_is_told_nothing_but_a_cut(start: dict[str, Any]) -> None:
    assert await controls("Yeah.", **start) == [{"type": "clear"}]


async def test_a_pause_holds_the_sound() -> None:
    async with deployed(scripted(LONG)) as here, here.browser() as browser:
        await browser.send({"type": "text", "text": "Go on."})
        await browser.until(lambda: len(browser.sound) > 3, "sound")
        await browser.send({"type": "pause"})
        await browser.send({"type": "resume"})
        heard = len(browser.sound)
        await browser.until(lambda: len(browser.sound) > heard + 3, "more sound")


async def test_a_conversation_goes_on_under_its_name() -> None:
    async with deployed() as here:
        for resumed in (False, True):
            async with here.browser() as browser:
                await browser.send({**START, "session": "mine"})
                ready = await browser.said(type="ready")
                assert (ready["session"], ready["resumed"]) == ("mine", resumed)
                await browser.send({"type": "text", "text": "Hello?"})
                await browser.said(type="transcript", role="agent", final=True)
                await browser.send({"type": "stop"})
                await browser.closed()
        saved = (await here.served.stub.GetSession(pb.GetSessionRequest(session_id="mine"))).session
        assert len(saved.messages) == 4


WRONG: dict[str, tuple[list[Any], int, str]] = {
    "a rate": ([{"type": "start", "sample_rate": 44_100}], 4400, "sample_rate: got 44100, accepted: 8000, "),
    "a key": ([{"type": "start", "rate": 1}], 4400, "start: got the key 'rate', accepted: sample_rate, "),
    "a text": ([{"type": "start", "persona": 7}], 4400, "persona: got 7, accepted: text"),
    "a flag": (
        [{"type": "start", "playback_control": "yes"}],
        4400,
        "playback_control: got 'yes', accepted: true, false",
    ),
    "languages": ([{"type": "start", "language": 7}], 4400, "language: got 7, accepted: a BCP 47 tag"),
    "a persona": (
        [{"type": "start", "persona": "nobody"}],
        4400,
        "config.persona_id: got 'nobody', accepted: ",
    ),
    "a type": ([START, {"type": "dance"}], 4400, "type: got 'dance', accepted: text, interrupt, "),
    "no type": ([START, {}], 4400, "type: got None, accepted: "),
    "no JSON": (["hello"], 4400, "got no JSON (Expecting value"),
    "a list": (["[1]"], 4400, "got list, accepted: one JSON object"),
    "depth": (["[" * 100_000], 4400, "got no JSON (maximum recursion"),
    "ms": ([START, {"type": "played", "ms": "all"}], 4400, "ms: got 'all', accepted: milliseconds"),
    "buffered": (
        [START, {"type": "played", "ms": 5, "buffered_ms": -1}],
        4400,
        "buffered_ms: got -1, accepted: milliseconds that wait, from 0",
    ),
    "recording": (
        [START | {"recording": "yes"}],
        4400,
        "recording: got 'yes', accepted: true, false",
    ),
    "underruns": (
        [START, {"type": "played", "ms": 5, "underruns": True}],
        4400,
        "underruns: got True, accepted: how often playing ran dry, from 0",
    ),
    "no words": ([START, {"type": "text", "text": 5}], 4400, "text: got 5, accepted: text"),
    "a second start": ([START, START], 4400, "type: got 'start', accepted: text"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_wrong_is_told_and_disturbs_nobody(case: str) -> None:
    frames, code, said = WRONG[case]
    async with deployed() as here, here.browser() as other, here.browser() as browser:
        await other.send(START)
        await other.said(type="ready")
        for frame in frames:
            await browser.send(frame)
        error = await browser.said(type="error", fatal=True)
        assert error["message"].startswith(said), error
        assert await browser.closed() == (code, error["message"][:123])
        await other.send({"type": "text", "text": "Hello?"})
        await other.said(type="transcript", role="agent", final=True)


@pytest.mark.parametrize(("start", "is_recorded"), [({}, False), ({"recording": True}, True)])
async def test_a_recording_is_allowed_by_who_starts(
    start: dict[str, Any], is_recorded: bool, tmp_path: Path
) -> None:
    async with (
        recorder_in(tmp_path) as recorder,
        deployed(recorder=recorder) as here,
        here.browser() as browser,
    ):
        await browser.send(START | start)
        assert (await browser.said(type="ready"))["recording"] is is_recorded
        await browser.send({"type": "text", "text": "Hello?"})
        await browser.said(type="transcript", role="agent", final=True)
    assert len(files(tmp_path)) == (2 if is_recorded else 0)


async def test_a_recording_is_refused_by_a_server_that_makes_none() -> None:
    async with deployed() as here, here.browser() as browser:
        await browser.send(START | {"recording": True})
        assert (await browser.said(type="ready"))["recording"] is False


async def test_what_was_allowed_is_taken_back(tmp_path: Path) -> None:
    async with (
        recorder_in(tmp_path) as recorder,
        deployed(recorder=recorder) as here,
        here.browser() as browser,
    ):
        await browser.send(START | {"recording": True})
        await browser.said(type="ready", recording=True)
        await browser.send({"type": "stop_recording"})
        assert (await browser.said(type="error", reason="RECORDING_STOPPED"))["fatal"] is False
        await browser.send({"type": "text", "text": "Hello?"})
        await browser.said(type="transcript", role="agent", final=True)
    (lines,) = [path for path in files(tmp_path) if path.suffix == ".jsonl"]
    assert "Hello?" not in lines.read_text()
    assert events(lines)[-1]["reason"] == WITHDRAWN


async def test_half_a_sample_is_a_warning() -> None:
    async with deployed() as here, here.browser() as browser:
        await browser.send(START)
        await browser.send(b"123")
        error = await browser.said(type="error", reason="BAD_MESSAGE")
        assert error["fatal"] is False
        await browser.send({"type": "text", "text": "Hello?"})
        await browser.said(type="transcript", role="agent", final=True)
