"""The page in a real browser: it speaks, the words are right, the answer sounds, and it can be stopped.

What it looks like in each state is kept in `SCREENSHOTS`.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.talking import (
    heard_by,
    real_engines,
    talking_deployment,
    transcribed,
    write_microphone,
    wrong,
)
from tests.gateway.web.chromium import IS_OUT, chromium
from tests.gateway.web.opened import (
    SCREENSHOTS,
    STATE,
    needs_chromium,
    opened,
    remember,
    start,
    write,
)  # fmt: skip
from tests.saying import said
from voice_grpc.core.audio import Samples
from voice_grpc.engines.piper.tts import PiperTts
from voice_grpc.engines.silero import SileroVad
from voice_grpc.engines.whisper.stt import WhisperStt
from voice_grpc.store import MemoryStore

pytestmark = needs_chromium
pytest.importorskip("piper", reason="the embedded engines are not installed (the extra `local`)")

QUESTION = "Can you tell me about the weather today?"
ANSWER = "The weather is nice and warm today, and it will stay that way until the weekend."
LONG = "Let me tell you a long story about a small town by the sea. " * 6
KINDS = {"ws": "opus", "pcm": "pcm"}

STOPS_WITHIN = 4.0
"""Seconds of sound, which the browser had already: on a busy machine its jitter buffer has grown. How soon it
is, `bench yielding` says. The answer would go on for twenty."""

MISHEARD = 2
"""Words, of the eight of a question. Chromium's audio threads lose sound on a machine that is busy."""

Real = tuple[SileroVad, WhisperStt, PiperTts]


@pytest.fixture
async def real() -> AsyncIterator[Real]:
    async with real_engines() as engines:
        yield engines


@pytest.mark.parametrize("transport", ["ws", "pcm", "rtc"])
async def test_a_spoken_question_gets_a_spoken_answer(transport: str, real: Real, tmp_path: Path) -> None:
    microphone = write_microphone(tmp_path / "mic.wav", 4.0, await asyncio.to_thread(said, QUESTION), 60.0)
    async with talking_deployment(real, [ANSWER], gateway={}) as here, chromium(tmp_path, microphone) as page:
        await page.go(f"{here.url}/")
        await remember(page, transport=transport)
        await page.go(f"{here.url}/")
        await page.screenshot(SCREENSHOTS / f"{transport}-1-start.png")
        await page.click("#talk")
        await page.until("document.querySelector('.interim')")
        assert await page.run("talk.link.kind") == KINDS.get(transport)
        await page.screenshot(SCREENSHOTS / f"{transport}-2-interim.png")
        await page.until(f"{STATE} === 'speaking'")
        await page.until("0 < document.querySelector('.said.agent .ahead')?.textContent.length")
        await page.screenshot(SCREENSHOTS / f"{transport}-3-speaking.png")
        await page.until("document.querySelector('.latency')")
        await page.screenshot(SCREENSHOTS / f"{transport}-4-answered.png")
        assert wrong(await page.text(".said.user .words"), QUESTION) <= MISHEARD
        # Where the voice is late, an apology follows.
        assert (await page.text(".said.agent .words")).startswith(ANSWER)
        assert "from your last word to the first of the answer" in await page.text(".took")
        await page.until(IS_OUT)  # of WebRTC some is in the browser's jitter buffer when the turn is over
        assert wrong(await transcribed(real[1], await heard_by(page)), ANSWER) <= MISHEARD
        if transport == "rtc":
            await page.until("talk.link.emitted?.held > 0")  # how long the browser holds what comes is known
        assert not page.complaints


STILL_AUDIBLE = """
recorded.out
  .filter((block) => %(since)f < block.at && block.at < %(until)f)
  .filter((block) => block.samples.some((value) => Math.abs(value) > 0.02))
  .reduce((seconds, block) => seconds + block.samples.length / block.rate, 0)
"""
"""Seconds of sound that the page recorded of its loudspeaker between two moments of its clock, in ms."""

SILENT = """
recorded.out.findLast((block) => block.samples.some((value) => Math.abs(value) > 0.02))?.at
  < recorded.out.at(-1).at - 1000
"""
"""A second without a sound is recorded of the page, longer than any pause in an answer."""

INTERRUPTIONS = 6


@pytest.mark.parametrize("transport", ["ws", "rtc"])
async def test_a_barge_in_stops_the_answer_and_what_was_heard_is_shown(
    transport: str, real: Real, tmp_path: Path
) -> None:
    """The microphone cannot wait for the answer: it interrupts again and again, whenever that begins."""
    question = await asyncio.to_thread(said, "Tell me a story.")
    stop = await asyncio.to_thread(said, "Please stop talking now, that is enough.")
    again: list[Samples | float] = [5.0, stop]
    microphone = write_microphone(tmp_path / "mic.wav", 4.0, question, *again * INTERRUPTIONS, 60.0)
    async with talking_deployment(real, [LONG], gateway={}) as here, chromium(tmp_path, microphone) as page:
        await page.go(f"{here.url}/")
        await remember(page, transport=transport)
        await page.go(f"{here.url}/")
        await page.click("#talk")
        await page.until("document.querySelector('.mark')", 120.0)
        cut_at = await page.run("performance.now()")
        words = "document.querySelector('.said.agent:has(.mark) .words').firstChild.data.trim()"
        heard = await page.run(words)
        await page.screenshot(SCREENSHOTS / f"{transport}-5-interrupted.png")
        is_next = "document.querySelectorAll('.said.agent').length > 1"
        await page.until(f"{SILENT} || {is_next}")
        until = await page.run("performance.now()")
        assert await page.run(STILL_AUDIBLE % {"since": cut_at, "until": until}) < STOPS_WITHIN
        assert LONG.startswith(heard)
        assert 0 < len(heard) < len(LONG.strip())
        assert not page.complaints


@pytest.mark.parametrize("transport", ["ws", "rtc"])
async def test_a_reload_goes_on_and_a_dead_server_comes_back(
    transport: str, real: Real, tmp_path: Path
) -> None:
    store = MemoryStore()
    async with talking_deployment(real, [ANSWER, "It is Paris."], store=store, gateway={}) as here:
        port = here.served.server.port
        async with chromium(tmp_path, write_microphone(tmp_path / "mic.wav", 60.0)) as page:
            await page.go(f"{here.url}/")
            await remember(page, transport=transport)
            await page.go(f"{here.url}/")
            await start(page)
            await write(page, "What is the capital?")
            await page.until("document.querySelector('.said.agent')")
            await page.until(f"{STATE} === 'listening'")
            await page.go(f"{here.url}/")
            await page.until("document.querySelectorAll('.said').length === 2")
            assert await page.texts(".said .words") == ["What is the capital?", ANSWER]
            await page.screenshot(SCREENSHOTS / f"{transport}-6-reloaded.png")
            await start(page)
            await here.served.server.stop()
            await page.until("document.getElementById('countdown').innerText.includes('Trying again')")
            await page.screenshot(SCREENSHOTS / f"{transport}-7-away.png")
            async with talking_deployment(real, ["It is Paris."], store=store, port=port):
                await page.until(f"{STATE} === 'listening'")
                assert await page.run("document.getElementById('alert').textContent") == ""
                await write(page, "Again?")
                await page.until("document.querySelectorAll('.said.agent').length === 2")
    (saved,) = await store.sessions("", 10, None)
    loaded = await store.load(saved.id)
    assert loaded is not None
    assert [m.text for m in loaded.messages][:3] == ["What is the capital?", ANSWER, "Again?"]


PLAY = """
(() => {
  window.reports = [];
  talk.link.on = { ...talk.link.on, played: (report) => reports.push(report) };
  const sound = (seconds) => new Float32Array(seconds * talk.link.rate).fill(0.1);
  talk.link.playout.play(101, sound(0.5), false);
  talk.link.playout.play(102, sound(0.3), true);
  talk.link.playout.play(101, sound(0.25), true);
  talk.link.playout.play(103, sound(9), false);
})()
"""


async def test_answers_are_played_one_after_the_other_and_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await start(page)
        await page.run(PLAY)
        await page.until("reports.some((each) => each.turn === 103)")
        over = "reports.filter((each) => each.isOver).map((each) => [each.turn, each.played / each.rate])"
        assert await page.run(over) == [[101, 0.75], [102, 0.3]]
        await page.run("talk.link.obey(103, 'ACTION_FLUSH')")
        await page.run("talk.link.playout.play(103, new Float32Array(4800).fill(0.1), true)")
        count = await page.run("reports.length")
        await page.run("new Promise((done) => setTimeout(done, 400))")
        assert await page.run("reports.length") <= count + 1, "what comes after a flush is not played"
        assert not page.complaints
