"""Files that lie, and callers that misbehave: a clear answer, and nothing left behind."""

import asyncio
import io
import socket
import struct
import zipfile
from contextlib import suppress

import httpx2
import numpy as np
import pytest

from voice_grpc.bench.stt_utterances import SpokenText, normal_words
from voice_grpc.core.audio import RATE_HZ, to_float

from .process import TRANSCRIPTIONS, Process, raw_request, tone, upload, wav

SOUND = wav(tone(1.0))


def header(**lies: int) -> bytes:
    """A WAV of one second whose header lies: `rate`, `channels`, `bits`, `data` (bytes)."""
    rate, channels, bits = lies.get("rate", RATE_HZ), lies.get("channels", 1), lies.get("bits", 16)
    size = lies.get("data", 2 * RATE_HZ)
    frame = channels * bits // 8
    return struct.pack(
        *("<4sI4s4sIHHIIHH4sI", b"RIFF", (size + 36) % 2**32, b"WAVE", b"fmt ", 16, 1),
        *(channels, rate % 2**32, rate * frame % 2**32, frame % 2**16, bits, b"data", size),
    )


PCM = (tone(1.0) * 32767).astype("<i2").tobytes()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("speech.wav", SOUND)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        zipped(),
        b"RIFF",
        SOUND[:40],
        b"\0" * 5000,
        np.random.default_rng(1).bytes(50_000),
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ID3" + b"\xff" * 3000,
        b"fLaC" + b"\x7f" * 3000,
        b"OggS" + b"\1" * 3000,
        b"\0\0\0\x20ftypM4A " + b"\0" * 3000,
        b"\x1a\x45\xdf\xa3" + b"\x42" * 3000,
        header(rate=0) + PCM,
        header(rate=1) + PCM,
        header(rate=2**32 - 1) + PCM,
        header(channels=0) + PCM,
        header(bits=0) + PCM,
        header(bits=7777) + PCM,
        b"<html>not found</html>",
    ],
    ids=lambda data: repr(data[:4]),  # a ZIP archive goes on with the time
)
async def test_what_is_no_sound_is_said(client: httpx2.AsyncClient, data: bytes) -> None:
    response = await client.post(TRANSCRIPTIONS, files=upload(data))
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["param"] == "file"
    assert "object at" not in error["message"]


@pytest.mark.parametrize("size", [36_000 * 2 * RATE_HZ, 2**32 - 1, 2**31 + 7])
async def test_a_header_that_claims_ten_hours(
    client: httpx2.AsyncClient, utterances: list[SpokenText], size: int
) -> None:
    """What is there counts; writers into a pipe leave such headers behind."""
    said = utterances[4]
    data = header(data=size % 2**32) + said.samples.astype("<i2").tobytes()
    response = await client.post(
        TRANSCRIPTIONS, files=upload(data), data={"language": "en", "response_format": "verbose_json"}
    )
    assert response.status_code == 200, response.text
    assert response.json()["duration"] == pytest.approx(said.seconds, abs=0.01)
    assert normal_words(response.json()["text"]) == normal_words(said.words)


async def test_floats_that_are_no_numbers(client: httpx2.AsyncClient, utterances: list[SpokenText]) -> None:
    sound = to_float(utterances[4].samples)
    holes = sound.copy()
    holes[::4000] = np.nan
    for data, text in (
        (np.full(RATE_HZ, np.nan, np.float32), ""),
        (np.full(RATE_HZ, np.inf, np.float32), ""),
        (holes, utterances[4].words),
    ):
        response = await client.post(
            TRANSCRIPTIONS, files=upload(wav(data, subtype="FLOAT")), data={"language": "en"}
        )
        assert response.status_code == 200, response.text
        assert normal_words(response.json()["text"]) == normal_words(text)
    huge = await client.post(TRANSCRIPTIONS, files=upload(wav(sound * np.float32(1e38), subtype="FLOAT")))
    assert huge.status_code == 200


async def test_a_sound_that_breaks_off_is_read_as_far_as_it_goes(
    client: httpx2.AsyncClient, utterances: list[SpokenText]
) -> None:
    said = max(utterances, key=lambda each: each.seconds)
    for format, subtype in (("WAV", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS")):
        data = wav(to_float(said.samples), RATE_HZ, format, subtype)
        response = await client.post(TRANSCRIPTIONS, files=upload(data[: len(data) // 2]))
        assert response.status_code == 200, (format, response.text)


async def test_thirty_at_once(client: httpx2.AsyncClient, utterances: list[SpokenText]) -> None:
    """Each gets its own words."""

    async def ask(said: SpokenText) -> None:
        response = await client.post(TRANSCRIPTIONS, files=upload(wav(said.samples)), data={"language": "en"})
        assert response.status_code == 200, response.text
        assert response.json()["text"] == alone[said.words]

    chosen = [each for each in utterances if each.kind == "synthetic"][:3]
    alone = {}
    for said in chosen:
        response = await client.post(TRANSCRIPTIONS, files=upload(wav(said.samples)), data={"language": "en"})
        alone[said.words] = response.json()["text"]
    assert len(set(alone.values())) == 3
    async with asyncio.TaskGroup() as callers:
        for number in range(30):
            callers.create_task(ask(chosen[number % 3]))


async def test_a_thousand_that_hang_up_leave_nothing(
    client: httpx2.AsyncClient, server: Process, utterances: list[SpokenText]
) -> None:
    """Half of them in the middle of their request, half while they wait for the answer."""
    whole = raw_request(wav(utterances[0].samples))
    await client.get("/health")
    files = server.open_files()
    looks = server.metric("whisper_batch_size_sum")

    async def hang_up(count: int) -> None:
        for number in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(whole if number % 2 else whole[: len(whole) // 2])
            await writer.drain()
            if number % 4 == 1:  # at once and hard
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async with asyncio.TaskGroup() as callers:
        for _ in range(20):
            callers.create_task(hang_up(50))
    async with asyncio.timeout(60):
        while server.metric("whisper_requests_open") + server.metric("whisper_queue_length") > 0:
            await client.get("/health")
    assert server.metric("whisper_batch_size_sum") - looks < 250  # of 500 that could have been read
    assert server.open_files() <= files + 2
    assert (await client.post(TRANSCRIPTIONS, files=upload(SOUND))).status_code == 200
