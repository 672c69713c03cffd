"""What is read of the conversation, by eye and by a screen reader."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.web.chromium import Page
from tests.gateway.web.opened import STATE, is_seen, needs_chromium, opened, start, write
from tests.serving import LONG, scripted

pytestmark = needs_chromium

MEASURED = {
    "endOfTurnDelay": "0.5s", "sttFinalDelay": "0.6s", "llmFirstToken": "0.06s", "ttsFirstAudio": "0.1s",
    "voiceToVoice": "0.77s", "mouthToEar": "0.87s",
}  # fmt: skip


async def fill(page: Page, turns: int, question: str = "And then?", answer: str = "It went on.") -> None:
    """As the server would."""
    given = json.dumps([turns, question, answer, MEASURED])
    await page.run(
        f"(([turns, question, answer, measured]) => {{ for (let turn = 1; turn <= turns; turn++) {{"
        "const name = String(turn);"
        "talk.view.heard(question, true); talk.view.said(name, 0, answer); talk.view.completed(name);"
        f"talk.view.measured(name, measured); }} }})({given})"
    )


LAST_IS_SEEN = (
    "(() => { const log = document.getElementById('log').getBoundingClientRect();"
    "const last = [...document.querySelectorAll('.said')].at(-1).getBoundingClientRect();"
    "return last.bottom <= log.bottom && last.top >= log.top; })()"
)
SCROLLED = "[document.documentElement.scrollHeight, document.documentElement.scrollTop, scrollY]"


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844), (320, 568)])
async def test_thirty_turns_do_not_scroll_the_page_away(width: int, height: int, tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await page.resize(width, height, is_phone=width < 500)
        await start(page)
        await fill(page, 30)
        await page.run(
            "scrollTo(0, 10_000); document.getElementById('log').scrollTop = 1e6; scrollBy(0, 10_000)"
        )
        assert await page.run(SCROLLED) == [height, 0, 0]
        assert await page.run(LAST_IS_SEEN)
        bottom = await page.run("document.getElementById('typing').getBoundingClientRect().bottom")
        assert bottom <= height


async def test_the_log_follows_whoever_reads_along_and_leaves_others_where_they_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await fill(page, 20)
        await fill(page, 1, answer="A long answer. " * 60)
        await page.until(LAST_IS_SEEN.replace("last.top >= log.top", "true"))
        await page.resize(500, 500)
        await page.until(LAST_IS_SEEN.replace("last.top >= log.top", "true"))
        await page.run("document.getElementById('log').scrollTop = 100")
        await page.until("!talk.view.isFollowing")
        await fill(page, 5)
        assert await page.run("document.getElementById('log').scrollTop") == 100


# ---------------------------------------------------------------- read aloud


async def live_texts(page: Page) -> list[str]:
    """What stands in any part of the page that is read out when it changes."""
    regions = "[...document.querySelectorAll('[role=alert], [role=status], [role=log], [aria-live]')]"
    spoken = "(e) => (e.getAttribute('aria-live') ?? 'on') !== 'off'"
    return list(await page.run(f"{regions}.filter({spoken}).map((e) => e.textContent)"))


WATCH = """
window.announced = [];
(() => {
  const region = document.getElementById('announced');
  const keep = () => { if (region.textContent) announced.push(region.textContent); };
  new MutationObserver(keep).observe(region, { childList: true });
})();
"""


async def start_and_watch(page: Page) -> None:
    """What is announced from now on; that it is connected comes a frame after it listens."""
    await start(page)
    await page.until("document.getElementById('announced').textContent === 'Connected.'")
    await page.run(WATCH)


async def test_only_what_was_understood_is_read_out(tmp_path: Path) -> None:
    async with opened(tmp_path, scripted("It is Paris.")) as (_, page):
        await start_and_watch(page)
        await page.run(
            "['What', 'What is', 'What is the capital?'].forEach((text, n) =>"
            "talk.link.on.message({ transcript: { text, isFinal: n === 2 } }))"
        )
        await page.until("announced.length")
        await write(page, "And of Italy?")
        await page.until("document.querySelectorAll('.said').length === 3")
        await page.until(f"{STATE} === 'speaking'")
        await page.until(f"{STATE} === 'listening'")
        await page.run(f"talk.view.measured('1', {json.dumps(MEASURED)})")
        assert await page.run("announced") == ["You said: What is the capital?"], "the answer is heard anyway"
        assert not any("ms" in text or "Listening" in text for text in await live_texts(page))
        assert await page.run("document.getElementById('log').getAttribute('aria-live')") == "off"


async def test_an_answer_without_a_sound_is_read_out(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await start_and_watch(page)
        await page.run(
            "talk.link.on.message({ turn: '7', responseText: { segmentIndex: 0, delta: 'Silent.' } });"
            "talk.link.on.message({ turn: '7', turnEvent: { state: 'STATE_COMPLETED' } })"
        )
        await page.until("announced.length")
        assert await page.run("announced") == ["Silent."]


async def tree(page: Page) -> list[tuple[str, str]]:
    """Role and name of everything that a screen reader is given."""
    nodes: list[dict[str, Any]] = (await page.ask("Accessibility.getFullAXTree"))["nodes"]
    kept = [node for node in nodes if not node.get("ignored")]
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in kept]


async def test_the_legend_is_behind_a_button_of_one_line(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await fill(page, 1)
        name = "0.9 s from your last word to the first of the answer. Its parts"
        assert ("button", name) in await tree(page)
        assert not any("waiting for the end" in text for _, text in await tree(page))
        assert not await is_seen(page, ".parts")
        await page.click(".took")
        assert await page.run("document.querySelector('.took').ariaExpanded") == "true"
        assert "waiting for the end of your turn 500 ms" in await page.text(".parts")
        assert "thinking 60 ms" in await page.text(".parts")


async def test_bars_are_on_one_scale(tmp_path: Path) -> None:
    script = (
        "import('/web/latency.js').then((all) => [0.69, 2.192, 3.5].map((seconds) => {"
        "const stages = all.stagesOf({ voiceToVoice: `${seconds}s`, endOfTurnDelay: `${seconds / 2}s` });"
        "const box = all.latencyOf(stages, false); document.getElementById('log').append(box);"
        "const pieces = [...box.querySelectorAll('.bar span')].map((e) => e.getBoundingClientRect().width);"
        "return [pieces.reduce((one, other) => one + other), box.querySelector('.bar').clientWidth]; }))"
    )
    async with opened(tmp_path) as (_, page):
        (short, whole), (long, _), (longest, _) = await page.run(script)
        assert short / whole == pytest.approx(690 / 3000, abs=0.02)
        assert long / short == pytest.approx(2192 / 690, rel=0.05)
        assert longest == pytest.approx(whole, abs=1)
        assert await page.run("document.querySelectorAll('.bar.beyond').length") == 1


# ---------------------------------------------------------------- other scripts, other lengths


ARABIC, HEBREW = "ما هي عاصمة فرنسا؟", "בירת צרפת היא פריז (Paris)."


async def test_each_line_runs_in_its_own_direction(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await fill(page, 1, ARABIC, HEBREW)
        await page.run("talk.view.said('9', 0, 'Hello there.'); talk.view.cut('9', 'Hello')")
        await page.run(
            f"talk.view.said('10', 0, {json.dumps(HEBREW * 3)}); talk.view.cut('10', {json.dumps(HEBREW)})"
        )
        sides = "[...document.querySelectorAll('.said .words')].map((e) => getComputedStyle(e).direction)"
        assert await page.run(sides) == ["rtl", "rtl", "ltr", "rtl"]
        starts = (
            "(() => { const words = document.querySelector('.said.agent .words');"
            "const range = document.createRange(); range.selectNodeContents(words);"
            "const [text, box] = [range, words].map((e) => e.getBoundingClientRect());"
            "return Math.abs(text.right - box.right) < 2; })()"
        )
        assert await page.run(starts), "a line from right to left begins at the right"
        await page.run(f"document.getElementById('words').value = {json.dumps(ARABIC)}")
        assert await page.run("getComputedStyle(document.getElementById('words')).direction") == "rtl"


async def test_an_answer_of_which_nothing_was_heard_is_struck_out_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await page.run("talk.view.said('1', 0, 'Not heard.'); talk.view.cut('1', '')")
        words = "document.querySelector('.said.agent .words')"
        assert await page.run(f"{words}.textContent") == "Not heard.✂ you interrupted"
        assert await page.text(".cut") == "Not heard."


async def test_long_words_and_long_answers_wrap(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await page.resize(320, 568, is_phone=True)
        await fill(page, 1, "Donaudampfschifffahrtsgesellschaft" * 8, LONG + "\n" + "x" * 400)
        await page.run("talk.view.said('9', 0, 'word'.repeat(90)); talk.view.cut('9', 'word'.repeat(40))")
        await page.click(".took")
        all_of_it = "[...document.querySelectorAll('body :not(.unseen)')]"
        wide = f"{all_of_it}.filter((e) => e.scrollWidth > document.documentElement.clientWidth).length"
        assert await page.run(wide) == 0
        assert await page.run(
            "document.getElementById('log').scrollWidth <= document.getElementById('log').clientWidth"
        )
