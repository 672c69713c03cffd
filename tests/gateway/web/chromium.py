"""Debian's Chromium without a screen, its microphone fed from a file, driven over its debugging socket."""

import asyncio
import base64
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

BINARY = shutil.which("chromium")

START_SECONDS = 30.0
WAIT_SECONDS = 30.0

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
    "--disable-features=AudioServiceOutOfProcess,AudioServiceSandbox,WebRtcHideLocalIpsWithMdns",
    "--remote-debugging-port=0", "--window-size=900,1000", "--lang=en",
)  # fmt: skip

RECORDER = """
window.recorded = { mic: [], out: [] };
(() => {
  const connect = AudioNode.prototype.connect;
  const record = (node, whose) => {
    const context = node.context;
    const tap = context.createScriptProcessor(whose === "mic" ? 512 : 2048, 1, 1);
    tap.onaudioprocess = (event) => window.recorded[whose].push({
      at: performance.now(), rate: context.sampleRate, samples: event.inputBuffer.getChannelData(0).slice(),
    });
    connect.call(node, tap);
    connect.call(tap, context.destination);
  };
  AudioNode.prototype.connect = function (target, ...more) {
    if (target === this.context.destination && !(this instanceof ScriptProcessorNode)) record(this, "out");
    return connect.call(this, target, ...more);
  };
  const source = AudioContext.prototype.createMediaStreamSource;
  AudioContext.prototype.createMediaStreamSource = function (stream) {
    const node = source.call(this, stream);
    return node;
  };
  window.recordStream = (stream, whose) => {
    const context = new AudioContext();
    record(source.call(context, stream), whose);
  };
  const given = navigator.mediaDevices && navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  if (given) navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await given(wanted);
    window.recordStream(stream, "mic");
    return stream;
  };
  const src = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    get() { return src.get.call(this); },
    set(stream) { src.set.call(this, stream); if (stream) window.recordStream(stream, "out"); },
  });
})();
"""
"""Keeps what the page hears from its microphone and what it lets out, in blocks with their times."""


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0
        self.complaints: list[str] = []
        """What the page wrote to its console as an error, and exceptions that nobody caught."""

    async def read_all(self) -> None:
        async for text in self._socket:
            said = json.loads(text)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(said["params"]["exceptionDetails"])[:500])
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.complaints.append(said["params"]["entry"]["text"])

    async def ask(self, method: str, *, within: float = WAIT_SECONDS, **params: Any) -> dict[str, Any]:
        """A command of the debugging protocol and its answer. `within`: seconds."""
        self._count += 1
        answer = self._answers[self._count] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        async with asyncio.timeout(within):
            said = await answer
        assert "error" not in said, said["error"]
        result: dict[str, Any] = said["result"]
        return result

    async def run(self, script: str, within: float = WAIT_SECONDS) -> Any:
        """The value of an expression, awaited where it is a promise. `within`: seconds."""
        how = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        told = await self.ask("Runtime.evaluate", within=within, expression=script, **how)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def until(self, condition: str, seconds: float = WAIT_SECONDS) -> Any:
        """Until an expression is true, looked at every 15 ms; its value."""
        wait = (
            "new Promise((done, late) => { const end = performance.now() + %d;"
            "const look = () => { const value = (%s); if (value) done(value);"
            "else if (performance.now() > end) late(new Error('never true')); else setTimeout(look, 15); };"
            "look(); })"
        )
        try:
            return await self.run(wait % (seconds * 1000, condition), seconds + WAIT_SECONDS)
        except AssertionError as error:
            shown = await self.run("document.body.innerText")
            raise AssertionError(f"never true: {condition}\n{shown}\n{self.complaints}") from error

    async def text(self, selector: str) -> str:
        return str(await self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    async def texts(self, selector: str) -> list[str]:
        return list(
            await self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText)")
        )

    async def click(self, selector: str) -> None:
        await self.run(f"document.querySelector({json.dumps(selector)}).click()")

    async def go(self, url: str) -> None:
        await self.ask("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && window.talk")

    async def screenshot(self, path: Path) -> None:
        shot = await self.ask("Page.captureScreenshot", format="png")
        await asyncio.to_thread(_write, path, base64.b64decode(shot["data"]))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@asynccontextmanager
async def chromium(
    folder: Path, microphone: Path | None = None, *, is_allowed: bool = True
) -> AsyncIterator[Page]:
    """A tab of a fresh browser. `microphone`: PCM16 mono WAV, played once from when it is opened."""
    assert BINARY is not None
    flags = [*FLAGS, f"--user-data-dir={folder / 'profile'}"]
    flags += ["--use-fake-ui-for-media-stream"] if is_allowed else ["--deny-permission-prompts"]
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    process = await asyncio.create_subprocess_exec(
        BINARY, *flags, "about:blank", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(START_SECONDS):
            port = await _port(process)
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(_drain(process), name="stderr")
            try:
                async with _tab(port) as page:
                    yield page
            finally:
                draining.cancel()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    while line := (await process.stderr.readline()).decode():
        if line.startswith("DevTools listening on ws://"):
            return int(line.split(":")[2].split("/")[0])
    raise AssertionError("Chromium ended before it listened")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.read(65_536):
        pass


@asynccontextmanager
async def _tab(port: int) -> AsyncIterator[Page]:
    import httpx2

    async with httpx2.AsyncClient(trust_env=False) as http:
        tabs = (await http.get(f"http://127.0.0.1:{port}/json/list")).json()
    url = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
    async with connect(url, max_size=1 << 28, proxy=None, compression=None) as socket:
        page = Page(socket)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(page.read_all(), name="cdp")
            try:
                for domain in ("Page", "Runtime", "Log"):
                    await page.ask(f"{domain}.enable")
                await page.ask("Page.addScriptToEvaluateOnNewDocument", source=RECORDER)
                yield page
            finally:
                reading.cancel()
