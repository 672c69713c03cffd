"""The page whose line is lost: it says so and goes on with the next sample, as does one that is loaded anew.

The server keeps the contract's rules of resuming; the lines on both sides of the gateway are cut by the test.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.server import serving as gateway_serving
from tests.clients.cut_line import CutLine, cut_line
from tests.clients.resuming_server import ResumingServer, resuming
from tests.clients.resuming_session import Session
from tests.gateway.harness import settings
from tests.gateway.talking import write_microphone
from tests.gateway.web.chromium import Page, chromium
from tests.gateway.web.opened import SCREENSHOTS, STATE, needs_chromium, remember, start, write

pytestmark = needs_chromium

PLAYED = """
window.played = [];
const tell = talk.conversation.on.played;
talk.conversation.on.played = (report) => { played.push(report.played); tell(report); };
"""


@dataclass
class Lines:
    server: ResumingServer
    behind: CutLine
    """From the gateway to the server."""
    before: CutLine
    """From the page to the gateway."""
    page: Page
    url: str

    @property
    def session(self) -> Session:
        return self.server.sessions.only

    async def until_played(self, samples: int) -> None:
        session = self.session
        await session.until(lambda: session.answer is not None and session.answer.played >= samples)


@asynccontextmanager
async def lines(folder: Path, transport: str = "pcm") -> AsyncIterator[Lines]:
    microphone = write_microphone(folder / "mic.wav", 60.0)
    async with (
        resuming() as server,
        cut_line(server.target) as behind,
        gateway_serving(settings(target=behind.target)) as port,
        cut_line(f"127.0.0.1:{port}") as before,
        chromium(folder, microphone) as page,
    ):
        url = f"http://{before.target}/"
        await page.go(url)
        await remember(page, transport=transport)
        await page.go(url)
        yield Lines(server, behind, before, page, url)


async def test_an_answer_goes_on_when_the_line_to_the_gateway_was_lost(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        await start(page)
        await page.run(PLAYED)
        await write(page, "say 2")
        await there.until_played(12_000)
        there.before.cut()
        await page.until(f"{STATE} === 'waiting'")
        assert await page.text("#state") == "Reconnecting"
        assert not await page.run("document.body.innerText.includes('the connection ended')")
        await page.screenshot(SCREENSHOTS / "reconnecting.png")
        there.before.mend()
        await page.click("#retry")
        await there.until_played(48_000)
        await page.until("played.at(-1) === 48000")
        heard = await page.run("played")
        assert heard == sorted(heard), "no sample is counted twice"
        assert await page.run("talk.conversation.activity") != "waiting"
    again = there.server.configs[-1].config
    assert again.resume_token
    assert again.resume_turn == 1
    assert 12_000 <= again.resume_played_samples < 48_000


async def test_a_lost_line_behind_the_gateway_is_not_seen(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        await start(page)
        await page.run("window.states = []; setInterval(() => states.push(talk.conversation.phase), 5)")
        await write(page, "say 1")
        await there.until_played(6_000)
        there.behind.reset()
        await there.until_played(24_000)
        assert set(await page.run("states")) == {"on"}
    assert len(there.server.configs) == 2


async def test_words_that_are_spoken_and_typed_while_it_reconnects_arrive_once(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        await start(page)
        session = there.session
        await session.until(lambda: len(session.sound) > 16_000)
        there.before.cut()
        await page.until(f"{STATE} === 'waiting'")
        heard = await page.run("talk.link.heard")
        await page.until(f"talk.link.heard > {heard} + 16000")
        await page.run("talk.conversation.mute(true)")
        there.before.mend()
        await page.click("#retry")
        await session.until(lambda: bool(session.spoken))
        said = await page.run("talk.link.heard")
    assert len(session.spoken[0]) == 2 * said
    offsets = [each.audio.offset_samples for each in session.acted if each.HasField("audio")]
    assert offsets == list(range(0, said, 320))


async def test_a_page_that_is_loaded_anew_goes_on(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        await start(page)
        await write(page, "say 3")
        await there.until_played(24_000)
        await page.go(there.url)
        await page.until("talk.conversation.phase === 'off'")
        stored = json.loads(str(await page.run("sessionStorage.getItem('talk.line')")))
        assert stored["token"].startswith("token-web-")
        await start(page, "thinking")
        await there.until_played(72_000)
    again = there.server.configs[-1].config
    assert again.resume_token == stored["token"]
    assert again.resume_played_samples >= 24_000
    assert there.session.turn == 1


async def test_who_hangs_up_begins_a_new_stream(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        await start(page)
        await page.until("sessionStorage.getItem('talk.line') !== null")
        await page.click("#end")
        await page.until(f"{STATE} === 'off'")
        assert await page.run("sessionStorage.getItem('talk.line')") is None
        await start(page)
    assert not there.server.configs[-1].config.resume_token


async def test_a_network_that_is_back_is_tried_at_once(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        await start(page)
        there.before.cut()
        await page.until(f"{STATE} === 'waiting'")
        await page.run("talk.conversation.tries = 6; clearTimeout(talk.conversation.retry)")
        there.before.mend()
        await page.run("window.dispatchEvent(new Event('online'))")
        await page.until(f"{STATE} === 'listening'")


async def test_a_line_that_is_dead_on_another_network_is_found_out(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        await start(page)
        there.before.freeze()
        await page.run("talk.conversation.askedAt = Infinity")
        await page.run("window.dispatchEvent(new Event('online'))")
        await page.until(f"{STATE} === 'waiting'")
        there.before.reset()
        await page.until(f"{STATE} === 'listening'")
    assert there.server.configs[-1].config.resume_token


async def test_a_line_on_which_no_ping_is_answered_is_lost(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        await start(page)
        there.before.freeze()
        await page.run("talk.conversation.askedAt = performance.now() - 13_000")
        await page.run("talk.conversation.heardAt = talk.conversation.askedAt - 1")
        await page.until(f"{STATE} === 'waiting'")
        there.before.reset()
        await page.until(f"{STATE} === 'listening'")


async def test_a_server_that_knows_nothing_any_more_begins_anew(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        await start(page)
        await write(page, "say 5")
        await there.until_played(6_000)
        there.server.sessions.by_id.clear()
        there.before.reset()
        await page.until("document.body.innerText.includes('the connection ended')")
        await page.until("talk.conversation.phase === 'on'")
        await write(page, "hello")
        await page.until("document.body.innerText.includes('You said hello.')")
    session = list(there.server.sessions.by_id.values())[-1]
    assert session.id.startswith("web-"), "the one whose memory the server keeps"
    assert session.turn == 2, "what was not taken care of was said again"


async def test_a_call_by_webrtc_goes_on_in_another_one(tmp_path: Path) -> None:
    pytest.importorskip("aiortc", reason="aiortc is not installed (the extra `webrtc`)")
    async with lines(tmp_path, "rtc") as there:
        page = there.page
        await start(page)
        await write(page, "say 2")
        await there.until_played(24_000)
        await page.run("talk.link.peer.close(); talk.link.on.closed(1006, '')")
        await page.until(f"{STATE} === 'waiting'")
        await there.until_played(48_000)
        await page.until("talk.conversation.phase === 'on'")
    again = there.server.configs[-1].config
    assert again.resume_token
    assert again.resume_turn == 1
    assert there.session.turn == 1


# ---------------------------------------------------------------- what is kept


async def test_what_is_kept_is_bounded_and_goes_when_it_is_taken_care_of(tmp_path: Path) -> None:
    async with lines(tmp_path) as there:
        page = there.page
        found = await page.run("""import('/web/resumption.js').then(({ Resumption }) => {
            const it = new Resumption();
            it.number();
            it.keep({ message: { text: { text: 'old' } } }, 0);
            for (let n = 0; n < 1000; n++) it.keep({ sound: { offset: n } }, n * 20);
            it.keep({ message: { ping: {} } }, 20000);
            it.keep({ message: { playback: { state: 'STATE_PROGRESS' } } }, 20000);
            const kept = it.kept.map(({ seq }) => seq);
            it.receive({ seq: '9', resumeUpdate: { resumeToken: 'a', lastConsumedSeq: '900' } });
            const told = { seq: '5', transcript: {} };
            return { first: kept[0], count: kept.length, last: kept.at(-1), left: it.kept.length,
                     news: [it.receive(told), it.receive(told)] };
        })""")
    assert found == {"first": 2, "count": 502, "last": 1002, "left": 102, "news": [True, False]}
