"""Consent to a recording, in the page: off unless given, shown as the server answers it, and taken back."""

from pathlib import Path

import pytest

from tests.gateway.web.chromium import Page
from tests.gateway.web.opened import ALERT, SCREENSHOTS, STATE, is_seen, needs_chromium, opened, start, write
from tests.recording.made import recorder_in
from tests.recording.reading import events, files
from voice_grpc.session.recording_tap import WITHDRAWN

pytestmark = needs_chromium

ASKED = "wire.texts.filter((each) => each.config).map((each) => each.config.recording)"
IS_ALLOWED = "document.getElementById('recording').checked"
IS_RECORDED = "!document.getElementById('recorded').hidden"
ABOUT = "document.getElementById('recording-about').textContent"
NOT_RECORDED = f"{ABOUT} === 'This conversation is not recorded.'"
ENDED = "The recording has ended; the conversation goes on."


async def allow(page: Page) -> None:
    """Or take it back."""
    await page.click("#settings-button")
    await page.click("#recording")
    await page.click("#settings-close")


async def answered(page: Page, words: str, count: int) -> None:
    """`count`: answers in the log afterwards."""
    await write(page, words)
    await page.until(f"document.querySelectorAll('.said.agent').length === {count}")
    await page.until(f"{STATE} === 'listening'")


def stories(root: Path) -> list[Path]:
    return [path for path in files(root) if path.suffix == ".jsonl"]


async def test_nobody_is_recorded_unasked(tmp_path: Path) -> None:
    async with recorder_in(tmp_path / "kept") as recorder, opened(tmp_path, recorder=recorder) as (_, page):
        assert await page.run(IS_ALLOWED) is False
        await start(page)
        await page.until(NOT_RECORDED)
        assert await page.run(ASKED) == [False]
        assert not await is_seen(page, "#recorded")
        await answered(page, "Hello?", 1)
        assert not page.complaints
    assert files(tmp_path / "kept") == []


async def test_a_server_that_does_not_record_is_told_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await allow(page)
        await start(page)
        await page.until(NOT_RECORDED)
        assert await page.run(ASKED) == [True]
        assert not await is_seen(page, "#recorded")


@pytest.mark.parametrize("transport", ["ws", "rtc"])
async def test_it_is_allowed_shown_and_taken_back(transport: str, tmp_path: Path) -> None:
    kept, choices = tmp_path / "kept", {"transport": transport}
    async with (
        recorder_in(kept) as recorder,
        opened(tmp_path, gateway={}, remembered=choices, recorder=recorder) as (_, page),
    ):
        await allow(page)
        await start(page)
        await page.until(IS_RECORDED)
        assert await is_seen(page, "#recorded")
        assert "recorded" in await page.text("#health")
        assert await page.run(ABOUT) == "This conversation is recorded."
        await page.until(
            "document.getElementById('announced').textContent.includes('This conversation is recorded')"
        )
        await answered(page, "Hello?", 1)
        await page.screenshot(SCREENSHOTS / f"{transport}-recorded.png")
        await allow(page)
        await page.until(f"!({IS_RECORDED})")
        await page.until(f"{ALERT} === {ENDED!r}")
        assert await page.run(STATE) == "listening"
        await answered(page, "This is nobody's business.", 2)
        assert await page.run(NOT_RECORDED)
        assert not page.complaints
    (story,) = stories(kept)
    assert "Hello?" in story.read_text()
    assert "nobody" not in story.read_text()
    assert events(story)[-1]["reason"] == WITHDRAWN


async def test_what_is_allowed_in_mid_conversation_counts_from_then_on(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    async with recorder_in(kept) as recorder, opened(tmp_path, recorder=recorder) as (_, page):
        await start(page)
        await answered(page, "This is nobody's business.", 1)
        await allow(page)
        await page.until(IS_RECORDED)
        await page.until(f"{STATE} === 'listening'")
        await answered(page, "Hello?", 2)
        assert await page.run(ASKED) == [False, True]
        await page.click("#end")
        await page.until(f"{STATE} === 'off'")
        assert not await page.run(IS_RECORDED)
    (story,) = stories(kept)
    assert "Hello?" in story.read_text()
    assert "nobody" not in story.read_text()


async def test_what_is_taken_back_before_the_server_has_begun_is(tmp_path: Path) -> None:
    """While the config that allows it is on its way."""
    kept = tmp_path / "kept"
    async with recorder_in(kept) as recorder, opened(tmp_path, recorder=recorder) as (_, page):
        await allow(page)
        await page.run(
            "(() => { const send = WebSocket.prototype.send; WebSocket.prototype.send = function (data) {"
            "send.call(this, data); if (!window.isTakenBack && String(data).includes('config')) {"
            "window.isTakenBack = true; document.getElementById('recording').checked = false; } }; })()"
        )
        await start(page)
        await page.until("window.isTakenBack")
        await page.until(NOT_RECORDED)
        await answered(page, "This is nobody's business.", 1)
    (story,) = stories(kept)
    assert events(story)[-1]["reason"] == WITHDRAWN
    assert "nobody" not in story.read_text()


async def test_it_lasts_as_long_as_the_tab(tmp_path: Path) -> None:
    """A page that is loaded anew goes on with its conversation, and with its recording."""
    async with (
        recorder_in(tmp_path / "kept") as recorder,
        opened(tmp_path, recorder=recorder) as (here, page),
    ):
        await allow(page)
        await start(page)
        await page.until(IS_RECORDED)
        await page.go(f"{here.url}/")
        assert await page.run(IS_ALLOWED) is True
        await start(page)
        await page.until(IS_RECORDED)
        await page.run("sessionStorage.clear()")  # as a tab of its own has it
        await page.go(f"{here.url}/")
        assert await page.run(IS_ALLOWED) is False
        assert await page.run("Object.keys(localStorage).some((key) => key.includes('recording'))") is False
