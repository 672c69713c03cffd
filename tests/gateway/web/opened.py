"""The page, opened in a browser before a server with scripted engines, and what tests do with it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.harness import Deployment, deployed
from tests.gateway.talking import write_microphone
from tests.gateway.web.chromium import BINARY, Page, chromium
from tests.serving import PERSONAS, scripted, settings
from voice_grpc.engines.scripted import Script
from voice_grpc.server.server import Server
from voice_grpc.store import MemoryStore

needs_chromium = pytest.mark.skipif(BINARY is None, reason="chromium is not installed")

SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"
"""Of every state; not committed."""

STATE = "document.getElementById('call').dataset.state"
ALERT = "document.getElementById('alert').innerText"
ACTIVITIES = "wire.texts.filter((each) => each.activity).map((each) => each.activity.kind)"
SILENCE = 60.0
"""Seconds of it in the microphone."""


@asynccontextmanager
async def opened(
    folder: Path,
    script: Script | None = None,
    *,
    gateway: dict[str, Any] | None = None,
    remembered: dict[str, str] | None = None,
    browser: dict[str, Any] | None = None,
    **server: Any,
) -> AsyncIterator[tuple[Deployment, Page]]:
    """`remembered`: choices that the browser kept from another time."""
    microphone = await asyncio.to_thread(write_microphone, folder / "mic.wav", SILENCE)
    async with (
        deployed(script, gateway, **server) as here,
        chromium(folder, microphone, **(browser or {})) as page,
    ):
        await page.go(f"{here.url}/")
        if remembered:
            await remember(page, **remembered)
            await page.go(f"{here.url}/")
        yield here, page


@asynccontextmanager
async def server_at(port: int, script: Script | None = None) -> AsyncIterator[None]:
    """Another one in the place of one that is gone; it remembers nothing."""
    server = Server(settings().model_copy(update={"port": port}))
    await server.start()
    try:
        await server.make_ready((script or scripted()).engines, MemoryStore(), PERSONAS)
        yield
    finally:
        await server.stop()


async def remember(page: Page, **choices: str) -> None:
    for name, value in choices.items():
        await page.run(f"localStorage.setItem({json.dumps(f'talk.{name}')}, {json.dumps(value)})")


async def start(page: Page, state: str = "listening") -> None:
    """The conversation, and waits for `state`."""
    await page.until("!document.getElementById('talk').hidden")
    await page.click("#talk")
    await page.until(f"{STATE} === '{state}'")


async def write(page: Page, words: str) -> None:
    """Types and sends."""
    await page.run(f"document.getElementById('words').value = {json.dumps(words)}")
    await page.run("document.getElementById('typing').requestSubmit()")


async def is_seen(page: Page, selector: str) -> bool:
    """Whether it takes up room in the page."""
    found = await page.run(
        f"(e => Boolean(e) && e.getClientRects().length > 0)(document.querySelector({json.dumps(selector)}))"
    )
    return bool(found)
