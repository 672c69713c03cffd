"""A server that repeats all that it was sent: none of it comes out of an engine's error."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

import pytest

from voice_grpc.core.errors import EngineError
from voice_grpc.engines.gemini.llm import GeminiLlm
from voice_grpc.engines.openai.llm import OpenAiLlm
from voice_grpc.ports import Llm

USER_INFO = [
    ("me:open%2Fsesame@", ("open/sesame", "open%2Fsesame")),
    ("open%2Fsesame@", ("open/sesame", "open%2Fsesame")),
    ("open-sesame@", ("open-sesame",)),
]
"""What stands before the host, and how a server may spell what is secret of it."""


@asynccontextmanager
async def echo(status: str) -> AsyncIterator[str]:
    """Host and port. Its errors hold what of the request may be secret, as it came and read out."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        kept = [each for each in headers if each.lower().startswith(("authorization", "x-goog-api-key"))]
        said = [line.split("?")[-1].partition("=")[2], line, *kept]
        said += [base64.b64decode(each.split()[-1]).decode() for each in kept if " Basic " in each]
        said.sort(key=len)
        body = json.dumps({"error": {"message": f"not good: {unquote(' '.join(said))} {said}"}}).encode()
        kind = b"Content-Type: application/json\r\nConnection: close\r\n"
        writer.write(
            f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\n".encode() + kind + b"\r\n" + body
        )
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def told(llm: Llm) -> str:
    with pytest.raises(EngineError, match="not good") as caught:
        await llm.warm()
    await llm.close()
    return f"{caught.value!r} {caught.value.advice} {caught.value.__cause__!r}"


@pytest.mark.parametrize("status", ["400", "401", "404", "500"])
@pytest.mark.parametrize(("user_info", "secrets"), USER_INFO)
async def test_an_openai_compatible_server(status: str, user_info: str, secrets: tuple[str, ...]) -> None:
    async with echo(status) as server:
        shown = await told(OpenAiLlm(f"http://{user_info}{server}/v1?code=bar%20ley", model="m"))
    for secret in (*secrets, "bar%20ley", "bar ley", base64.b64encode(b"me:open/sesame").decode()[:8]):
        assert secret not in shown


@pytest.mark.parametrize("status", ["400", "401", "404", "500"])
@pytest.mark.parametrize(("user_info", "secrets"), USER_INFO)
async def test_a_proxy_of_gemini(
    status: str, user_info: str, secrets: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with echo(status) as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", f"http://{user_info}{server}")
        shown = await told(GeminiLlm("key-of-another-shape"))
    for secret in (*secrets, "key-of-another-shape", base64.b64encode(b"me:open/sesame").decode()[:8]):
        assert secret not in shown
