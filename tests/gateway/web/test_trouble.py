"""What the page does and says when something is missing: the server, room, the token, the microphone."""

from pathlib import Path

import pytest

from gateway.server import serving as gateway_serving
from tests.gateway.harness import settings as gateway_settings
from tests.gateway.web.chromium import Page, chromium
from tests.gateway.web.opened import (
    ALERT,
    SCREENSHOTS,
    STATE,
    is_seen,
    needs_chromium,
    opened,
    remember,
    server_at,
    start,
    write,
)  # fmt: skip
from tests.serving import LONG, scripted, serving

pytestmark = needs_chromium

OBSERVE = """
window.changes = 0;
new MutationObserver((all) => { changes += all.length; }).observe(
  document.getElementById('alert'), { childList: true, characterData: true, subtree: true });
"""

STEPS = [500, 1000, 2000, 4000, 8000, 15000, 30000]
"""ms: as long as the waits may be."""


async def hides_every_address(page: Page) -> bool:
    shown = await page.run("document.documentElement.innerText")
    return not any(word in shown for word in ("127.0.0.1", "ipv4", "localhost", "UNKNOWN", "http"))


# ---------------------------------------------------------------- the server


async def test_a_server_that_is_away_is_asked_less_and_less_often_and_told_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as (here, page):
        await start(page)
        await page.run(OBSERVE)
        await page.run("wire.sockets.length = 0")
        await here.served.server.stop()
        await page.until("wire.sockets.length === 4")
        times = await page.run("wire.sockets")
        for tried, (before, after) in enumerate(zip(times, times[1:], strict=False), start=1):
            assert after - before >= STEPS[tried] / 2, times
        assert times[3] - times[0] > 1750
        assert await page.run("changes") <= 2, "an outage is one thing to read out, its end another"
        assert await page.text("#alert") in (
            "The voice server restarts. The conversation goes on by itself.",
            "The voice server is not running.",
        )
        assert await page.run("document.getElementById('countdown').closest('[role=alert]')") is None
        assert await hides_every_address(page)
        await page.screenshot(SCREENSHOTS / "away.png")


async def test_waits_grow_to_half_a_minute_and_differ_from_page_to_page(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        tries = "[...Array(8).keys()].map((tried) => backoff(tried, %s))"
        waits = f"import('/web/conversation.js').then(({{ backoff }}) => {tries})"
        assert await page.run(waits % "1") == [*STEPS, STEPS[-1]]
        assert await page.run(waits % "0") == [wait / 2 for wait in [*STEPS, STEPS[-1]]]
        assert len(set(await page.run(waits % "undefined"))) == 8


async def test_a_server_that_falls_as_soon_as_it_is_spoken_to_is_left_in_peace(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await start(page)
        tries = []
        for _ in range(3):
            await page.run("talk.link.on.closed(1011, '')")
            await page.until(f"{STATE} === 'waiting'")
            tries.append(await page.run("talk.conversation.tries"))
            await page.click("#retry")
            await page.until(f"{STATE} === 'listening'")
        assert tries == [1, 2, 3]
        await page.run("talk.conversation.begunAt -= 60_000")
        await page.run("talk.link.on.closed(1011, '')")
        await page.until(f"{STATE} === 'waiting'")
        assert await page.run("talk.conversation.tries") == 1, "one that lasted was a good one"


async def test_a_page_that_is_loaded_before_the_server_runs_says_so_and_finds_it(tmp_path: Path) -> None:
    async with serving() as served:
        port = served.server.port
    gateway = gateway_settings(target=f"127.0.0.1:{port}")
    async with gateway_serving(gateway) as web, chromium(tmp_path) as page:
        await page.go(f"http://127.0.0.1:{web}/")
        await page.until(f"{ALERT} === 'The voice server is not running.'")
        assert await hides_every_address(page)
        assert await page.text("#retry") == "Try again now"
        await page.screenshot(SCREENSHOTS / "not-running.png")
        await page.click("#talk")
        await page.until(f"{STATE} === 'waiting'")
        assert await page.text("#alert") == "The voice server is not running."
        async with server_at(port):
            await page.until(f"{STATE} === 'listening'")
            assert not await is_seen(page, "#alert")


async def test_what_the_server_says_is_shown_without_its_addresses(tmp_path: Path) -> None:
    said = [
        "cannot connect to http://10.0.0.7:8000/v1/models: refused",
        "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:50051: Connection refused",
        "whisper.internal.example:9000 did not answer",
        "no answer from [fe80::1]:50051",
        "valkey:6379 is away",
    ]
    async with opened(tmp_path) as (_, page):
        for text in said:
            shown = await page.run(
                f"import('/web/advice.js').then((all) => all.noticeTrouble({{ message: '{text}' }}).text)"
            )
            assert not any(
                part in shown for part in ("10.0", "127", "50051", "9000", "6379", "fe80", "example")
            ), shown
        kept = "audio.data: got 3 bytes, accepted: whole samples of 2 bytes"
        whole = f"import('/web/advice.js').then((all) => all.noticeTrouble({{ message: '{kept}' }}).text)"
        assert await page.run(whole) == kept


async def test_a_conversation_in_which_nothing_was_said_ends_and_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, page):
        await start(page)
        await page.run("talk.link.on.message({ goAway: { reason: 'idle', timeLeft: '5s' } })")
        assert await page.text("#alert") == "The conversation ends soon: nothing was said for a long while."
        await page.run("talk.link.on.closed(1000, '')")
        await page.until(f"{STATE} === 'off'")
        assert await page.text("#alert") == "The conversation has ended: nothing was said for a long while."
        assert not await is_seen(page, "#retry")
        await start(page)
        assert not await is_seen(page, "#alert")
        await page.run("talk.link.on.message({ goAway: { reason: 'drain', timeLeft: '5s' } })")
        assert "restart" in await page.text("#alert")


@pytest.mark.parametrize("transport", ["ws", "rtc"])
async def test_a_full_gateway_says_so(transport: str, tmp_path: Path) -> None:
    gateway = {"max_sockets": 1}
    async with opened(tmp_path, gateway=gateway, remembered={"transport": transport}) as (here, page):
        async with here.browser() as other:
            await other.send({"type": "start"})
            await other.said(type="ready")
            await page.click("#talk")
            await page.until(f"{ALERT} === 'The voice server is full.'")
        await page.until(f"{STATE} === 'listening'")
        assert not await is_seen(page, "#alert")


async def test_a_full_server_says_so_and_lets_in_later(tmp_path: Path) -> None:
    async with opened(tmp_path, max_sessions=1) as (here, page):
        async with here.served.talk() as other:
            await other.config()
            await page.click("#talk")
            await page.until(f"{ALERT} === 'The voice server is full.'")
            assert await page.text("#state") == "Reconnecting"
        await page.until(f"{STATE} === 'listening'")


async def test_what_was_typed_while_the_server_was_away_is_sent_once_it_is_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as (here, page):
        port = here.served.server.port
        await start(page)
        await here.served.server.stop()
        await page.until(f"{STATE} === 'waiting'")
        await write(page, "Are you there?")
        assert await page.run("document.getElementById('words').value") == "Are you there?", "not sent yet"
        async with server_at(port):
            await page.until("document.querySelector('.said.agent')?.innerText.includes('Sure thing.')")
        assert await page.texts(".said.user .words") == ["Are you there?"]
        assert await page.run("document.getElementById('words').value") == ""


HEARD_OUT = "wire.texts.some((each) => each.playback?.state === 'STATE_FINISHED')"


async def test_an_answer_that_the_server_does_not_finish_is_marked(tmp_path: Path) -> None:
    async with opened(tmp_path, scripted(LONG)) as (here, page):
        port = here.served.server.port
        await write(page, "Tell me a story.")
        await page.until(f"{STATE} === 'speaking'")
        await here.served.server.stop()
        await page.until(f"{STATE} === 'waiting'")
        async with server_at(port, scripted("Another one.")):
            await page.until(f"{HEARD_OUT} && {STATE} === 'no-microphone'")
            assert "the connection ended" in await page.text(".said.agent .mark")
            await write(page, "Again.")
            await page.until("document.querySelectorAll('.said.agent').length === 3")
            assert await page.texts(".said.agent .words") == [
                *(await page.texts(".said.agent .words"))[:1],
                "Another one.",
                "Another one.",
            ], "a new server counts its turns anew, and is asked again what was not answered"


@pytest.mark.parametrize("transport", ["ws", "rtc"])
async def test_a_reload_in_the_middle_of_an_answer(transport: str, tmp_path: Path) -> None:
    async with opened(tmp_path, scripted(LONG), gateway={}, remembered={"transport": transport}) as (
        here,
        page,
    ):
        await start(page)
        await write(page, "Tell me a story.")
        await page.until(f"{STATE} === 'speaking'")
        await page.go(f"{here.url}/")
        await page.until("document.querySelectorAll('.said').length >= 1")
        assert (await page.texts(".said.user .words")) == ["Tell me a story."]
        await start(page, "speaking")
        await page.until("!document.querySelector('.said.agent .mark')")  # told again, it goes on
        assert await page.run("document.querySelectorAll('.said.agent').length") == 1
        assert not await is_seen(page, "#alert")
        assert not page.complaints


# ---------------------------------------------------------------- the token


async def enter(page: Page, token: str) -> None:
    """Where the focus is, which must be the field for it."""
    await page.until("document.activeElement.id === 'token'")
    await page.run("document.getElementById('token').select()")
    await page.type(token)
    await page.press("Enter")


@pytest.mark.parametrize("transport", ["ws", "rtc"])
async def test_a_token_is_asked_for_alone_and_in_focus(transport: str, tmp_path: Path) -> None:
    """It holds what a subprotocol could not."""
    right = "right/token+of=base64=="
    async with opened(tmp_path, tokens=[right], gateway={}, remembered={"transport": transport}) as (_, page):
        await page.resize(390, 844, is_phone=True)
        await page.until(f"{ALERT} === 'This server asks for a token.'")
        assert not await page.run("document.getElementById('settings').open")
        await page.screenshot(SCREENSHOTS / "token.png")
        bottom = await page.run("document.getElementById('token').getBoundingClientRect().bottom")
        assert bottom < 300, "on a phone there is a keyboard below"
        await enter(page, "wrong")
        await page.until(f"{ALERT} === 'This is not the right token.'")
        await page.run("document.activeElement.blur()")
        await page.click("#talk")
        await enter(page, "wröng — ünsendable")
        await page.until(f"{STATE} === 'off' && {ALERT} === 'This is not the right token.'")
        await enter(page, right)
        await page.until(f"{STATE} === 'listening'")
        assert not await is_seen(page, "#trouble")
        assert await page.run("document.getElementById('health').dataset.health") == "ok"


async def test_the_right_token_is_said_to_be_right_and_can_be_forgotten(tmp_path: Path) -> None:
    async with opened(tmp_path, tokens=["right"]) as (_, page):
        await enter(page, "right")
        await page.until("document.getElementById('health-text').innerText === 'The token is right'")
        assert await page.run("document.getElementById('health').dataset.health") == "ok"
        assert await page.run("document.activeElement.id") == "talk"
        await start(page)
        await page.click("#settings-button")
        await page.click("#forget-token")
        await page.until(f"{STATE} === 'off' && {ALERT} === 'This server asks for a token.'")
        assert await page.run("localStorage.getItem('talk.token')") == ""


# ---------------------------------------------------------------- the microphone


async def test_a_refused_microphone_can_be_tried_again_and_leaves_the_keyboard(tmp_path: Path) -> None:
    async with opened(tmp_path, browser={"is_allowed": False}) as (here, page):
        await page.click("#talk")
        await page.until(f"{STATE} === 'no-microphone'")
        assert "not allowed" in await page.text("#alert")
        assert "You can type meanwhile." in await page.text("#alert")
        assert await page.text("#state") == "No microphone – type below"
        assert await page.text("#retry") == "Try again"
        await page.screenshot(SCREENSHOTS / "refused.png")
        await write(page, "What is the capital?")
        await page.until("document.querySelector('.said.agent')")
        await page.until(f"{STATE} === 'no-microphone'")
        microphone = {"name": "microphone"}
        await page.ask("Browser.setPermission", permission=microphone, setting="granted", origin=here.url)
        await page.click("#retry")
        await page.until(f"{STATE} === 'listening'")
        assert not await is_seen(page, "#alert")
        assert len(await page.texts(".said.agent")) == 1, "in the same conversation"


async def test_no_microphone_at_all(tmp_path: Path) -> None:
    async with opened(tmp_path, browser={"has_microphone": False}) as (_, page):
        await start(page, "no-microphone")
        assert "There is no microphone." in await page.text("#alert")
        await write(page, "What is the capital?")
        await page.until("document.querySelector('.said.agent')")


@pytest.mark.parametrize("transport", ["ws", "rtc"])
async def test_a_microphone_that_is_unplugged_is_missed(transport: str, tmp_path: Path) -> None:
    async with opened(tmp_path, gateway={}, remembered={"transport": transport}) as (_, page):
        await start(page)
        await page.run("wire.microphones[0].dispatchEvent(new Event('ended'))")
        await page.until(f"{STATE} === 'no-microphone'")
        assert "The microphone is gone." in await page.text("#alert")
        await page.click("#retry")
        await page.until(f"{STATE} === 'listening'")
        if transport == "ws":
            await page.run("window.before = wire.frames")
            await page.until("wire.frames > before")
        assert not await is_seen(page, "#alert")


async def test_a_choice_that_the_server_has_no_more_is_not_asked_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as (here, page):
        await remember(page, voice="gone", persona="gone", language="xx")
        await page.go(f"{here.url}/")
        await page.until("document.getElementById('health-text').innerText === 'Ready'")
        await start(page)
        assert not await is_seen(page, "#alert")


async def test_what_was_said_before_is_asked_again_while_the_server_is_away(tmp_path: Path) -> None:
    """It is away, then not to be reached at all, then there; what it refuses for good is not asked again."""
    script = """(async () => {
        const answers = [() => new Response("", { status: 503 }), () => { throw new TypeError("away"); }, %s];
        const fetched = window.fetch;
        window.fetch = async () => answers.shift()();
        const said = await talk.server.history();
        window.fetch = fetched;
        return [said, answers.length];
    })()"""
    there = '() => new Response(JSON.stringify({ messages: [{ text: "Hello." }] }))'
    async with opened(tmp_path) as (_, page):
        await page.until("document.getElementById('health-text').innerText === 'Ready'")
        await remember(page, session="mine", known="mine")
        assert await page.run(script % there) == [[{"text": "Hello."}], 0]
        gone = '() => new Response("", { status: 404 })'
        assert await page.run(script % f"{gone}, {there}") == [[], 1]
