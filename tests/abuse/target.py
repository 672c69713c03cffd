"""What is attacked: the real server on scripted engines, and the real gateway before it.

    python -m tests.abuse.target server [OPTION ...]     as `voice-grpc serve`
    python -m tests.abuse.target gateway [OPTION ...]    as `voice-grpc gateway`

SIGUSR1 makes either say `tasks N: …`, with their names: the one thing that cannot be seen from outside.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np

from gateway import command as gateway_command
from gateway import server as gateway_server
from gateway.settings import GatewaySettings
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt
from voice_grpc.ports import Engines, SttOptions, SttStream, Transcription
from voice_grpc.server import server
from voice_grpc.server.startup import Say
from voice_grpc.settings import Settings

ANSWER = "Yes, I can hear you well. Ask me whatever you like, and I will say so again."
"""About 5 s of sound: whoever wants to interrupt it has the time."""

TASKS = "tasks "
"""Begins the line that is said on SIGUSR1."""

SHORT_SECONDS = 0.45
"""Of voice: a question of `talk.py` is longer, a murmur shorter."""

LOUD = 300
"""Of PCM16: what Opus leaves of silence is less."""

T = TypeVar("T")


class LastOnly(list[T]):
    """Engines with a script remember all that they were asked; here nothing of the tests' own may grow."""

    def append(self, item: T, /) -> None:
        self[:] = [item]


class ByLength:
    """Hears a question, or a listener's word where the voice was short."""

    def __init__(self, question: SttStream, listener: SttStream) -> None:
        self._question, self._listener = question, listener
        self._voiced = 0

    def feed(self, samples: Samples) -> None:
        self._voiced += int(np.count_nonzero(np.abs(samples) > LOUD))
        self._question.feed(samples)
        self._listener.feed(samples)

    async def interim(self) -> Transcription | None:
        return await self._heard.interim()

    async def final(self) -> Transcription:
        return await self._heard.final()

    async def close(self) -> None:
        await self._question.close()
        await self._listener.close()

    @property
    def _heard(self) -> SttStream:
        return self._listener if self._voiced < SHORT_SECONDS * RATE_HZ else self._question


class ByLengthStt(ScriptedStt):
    def open(self, options: SttOptions) -> SttStream:  # type: ignore[override]
        return ByLength(super().open(options), ScriptedStt([Hearing("Yeah.")]).open(options))


def forgetful_script(answer: str = ANSWER) -> Script:
    """One answer and one question, again and again; and a listener's word."""
    script = Script(ByLengthStt([Hearing("hello there")]), ScriptedLlm([ScriptedAnswer(answer)]))
    script.llm.prompts = LastOnly()
    script.stt.opened = LastOnly()
    script.tts.spoken = LastOnly()
    script.tts.choices = LastOnly()
    return script


async def build_engines(settings: Settings, say: Say, instructions: str) -> Engines:
    _tell_tasks_when_asked()
    return forgetful_script().engines


_gateway_serving = gateway_server.serving


@asynccontextmanager
async def _serving(settings: GatewaySettings) -> AsyncIterator[int]:
    _tell_tasks_when_asked()
    async with _gateway_serving(settings) as port:
        yield port


def _tell_tasks_when_asked() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _tell_tasks)


def _tell_tasks() -> None:
    """What is only waiting to be collected is no growth."""
    gc.collect()
    tasks = asyncio.all_tasks()
    names = sorted(f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', '')})" for task in tasks)
    sys.stdout.write(f"{TASKS}{len(tasks)}: {', '.join(names)}\n")
    sys.stdout.flush()


def main(kind: str, options: list[str]) -> int:
    if kind == "gateway":
        setattr(gateway_server, "serving", _serving)  # noqa: B010 - not ours to export
        return gateway_command.command(options)
    setattr(server, "build_engines", build_engines)  # noqa: B010 - not ours to export
    return server.command(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
