"""What the page can be told to do, by hand, by key or by neither, and that it says what it really does."""

from pathlib import Path

import pytest

from tests.gateway.web.chromium import Page
from tests.gateway.web.opened import (
    ACTIVITIES,
    ALERT,
    SCREENSHOTS,
    STATE,
    is_seen,
    needs_chromium,
    opened,
    start,
    write,
)  # fmt: skip
from tests.serving import LONG, scripted
from voice_grpc.engines.scripted import HANG, ScriptedAnswer

pytestmark = needs_chromium

PUSH = {"push": "on"}


async def test_one_control_talks_and_another_one_hangs_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        assert await page.text("#talk") == "Start talking"
        assert not await is_seen(page, "#end")
        assert "Start talking and say something" in await page.text("#empty")
        await start(page)
        assert not await is_seen(page, "#talk")
        assert await page.text("#end") == "Hang up"
        assert await page.text("#empty") == "Say something."
        await page.click("#orb")
        assert await page.run(STATE) == "listening", "the orb only shows"
        red, green, blue = await page.run(
            "getComputedStyle(document.querySelector('#end svg')).backgroundColor.match(/\\d+/g).map(Number)"
        )
        assert red > 2 * max(green, blue)
        await page.click("#end")
        await page.until(f"{STATE} === 'off'")
        assert await page.text("#talk") == "Start talking"
        assert await page.run("wire.microphones.every((track) => track.readyState === 'ended')")


async def test_muted_is_said_and_nothing_is_sent(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await start(page)
        assert await page.run("document.title") == "Listening · Talk"
        await page.click("#mute")
        assert await page.text("#state") == "Muted"
        assert await page.run("document.title") == "Muted · Talk"
        assert "Unmute" in await page.text("#mute")
        await no_sound_goes_up(page)
        await page.click("#mute")
        assert await page.text("#state") == "Listening"
        await page.run("window.before = wire.frames")
        await page.until("wire.frames > before")


async def no_sound_goes_up(page: Page) -> None:
    """While the microphone hears something. What was in the encoder may go before."""
    more = "window.blocks = recorded.mic.length"
    await page.run(more)
    await page.until("recorded.mic.length > blocks + 5")
    await page.run(f"window.before = wire.frames; {more}")
    await page.until("recorded.mic.length > blocks + 15")
    assert await page.run("wire.frames === before")


async def test_a_hang_up_while_the_microphone_is_asked_for_leaves_nothing_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await page.run(
            "(() => { const ask = navigator.mediaDevices.getUserMedia;"
            "const answer = new Promise((done) => { window.allow = done; });"
            "navigator.mediaDevices.getUserMedia = async (wanted) => {"
            "window.isAsked = true; await answer; return ask(wanted); }; })()"
        )
        await page.click("#talk")
        await page.until("window.isAsked")
        await page.click("#end")
        await page.until(f"{STATE} === 'off'")
        await page.run("allow()")
        await page.until("wire.microphones.length && wire.microphones.every((t) => t.readyState === 'ended')")
        assert await page.run(STATE) == "off"
        assert await page.run("wire.sockets.length") == 0


# ---------------------------------------------------------------- push to talk


async def test_push_to_talk_listens_while_it_is_held(tmp_path: Path) -> None:
    async with opened(tmp_path, remembered=PUSH) as (_, page):
        await start(page, "ready")
        assert await page.text("#state") == "Hold the button to talk"
        assert not await is_seen(page, "#mute")
        await no_sound_goes_up(page)
        await page.mouse("mousePressed", *await page.center("#hold"))
        await page.until(f"{STATE} === 'hearing'")
        assert await page.text("#state") == "Listening – let go to send"
        await page.run("window.before = wire.frames")
        await page.until("wire.frames > before")
        await page.screenshot(SCREENSHOTS / "push.png")
        await page.mouse("mouseReleased", *await page.center("#hold"))
        await page.until(f"{STATE} !== 'hearing'")
        await page.until(f"{STATE} === 'ready'")
        await no_sound_goes_up(page)
        assert await page.run(ACTIVITIES) == ["KIND_START", "KIND_END"]


HIDE = (
    "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
    "document.dispatchEvent(new Event('visibilitychange'))"
)
LEAVING = {
    "pointer cancel": ("window.dispatchEvent(new PointerEvent('pointercancel'))", "KIND_CANCEL"),
    "blur": ("window.dispatchEvent(new Event('blur'))", "KIND_END"),
    "hidden": (HIDE, "KIND_END"),
    "unloaded": ("window.dispatchEvent(new Event('pagehide'))", "KIND_END"),
}


@pytest.mark.parametrize(
    ("held", "way"),
    [
        ("mouse", "beside the button"),
        *(("mouse", way) for way in LEAVING),
        ("space", "blur"),
        ("space", "hidden"),
    ],
)
async def test_push_to_talk_does_not_stick(held: str, way: str, tmp_path: Path) -> None:
    script, end = LEAVING.get(way, ("", "KIND_END"))
    async with opened(tmp_path, remembered=PUSH) as (_, page):
        await start(page, "ready")
        if held == "mouse":
            await page.mouse("mousePressed", *await page.center("#hold"))
        else:
            await page.key("keyDown", " ")
        await page.until(f"{STATE} === 'hearing'")
        if script:
            await page.run(script)
        else:
            await page.mouse("mouseMoved", 5, 5)
            await page.mouse("mouseReleased", 5, 5)
        await page.until(f"{STATE} === 'ready'")
        assert await page.run(ACTIVITIES) == ["KIND_START", end]
        if held == "mouse" and script:
            await page.mouse("mouseReleased", 5, 5)
        assert await page.run(ACTIVITIES) == ["KIND_START", end], "once"


async def test_the_space_bar_talks_wherever_it_is_let_go(tmp_path: Path) -> None:
    async with opened(tmp_path, remembered=PUSH) as (_, page):
        await start(page, "ready")
        await page.key("keyDown", " ")
        await page.until(f"{STATE} === 'hearing'")
        await page.run("document.getElementById('words').focus()")
        await page.key("keyUp", " ")
        await page.until(f"{STATE} === 'ready'")
        assert await page.run(ACTIVITIES) == ["KIND_START", "KIND_END"]
        await page.press(" ")
        assert await page.run("document.getElementById('words').value") == " ", "a space where one types"
        await page.run("document.getElementById('end').focus()")
        await page.press(" ")
        await page.until(f"{STATE} === 'off'")
        assert await page.run(ACTIVITIES) == ["KIND_START", "KIND_END"], "a button in focus is pressed"


async def test_who_cannot_hold_switches(tmp_path: Path) -> None:
    """Voice control and screen readers make clicks without a pointer."""
    async with opened(tmp_path, remembered=PUSH) as (_, page):
        await start(page, "ready")
        await page.click("#hold")
        await page.until(f"{STATE} === 'hearing'")
        await page.click("#hold")
        await page.until(f"{STATE} === 'ready'")
        assert await page.run(ACTIVITIES) == ["KIND_START", "KIND_END"]


async def test_a_button_held_while_the_server_dies_is_not_held_afterwards(tmp_path: Path) -> None:
    async with opened(tmp_path, remembered=PUSH) as (here, page):
        await start(page, "ready")
        await page.key("keyDown", " ")
        await page.until(f"{STATE} === 'hearing'")
        await here.served.server.stop()
        await page.until(f"{STATE} === 'waiting'")
        await page.key("keyUp", " ")
        assert await page.run("talk.conversation.isHeld") is False
        assert await page.run("document.getElementById('hold').dataset.held") == "false"


# ---------------------------------------------------------------- the keyboard


@pytest.mark.parametrize("transport", ["ws", "rtc"])
async def test_typing_needs_no_button_and_no_microphone(transport: str, tmp_path: Path) -> None:
    async with opened(tmp_path, gateway={}, remembered={"transport": transport}) as (_, page):
        await page.run("document.getElementById('words').focus()")
        await page.type("What is the capital?")
        await page.press("Enter")
        await page.until("document.querySelector('.said.agent')?.innerText.includes('Sure thing.')")
        assert await page.texts(".said.user .words") == ["What is the capital?"]
        assert await page.run("document.getElementById('words').value") == ""
        assert await page.run("wire.microphones.length") == 0
        await page.until(f"{STATE} === 'no-microphone'")
        assert await page.text("#state") == "Microphone off – type below"
        await page.click("#mute")
        await page.until(f"{STATE} === 'listening'")
        assert await page.run("wire.microphones.length") == 1
        assert not await is_seen(page, "#alert")
        assert not page.complaints


async def test_everything_works_by_the_keyboard_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, scripted(LONG)) as (_, page):
        await tab_to(page, "talk")
        await page.press("Enter")
        await page.until(f"{STATE} === 'listening'")
        assert await page.run("document.activeElement.id") == "now", "not on what would hang up"
        await page.press("m")
        await page.until(f"{STATE} === 'muted'")
        await page.press("m")
        await page.until(f"{STATE} === 'listening'")
        await tab_to(page, "words")
        await page.type("Tell me a story, mom.")
        await page.press("Enter")
        await page.until(f"{STATE} === 'speaking'")
        await page.press("Escape")
        await page.until("document.querySelector('.mark')")
        await page.until(f"{STATE} === 'listening'")
        await tab_to(page, "settings-button")
        await page.press("Enter")
        await page.until("document.getElementById('settings').open")
        assert await page.run("document.getElementById('settings').contains(document.activeElement)")
        await page.press("Escape")
        await page.until("!document.getElementById('settings').open")
        await tab_to(page, "end")
        await page.press("Enter")
        await page.until(f"{STATE} === 'off'")
        assert await page.run("document.activeElement.id") == "talk"
        assert not page.complaints


async def tab_to(page: Page, id: str) -> None:
    for _ in range(20):
        await page.press("Tab")
        if await page.run("document.activeElement.id") == id:
            ring = await page.run("getComputedStyle(document.activeElement).outlineStyle")
            assert ring == "solid", "the focus is seen"
            return
    raise AssertionError(f"{id} is not reached")


async def test_the_letter_can_be_switched_off_and_the_keys_are_named(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await page.click("#settings-button")
        told = await page.text("#settings")
        assert "M mutes and unmutes" in told
        assert "Esc stops the answer" in told
        await page.click("#keys")
        await page.click("#settings-close")
        await start(page)
        await page.press("m")
        assert await page.run(STATE) == "listening"
        keys = "[...document.querySelectorAll('[aria-keyshortcuts]')].map((e) => e.ariaKeyShortcuts)"
        assert await page.run(keys) == ["M", "Escape"]


# ---------------------------------------------------------------- thinking, speaking


async def test_thinking_is_seen_and_only_an_answer_can_be_stopped(tmp_path: Path) -> None:
    script = scripted(ScriptedAnswer("Never said.", first_token=HANG))
    async with opened(tmp_path, script) as (_, page):
        await start(page)
        assert await page.run("document.getElementById('stop').disabled")
        await write(page, "Think.")
        await page.until(f"{STATE} === 'thinking'")
        assert await page.text("#state") == "Thinking"
        assert await is_seen(page, ".dots i")
        moving = "document.querySelector('.dots i').getAnimations().length"
        assert await page.run(moving) == 1
        await page.prefer(motion="reduce")
        assert await page.run(moving) == 0
        assert await is_seen(page, ".dots i")
        assert not await page.run("document.getElementById('stop').disabled")
        await page.click("#stop")
        await page.until(f"{STATE} === 'listening'")
        assert await page.run("document.getElementById('stop').disabled")


async def test_every_control_has_a_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await start(page)
        await page.click("#settings-button")
        unnamed = await page.run(
            "[...document.querySelectorAll('button, input, select')]"
            ".filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).length"
        )
        assert unnamed == 0
        assert await page.run(ALERT) == ""
