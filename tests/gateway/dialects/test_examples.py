"""The page's examples of the simple dialect run as shown, but for the port."""

import asyncio
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.gateway.harness import deployed
from tests.gateway.talking import write_microphone
from tests.gateway.web.chromium import BINARY, chromium
from tests.pages import blocks, page
from tests.serving import noise
from voice_grpc.core.audio import rms


def example(language: str, port: int) -> str:
    """The one that talks to the gateway."""
    (found,) = [block for block in blocks(page("browsers"), language) if "/v1/ws" in block]
    assert len(found.splitlines()) <= 25
    return str(found).replace(":8080/", f":{port}/")


async def test_in_python(tmp_path: Path) -> None:
    write_microphone(tmp_path / "question.wav", 0.2, noise(0.6))
    async with deployed() as here:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", example("python", here.port), "question.wav",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complaints = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, complaints) == (0, b"")
    assert said.decode().splitlines() == ["user hello there", "agent Sure thing."]
    with wave.open(str(tmp_path / "answer.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert file.getframerate() == 16_000
    assert rms(sound) > 0.1
    assert len(sound) > 8_000


@pytest.mark.skipif(BINARY is None, reason="chromium is not installed")
async def test_in_a_page(tmp_path: Path) -> None:
    microphone = write_microphone(tmp_path / "mic.wav", 1.0, noise(0.6), 20.0)
    async with deployed() as here, chromium(tmp_path, microphone) as page:
        await page.go(f"{here.url}/")
        await page.run("window.said = []; console.log = (...words) => said.push(words.join(' '))")
        await page.run(f"(async () => {{ {example('js', here.port)} }})()")
        await page.until("said.length === 2")
        assert await page.run("said") == ["user hello there", "agent Sure thing."]
        await page.until("recorded.out.some(block => block.samples.some(v => Math.abs(v) > 0.1))")
        assert not page.complaints
