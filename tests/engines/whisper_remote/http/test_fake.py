"""The fake Whisper servers refuse what the real ones refuse: a test that they let pass means something."""

import asyncio
import sys
from typing import Any

import httpx2
import pytest

from tests.engines.whisper_remote.http.harness import hum
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_http import FakeWhisperHttp
from tests.fakes.whisper_http_rules import MAX_BYTES, STYLES
from voice_grpc.engines.whisper_remote.http.client import wav

SOUND = wav(hum())
SPLIT = SOUND[:36] + b"LIST\x04\x00\x00\x00abcd" + SOUND[36:]
"""A head of more than 44 bytes."""


async def asked(fake: FakeWhisperHttp, sound: bytes | None = SOUND, **fields: str) -> httpx2.Response:
    files = {"file": ("speech.wav", sound, "audio/wav")} if sound is not None else None
    async with httpx2.AsyncClient() as client:
        return await client.post(fake.url + STYLES[fake.style].path, data=fields, files=files)


@pytest.mark.parametrize(
    ("style", "status", "said"),
    [
        ("openai", 400, {"error": {"message": "Field required", "type": "invalid_request_error"}}),
        ("vllm", 400, {"error": {"message": "Field required"}}),
        ("speaches", 422, {"detail": [{"loc": ["body", "file"], "msg": "Field required"}]}),
        ("whisperlive", 422, {"detail": [{"loc": ["body", "file"]}]}),
        ("faster-whisper-server", 422, {"detail": [{"loc": ["body", "file"]}]}),
        ("whispercpp", 400, {"error": "no 'file' field in the request"}),
    ],
)
async def test_no_file_is_refused_in_the_style_s_own_words(style: str, status: int, said: Any) -> None:
    async with FakeWhisperHttp(style=style) as fake:
        answer = await asked(fake, None, model="whisper-1")
        assert answer.status_code == status
        assert _holds(answer.json(), said)


def _holds(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and _holds(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and all(map(_holds, whole, part))
    return bool(whole == part)


@pytest.mark.parametrize(
    ("style", "fields", "status"),
    [
        ("openai", {}, 400),
        ("openai", {"model": "large"}, 404),
        ("openai", {"model": "whisper-1", "model_name": "large"}, 400),
        ("openai", {"model": "whisper-1", "language": "english"}, 400),
        ("openai", {"model": "whisper-1", "response_format": "xml"}, 400),
        ("openai", {"model": "gpt-4o-transcribe", "response_format": "verbose_json"}, 400),
        ("openai", {"model": "whisper-1", "response_format": "verbose_json"}, 200),
        ("speaches", {}, 422),
        ("speaches", {"model": "Systran/faster-base", "anything": "1"}, 200),
        ("vllm", {"response_format": "verbose_json", "stream": "true"}, 400),
        ("vllm", {"stream": "true"}, 200),
        ("faster-whisper-server", {"response_format": "text"}, 400),
        ("faster-whisper-server", {"model": "any"}, 200),
        ("whispercpp", {"model": "any"}, 400),
        ("whispercpp", {"language": "klingon"}, 500),
        ("whispercpp", {"language": "auto", "no_language_probabilities": "true"}, 200),
    ],
)
async def test_fields_are_checked(style: str, fields: dict[str, str], status: int) -> None:
    async with FakeWhisperHttp(style=style) as fake:
        assert (await asked(fake, SOUND, **fields)).status_code == status
        assert len(fake.script.calls) == (status == 200)


@pytest.mark.parametrize("sound", [b"", b"RIFF", SOUND[:-2], b"x" + SOUND[1:], SPLIT, wav(hum(0.05))])
async def test_what_is_no_plain_wav_is_refused(sound: bytes) -> None:
    async with FakeWhisperHttp() as fake:
        assert (await asked(fake, sound, model="whisper-1")).status_code == 400


async def test_sizes_keys_paths_and_methods_are_checked() -> None:
    async with FakeWhisperHttp(key="right") as fake, httpx2.AsyncClient() as client:
        assert (await asked(fake, model="whisper-1")).status_code == 401
        assert (await client.get(f"{fake.url}/v1/models")).status_code == 401
        client.headers["Authorization"] = "Bearer right"
        listed = (await client.get(f"{fake.url}/v1/models")).json()
        assert "whisper-1" in [model["id"] for model in listed["data"]]
        assert (await client.get(f"{fake.url}/v1/audio/transcriptions")).status_code == 405
        assert (await client.post(f"{fake.url}/inference")).status_code == 404
    async with FakeWhisperHttp() as fake:
        assert (await asked(fake, SOUND + bytes(MAX_BYTES), model="whisper-1")).status_code == 413
    async with FakeWhisperHttp(style="whispercpp") as fake, httpx2.AsyncClient() as client:
        answer = await client.get(f"{fake.url}/inference")
        assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    ("style", "first", "last"),
    [
        ("speaches", '{"type": "transcript.text.delta"', '{"type": "transcript.text.done"'),
        ("vllm", '{"object": "transcription.chunk", "choices"', "[DONE]"),
        ("whisperlive", '{"id": 0, "text"', "[DONE]"),
    ],
)
async def test_events_come_one_after_the_other_in_the_style_s_shape(
    style: str, first: str, last: str
) -> None:
    async with FakeWhisperHttp(Script(), style=style, hear="a b c d") as fake:
        answer = await asked(fake, model="Systran/faster-base" if style == "speaches" else "", stream="true")
        events = answer.text.removesuffix("\n\n").split("\n\n")
        assert events[0].startswith(f"data: {first}")
        assert events[-1].startswith(f"data: {last}")
        assert fake.script.calls[-1].parts == len(events) > 2


async def test_one_mutex_lets_one_request_after_the_other_be_worked_on() -> None:
    script = Script()
    script.trouble.append(Trouble.STALL_FIRST)
    async with FakeWhisperHttp(script, style="whispercpp") as fake, asyncio.TaskGroup() as tasks:
        stalled = tasks.create_task(asked(fake))
        await script.until_open(1)
        waiting = tasks.create_task(asked(fake))
        await script.until_open(2)
        assert not (await asyncio.wait([waiting], timeout=0.05))[0]
        stalled.cancel()
        assert (await waiting).status_code == 200


async def test_it_can_be_started_from_the_command_line() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.whisper_http", "--style", "vllm", "--hear", "take {n}"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
            url = line.removeprefix("listening on ").strip()
            async with httpx2.AsyncClient() as client:
                files = {"file": ("speech.wav", SOUND, "audio/wav")}
                answer = await client.post(f"{url}/v1/audio/transcriptions", files=files)
            assert answer.json() == {"text": " take 1"}
            process.terminate()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
