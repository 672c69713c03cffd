"""The settings: what is offered, in which order, under which names, and that a choice counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.web.chromium import Page
from tests.gateway.web.opened import SCREENSHOTS, STATE, is_seen, needs_chromium, opened, start

pytestmark = needs_chromium


def voice(id: str, language: str, engine: str, description: str = "") -> dict[str, str]:
    return {"voiceId": id, "languageCode": language, "engine": engine, "description": description}


VOICES = [
    voice("en_US-joe-medium", "en-US", "piper"),
    voice("espeak-chr-US-Qaaa-x-west", "chr-US-Qaaa-x-west", "espeak-ng", "Cherokee"),
    voice("espeak-piqd", "piqd", "espeak-ng", "Klingon"),
    voice("espeak-en-us", "en-US", "espeak-ng", "English (America)"),
    voice("espeak-de", "de", "espeak-ng", "German"),
    voice("en-GB-Neural2-A", "en-GB", "google", "female, Neural2"),
    voice("en-GB-Neural2-C", "en-GB", "google", "female, Neural2"),
    voice("de_DE-thorsten-high", "de-DE", "piper"),
]


async def groups(page: Page, voices: list[dict[str, str]], tags: list[str]) -> dict[str, list[str]]:
    given = f"{json.dumps(voices)}, {json.dumps(tags)}, 'en'"
    found: list[dict[str, Any]] = await page.run(
        f"import('/web/voices.js').then((all) => all.voiceGroups({given}))"
    )
    return {group["label"]: [each["name"] for each in group["voices"]] for group in found}


async def test_voices_of_the_language_by_description_and_robots_last(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        english = [
            "Female, Neural2, British English, A",
            "Female, Neural2, British English, C",
            "Joe, American English",
        ]
        found = await groups(page, VOICES, ["en"])
        assert list(found.items()) == [("English", english), ("Robot voices", ["English (America)"])]
        german = await groups(page, VOICES, ["de-AT"])
        assert german == {"German": ["Thorsten, German (Germany)"], "Robot voices": ["German"]}
        both = await groups(page, VOICES, ["de", "en"])
        assert list(both) == ["German", "English", "Robot voices"], "in the order of the languages"
        assert await groups(page, VOICES, ["fr"]) == {}
        klingon = await groups(page, VOICES, ["tlh", "piqd"])
        assert klingon == {"Robot voices": ["Klingon"]}, "who asks for it gets it"


VOICE_IDS = "[...document.getElementById('voice').options].map((each) => each.value)"
CHOOSE = (
    "(([name, value]) => { const select = document.getElementById(name); select.value = value;"
    "select.dispatchEvent(new Event('change')); })(%s)"
)


async def choose(page: Page, name: str, value: str) -> None:
    await page.run(CHOOSE % json.dumps([name, value]))


async def test_the_language_decides_which_voices_there_are(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await page.until("document.getElementById('health-text').innerText === 'Ready'")
        assert await page.run(VOICE_IDS) == ["", "tone"], "the persona speaks English"
        await choose(page, "voice", "tone")
        await choose(page, "language", "es")
        assert await page.run(VOICE_IDS) == ["", "hum"]
        assert await page.run("document.getElementById('voice').value") == ""
        await choose(page, "voice", "hum")
        await start(page)
        config = await page.run("wire.texts.find((each) => each.config).config")
        assert (config["voice"], config["languageCodes"]) == ({"voiceId": "hum"}, ["es"])


async def test_a_persona_is_offered_once_and_says_what_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await page.until("document.getElementById('health-text').innerText === 'Ready'")
        names = "[...document.getElementById('persona').options].map((each) => each.text)"
        assert await page.run(names) == ["Robin", "Interviewer", "Tutor"]
        await page.click("#settings-button")
        assert await page.text("#persona-about") == "A friendly assistant that keeps it brief."
        await choose(page, "persona", "tutor")
        assert "practise a language" in await page.text("#persona-about")


async def test_the_settings_cover_nothing_for_good(tmp_path: Path) -> None:
    """They lie over the conversation, and go away by their button, by Escape and by a click beside them."""
    async with opened(tmp_path) as (_, page):
        before = await page.run("document.getElementById('log').clientHeight")
        for leave in ("button", "Escape", "beside"):
            await page.click("#settings-button")
            assert await is_seen(page, "#settings")
            assert await page.run("document.getElementById('log').clientHeight") == before
            if leave == "button":
                await page.click("#settings-close")
            elif leave == "Escape":
                await page.press("Escape")
            else:
                await page.mouse("mousePressed", 5, 500)
                await page.mouse("mouseReleased", 5, 500)
            await page.until("!document.getElementById('settings').open")


@pytest.mark.parametrize("kept", ["", "broken"])
async def test_a_choice_in_a_conversation_begins_it_anew(kept: str, tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        if kept == "broken":
            await page.run(
                "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }"
            )
        await start(page)
        await page.click("#settings-button")
        await page.screenshot(SCREENSHOTS / "settings.png")
        await page.click("#push")
        await page.until(f"{STATE} === 'ready'")
        modes = "wire.texts.filter((each) => each.config).map((each) => each.config.turnDetection.mode)"
        assert await page.run(modes) == ["MODE_SERVER_VAD", "MODE_MANUAL"]
        session = (
            "new Set(wire.texts.filter((each) => each.config).map((each) => each.config.sessionId)).size"
        )
        assert await page.run(session) == 1
        await page.click("#forget")
        await page.until(f"{session} === 2")
        assert not page.complaints
