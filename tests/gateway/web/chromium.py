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

START_SECONDS = 60.0
WAIT_SECONDS = 60.0

FAKE_DEVICE = "--use-fake-device-for-media-stream"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=AudioServiceOutOfProcess,AudioServiceSandbox,WebRtcHideLocalIpsWithMdns",
    "--remote-debugging-port=0", "--window-size=900,1000", "--lang=en",
)  # fmt: skip

WIRETAP = """
window.wire = { sockets: [], texts: [], frames: 0, microphones: [] };
(() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data === "string") wire.texts.push(JSON.parse(data)); else wire.frames++;
    return send.call(this, data);
  };
  window.WebSocket = class extends WebSocket {
    constructor(...how) { super(...how); wire.sockets.push(performance.now()); }
  };
  const given = navigator.mediaDevices && navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  if (given) navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await given(wanted);
    wire.microphones.push(...stream.getTracks());
    return stream;
  };
})();
"""
"""Keeps when sockets were opened, the texts and the number of sound frames that went up, and the tracks of
microphones that the page was given."""

RECORDER = """
window.recorded = { mic: [], out: [] };
(() => {
  const connect = AudioNode.prototype.connect;
  const record = (node, whose) => {
    const context = node.context;
    const tap = context.createScriptProcessor(whose === "mic" ? 512 : 16384, 1, 1);
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
"""Keeps what the page hears from its microphone and what it lets out, in blocks with their times. Those of
what it lets out are long: a page that is busy for longer than a block lasts loses one."""

IS_OUT = "recorded.out.slice(-2).every((block) => block.samples.every((v) => Math.abs(v) < 0.01))"
"""The last second or so of what the page let out is silent, and what came before is recorded."""


KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    "Tab": ("Tab", 9, ""),
    " ": ("Space", 32, " "),
}
"""Its code, its number and what it types, for each key that is no letter."""


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
            "const check = () => { const value = (%s); if (value) done(value);"
            "else if (performance.now() > end) late(new Error('never true')); else setTimeout(check, 15); };"
            "check(); })"
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

    async def center(self, selector: str) -> tuple[float, float]:
        """In CSS pixels of the window."""
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = await self.run(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
        return float(x), float(y)

    async def mouse(self, kind: str, x: float, y: float) -> None:
        """`kind`: mousePressed, mouseReleased or mouseMoved."""
        buttons = 0 if kind == "mouseReleased" else 1
        how: dict[str, Any] = {"button": "left", "buttons": buttons, "clickCount": 1}
        await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **how)

    async def key(self, kind: str, key: str) -> None:
        """`kind`: keyDown or keyUp. `key`: a letter, or one of `KEYS`."""
        code, number, text = KEYS.get(key, (f"Key{key.upper()}", ord(key.upper()[0]), key))
        how: dict[str, Any] = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        if text and kind == "keyDown":
            how["text"] = text
        await self.ask("Input.dispatchKeyEvent", type=kind, **how)

    async def press(self, key: str) -> None:
        await self.key("keyDown", key)
        await self.key("keyUp", key)

    async def type(self, text: str) -> None:
        """Where the focus is."""
        await self.ask("Input.insertText", text=text)

    async def resize(self, width: int, height: int, *, is_phone: bool = False) -> None:
        """In CSS pixels."""
        how: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}
        await self.ask("Emulation.setDeviceMetricsOverride", **how)

    async def prefer(self, scheme: str = "light", motion: str = "no-preference") -> None:
        """`prefers-color-scheme` and `prefers-reduced-motion`."""
        features = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", motion)]
        media = [{"name": name, "value": value} for name, value in features]
        await self.ask("Emulation.setEmulatedMedia", features=media)
        await self.run("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    async def go(self, url: str) -> None:
        await self.ask("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && window.talk")

    async def screenshot(self, path: Path) -> None:
        taken = await self.ask("Page.captureScreenshot", format="png")
        await asyncio.to_thread(_write, path, base64.b64decode(taken["data"]))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@asynccontextmanager
async def chromium(
    folder: Path, microphone: Path | None = None, *, is_allowed: bool = True, has_microphone: bool = True
) -> AsyncIterator[Page]:
    """A tab of a fresh browser. `microphone`: PCM16 mono WAV, played once from when it is opened.

    Without `has_microphone` there are the machine's own devices, which on one for tests are none.
    """
    assert BINARY is not None
    flags = [*FLAGS, *([FAKE_DEVICE] if has_microphone else []), f"--user-data-dir={folder / 'profile'}"]
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
                for script in (WIRETAP, RECORDER):
                    await page.ask("Page.addScriptToEvaluateOnNewDocument", source=script)
                yield page
            finally:
                reading.cancel()
