"""A voice over the answer in the page: it waits and goes on, is shown, and nobody but the server decides."""

import asyncio
from pathlib import Path

import pytest

from tests.gateway.harness import deployed
from tests.gateway.talking import write_microphone
from tests.gateway.web.chromium import chromium
from tests.gateway.web.opened import SCREENSHOTS, STATE, needs_chromium, opened, remember, start, write
from tests.serving import LONG, noise
from voice_grpc.core.audio import Samples
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt

pytestmark = needs_chromium

WATCH = """
(async () => {
  window.events = [];
  window.told = [];
  const { said } = talk.conversation.on;
  talk.conversation.on.said = (message) => {
    if (message.playbackControl) events.push(message.playbackControl.action);
    said(message);
  };
  const { Playout } = await import('/web/sound.js');
  const tell = Playout.prototype.tell;
  Playout.prototype.tell = function (what, ...how) { told.push(what); return tell.call(this, what, ...how); };
})()
"""
"""Keeps in order what the server said of the sound, and what the page told its worklet of it, whose tests say
what that does to the very sample."""

SAYS_SO = """
document.getElementById('state').innerText === 'Hearing you' && !document.getElementById('stop').disabled
"""


@pytest.mark.parametrize("transport", ["ws", "pcm", "rtc"])
async def test_a_listener_s_word_is_waited_for_and_the_answer_goes_on(transport: str, tmp_path: Path) -> None:
    """The microphone cannot wait for the answer: it says its word again and again."""
    again: list[Samples | float] = [noise(0.4), 2.6]
    microphone = await asyncio.to_thread(write_microphone, tmp_path / "mic.wav", 2.0, *again * 8, 60.0)
    script = Script(ScriptedStt([Hearing("Yeah.")]), ScriptedLlm([ScriptedAnswer(LONG)]))
    async with deployed(script) as here, chromium(tmp_path, microphone) as page:
        await page.go(f"{here.url}/")
        await remember(page, transport=transport)
        await page.go(f"{here.url}/")
        await page.run(WATCH)
        await start(page)
        await write(page, "Tell me a story.")
        await page.until(f"{STATE} === 'speaking'")
        await page.until("events.includes('ACTION_HOLD')")
        await page.until(f"{STATE} === 'hearing' && {SAYS_SO}")
        await page.screenshot(SCREENSHOTS / f"{transport}-8-yielding.png")
        await page.until("events.includes('ACTION_RESUME')")
        await page.until(f"{STATE} === 'speaking'")
        events = await page.run("events")
        resumed = events.index("ACTION_RESUME")
        assert events[resumed - 2 : resumed + 1] == ["ACTION_DUCK", "ACTION_HOLD", "ACTION_RESUME"]
        told = await page.run("told")
        if transport == "rtc":
            assert told == [], "the gateway holds its own track"
        else:
            assert told[told.index("resume") - 2 :][:3] == ["duck", "hold", "resume"]
        assert not await page.run("document.querySelector('.mark')")
        assert not page.complaints


async def test_the_page_says_that_it_obeys_and_asks_for_no_cut_of_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await start(page)
        config = await page.run("wire.texts.find((each) => each.config).config")
        assert config["capabilities"]["playbackControl"] is True
        assert config["turnDetection"] == {"mode": "MODE_SERVER_VAD"}
