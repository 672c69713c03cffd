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
(() => {
  window.events = [];
  const { said, played } = talk.conversation.on;
  talk.conversation.on.said = (message) => {
    if (message.playbackControl) events.push(message.playbackControl.action);
    said(message);
  };
  talk.conversation.on.played = (report) => { events.push(report.played / report.rate); played(report); };
})()
"""
"""Keeps in order what the server said of the sound, and how many seconds of the answer were played."""

MOST_PLAYED_ON = 0.06
"""Seconds between the reports that come once it is held: one may be on its way. Without a hold they go on for
the 0.2 s that wait; the server sends no more meanwhile."""


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
        await page.until(f"{STATE} === 'hearing'")
        assert await page.text("#state") == "Hearing you"
        assert not await page.run("document.getElementById('stop').disabled")
        await page.screenshot(SCREENSHOTS / f"{transport}-8-yielding.png")
        await page.until("events.includes('ACTION_RESUME')")
        await page.until(f"{STATE} === 'speaking'")
        events = await page.run("events")
        resumed = events.index("ACTION_RESUME")
        held = resumed - events[resumed::-1].index("ACTION_HOLD")
        controls = [each for each in events[: resumed + 1] if isinstance(each, str)]
        assert controls[-3:] == ["ACTION_DUCK", "ACTION_HOLD", "ACTION_RESUME"]
        played = events[held + 1 : resumed] or [0.0]
        assert max(played) - min(played) < MOST_PLAYED_ON
        assert not await page.run("document.querySelector('.mark')")
        assert not page.complaints


async def test_the_page_says_that_it_obeys_and_asks_for_no_cut_of_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await start(page)
        config = await page.run("wire.texts.find((each) => each.config).config")
        assert config["capabilities"]["playbackControl"] is True
        assert config["turnDetection"] == {"mode": "MODE_SERVER_VAD"}
