"""One server for all tests of this package: the command as a process, with the real base model and a key."""

import importlib
import importlib.util
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from voice_grpc.bench.stt_utterances import SENTENCES, SpokenText, spoken

from .process import KEY, Process, running


@pytest.fixture(scope="session")
def utterances() -> list[SpokenText]:
    """Sentences spoken by Piper, clean and in noise; the same in every run: what Whisper makes of them is
    compared with the words, and another breath of Piper's noise may cost one."""
    pytest.importorskip("piper", reason="Piper is not installed (the local extra)")
    importlib.import_module("onnxruntime").set_seed(1)
    return list(spoken(SENTENCES[3:11], varies=False))


@pytest.fixture(scope="session")
def server() -> Iterator[Process]:
    for name in ("faster_whisper", "starlette", "uvicorn", "prometheus_client", "python_multipart"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed (the local and whisper-server extras)")
    with running("--port", "0", "--max-megabytes", "2", "--max-requests", "40", "--max-audio", "120") as made:
        yield made


@pytest.fixture
async def client(server: Process) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=60) as made:
        yield made
