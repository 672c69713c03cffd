"""Servers behind the gateway are killed, and drained, in the midst of answers: the page goes on with the next
word over WebSocket and WebRTC, and so does any program on a socket. None is told that a line was lost.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from gateway.dialects.proto_json import HEADER
from gateway.server import serving as gateway_serving
from tests.chaos import killers, words
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.person import ANSWERED_WITHIN, LAST_WORDS, QUIET_S, Loudspeaker
from tests.gateway.harness import Browser, Deployment, settings
from tests.gateway.talking import write_microphone
from tests.gateway.web.chromium import IS_OUT, Page, chromium
from tests.gateway.web.opened import STATE, needs_chromium, remember, start, write
from tests.valkey import needs_valkey
from voice_grpc.pb import voice_pb2 as pb

pytestmark = needs_valkey

HOWS = (killers.kill, killers.roll)
QUESTIONS = [words.question(number) for number in range(len(HOWS))]
AGAIN = 2
"""Words of a quarter of a second that may come again to who does not obey PlaybackControl: it plays on what
has come, for 0.4 s at most, while the gateway is on its way to another server."""
EXPECTED = tuple(word for asked in QUESTIONS for word in words.answer(asked))

HEARD_S = 0.8
"""Of an answer of four and a half seconds, when its server goes; one that drains does so for three."""
TICK_S = 0.02

How = Callable[[Cluster, int], Awaitable[None]]


@asynccontextmanager
async def behind_gateway(folder: Path) -> AsyncIterator[tuple[Cluster, Deployment]]:
    async with (
        cluster(folder) as there,
        gateway_serving(settings(target=f"127.0.0.1:{there.envoy.plain}")) as port,
    ):
        yield there, Deployment(None, port)  # type: ignore[arg-type]


async def assert_history(there: Cluster, session_id: str) -> None:
    told = (await there.history(session_id)).messages
    answered = [m.text for m in told if m.role == pb.SessionMessage.ROLE_ASSISTANT]
    assert words.read(" ".join(answered)) == EXPECTED
    assert len(told) - len(answered) == len(QUESTIONS)
    assert len(answered) == 2 * len(QUESTIONS), (
        "each answer was cut in its midst: no drain waited for its end"
    )


# ---------------------------------------------------------------- the page


async def heard_of(page: Page) -> tuple[str, ...]:
    await page.until(IS_OUT)
    rate, blocks = await page.run(
        "[recorded.out[0].rate, recorded.out.map(b => Array.from(b.samples, v => Math.round(v * 32768)))]"
    )
    assert rate == words.VOICE_HZ
    return words.heard(np.concatenate([np.array(block, np.int16) for block in blocks]))


@needs_chromium
@pytest.mark.parametrize("transport", ["pcm", "rtc"])
async def test_the_page_goes_on_with_the_next_word(tmp_path: Path, transport: str) -> None:
    microphone = await asyncio.to_thread(write_microphone, tmp_path / "mic.wav", 60.0)
    async with behind_gateway(tmp_path) as (there, here), chromium(tmp_path, microphone) as page:
        await page.go(f"{here.url}/")
        await remember(page, transport=transport)
        await page.go(f"{here.url}/")
        await start(page)
        await page.run("window.phases = []; setInterval(() => phases.push(talk.conversation.phase), 5)")
        session_id = str(await page.run("talk.conversation.resumption.session"))
        for asked, how in zip(QUESTIONS, HOWS, strict=True):
            await write(page, " ".join(asked))
            await page.until(f"{STATE} === 'speaking'")
            await asyncio.sleep(HEARD_S)
            await how(there, there.holder(session_id))
            last = json.dumps(words.answer(asked)[-1])
            shown = f"[...document.querySelectorAll('.said.agent')].at(-1)?.innerText.includes({last})"
            await page.until(f"{STATE} === 'listening' && {shown}")
        assert set(await page.run("phases")) == {"on"}
        assert words.is_whole(words.read(" ".join(await page.texts(".said.agent .words"))), EXPECTED, AGAIN)
        assert await page.texts(".said .mark") == []
        if transport == "pcm":
            assert words.is_whole(await heard_of(page), EXPECTED, AGAIN)
        assert page.complaints == []
        await assert_history(there, session_id)


@needs_chromium
@pytest.mark.parametrize(
    ("transport", "rate_hz", "is_killed"),
    [("pcm", words.VOICE_HZ, False), ("pcm", words.VOICE_HZ, True), ("rtc", 48_000, False)],
)
async def test_a_page_that_is_loaded_anew_goes_on_with_the_next_word(
    tmp_path: Path, transport: str, rate_hz: int, is_killed: bool
) -> None:
    microphone = await asyncio.to_thread(write_microphone, tmp_path / "mic.wav", 60.0)
    async with behind_gateway(tmp_path) as (there, here), chromium(tmp_path, microphone) as page:
        await there.servers[1].end(signal.SIGKILL)
        await page.go(f"{here.url}/")
        await remember(page, transport=transport)
        await page.go(f"{here.url}/")
        await start(page)
        session_id = str(await page.run("talk.conversation.resumption.session"))
        answer = words.answer(QUESTIONS[0])
        if is_killed:
            await there.servers[1].start()
        await write(page, " ".join(QUESTIONS[0]))
        await page.until(f"{STATE} === 'speaking'")
        await asyncio.sleep(HEARD_S)
        await page.go(f"{here.url}/")
        if is_killed:
            await there.servers[0].end(signal.SIGKILL)
        kept = json.loads(str(await page.run("sessionStorage.getItem('talk.line')")))
        begun = kept["played"] / (rate_hz * words.VOICE_WORD_S)
        await page.until("document.querySelectorAll('.said').length >= 2")
        await start(page, "speaking")
        await page.until(f"{STATE} === 'listening'")
        told = (await there.history(session_id)).messages
        assert words.read(" ".join(m.text for m in told)) == (*QUESTIONS[0], *answer)
        shown = words.read(" ".join(await page.texts(".said .words")))
        assert words.is_whole(shown, (*QUESTIONS[0], *answer), AGAIN), shown
        assert await page.texts(".said .mark") == []
        if transport == "pcm":
            after = await heard_of(page)
            assert after == answer[-len(after) :]
            assert abs(len(answer) - len(after) - begun) <= 1


# ---------------------------------------------------------------- any program on a socket


class Program:
    """Plays what comes, and says how far it is."""

    again = AGAIN

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.speaker = Loudspeaker(lambda: asyncio.get_running_loop().time())
        self.session_id = ""
        self._taken = 0
        self._ticked = asyncio.Event()

    async def begin(self) -> None:
        raise NotImplementedError

    async def ask(self, text: str) -> None:
        raise NotImplementedError

    async def report(self) -> None:
        raise NotImplementedError

    def take(self, frame: str | bytes) -> None:
        raise NotImplementedError

    def obey(self, action: str) -> None:
        if action == "ACTION_HOLD":
            self.speaker.hold()
        elif action == "ACTION_RESUME":
            self.speaker.go_on()

    async def live(self) -> None:
        """For ever."""
        while True:
            self.speaker.play()
            for frame in self.browser.frames[self._taken :]:
                self.take(frame)
                self._taken += 1
            if self.speaker.turn:
                await self.report()
            await asyncio.sleep(TICK_S)
            ticked, self._ticked = self._ticked, asyncio.Event()
            ticked.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(ANSWERED_WITHIN):
            while not is_so():
                await self._ticked.wait()

    async def hear_out(self, answer: tuple[str, ...]) -> None:
        await self.until(lambda: self.speaker.heard_lately[-LAST_WORDS:] == answer[-LAST_WORDS:])
        await asyncio.sleep(QUIET_S)


class Json(Program):
    """`voice.v1.json`. Obeys PlaybackControl: the gateway asks it where it is."""

    again = 0

    async def begin(self) -> None:
        capabilities = {"playbackReports": True, "playbackControl": True, "echoCancellation": True}
        sound = {"encoding": "AUDIO_ENCODING_PCM_S16LE", "sampleRateHz": words.VOICE_HZ}
        config = {"greeting": "", "capabilities": capabilities, "outputAudio": sound}
        await self.browser.send({"config": config})

    async def ask(self, text: str) -> None:
        await self.browser.send({"text": {"text": text}})

    async def report(self) -> None:
        turn, played = str(self.speaker.turn), self.speaker.position
        report = {"turn": turn, "state": "STATE_PROGRESS", "playedSamples": played}
        await self.browser.send({"playback": report})

    def take(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            _, _, _, turn, _, _, offset = HEADER.unpack_from(frame)
            self.speaker.take(turn, offset, np.frombuffer(frame[HEADER.size :], "<i2"))
            return
        said = json.loads(frame)
        if "sessionStarted" in said:
            self.session_id = said["sessionStarted"]["sessionId"]
        elif "interrupted" in said:
            self.speaker.clear(int(said["turn"]))
        elif "playbackControl" in said:
            self.obey(said["playbackControl"]["action"])


class Simple(Program):
    """Does not. The one of a socket that offers no subprotocol, which knows of no turns."""

    async def begin(self) -> None:
        await self.browser.send({"type": "start", "greeting": "", "output_sample_rate": words.VOICE_HZ})

    async def ask(self, text: str) -> None:
        await self.browser.send({"type": "text", "text": text})

    async def report(self) -> None:
        await self.browser.send({"type": "played", "ms": 1_000 * self.speaker.position / words.VOICE_HZ})

    def take(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            turn = max(1, self.speaker.turn)
            offset = self.speaker.position + self.speaker.received - self.speaker.total
            self.speaker.take(turn, offset, np.frombuffer(frame, "<i2"))
            return
        said = json.loads(frame)
        if said["type"] == "ready":
            self.session_id = said["session"]
        elif said["type"] == "clear" or said == {"type": "state", "state": "thinking"}:
            self.speaker.clear(self.speaker.turn)
            self.speaker.turn, self.speaker.position = self.speaker.turn + 1, 0


@pytest.mark.parametrize(("kind", "subprotocols"), [(Json, ["voice.v1.json"]), (Simple, [])])
async def test_a_program_goes_on_with_the_next_word(
    tmp_path: Path, kind: type[Program], subprotocols: list[str]
) -> None:
    async with behind_gateway(tmp_path) as (there, here), here.browser(*subprotocols) as browser:
        program = kind(browser)
        speaker = program.speaker
        async with asyncio.TaskGroup() as tasks:
            living = tasks.create_task(program.live(), name="program")
            await program.begin()
            await program.until(lambda: bool(program.session_id))
            for asked, how in zip(QUESTIONS, HOWS, strict=True):
                await program.ask(" ".join(asked))
                await program.until(lambda: speaker.is_playing)
                await asyncio.sleep(HEARD_S)
                await how(there, there.holder(program.session_id))
                await program.hear_out(words.answer(asked))
            living.cancel()
        assert words.is_whole(speaker.heard, EXPECTED, program.again), speaker.heard
        await assert_history(there, program.session_id)
